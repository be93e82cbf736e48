"""What every vendor's module is given, what it makes of that, and what several of them do alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from identity_service.collect.identifiers import identifier_text
from identity_service.domain.upstream import Notice

MAX_WORD: Final = 200
"""Longest word of a vendor's for what happened, in characters."""

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

    body: object
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


def word(value: object) -> str:
    """A vendor's word for something, such as a topic: no longer than one is; `?` for no text."""
    return value[:MAX_WORD] if isinstance(value, str) else "?"


def prefixed(prefix: object, value: object) -> str | None:
    """`prefix/value`, for ids that are unique only inside an account of the vendor."""
    text, before = identifier_text(value), identifier_text(prefix)
    return text if text is None or before is None else f"{before}/{text}"
