"""Upstream notices, of what senders say that another system did to its records."""

from __future__ import annotations

from collections.abc import Sequence

from identity_service.collect.identifiers import identifier_text
from identity_service.collect.refused import Refused
from identity_service.collect.times import read_time
from identity_service.domain.identifiers import CONTROL_CHARACTER, MAX_VALUE_BYTES, Identifier
from identity_service.domain.upstream import Notice, NoticeKind


def notice(
    kind: NoticeKind,
    topic: str,
    message_id: object,
    identifiers: Sequence[tuple[str, object]],
    at: object,
) -> Notice:
    """A notice of what was sent; a value that no identifier may be is left out of it.

    `at` is a time in any spelling; None, and so is one that cannot be read.
    """
    named = [(of_type, identifier_text(value)) for of_type, value in identifiers]
    return Notice(
        kind,
        topic[:MAX_VALUE_BYTES],
        (identifier_text(message_id) or "")[:MAX_VALUE_BYTES],
        tuple(Identifier(of_type, text) for of_type, text in named if text and _fits(text)),
        _time(at),
    )


def merge_notice(
    topic: str,
    message_id: object,
    kept: tuple[str, object],
    gone: tuple[str, object],
    at: object,
) -> Notice | None:
    """A notice of two records that became one; None where they are not two."""
    made = notice(NoticeKind.MERGE, topic, message_id, (kept, gone), at)
    return made if len(set(made.identifiers)) == 2 else None


def _fits(text: str) -> bool:
    return len(text.encode("utf-8", "surrogatepass")) <= MAX_VALUE_BYTES and not (
        CONTROL_CHARACTER.search(text)
    )


def _time(at: object) -> int | None:
    try:
        return read_time(at, "at")
    except Refused:
        return None
