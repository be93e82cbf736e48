"""The identifiers that a Segment or RudderStack call names."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from identity_service.collect.refused import Refused
from identity_service.domain.events import MAX_IDENTIFIERS, RejectionCode
from identity_service.domain.identifiers import MAX_TYPE_LENGTH, MAX_VALUE_BYTES, Identifier

CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no identifier, message id or name holds: control characters, half a surrogate pair."""

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
    """The identifiers of a call in the order in which they stand, trimmed, each once.

    `traits` are the person's (of an identify call), `account_traits` those of a group call: an
    e-mail or phone in `context_traits` that equals the account's is the account's.
    Raises Refused for none, for too many, and for one that is too long or cannot be printed.
    """
    found: dict[Identifier, None] = {}
    _add(found, "user_id", call.get("userId"), "userId")
    _add(found, "anonymous_id", call.get("anonymousId"), "anonymousId")
    if kind == "alias":
        # Never a second user_id: a write key must not be able to join two accounts.
        _add(found, "anonymous_id", call.get("previousId"), "previousId")
    elif kind == "merge":
        _add_merged(found, call.get("mergeProperties"))
    if traits:
        _add(found, "email", traits.get("email"), "traits.email")
        _add(found, "phone", traits.get("phone"), "traits.phone")
    if context_traits:
        _add_unless(found, "email", context_traits.get("email"), account_traits.get("email"))
        _add_unless(found, "phone", context_traits.get("phone"), account_traits.get("phone"))
    if "device" in context:
        _add_device(found, context["device"])
    if "externalIds" in context:
        _add_external(found, context["externalIds"])
    if not found:
        raise Refused(
            RejectionCode.NO_IDENTIFIER,
            "The event names nobody: it needs a userId, an anonymousId or another identifier.",
        )
    _check_count(found)
    return tuple(found)


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


def identifier_text(value: object, where: str) -> str | None:
    """A value as an identifier: trimmed text, or the JSON text of a number; None if it is none.

    Raises Refused when it is too long, or holds control characters or half a surrogate pair.
    """
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, bool):
        return None
    elif isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        text = repr(value)
    else:
        return None
    if len(text) > MAX_VALUE_BYTES or not (text.isascii() and text.isprintable()):
        _check_text(text, where)
    return text or None


def _check_text(text: str, where: str) -> None:
    if len(text) > MAX_VALUE_BYTES or len(text.encode("utf-8", "replace")) > MAX_VALUE_BYTES:
        raise Refused(
            RejectionCode.IDENTIFIER_TOO_LONG,
            f"{where} is longer than {MAX_VALUE_BYTES:,} bytes.",
        )
    unprintable = CONTROL_CHARACTER.search(text)
    if unprintable:
        raise Refused(
            RejectionCode.INVALID_IDENTIFIER,
            f"{where} holds the character U+{ord(unprintable[0]):04X}.",
        )


def _add(found: dict[Identifier, None], of_type: str, value: object, where: str) -> None:
    if value is None:
        return
    text = identifier_text(value, where)
    if text is None:
        return
    if of_type == "anonymous_id" and "@" in text and _EMAIL.fullmatch(text):
        of_type = "email"
    found[Identifier(of_type, text)] = None


def _add_unless(
    found: dict[Identifier, None], of_type: str, value: object, of_account: object
) -> None:
    if value != of_account:
        _add(found, of_type, value, f"context.traits.{of_type}")


def _add_typed(found: dict[Identifier, None], of_type: object, value: object, where: str) -> None:
    """Add an identifier whose type was sent; a type is text that `TYPE:VALUE` can hold."""
    if not isinstance(of_type, str) or not of_type.strip():
        return
    of_type = of_type.strip()
    if len(of_type) > MAX_TYPE_LENGTH or ":" in of_type or CONTROL_CHARACTER.search(of_type):
        raise Refused(
            RejectionCode.INVALID_IDENTIFIER,
            f"The type of an identifier in {where} has more than {MAX_TYPE_LENGTH} characters,"
            f" a colon or a control character: {of_type[:40]!r}.",
        )
    _add(found, of_type, value, f"{where} {of_type}")
    _check_count(found)


def _add_merged(found: dict[Identifier, None], listed: object) -> None:
    for entry in _entries(listed, "mergeProperties"):
        _add_typed(found, entry.get("type"), entry.get("value"), "mergeProperties")


def _add_external(found: dict[Identifier, None], listed: object) -> None:
    for entry in _entries(listed, "context.externalIds"):
        # Segment requires both: without them the value is an account's, or a digest.
        if entry.get("collection") == "users" and entry.get("encoding") == "none":
            _add_typed(found, entry.get("type"), entry.get("id"), "context.externalIds")


def _add_device(found: dict[Identifier, None], device: object) -> None:
    if not isinstance(device, dict):
        return
    device = cast("dict[str, Any]", device)
    platform = device.get("type")
    if not isinstance(platform, str) or platform.lower() not in _PLATFORMS:
        return
    platform = platform.lower()
    _add(found, f"{platform}.id", device.get("id"), "context.device.id")
    if device.get("adTrackingEnabled") is True:
        value = device.get("advertisingId")
        _add(found, f"{platform}.idfa", value, "context.device.advertisingId")
    _add(found, f"{platform}.push_token", device.get("token"), "context.device.token")


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
