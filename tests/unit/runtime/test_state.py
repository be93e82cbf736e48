import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from identity_service.runtime.processes import ProcessId
from identity_service.runtime.state import (
    STATE_FILE,
    State,
    forget_state,
    read_state,
    write_state,
)

STATE = State(ProcessId(7, 1.5), ProcessId(8, 2.5), 7687, password="secret")


@pytest.mark.parametrize("state", [STATE, State(ProcessId(7, 1.5), None, 0)])
def test_a_state_is_read_as_it_was_written(tmp_path: Path, state: State) -> None:
    write_state(tmp_path, state)

    assert read_state(tmp_path) == state


def test_only_the_owner_can_read_a_state(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)

    assert stat.S_IMODE((tmp_path / STATE_FILE).stat().st_mode) == 0o600
    assert "secret" not in repr(STATE)


def test_a_state_of_an_earlier_version_has_no_password(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    file = tmp_path / STATE_FILE
    raw = json.loads(file.read_text(encoding="utf-8"))
    del raw["password"]
    file.write_text(json.dumps(raw), encoding="utf-8")

    assert read_state(tmp_path) == replace(STATE, password="")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": {}}', '{"owner": null}'])
def test_a_state_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / STATE_FILE).write_text(text, encoding="utf-8")

    assert read_state(tmp_path) is None


def test_only_the_state_of_the_process_that_ended_is_forgotten(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)

    forget_state(tmp_path, ProcessId(9, 3.5))
    assert read_state(tmp_path) == STATE

    forget_state(tmp_path, STATE.process)
    assert read_state(tmp_path) is None
