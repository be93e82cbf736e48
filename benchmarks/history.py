"""A line for the tables of `README.md` that tell how figures went by commit."""

from __future__ import annotations

import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from benchmarks.figures import percentile
from benchmarks.turns import Done


def print_history(results: Mapping[str, Sequence[Done]]) -> None:
    """Print the line of these results, a cell for each work."""
    cells = [
        datetime.now(UTC).date().isoformat(),
        _commit(),
        f"{os.cpu_count()} processors, {platform.machine()}",
        *(_cell(done[0], done[1]) for done in results.values()),
    ]
    print(f"\nFor benchmarks/README.md:\n| {' | '.join(cells)} |")


def _cell(service: Done, other: Done) -> str:
    parts = [f"{service.rate / other.rate:.2f}"]
    if service.took:
        parts.append(f"{percentile(service.took, 0.99):.0f} ms")
    own, database = (service.processor[name] / service.events for name in ("own", "database"))
    if not math.isnan(own + database):
        parts.append(f"{own * 1e6:.0f} + {database * 1e6:.0f} µs")
    return ", ".join(parts)


def _commit() -> str:
    """Where the tree stands; a plus means that files differ from it."""
    described = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(described, capture_output=True, text=True, check=False).stdout.strip()
