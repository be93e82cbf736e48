"""A reader of a page: types what it shows into a terminal, the explorer and Python, in order."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast
from unittest.mock import patch

import duckdb
import httpx
from graphql import OperationDefinitionNode, OperationType, parse, print_ast
from neo4j import GraphDatabase

from identity_service.api.graphql import explorer
from identity_service.cli import main
from identity_service.domain.policies.parse import parse_policy
from identity_service.runtime import sandbox
from identity_service.settings import Settings
from tests.docs.likeness import Likeness
from tests.docs.pages import Block, Step, steps, with_answers
from tests.docs.terminal import PATIENCE, Terminal
from tests.support.command import logging_as_it_was
from tests.support.plain_http import NO_TLS
from tests.support.waiting import wait_until

BASH: Final = shutil.which("bash") or "bash"
CTRL_C: Final = "^C\n"

TABS: Final = {
    tab["query"]: tab["variables"]
    for tab in json.loads(
        (Path(explorer.__file__).parent / "queries" / "tabs.json").read_text(encoding="utf-8")
    )
}
"""What the explorer's tabs put under Variables."""

SDKS: Final = {"segment"}
"""Packages of SDKs that pages import."""

_KEY = re.compile(r"^# Key: (\S+)$", re.MULTILINE)
_OF_A_SHELL = re.compile(r"[|&;<>$`\n]")


@dataclass
class Reader:
    """Somebody who reads a page with the service at `url`, in a folder of their own.

    `shell` is the environment of their terminal, and `key` is what they typed at the top of the
    explorer.
    """

    url: str
    key: str
    folder: Path
    shell: dict[str, str]
    likeness: Likeness
    _names: dict[str, Any] = field(default_factory=dict[str, Any])
    _ended: int = 0

    def follow(self, page: list[Block]) -> None:
        """Do all that the blocks show; fails where an answer is not the one shown."""
        _forget_senders()
        for block, answer in with_answers(page):
            if block.file is not None:
                (self.folder / block.file).write_text(block.text, encoding="utf-8")
            elif block.question is not None:
                self._ask_all(block.question)
            elif block.language == "yaml":
                parse_policy(block.text)
            elif block.language == "console":
                self._console(steps(block.text))
            else:
                self._run(block, answer)

    def _run(self, block: Block, answer: Block | None) -> None:
        run = {
            "bash": self._bash,
            "graphql": self._graphql,
            "python": self._python,
            "cypher": self._cypher,
            "sql": self._sql,
        }.get(block.language)
        if run is None:
            return
        real = run(self.likeness.real(block.text))
        if answer is None:
            return
        if answer.language == "json":
            self.likeness.assert_like(json.loads(answer.text), json.loads(real), block.text)
        else:
            self.likeness.assert_text_like(answer.text, real, block.text)

    def _console(self, typed: list[Step]) -> None:
        for number, step in enumerate(typed):
            command = self.likeness.real(step.command)
            if step.shown.endswith(CTRL_C):
                self._type_until(command, step.shown.removesuffix(CTRL_C))
                continue
            real = self._type(command)
            may_fail = [each.command for each in typed[number + 1 : number + 2]] == ["echo $?"]
            assert may_fail or self._ended == 0, f"{command} ended with {self._ended}: {real}"
            self.likeness.assert_text_like(step.shown, real, command)

    def _bash(self, text: str) -> str:
        printed = self._type(text)
        assert self._ended == 0, f"{text}: {printed}"
        return printed

    def _type(self, command: str) -> str:
        """What a command says on standard error, without progress bars, and on the terminal.

        A command of ours that needs no shell runs in this process, which saves its start.
        """
        if command.startswith("identity-service ") and not _OF_A_SHELL.search(command):
            return self._run_here(shlex.split(command)[1:])
        state = self.folder.parent / "shell"
        script = f"(exit {self._ended})\n{command}\nended=$?\nenv -0 > '{state}'\nexit $ended"
        with Terminal() as terminal, tempfile.TemporaryFile() as errors:
            ended = subprocess.run(
                [BASH, "-c", script],
                cwd=self.folder,
                env=self.shell,
                stdin=subprocess.DEVNULL,
                stdout=terminal.descriptor,
                stderr=errors,
                timeout=PATIENCE,
                check=False,
            )
            errors.seek(0)
            printed = errors.read().decode() + terminal.finish()
        self._ended = ended.returncode
        variables = state.read_text(encoding="utf-8").split("\0")
        self.shell = dict(variable.split("=", 1) for variable in variables if variable)
        return printed

    def _run_here(self, arguments: list[str]) -> str:
        errors = io.StringIO()
        with Terminal() as terminal:
            with (
                os.fdopen(os.dup(terminal.descriptor), "w", encoding="utf-8") as out,
                redirect_stdout(out),
                redirect_stderr(errors),
                logging_as_it_was(),
                patch.dict(os.environ, self.shell, clear=True),
            ):
                self._ended = main(arguments)
            return errors.getvalue() + terminal.finish()

    def _type_until(self, command: str, shown: str) -> None:
        """Run a command that goes on for ever, until it has printed what is shown; then Ctrl-C."""
        with Terminal() as terminal:
            running = subprocess.Popen(
                [BASH, "-c", command],
                cwd=self.folder,
                env=self.shell,
                stdin=subprocess.DEVNULL,
                stdout=terminal.descriptor,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                wait_until(
                    lambda: (
                        running.poll() is not None
                        or self.likeness.compare(shown, terminal.text()) is not None
                    ),
                    seconds=PATIENCE,
                )
            finally:
                if running.poll() is None:
                    os.killpg(running.pid, signal.SIGINT)
                running.wait(PATIENCE)
                self.likeness.assert_text_like(shown, terminal.finish(), command)

    def _graphql(self, text: str) -> str:
        if key := _KEY.search(text):
            self.key = key[1]
        answer = self._post({"query": text}).json()
        del answer["extensions"]  # what it costs; pages leave it out
        return json.dumps(answer)

    def _post(self, question: Mapping[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.post(
            f"{self.url}/graphql", json=question, headers=headers, timeout=PATIENCE, verify=NO_TLS
        )

    def _ask_all(self, file: Path) -> None:
        """Ask every operation of a tab of the explorer as it stands there, and be answered."""
        variables = dict(TABS[file.stem])
        for operation in parse(file.read_text(encoding="utf-8")).definitions:
            assert isinstance(operation, OperationDefinitionNode)
            if operation.operation is OperationType.SUBSCRIPTION:
                continue  # never ends; a test in a browser watches it
            used = [each.variable.name.value for each in operation.variable_definitions or ()]
            given = {name: variables[name] for name in used}
            answer = self._post({"query": print_ast(operation), "variables": given}).json()
            assert "errors" not in answer, f"{file.stem}: {answer}"
            for found in _objects(answer):
                assert found.get("__typename") not in ("NotFound", "OverConnected"), answer
                if str(found.get("id")).startswith("jdg_"):  # the last operation takes it back
                    variables["judgement"] = found["id"]

    def _python(self, text: str) -> str:
        """What a cell of a notebook shows: what it prints, and the value of its last line."""
        cell = ast.parse(text)
        last = cell.body.pop() if isinstance(cell.body[-1], ast.Expr) else None
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(cell, "page", "exec"), self._names)  # noqa: S102  (our own page)
            if last is not None:
                value = eval(ast.unparse(last), self._names)  # noqa: S307  (our own page)
                print(repr(value) if value is not None else "")  # noqa: T201
        return printed.getvalue()

    def _cypher(self, text: str) -> str:
        """A statement in Neo4j Browser, connected to the sandbox; it must find something."""
        found = sandbox.require(Settings())
        with GraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]
            found.uri, auth=("neo4j", found.password)
        ) as driver:
            answer: Any = cast("Any", driver).execute_query(text)
        assert answer.records, f"Nothing was found by {text}"
        return "\n".join(json.dumps(row.data()) for row in answer.records)

    def _sql(self, text: str) -> str:
        """A statement in DuckDB, in the database that the page has filled."""
        with duckdb.connect(self.folder / "demo.duckdb") as connection:
            return str(connection.sql(text))


def _forget_senders() -> None:
    """Have SDKs imported anew: they keep their sender, and so the address of an earlier page.

    It would try for minutes to reach a service that has ended.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] in SDKS]:
        del sys.modules[name]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects of JSON."""
    if isinstance(value, dict):
        yield cast("dict[str, Any]", value)
        value = list(cast("dict[str, Any]", value).values())
    if isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _objects(each)
