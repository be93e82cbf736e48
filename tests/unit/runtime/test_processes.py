import subprocess
import sys
from collections.abc import Generator
from dataclasses import replace

import pytest

from identity_service.runtime.processes import ProcessId

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def stubborn() -> Generator[subprocess.Popen[str]]:
    """A process that ignores SIGTERM."""
    arguments = [sys.executable, "-c", STUBBORN]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def identify(process: subprocess.Popen[str]) -> ProcessId:
    identity = ProcessId.of(process.pid)
    assert identity is not None
    return identity


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(
    stubborn: subprocess.Popen[str],
) -> None:
    identity = identify(stubborn)

    identity.end(grace=0.2)

    assert not identity.is_alive()


def test_another_process_with_the_same_id_is_not_it_and_is_left_alone(
    stubborn: subprocess.Popen[str],
) -> None:
    earlier = replace(identify(stubborn), started=1.0)

    earlier.end(grace=0.2)

    assert not earlier.is_alive()
    assert stubborn.poll() is None


def test_a_process_that_ended_but_was_not_waited_for_is_not_alive(
    stubborn: subprocess.Popen[str],
) -> None:
    identity = identify(stubborn)
    stubborn.kill()

    identity.end(grace=5)

    assert not identity.is_alive()


def test_an_id_that_nobody_has_is_no_process() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()

    assert ProcessId.of(ended.pid) is None
