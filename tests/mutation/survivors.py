"""Show the mutants that no unit test noticed and nobody explained: `make mutants`.

::

    python tests/mutation/survivors.py

Reads what mutmut left in `mutants/`. Ends with status 1 where a mutant survived that
`accepted.md` does not explain, or where `accepted.md` explains one that is no longer there.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from difflib import unified_diff
from functools import cache
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = ROOT / "mutants"
DOMAIN = "identity_service.domain."
ACCEPTED = Path(__file__).with_name("accepted.md")

SURVIVED, UNTESTED = 0, 33
"""How mutmut writes down that all tests passed, and that none reaches the function."""


BREAK = "\n\n"

AROUND = 40
"""Characters that are shown on both sides of what differs."""


def main() -> int:
    """Print the survivors as `accepted.md` would hold them. Returns the process's exit status."""
    survivors = list(survived())
    accepted = accepted_mutants(ACCEPTED.read_text(encoding="utf-8"))
    unexplained = [mutant for mutant in survivors if mutant not in accepted]
    gone = [mutant for mutant in accepted if mutant not in survivors]
    for title, mutants in (("Survived, not explained", unexplained), ("Explained, gone", gone)):
        if mutants:
            sys.stdout.write(f"# {title}: {len(mutants)}\n\n{BREAK.join(mutants)}\n\n")
    sys.stdout.write(
        f"{len(survivors)} mutants survived, of which {len(unexplained)} are not explained.\n"
    )
    return 1 if unexplained or gone else 0


def survived() -> Iterator[str]:
    """The mutants that no test noticed, as `accepted.md` writes them, each once."""
    found: dict[str, None] = {}
    for results in sorted(MUTANTS.rglob("*.meta")):
        for name, status in json.loads(results.read_text())["exit_code_by_key"].items():
            if status in (SURVIVED, UNTESTED):
                found[described(results.with_suffix(""), name)] = None
    yield from filter(None, found)


def described(source: Path, name: str) -> str:
    """The function of a mutant and the lines that it changes; empty where these only assert."""
    module, _, mutant = name.rpartition(".")
    function, _, _ = mutant.rpartition("__mutmut_")
    codes = functions(source)
    diff = unified_diff(codes[f"{function}__mutmut_orig"], codes[mutant], lineterm="", n=0)
    changes = [line for line in diff if re.match(r"[-+](?![-+])", line)]
    where = ".".join(filter(None, re.split(r"^x_|ǁ|^x(?=ǁ)", function)))
    if not changes:
        return ""
    return "\n".join([f"  {module.removeprefix(DOMAIN)}.{where}", *shortened(changes)])


def shortened(changes: list[str]) -> list[str]:
    """Changed lines, each a whole statement, around what differs between them."""
    texts = [change[1:].strip() for change in changes]
    start = common_prefix(texts)
    end = common_prefix([text[start:][::-1] for text in texts])
    before, after = "…" * (start > AROUND), "…" * (end > AROUND)
    return [
        f"{change[0]} {before}{text[max(start - AROUND, 0) : len(text) - end + AROUND]}{after}"
        for change, text in zip(changes, texts, strict=True)
    ]


def common_prefix(texts: list[str]) -> int:
    """How many characters the texts begin with alike, when there are several."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    return len(list(alike)) if len(texts) > 1 else 0


@cache
def functions(source: Path) -> dict[str, list[str]]:
    """By name, the lines of every function and method of a mutated module."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name, node.name = node.name, "function"
            found[name] = ast.unparse(_WithoutStrict().visit(node)).splitlines()
    return found


class _WithoutStrict(ast.NodeTransformer):
    """Takes `strict` from `zip`: it asserts what always holds."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "zip":
            node.keywords = []
        return node


def accepted_mutants(text: str) -> list[str]:
    """The mutants in the `diff` blocks of `accepted.md`, one paragraph each."""
    blocks = re.findall(r"^```diff\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [mutant.rstrip() for block in blocks for mutant in block.split(BREAK)]


if __name__ == "__main__":
    sys.exit(main())
