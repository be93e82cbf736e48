"""The sandbox: a copy of one space in a server of its own. One start for all tests, since it takes
some seconds; they run in their order."""

from __future__ import annotations

import json
import os
import secrets
import socket
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, LiteralString, TypeAlias, cast

import pytest
from neo4j import GraphDatabase, Result
from neo4j.exceptions import AuthError

from identity_service.domain.journeys.journeys import JOURNEYS
from identity_service.graph.statements import statement
from identity_service.runtime import sandbox
from identity_service.runtime.files import exclusive
from identity_service.runtime.processes import ProcessId
from identity_service.runtime.state import read_state
from identity_service.settings import Settings
from tests.support.command import Command
from tests.support.waiting import wait_until

pytestmark = pytest.mark.neo4j

NODES: LiteralString = """
MATCH (n) WHERE n.space = $space OR n.key STARTS WITH $prefix OR (n:Space AND n.name = $space)
WITH n WHERE NOT n:ApiKey AND NOT n:RejectedEvent AND NOT n:SourceDay
RETURN labels(n) AS labels, properties(n) AS properties
"""
RELATIONSHIPS: LiteralString = """
MATCH (n)-[r]->(m) WHERE n.space = $space OR n.key STARTS WITH $prefix
RETURN coalesce(n.key, n.id) AS a, type(r) AS type, properties(r) AS properties,
  coalesce(m.key, m.id) AS b
"""
Dump: TypeAlias = tuple[list[str], list[str]]

LABELS: Final = {
    *("Space", "Policy", "AppliedSchema", "Event", "CarriesTraits", "Identifier", "Contested"),
    "UnseenIdentifier",
    *("Customer", "RetiredId", "Account", "AccountTraits", "Change", "Judgement"),
}
TYPES: Final = {
    *("OBSERVED", "ATTRIBUTED_TO", "NAMES", "TOLD", "DESCRIBED_AS", "OBSERVED_TOGETHER"),
    *("BELONGS_TO", "ANCHORED_AT", "WAS_ANCHORED_AT", "FORWARDS_TO", "JUDGED_APART"),
    "DETACHED",
}
EVERYTHING: LiteralString = "MATCH (n) RETURN count(n) AS n"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """Where the sandbox lies; it is stopped at the end, whatever became of the tests."""
    directory = tmp_path_factory.mktemp("sandbox")
    yield directory
    sandbox.stop(Settings(data_dir=directory), remove=True)


@pytest.fixture(autouse=True)
def small(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_DATA_DIR", str(data_dir))
    monkeypatch.setenv("IDENTITY_SANDBOX_HEAP", "300m")
    monkeypatch.setenv("IDENTITY_SANDBOX_PAGE_CACHE", "32m")
    monkeypatch.setenv("IDENTITY_READ_TIMEOUT", "120")


@pytest.fixture(scope="module")
def spaces() -> tuple[str, str]:
    """The one that is copied, and another one."""
    name = f"test-{secrets.token_hex(6)}"
    return name, f"{name}-other"


def home(data_dir: Path) -> Path:
    """Where its server lies."""
    return data_dir / "sandbox" / sandbox.require(Settings(data_dir=data_dir)).directory / "neo4j"


def copies(data_dir: Path) -> list[Path]:
    """Directories of copies, whole or not."""
    return list((data_dir / "sandbox").glob("copy-*"))


def begin_anew_and_die(data_dir: Path) -> None:
    """A process that copies anew, and is killed while it does."""
    there = len(copies(data_dir))
    main = "from identity_service.cli import main; main()"
    process = subprocess.Popen([sys.executable, "-c", main, "sandbox", "refresh"])
    try:
        wait_until(lambda: len(copies(data_dir)) > there or process.poll() is not None)
        assert process.poll() is None, "It ended before it began."
    finally:
        process.kill()
        process.wait()
    assert len(copies(data_dir)) == there + 1


def filled(command: Command, space: str, word: str, directory: Path) -> dict[str, str]:
    """A space in which somebody signed in, on a shared device, with accounts and a bad event.

    In two parts, so that an anchor moves and an id retires; and with judgements in force, one of
    which takes an identifier from the only event that carries it.
    """
    keys = json.loads(command("space", "create", space).out)
    tablet = {"device": {"id": f"tablet-{word}", "type": "ios"}}
    properties = {"n": 1.5, "text": 'a "b"\nc, \\', "empty": "", "ok": False}
    before: list[dict[str, Any]] = [
        {"type": "page", "name": "Home", "anonymousId": f"a-{word}"},
        {"type": "page", "name": "Home", "anonymousId": f"b-{word}"},
    ]
    after: list[dict[str, Any]] = [
        {"type": "identify", "anonymousId": f"a-{word}", "userId": "ann", "traits": {"nick": word}},
        {"type": "track", "event": "Bought", "anonymousId": f"a-{word}", "properties": properties},
        {"type": "track", "event": "Bought", "userId": "ann", "properties": {"n": "one", "ok": 1}},
        {"type": "identify", "anonymousId": f"b-{word}", "userId": "ann"},
        {"type": "identify", "userId": "ann", "context": tablet},
        {"type": "identify", "userId": "ben", "context": tablet},
        {"type": "track", "event": "Bought", "context": tablet},
        {"type": "group", "userId": "ben", "groupId": "acme", "traits": {"plan": word}},
        {"type": "track", "event": "Nobody"},
        {"type": "page", "name": "Home", "anonymousId": f"c-{word}"},
    ]
    for part, calls in enumerate((before, after)):
        file = directory / f"{space}-{part}.jsonl"
        lines = (json.dumps({"messageId": f"{word}-{part}-{n}", **c}) for n, c in enumerate(calls))
        file.write_text("\n".join(lines), encoding="utf-8")
        assert command("ingest", file, "--space", space).code == 0
    apart = ("judgement", "add", "apart", "user_id:ann", "user_id:ben", "--space", space)
    assert command(*apart, "--reason", "Two people.").code == 0
    lost = ("judgement", "detach", f"{word}-1-9", f"anonymous_id:c-{word}", "--space", space)
    assert command(*lost, "--reason", "A public screen.").code == 0
    return keys


NEEDED: Final = {
    "event": "Bought",
    "steps": "Home,Bought",
    "by": "n",
    "goal": "Bought",
    "start_event": "Home",
    "subscribed": "Home",
    "identifier": "user_id:ann",
    "changed_since": "2020-01-01",
}
"""What journeys need, by the name of the parameter."""


def as_query(text: str) -> LiteralString:
    """What a user pastes."""
    return cast("LiteralString", text)


class Server:
    """One of the two, as a user of it sees it."""

    def __init__(self, uri: str, auth: tuple[str, str] | None) -> None:
        self._driver = GraphDatabase.driver(uri, auth=auth)  # pyright: ignore[reportUnknownMemberType]

    def rows(self, query: LiteralString, **parameters: Any) -> list[dict[str, Any]]:
        with self._driver.session() as session:  # pyright: ignore[reportUnknownMemberType]
            return [dict(record) for record in session.run(query, parameters)]

    def kinds(self) -> tuple[set[str], set[str]]:
        """Labels and types of relationships that are in use."""
        [found] = self.rows(
            "MATCH (n) UNWIND labels(n) AS label WITH collect(DISTINCT label) AS labels "
            "OPTIONAL MATCH ()-[r]->() RETURN labels, collect(DISTINCT type(r)) AS types"
        )
        return set(found["labels"]), set(found["types"])

    def dump(self, space: str) -> Dump:
        """Everything that a copy of the space is to hold."""
        names = {"space": space, "prefix": f"{space}/"}
        nodes, links = self.rows(NODES, **names), self.rows(RELATIONSHIPS, **names)
        for row in nodes:
            row["labels"].sort()
        return sorted(map(_text, nodes)), sorted(map(_text, links))

    def close(self) -> None:
        self._driver.close()


def differences(ours: Dump, theirs: Dump) -> tuple[list[str], list[str]]:
    """What only one of the two holds."""
    a, b = Counter(ours[0] + ours[1]), Counter(theirs[0] + theirs[1])
    return sorted((a - b).elements()), sorted((b - a).elements())


def _text(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


@pytest.fixture
def production(database_settings: Settings) -> Generator[Server]:
    password = database_settings.neo4j_password
    login = (database_settings.neo4j_user, password.get_secret_value()) if password else None
    server = Server(database_settings.neo4j_uri or "", login)
    yield server
    server.close()


@pytest.fixture
def copy(data_dir: Path) -> Generator[Server]:
    found = sandbox.require(Settings(data_dir=data_dir))
    server = Server(found.uri, ("neo4j", found.password))
    yield server
    server.close()


def test_a_sandbox_holds_one_space_as_it_is_and_nothing_else(
    command: Command,
    spaces: tuple[str, str],
    production: Server,
    tmp_path: Path,
    data_dir: Path,
) -> None:
    keys = filled(command, spaces[0], "ours", tmp_path)
    others = filled(command, spaces[1], "theirs-q7xk", tmp_path)

    started = command("sandbox", "start", "--space", spaces[0])

    assert started.code == 0, started.err
    steps = started.err.splitlines()
    assert [line for line in steps if "copying" not in line] == [
        "importing …",
        "starting …",
        "building indexes …",
    ]
    assert {"copying events …", "copying identifiers …", "copying customers …"} < set(steps)
    about = json.loads(command("sandbox", "status", "--json").out)
    copied = Server(about["uri"], (about["user"], about["password"]))
    try:
        assert differences(copied.dump(spaces[0]), production.dump(spaces[0])) == ([], [])
        assert copied.dump(spaces[1]) == ([], [])
        assert copied.kinds() == (LABELS, TYPES)
        assert copied.rows("MATCH (n:ApiKey|Source|SourceDay|RejectedEvent) RETURN n") == []
        assert len(copied.rows("SHOW INDEXES")) == len(production.rows("SHOW INDEXES"))
    finally:
        copied.close()
    assert (about["running"], about["space"]) == (True, spaces[0])
    assert about["copied"]["events"] == 11
    assert about["password"] in started.out
    # In none of its files, not even in those of the database.
    secret = [*keys.values(), *others.values()]
    marks = [
        b"theirs-q7xk",
        spaces[1].encode(),
        *(value.encode() for value in secret if value.startswith("ids_")),
    ]
    for path in (data_dir / "sandbox").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert [mark for mark in marks if mark in content] == [], path


def test_it_asks_for_its_password_which_only_the_owner_can_read(
    copy: Server, data_dir: Path
) -> None:
    found = sandbox.require(Settings(data_dir=data_dir))
    file = data_dir / "sandbox" / "sandbox.json"

    assert copy.rows("RETURN 1 AS one") == [{"one": 1}]
    for wrong in (None, ("neo4j", "neo4j")):
        stranger = Server(found.uri, wrong)
        with pytest.raises(AuthError):
            stranger.rows("RETURN 1 AS one")
        stranger.close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_its_process_is_capped_knows_no_settings_of_ours_and_has_outlived_its_starter(
    data_dir: Path,
) -> None:
    import psutil

    state = read_state(home(data_dir))
    assert state is not None
    process = psutil.Process(state.process.pid)

    assert state.owner is None
    assert {"-Xmx300m", "-XX:ActiveProcessorCount=1"} <= set(process.cmdline())
    assert {os.getpriority(os.PRIO_PROCESS, each.id) for each in process.threads()} == {10}
    assert [name for name in process.environ() if name.startswith("IDENTITY_")] == []


def test_a_recipe_with_pandas_works_as_it_is_printed(data_dir: Path) -> None:
    found = sandbox.require(Settings(data_dir=data_dir))

    driver = GraphDatabase.driver(found.uri, auth=("neo4j", found.password))  # pyright: ignore[reportUnknownMemberType]
    frame: Any = driver.execute_query(
        "MATCH (c:Customer) RETURN c.kind, count(*)", result_transformer_=Result.to_df
    )
    driver.close()

    assert dict(zip(frame["c.kind"], frame["count(*)"], strict=True)) == {
        "KNOWN": 2,
        "QUARANTINED": 1,
    }


def test_every_journey_pasted_with_its_parameters_answers_as_in_production(
    command: Command, spaces: tuple[str, str], copy: Server
) -> None:
    printed = json.loads(command("sandbox", "status", "--json").out)["parameters"]
    answers: dict[str, Any] = {}

    for name, journey in JOURNEYS.items():
        needed = [p.name for p in journey.own if p.required]
        options = [f"--param={each}={NEEDED[each]}" for each in needed]
        asked = command("journeys", "run", name, "--space", spaces[0], "--format=json", *options)
        line = command("sandbox", "parameters", name, *options).out
        [params] = copy.rows(as_query(f"RETURN {line.removeprefix(':params ')} AS params"))
        w = params["params"]["w"]
        answers[name] = copy.rows(statement(f"journeys/{name}").definition.text, w=w)
        assert answers[name] == json.loads(asked.out), name
        # What a program gets differs by the moment at which it asked, and what is to be filled in.
        prepared = {**printed[name]["w"], "until": w["until"], **{each: w[each] for each in needed}}
        assert prepared == w, name

    nobody = {name for name in JOURNEYS if not answers[name]}
    assert nobody == {"accounts", "cross_app_users", "drop_off"}


def test_parameters_that_a_journey_needs_are_asked_for(command: Command) -> None:
    line = command.complains("sandbox", "parameters", "funnel", code=1)

    assert "needs “steps”" in line


def test_a_second_one_is_refused_and_so_are_two_at_once(
    command: Command, spaces: tuple[str, str], data_dir: Path
) -> None:
    again = command.complains("sandbox", "start", "--space", spaces[0], code=1)
    other = command.complains("sandbox", "start", "--space", spaces[1], code=1)
    with exclusive(data_dir / "sandbox" / "sandbox.lock", "testing", patience=1):
        at_once = command.complains("sandbox", "refresh", code=1)

    assert "runs already" in again
    assert "sandbox stop --remove" in other
    assert "Another process" in at_once


def test_whatever_is_done_in_it_leaves_production_as_it_was_and_a_new_copy_undoes_it(
    command: Command,
    spaces: tuple[str, str],
    production: Server,
    copy: Server,
    data_dir: Path,
) -> None:
    before = production.dump(spaces[0]), production.dump(spaces[1])
    earlier = json.loads(command("sandbox", "status", "--json").out)

    copy.rows("MATCH (n) SET n.space = 'ruined', n.mine = true")
    copy.rows("CREATE (:Mine {space: $space})", space=spaces[1])
    copy.rows("MATCH (n) DETACH DELETE n")
    assert copy.rows(EVERYTHING) == [{"n": 0}]
    assert (production.dump(spaces[0]), production.dump(spaces[1])) == before
    begin_anew_and_die(data_dir)
    assert copy.rows(EVERYTHING) == [{"n": 0}]
    refreshed = command("sandbox", "refresh", "--json")

    assert refreshed.code == 0, refreshed.err
    about = json.loads(refreshed.out)
    assert (about["uri"], about["password"]) == (earlier["uri"], earlier["password"])
    assert differences(copy.dump(spaces[0]), before[0]) == ([], [])
    assert len(copies(data_dir)) == 1


def test_one_that_is_stopped_starts_again_as_it_was_left(
    command: Command, spaces: tuple[str, str], copy: Server, data_dir: Path
) -> None:
    copy.rows("CREATE (:Mine)")
    state = read_state(home(data_dir))
    assert state is not None

    stopped = [command("sandbox", "stop").out for _ in range(2)]

    assert [line.split(".")[0] for line in stopped] == [
        "The sandbox is stopped",
        "The sandbox was not running",
    ]
    assert ProcessId.of(state.process.pid) != state.process
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", state.port), timeout=1)
    assert "does not run" in command("sandbox", "status").out
    assert command("sandbox", "start", "--space", spaces[0]).code == 0
    assert copy.rows("MATCH (n:Mine) RETURN count(n) AS n") == [{"n": 1}]


def test_its_data_is_removed_when_it_is_asked_to(command: Command, data_dir: Path) -> None:
    removed = command("sandbox", "stop", "--remove", "--json")

    assert json.loads(removed.out) == {"stopped": True, "removed": True}
    assert [path.name for path in (data_dir / "sandbox").iterdir()] == ["sandbox.lock"]
    assert command("sandbox", "status").out == "There is no sandbox.\n"
    assert "sandbox start" in command.complains("sandbox", "refresh", code=1)


def test_a_space_that_does_not_exist_leaves_no_sandbox(command: Command, data_dir: Path) -> None:
    assert "no space" in command.complains("sandbox", "start", "--space", "nowhere", code=1)

    assert sandbox.find(Settings(data_dir=data_dir)) is None
