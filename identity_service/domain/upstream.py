"""Upstream notices: what another system did to its own records of people.

It merged two of them, deleted one, or asks for a person to be forgotten. Such a notice is a report
and changes nothing by itself: a person decides about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from identity_service.domain.identifiers import Identifier


class NoticeKind(StrEnum):
    """What another system did, or asks for."""

    MERGE = "MERGE"
    """It made one record of two: the first identifier lives on, the second is gone."""

    DELETION = "DELETION"
    """It deleted its record."""

    ERASURE = "ERASURE"
    """A person is to be forgotten, or everybody of a shop."""

    ACCESS = "ACCESS"
    """A person asks what is known."""


class NoticeState(StrEnum):
    """What was decided about a notice."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    """A merge: the two were judged the same."""

    DISMISSED = "DISMISSED"
    """A merge: nothing follows from it."""

    HANDLED = "HANDLED"
    """A request: an administrator has dealt with it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as it was sent.

    `identifiers` are as sent; of a merge, the one that lives on and the one that is gone. `topic`
    is the vendor's word for it, `message_id` that of its delivery, `at` when the vendor says that
    it happened (milliseconds since 1970), None where it does not say.
    """

    kind: NoticeKind
    topic: str
    message_id: str
    identifiers: tuple[Identifier, ...]
    at: int | None


@dataclass(frozen=True, slots=True)
class RecordedNotice:
    """A notice of a space, and what was decided about it. Times in milliseconds since 1970."""

    id: str
    source: str
    received_at: int
    notice: Notice
    state: NoticeState = NoticeState.OPEN
    decided_at: int | None = None
    decided_by: str | None = None
    reason: str | None = None
    judgement: str | None = None
