"""Directories that several processes share: one at a time, and clear words when a disk refuses."""

from __future__ import annotations

import errno
import fcntl
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from identity_service.errors import RuntimeFailed

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
REFUSED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST})


@contextmanager
def exclusive(path: Path, work: str, *, patience: float) -> Generator[None]:
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
                        f"Another process has been {work} for more than {patience:g} s.",
                        remedy=f"Let it finish or end it; it holds {path}.",
                    ) from None
                time.sleep(0.05)
        yield


@contextmanager
def disk_errors(place: Path, setting: str) -> Generator[None]:
    """Turn a full or refusing disk into RuntimeFailed; `setting` is what names another place."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise RuntimeFailed(
                f"The disk that holds {place} is full.",
                remedy=f"Free 1 GB of it, or name another place with {setting}.",
            ) from error
        if error.errno in REFUSED:
            raise RuntimeFailed(
                f"{place} cannot be written: {error.strerror}.",
                remedy=f"Make it a writable directory, or name another place with {setting}.",
            ) from error
        raise


def replace_text(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Leave a text in a file in one step; `mode` is that of a file that is made for it."""
    partial = path.with_name(f"{path.name}.new")
    partial.touch(mode=mode)
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
