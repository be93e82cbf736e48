"""What events report of a customer, in the shape that traits by rule take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

from identity_service.domain.profiles.occurrences import ProfileEvent, ReportedValue
from identity_service.domain.profiles.values import json_text, read_json
from identity_service.domain.traits import MAX_NAME


class TraitsOfEvent(NamedTuple):
    """What an event says of traits, beside its own (`ProfileEvent.traits_json`).

    `context_json` are those of its context, `limited`: it is the word of a limited source, without
    a proof. `account` names the account of the event.
    """

    event: ProfileEvent
    context_json: str | None
    limited: bool
    account: str | None


NOTHING: Final[Mapping[str, Any]] = {}


def reported_values(
    events: Iterable[TraitsOfEvent], described: Mapping[str, Iterable[str]]
) -> dict[str, list[ReportedValue]]:
    """By trait, every value that events reported of it, in the order of the events given.

    `described`: by account, the sets of traits (JSON) that any event reported about it. A trait in
    the context of an event that is equal to one of its account is the account's.
    """
    of_account = {account: _pairs(sets) for account, sets in described.items()}
    found: dict[str, list[ReportedValue]] = {}
    for event, context_json, limited, account in events:
        own = _read(event.traits_json)
        theirs = of_account.get(account, frozenset()) if account else frozenset[Any]()
        said = {
            name: value
            for name, value in _read(context_json).items()
            if (name, json_text(value)) not in theirs
        }
        for name, value in {**said, **own}.items():
            if len(name) <= MAX_NAME:
                reported = ReportedValue(event.order, event.source, value, limited)
                found.setdefault(name, []).append(reported)
    return found


def _pairs(sets: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (name, json_text(value)) for each in sets for name, value in _read(each).items()
    )


def _read(text: str | None) -> Mapping[str, Any]:
    return NOTHING if text is None else cast("dict[str, Any]", read_json(text))
