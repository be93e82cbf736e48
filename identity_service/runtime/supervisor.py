"""Runs one program and ends it when the process that wanted it is gone, kill -9 included.

`python supervisor.py OWNER_PID LOG PROGRAM ARGUMENT…` prints the program's process id as a line,
ends when the program does, and sends it SIGTERM once its own parent is no longer OWNER_PID.
With OWNER_PID 0 the program belongs to nobody: it stays, and this ends at once.
Works on every Unix: no signal tells of a parent's death, but every orphan changes its parent.
Imports nothing but the standard library, so that it starts at once and stays small.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

NO_OWNER = 0
POLL_INTERVAL_S = 0.25
STOP_TIMEOUT_S = 60.0


def main(owner: int, log: Path, command: list[str]) -> int:
    """Run the command, its output appended to `log`; returns its exit status."""
    with log.open("ab") as output:
        program = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_end_with_supervisor
            if owner != NO_OWNER and sys.platform == "linux"
            else None,
        )
    sys.stdout.write(f"{program.pid}\n")
    sys.stdout.close()
    if owner == NO_OWNER:
        return 0
    threading.Thread(target=_end_with_owner, args=(owner, program), daemon=True).start()
    return program.wait()


def _end_with_owner(owner: int, program: subprocess.Popen[bytes]) -> None:
    while os.getppid() == owner:
        time.sleep(POLL_INTERVAL_S)
    program.terminate()
    time.sleep(STOP_TIMEOUT_S)
    program.kill()


def _end_with_supervisor() -> None:
    """Linux only: have the kernel end the program should the supervisor itself be killed."""
    import ctypes

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
