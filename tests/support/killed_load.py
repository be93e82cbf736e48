"""A process that is killed amid a load: `python -m tests.support.killed_load SPACE FILE`.

The database is the one that the environment names. It records after every batch how far it is, and
kills itself, hard, as soon as that was recorded a few times.
"""

from __future__ import annotations

import os
import signal
import sys

from identity_service.cli import ingest, main
from identity_service.graph.file_loads import FileLoadStore, Place
from identity_service.services.imports import bulk_load

RECORDS = 3
"""After so many records it is killed."""


class KilledSoon(FileLoadStore):
    """Places of a process that does not live long."""

    records = 0

    async def record(self, space: str, name: str, digest: str, place: Place) -> None:
        """Record a place; the last one is the end of the process."""
        await super().record(space, name, digest, place)
        self.records += 1
        if self.records == RECORDS:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    bulk_load.RECORD_INTERVAL_S = 0.0  # pyright: ignore[reportConstantRedefinition]
    ingest.FileLoadStore = KilledSoon
    space, file = sys.argv[1:]
    sys.exit(main(["ingest", file, "--space", space]))
