"""What is read of a source that the service asks itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from identity_service.collect.cursors import CursorValue
from identity_service.domain.events import Rejection, ReportedEvent


class PolledRow(NamedTuple):
    """A row of a table: where it stands, and the call it becomes.

    `key` tells it from the others as JSON, and `who` are the fields of the call that say who it is.
    """

    cursor: CursorValue | None
    call: ReportedEvent | Rejection
    key: str
    who: Mapping[str, Any]
