"""The identifiers that a Segment or RudderStack call names."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from identity_service.collect.refused import Refused
from identity_service.domain.events import MAX_IDENTIFIERS, RejectionCode
from identity_service.domain.identifiers import MAX_VALUE_BYTES, Identifier

MAX_LISTED = 1_000
"""Longest `externalIds` or `mergeProperties` that is looked at, so that refusing is quick."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PLATFORMS = {"ios", "android"}


def read_identifiers(
    call: Mapping[str, Any],
    *,
    kind: str,
    traits: Mapping[str, Any],
    context: Mapping[str, Any],
    context_traits: Mapping[str, Any],
    account_traits: Mapping[str, Any],
) -> tuple[Identifier, ...]:
    """The identifiers of a call in the order in which they stand, as sent, each once.

    `traits` are the person's (of an identify call), `account_traits` those of a group call.
    Raises Refused for none and for too many. What a value may be is for the policy to say.
    """
    found: dict[Identifier, None] = {}
    user_id, anonymous_id = call.get("userId"), call.get("anonymousId")
    if user_id != anonymous_id:  # the same id as both names a browser and no account
        _add(found, "user_id", user_id)
    _add(found, "anonymous_id", anonymous_id)
    if kind == "alias":
        # Never a second user_id: a write key must not be able to join two accounts.
        _add(found, "anonymous_id", call.get("previousId"))
    elif kind == "merge":
        _add_merged(found, call.get("mergeProperties"))
    if traits or context_traits:
        _add_traits(found, traits, context_traits, account_traits)
    if "device" in context:
        _add_device(found, context["device"])
    if "externalIds" in context:
        _add_external(found, context["externalIds"])
    not_text = _not_text(call)
    if not found:
        why = "; ".join(f"{name} is {_kind_in_words(v)}, not text" for name, v in not_text.items())
        why = why or "it needs a userId, an anonymousId or another identifier"
        raise Refused(RejectionCode.NO_IDENTIFIER, f"The event names nobody: {why}.")
    for name, value in not_text.items():
        # Withheld by every policy, so that the event says that it was passed over.
        text = json.dumps(value, ensure_ascii=False)[:MAX_VALUE_BYTES]
        found[Identifier(_FIELDS[name], text)] = None
    _check_count(found)
    return tuple(found)


def external_ids(identifiers: Iterable[tuple[str, object]]) -> list[dict[str, Any]]:
    """Typed identifiers as `context.externalIds` has them, without those that have no value."""
    return [
        {"type": of_type, "id": value, "collection": "users", "encoding": "none"}
        for of_type, value in identifiers
        if value not in (None, "")
    ]


def second_values_as_anonymous(
    identifiers: Iterable[Identifier], limit_of: Callable[[str], int | None]
) -> tuple[Identifier, ...]:
    """The identifiers of a merge call as a policy may take them.

    A second value of a type with limit 1 counts as an `anonymous_id`, so that a write key cannot
    join two accounts. `limit_of` is the limit that the policy sets for a type.
    """
    seen: set[str] = set()
    taken: dict[Identifier, None] = {}
    for identifier in identifiers:
        if identifier.type in seen and limit_of(identifier.type) == 1:
            taken[Identifier("anonymous_id", identifier.value)] = None
        else:
            taken[identifier] = None
        seen.add(identifier.type)
    return tuple(taken)


def identifier_text(value: object) -> str | None:
    """A value as an identifier: text as sent, or the JSON text of a number; None if it is none."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    return repr(value) if isinstance(value, int) else None


def _add(found: dict[Identifier, None], of_type: str, value: object) -> None:
    text = identifier_text(value)
    if text is None:
        return
    if of_type == "anonymous_id" and "@" in text and _EMAIL.fullmatch(text):
        of_type = "email"
    found[Identifier(of_type, text)] = None


def _add_traits(
    found: dict[Identifier, None],
    traits: Mapping[str, Any],
    context_traits: Mapping[str, Any],
    account_traits: Mapping[str, Any],
) -> None:
    """E-mail and phone of an identify call's traits, else of the context's.

    The context's are what the SDK cached, of a person who may have left. One that equals the
    account's is the account's.
    """
    for trait in ("email", "phone"):
        stated, cached = traits.get(trait), context_traits.get(trait)
        if identifier_text(stated):
            _add(found, trait, stated)
        elif cached != account_traits.get(trait):
            _add(found, trait, cached)


def _add_typed(found: dict[Identifier, None], of_type: object, value: object) -> None:
    """Add an identifier whose type was sent."""
    if isinstance(of_type, str) and of_type.strip():
        _add(found, of_type.strip(), value)
        _check_count(found)


def _add_merged(found: dict[Identifier, None], listed: object) -> None:
    for entry in _entries(listed, "mergeProperties"):
        _add_typed(found, entry.get("type"), entry.get("value"))


def _add_external(found: dict[Identifier, None], listed: object) -> None:
    for entry in _entries(listed, "context.externalIds"):
        # Segment requires both: without them the value is an account's, or a digest.
        if entry.get("collection") == "users" and entry.get("encoding") == "none":
            _add_typed(found, entry.get("type"), entry.get("id"))


def _add_device(found: dict[Identifier, None], device: object) -> None:
    if not isinstance(device, dict):
        return
    device = cast("dict[str, Any]", device)
    platform = device.get("type")
    if not isinstance(platform, str) or platform.lower() not in _PLATFORMS:
        return
    platform = platform.lower()
    _add(found, f"{platform}.id", device.get("id"))
    if device.get("adTrackingEnabled") is True:
        _add(found, f"{platform}.idfa", device.get("advertisingId"))
    _add(found, f"{platform}.push_token", device.get("token"))


_FIELDS = {"userId": "user_id", "anonymousId": "anonymous_id", "previousId": "anonymous_id"}
_NOT_TEXT = (dict, list, bool)


def _not_text(call: Mapping[str, Any]) -> dict[str, object]:
    """The fields of a call that should hold an id and hold an object, a list or a boolean."""
    return {name: call[name] for name in _FIELDS if isinstance(call.get(name), _NOT_TEXT)}


def _kind_in_words(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "an object" if isinstance(value, dict) else "a list"


def _entries(listed: object, where: str) -> Iterable[dict[str, Any]]:
    if not isinstance(listed, list):
        return []
    listed = cast("list[object]", listed)
    if len(listed) > MAX_LISTED:
        raise Refused(
            RejectionCode.TOO_MANY_IDENTIFIERS,
            f"{where} has {len(listed):,} entries; an event carries at most {MAX_IDENTIFIERS}"
            " identifiers.",
        )
    return [cast("dict[str, Any]", entry) for entry in listed if isinstance(entry, dict)]


def _check_count(found: dict[Identifier, None]) -> None:
    if len(found) > MAX_IDENTIFIERS:
        raise Refused(
            RejectionCode.TOO_MANY_IDENTIFIERS,
            f"The event has more than {MAX_IDENTIFIERS} identifiers.",
        )
