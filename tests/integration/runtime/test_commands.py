import json
from pathlib import Path

import psutil
import pytest
from neo4j import GraphDatabase
from typer.testing import CliRunner, Result

from identity_service.runtime.commands import app
from identity_service.runtime.lock import VERSION


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IDENTITY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("IDENTITY_NEO4J_HEAP", "400m")
    monkeypatch.setenv("IDENTITY_NEO4J_PAGE_CACHE", "32m")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_from_fetch_to_stop(data_dir: Path) -> None:
    assert run("fetch").exit_code == 0

    started = run("start")
    assert started.exit_code == 0
    uri = started.stdout.strip()
    assert "neo4j status" in started.stderr

    status = json.loads(run("status", "--json").stdout)
    assert status["running"] is True
    assert status["fetched"] is True
    assert (status["uri"], status["version"]) == (uri, VERSION)
    assert status["data"] == str(data_dir / "neo4j")
    with GraphDatabase.driver(uri, auth=(status["user"], status["password"])) as driver:  # pyright: ignore[reportUnknownMemberType]
        driver.verify_connectivity()  # pyright: ignore[reportUnknownMemberType]
    assert psutil.pid_exists(status["pid"])

    assert run("stop").stdout == "Neo4j is stopped.\n"
    assert not psutil.pid_exists(status["pid"])


def test_where_nothing_runs_status_and_stop_say_so() -> None:
    status = json.loads(run("status", "--json").stdout)

    assert status["running"] is False
    assert (status["uri"], status["pid"], status["owner_pid"]) == (None, None, None)
    assert (status["user"], status["password"]) == (None, None)
    assert "running" in run("status").stdout
    assert run("stop").stdout == "Neo4j was not running.\n"


def test_a_failure_is_one_line_on_standard_error_and_status_1(data_dir: Path) -> None:
    (data_dir / "neo4j" / "data").mkdir(parents=True)

    failed = run("start")

    assert failed.exit_code == 1
    assert failed.stdout == ""
    assert len(failed.stderr.splitlines()) == 1
    assert "IDENTITY_DATA_DIR" in failed.stderr


def test_wrong_usage_is_status_2() -> None:
    assert run("start", "--port", "99999").exit_code == 2
