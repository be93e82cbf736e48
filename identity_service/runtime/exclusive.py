"""One process at a time."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from identity_service.errors import RuntimeFailed


@contextmanager
def exclusive(path: Path, work: str, *, patience: float) -> Iterator[None]:
    """Hold the lock file `path`; the kernel frees it when the process ends, however it ends.

    Waits `patience` seconds for another holder, then raises RuntimeFailed, which names the `work`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RuntimeFailed(
                        f"Another process has been {work} for more than {patience:.0f} s.",
                        remedy=f"Let it finish or end it; it holds {path}.",
                    ) from None
                time.sleep(0.05)
        yield
