"""The commands of the guide to changing a policy print what it shows."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from identity_service.settings import Settings
from tests.support.neo4j import environment_of

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "changing-a-policy.md"
COMMAND = "import sys; from identity_service.cli import main; sys.exit(main())"

_BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"as `(\w+\.yaml)`|, `(\w+\.yaml)`:")
_ID = re.compile(r"cus_(…|[0-9a-f]{32})")


def plain(printed: str) -> list[str]:
    """The lines, without what differs from run to run and from one width to another."""
    return [" ".join(_ID.sub("cus_…", line).split()) for line in printed.splitlines()]


def blocks(page: str) -> Iterator[tuple[str, str, str | None]]:
    """Each block: its language, its text, and the file that the text before it names, if any."""
    end = 0
    for match in _BLOCK.finditer(page):
        names = [a or b for a, b in _FILE.findall(page[end : match.start()])]
        end = match.end()
        yield match[1], match[2], names[-1] if names else None


@pytest.mark.neo4j
def test_every_command_of_the_guide_prints_what_it_shows(
    database_settings: Settings, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        **environment_of(database_settings),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }
    space = f"guide-{secrets.token_hex(6)}"

    def run(*arguments: str, code: int = 0) -> str:
        ended = subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == code, f"{arguments}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    run("space", "create", space)
    run("ingest", str(ROOT / "identity_service/examples/demo.jsonl"), "--space", space)
    printed, ran = "", 0
    for language, text, file in blocks(GUIDE.read_text(encoding="utf-8")):
        if language == "yaml":
            assert file is not None, f"The page names no file for: {text}"
            (tmp_path / file).write_text(text, encoding="utf-8")
            continue
        if file is not None:
            (tmp_path / file).write_text(printed, encoding="utf-8")
        line, *shown = text.splitlines()
        program, *arguments = shlex.split(line.removeprefix("$ "))
        assert program == "identity-service"
        stopped = "--fail-on" in arguments
        named = [space if argument == "shop" else argument for argument in arguments]
        printed = run(*named, code=1 if stopped else 0)
        real = iter(plain(printed.replace(space, "shop")))
        for expected in plain("\n".join(shown)):
            assert expected in real, f"{line}: “{expected}” is not in\n{printed}"
        ran += 1
    assert ran == 9
