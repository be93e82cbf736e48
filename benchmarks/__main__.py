"""`python -m benchmarks [NAME…]`: all of them by default."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import (
    as_of,
    bystander,
    explain,
    freshness,
    households,
    ingest,
    ingest_peer,
    journeys,
    marks,
    outbox,
    preview,
    profiles,
    read,
    readers,
    resolution,
    sandbox,
    search,
    settle,
    tablet,
)
from benchmarks.running import Running, running

PURE: dict[str, Callable[[], None]] = {
    "resolution": resolution.main,
    "households": households.main,
}

WITH_SERVICE: dict[str, Callable[[Running], None]] = {
    "ingest": ingest.run,
    "ingest-peer": ingest_peer.run,
    "preview": preview.run,
    "read": read.run,
    "readers": readers.run,
    "tablet": tablet.run,
    "explain": explain.run,
    "as-of": as_of.run,
    "journeys": journeys.run,
    "freshness": freshness.run,
    "profiles": profiles.run,
    "marks": marks.run,
    "outbox": outbox.run,
    "sandbox": sandbox.run,
    "search": search.run,
    "settle": settle.run,
    "bystander": bystander.run,
}


PARTS: dict[str, Callable[[Running], None]] = {
    "ingest-single": ingest.run_single_events,
    "ingest-files": ingest.run_files,
}
"""Run only when named: of one above, for a short run, or beside it."""


def main() -> None:
    """Run what was asked for."""
    known = [*PURE, *WITH_SERVICE, *PARTS]
    wanted = sys.argv[1:] or [*PURE, *WITH_SERVICE]
    unknown = set(wanted) - set(known)
    if unknown:
        print(f"No benchmark {', '.join(sorted(unknown))}: there are {', '.join(sorted(known))}")
        sys.exit(2)
    for name in PURE:
        if name in wanted:
            PURE[name]()
    from_service = WITH_SERVICE | PARTS
    with_service = [from_service[name] for name in wanted if name in from_service]
    if with_service:
        with running() as service:
            for run in with_service:
                run(service)


if __name__ == "__main__":
    main()
