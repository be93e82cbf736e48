"""Steps and channels: what an event is called in journeys, and where a visit came from.

Both are decided here, once for each event, and kept with it, so that a question over a million
events reads them instead of working them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

from identity_service.domain.events import ReportedEvent

MAX_STEP: Final = 1_024
"""Longest step and longest channel, in characters; the rest of a longer one is cut off."""

PAGE_TYPES: Final = ("page", "screen")
"""Calls that tell what somebody looked at."""

EMAIL_EVENTS: Final = frozenset({"Email Session", "Email Link Clicked", "Email Clicked"})
"""Events of e-mail tools that show attention; a message that was only delivered does not."""

EMAIL: Final = "email"
"""The channel of e-mail events that name no campaign."""


def step_of(event: ReportedEvent) -> str | None:
    """The name of an event in journeys; None for an event that is no step.

    A track call: its name, and without one it is no step. A page or a screen: its name, else the
    path of the page, else `(page)` or `(screen)`. All other calls say who somebody is and not
    what somebody did: they are no steps.
    """
    if event.type == "track":
        return event.name[:MAX_STEP] if event.name else None
    if event.type not in PAGE_TYPES:
        return None
    found = event.name or _text(event.properties, "path") or _text(_page(event), "path")
    return (found or f"({event.type})")[:MAX_STEP]


def channel_of(event: ReportedEvent) -> str | None:
    """What brought somebody here, as far as the event tells; None when it tells nothing.

    In this order: the source of the campaign (`context.campaign.source`, the property
    `utm_source`, or `utm_source` in the address of the page); `email` for events of e-mail tools;
    the host of the referrer without `www.`, when the page is on another host.
    """
    properties, page = event.properties, _page(event)
    found = (
        _text(_object(event.context, "campaign"), "source")
        or _text(properties, "utm_source")
        or _source_in(_text(properties, "url"))
        or _source_in(_text(page, "url"))
        or _source_in(_text(page, "search"))
        or (EMAIL if event.type == "track" and event.name in EMAIL_EVENTS else None)
        or _referring_host(properties, page)
    )
    return found[:MAX_STEP] if found else None


def _source_in(address: str | None) -> str | None:
    if address is None or "utm_source=" not in address:
        return None
    query = address.partition("?")[2].partition("#")[0]
    return next(iter(parse_qs(query).get("utm_source", ())), None)


def _referring_host(properties: Mapping[str, Any], page: Mapping[str, Any]) -> str | None:
    came_from = _host(_text(properties, "referrer") or _text(page, "referrer"))
    if came_from is None:
        return None
    address = _text(properties, "url") or _text(page, "url")
    return came_from if came_from != _host(address) else None


def _host(address: str | None) -> str | None:
    if address is None:
        return None
    try:
        host = urlsplit(address).hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host else None


def _page(event: ReportedEvent) -> Mapping[str, Any]:
    return _object(event.context, "page")


def _object(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = of.get(name)
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _text(of: Mapping[str, Any], name: str) -> str | None:
    value = of.get(name)
    return value.strip() or None if isinstance(value, str) else None
