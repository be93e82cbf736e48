"""Stored events as they were sent: what their adapter read, before rules and policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from identity_service.collect.identifiers import read_identifiers
from identity_service.collect.reading_rules import with_sent_name
from identity_service.collect.refused import Refused
from identity_service.domain.events import ReportedEvent
from identity_service.domain.identifiers import Identifier

_OF_CALL = ("userId", "anonymousId", "previousId", "mergeProperties")


def as_sent(stored: ReportedEvent) -> ReportedEvent:
    """A stored event, of which no identifiers are given, with the name and those it was sent with.

    What an adapter knew besides is lost: of Jitsu's calls, that the context's traits may be those
    of an account; and that a field of a context with the name of one of the call's is none.
    """
    context = stored.context
    call = {key: context.get(f"_{key}", context.get(key)) for key in _OF_CALL}
    return replace(with_sent_name(stored), identifiers=_identifiers(stored, call))


def _identifiers(stored: ReportedEvent, call: Mapping[str, Any]) -> tuple[Identifier, ...]:
    of_group = stored.type == "group"
    try:
        return read_identifiers(
            call,
            kind=stored.type,
            traits=stored.properties if stored.type == "identify" else {},
            context=stored.context,
            context_traits=_mapping(stored.context.get("traits")),
            account_traits=stored.properties if of_group else {},
        )
    except Refused:
        return ()


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
