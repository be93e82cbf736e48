import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from identity_service.runtime import supervisor
from identity_service.runtime.processes import ProcessId

SUPERVISOR = str(Path(supervisor.__file__))

# An owner that starts a supervisor, passes the program's id on and stays.
OWNER = """
import os, subprocess, sys, time
supervisor = subprocess.Popen(
    [sys.executable, sys.argv[1], str(os.getpid()), sys.argv[2], "sleep", "60"],
    stdout=subprocess.PIPE,
)
print(supervisor.pid, supervisor.stdout.readline().decode().strip(), flush=True)
time.sleep(60)
"""


def start_owner(tmp_path: Path) -> tuple[subprocess.Popen[str], int, ProcessId]:
    """An owner, the id of its supervisor, and the program that is kept."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, SUPERVISOR, str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    supervisor_pid, program_pid = owner.stdout.readline().split()
    program = ProcessId.of(int(program_pid))
    assert program is not None
    return owner, int(supervisor_pid), program


def wait_until_gone(program: ProcessId) -> None:
    try:
        psutil.Process(program.pid).wait(10)
    except psutil.NoSuchProcess:
        return


def test_the_program_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    owner, _, program = start_owner(tmp_path)

    with owner:
        owner.kill()

    wait_until_gone(program)
    assert not program.is_alive()


@pytest.mark.skipif(sys.platform != "linux", reason="only the Linux kernel can tell")
def test_the_program_ends_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    owner, supervisor_pid, program = start_owner(tmp_path)

    with owner:
        psutil.Process(supervisor_pid).kill()
        wait_until_gone(program)
        owner.kill()

    assert not program.is_alive()


def test_a_program_of_nobody_stays_and_its_supervisor_ends(tmp_path: Path) -> None:
    arguments = [str(supervisor.NO_OWNER), str(tmp_path / "log"), "sleep", "60"]

    started = subprocess.run(
        [sys.executable, SUPERVISOR, *arguments], stdout=subprocess.PIPE, check=True
    )

    program = ProcessId.of(int(started.stdout))
    assert program is not None
    assert program.is_alive()
    program.end(grace=5)


def test_the_supervisor_ends_with_the_status_of_the_program_and_logs_its_output(
    tmp_path: Path,
) -> None:
    arguments = [str(os.getpid()), str(tmp_path / "log"), "sh", "-c", "echo said; exit 7"]

    ended = subprocess.run(
        [sys.executable, SUPERVISOR, *arguments], check=False, capture_output=True
    )

    assert ended.returncode == 7
    assert (tmp_path / "log").read_text(encoding="utf-8") == "said\n"
