"""What every vendor's module is given, what it makes of that, and what several of them do alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from identity_service.collect.identifiers import identifier_text
from identity_service.collect.refused import Refused
from identity_service.collect.times import read_time
from identity_service.domain.identifiers import CONTROL_CHARACTER, MAX_VALUE_BYTES, Identifier
from identity_service.domain.upstream import Notice, NoticeKind

Call: TypeAlias = dict[str, Any]
"""A call of the tracking API."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a source reads its vendor's webhooks.

    `livemode`: whether Stripe's live events are meant, or those of its test mode.
    `note_attribute`: under which name Shopify's orders carry the anonymous id of the browser.
    """

    livemode: bool = True
    note_attribute: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A decoded body, the headers that came with it (names in lower case), and the options."""

    body: Any
    headers: Mapping[str, str]
    options: Options


@dataclass(frozen=True, slots=True)
class Reading:
    """What a vendor's body says: calls of the tracking API, and upstream notices.

    `calls` may hold what is no call, to be rejected as such. `ignored` says in a sentence each
    what was passed over, and why.
    """

    calls: Sequence[object] = ()
    notices: Sequence[Notice] = ()
    ignored: Sequence[str] = ()


def joined(readings: Sequence[Reading]) -> Reading:
    """All of them as one."""
    return Reading(
        [call for each in readings for call in each.calls],
        [notice for each in readings for notice in each.notices],
        [reason for each in readings for reason in each.ignored],
    )


def external_ids(identifiers: Sequence[tuple[str, object]]) -> list[dict[str, Any]]:
    """Typed identifiers as `context.externalIds` has them, without those that have no value."""
    return [
        {"type": of_type, "id": value, "collection": "users", "encoding": "none"}
        for of_type, value in identifiers
        if value not in (None, "")
    ]


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


def merge_notices(
    topic: str, message_id: object, of_type: str, kept: object, gone: Sequence[object], at: object
) -> list[Notice]:
    """A notice for each record that is gone, beside the one that lives on."""
    both = [
        notice(NoticeKind.MERGE, topic, message_id, [(of_type, kept), (of_type, other)], at)
        for other in gone
    ]
    return [each for each in both if len(set(each.identifiers)) == len(each.identifiers) == 2]


def prefixed(prefix: object, value: object) -> str | None:
    """`prefix/value`, for ids that are unique only inside an account of the vendor."""
    text, before = identifier_text(value), identifier_text(prefix)
    return text if text is None or before is None else f"{before}/{text}"


def _fits(text: str) -> bool:
    return len(text.encode("utf-8", "surrogatepass")) <= MAX_VALUE_BYTES and not (
        CONTROL_CHARACTER.search(text)
    )


def _time(at: object) -> int | None:
    try:
        return read_time(at, "at")
    except Refused:
        return None
