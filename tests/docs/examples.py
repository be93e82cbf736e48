"""The fenced examples of a page: run as they stand, their answers compared.

A `bash` or `graphql` block is run, and the `json` block after it is its answer. Ids and keys
differ from run to run: one that the page shows stands for one real one, the same at every place,
also in the blocks that follow.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

_BLOCK = re.compile(r"^```(bash|graphql|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MADE = re.compile(r"(cus|jdg|chg)_[0-9a-f]{32}|ids_[a-z]+_(…|[\w-]{43})")


@dataclass(frozen=True, slots=True)
class Example:
    """What is run, and the answer that the page shows (JSON text)."""

    language: str
    text: str
    answer: str


def examples(page: Path) -> list[Example]:
    """The examples of a page in their order; each must have its answer right after it."""
    blocks = [match.groups() for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))]
    found: list[Example] = []
    for (language, text), (answered, answer) in zip(blocks[::2], blocks[1::2], strict=True):
        assert language != "json", f"An answer without a question: {text}"
        assert answered == "json", f"A question without an answer: {text}"
        found.append(Example(language, text, answer))
    return found


@dataclass
class Likeness:
    """Which real id or key each one on the page stands for."""

    real_of: dict[str, str] = field(default_factory=dict[str, str])

    def real(self, text: str) -> str:
        """A text of the page with real ids in the place of the page's."""
        for shown, real in self.real_of.items():
            text = text.replace(shown, real)
        return text

    def assert_like(self, shown: object, real: object, where: str = "answer") -> None:
        """The real answer is the one shown, but for ids and keys."""
        if isinstance(shown, dict) and isinstance(real, dict):
            entries = cast("dict[str, Any]", shown)
            found = cast("dict[str, Any]", real)
            assert entries.keys() == found.keys(), where
            for key, value in entries.items():
                self.assert_like(value, found[key], f"{where}.{key}")
        elif isinstance(shown, list) and isinstance(real, list):
            items, others = cast("list[Any]", shown), cast("list[Any]", real)
            assert len(items) == len(others), f"{where}: {real}"
            for number, item in enumerate(items):
                self.assert_like(item, others[number], f"{where}.{number}")
        elif isinstance(shown, str) and isinstance(real, str) and _MADE.fullmatch(shown):
            assert _MADE.fullmatch(real), f"{where}: {real} is no id"
            assert self.real_of.setdefault(shown, real) == real, f"{where}: {shown} became {real}"
            assert len(set(self.real_of.values())) == len(self.real_of), f"{where}: not {shown}"
        else:
            assert shown == real, where


def run_bash(text: str, environment: Mapping[str, str]) -> str:
    """What a block of shell commands prints; fails when one of them does."""
    shell = shutil.which("bash")
    assert shell, "The tutorial's commands need bash."
    ended = subprocess.run(
        [shell, "-euo", "pipefail", "-c", text],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
