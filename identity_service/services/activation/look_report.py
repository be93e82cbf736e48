"""What one look at a destination came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class LookReport:
    """What one look came to: customers that were due, and operations by what became of them.

    `unknown` are events that are not sent again. `is_full`: more may be due. `refused`: why the
    destination lets nothing in.
    """

    customers: int = 0
    is_full: bool = False
    done: int = 0
    later: int = 0
    dead: int = 0
    unknown: int = 0
    not_sent: int = 0
    refused: str | None = None
