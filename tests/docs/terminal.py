"""A terminal of 80 columns, and what is printed on it."""

from __future__ import annotations

import os
import pty
from threading import Thread
from typing import Final

PATIENCE: Final = 120


class Terminal:
    """To be closed by whoever opens it; `descriptor` is what programs print to."""

    def __init__(self) -> None:
        self._screen, self.descriptor = pty.openpty()
        self._printed = bytearray()
        self._watching = Thread(target=self._watch, name="terminal")
        self._open = True

    def __enter__(self) -> Terminal:
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()
        os.close(self._screen)

    def finish(self) -> str:
        """All that was printed, once whatever printed here has ended."""
        if self._open:
            self._open = False
            os.close(self.descriptor)
            self._watching.join(PATIENCE)
        return self.text()

    def text(self) -> str:
        """What was printed so far."""
        return self._printed.decode(errors="replace").replace("\r\n", "\n")

    def _watch(self) -> None:
        while True:
            try:
                read = os.read(self._screen, 65_536)
            except OSError:  # how Linux says that nobody prints there any more
                return
            if not read:
                return
            self._printed += read
