"""What of an event's identifiers a policy lets through: normalised, not blocked, well formed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from identity_service.domain.events import (
    MAX_IDENTIFIERS,
    Observation,
    Rejection,
    RejectionCode,
    ReportedEvent,
)
from identity_service.domain.identifiers import MAX_VALUE_BYTES, Identifier
from identity_service.domain.policies.normalise import NORMALISERS, normalise_none
from identity_service.domain.policies.policy import (
    TYPE_NAME_HELP,
    Blocked,
    Normaliser,
    Policy,
    is_type_name,
)
from identity_service.domain.policies.regexes import Regex, compile_regex

BLOCKED_BY_DEFAULT = frozenset(
    {
        "",
        "null",
        "none",
        "nil",
        "undefined",
        "nan",
        "anonymous",
        "guest",
        "unknown",
        "not_authenticated",
        "distinct_id",
        "id",
        "email",
        "true",
        "false",
        "0",
        "-1",
        "[object object]",
    }
)
"""Blocked for every type, in every spelling and in quotes; so is all of zeros and dashes."""

MAX_UNLISTED_TYPES = 1_000
"""Tables kept for types that the policy does not list: senders choose their names."""

_WRAPPING = " \t\r\n\"'`´‘’‚‛“”„‟«»‹›\u00a0"  # noqa: RUF001  (they are the quotes people use)

_SHOWN = 200
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


class WithheldReason(StrEnum):
    """Why an identifier was not taken into the graph."""

    BLOCKED_VALUE = "BLOCKED_VALUE"
    INVALID_VALUE = "INVALID_VALUE"


@dataclass(frozen=True, slots=True)
class WithheldValue:
    """An identifier as sent that stays with its event only, and why."""

    identifier: Identifier
    reason: WithheldReason
    message: str

    def __str__(self) -> str:
        """As a message shows it: the beginning of a long identifier, and why."""
        sent = str(self.identifier)
        return f"{sent[:_SHOWN]}{'…' if len(sent) > _SHOWN else ''}: {self.message}."


@dataclass(frozen=True, slots=True)
class _Type:
    """All that one type's values are held against. `blocked` holds folded values."""

    normalise: Callable[[str], str | None] | None
    normaliser: Normaliser
    blocked: frozenset[str]
    patterns: tuple[Regex, ...]
    format: Regex | None
    format_text: str
    allow: frozenset[str]


class ValueRules:
    """A policy's rules about values, prepared once. Pure: the same value, the same answer."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._patterns = {
            entry.pattern: compile_regex(entry.pattern) for entry in policy.blocked if entry.pattern
        }
        self._types = {name: self._prepare(name) for name in policy.rules}

    def identifier(self, raw: Identifier) -> Identifier | WithheldValue:
        """The identifier in its one spelling, or why it is withheld.

        Applied to its own answer it gives that answer again.
        """
        rules = self._types.get(raw.type) or self._unlisted(raw.type)
        if rules is None:
            return _invalid(raw, f"its type is no name of a type: {TYPE_NAME_HELP}")
        value = raw.value.strip()
        if byte_length(value) > MAX_VALUE_BYTES:
            return _invalid(raw, f"longer than {MAX_VALUE_BYTES:,} bytes")
        if not value.isascii() and _LONE_SURROGATE.search(value):
            return _invalid(raw, "not Unicode text")
        if message := _blocked(value, rules):
            return WithheldValue(raw, WithheldReason.BLOCKED_VALUE, message)
        if rules.normalise:
            normalised = rules.normalise(value)
            if normalised is None:
                return _invalid(raw, f"not {_MEANT[rules.normaliser]}")
            if normalised != value and (message := _blocked(normalised, rules)):
                return WithheldValue(raw, WithheldReason.BLOCKED_VALUE, message)
            value = normalised
        if rules.format and not rules.format.fullmatch(value):
            return _invalid(raw, f"not in the format of its type, {rules.format_text}")
        return raw if value == raw.value else Identifier(raw.type, value)

    def _unlisted(self, name: str) -> _Type | None:
        if not is_type_name(name):
            return None
        prepared = self._prepare(name)
        if len(self._types) < len(self._policy.rules) + MAX_UNLISTED_TYPES:
            self._types[name] = prepared
        return prepared

    def _prepare(self, name: str) -> _Type:
        rule = self._policy.rule_of(name)
        normaliser = rule.normalise if rule else Normaliser.NONE
        normalise = NORMALISERS[normaliser]
        entries = [b for b in self._policy.blocked if b.types is None or name in b.types]
        format_text = (rule.format if rule else None) or ""
        return _Type(
            normalise=None if normalise is normalise_none else normalise,
            normaliser=normaliser,
            blocked=_folded_values(entries, normalise),
            patterns=tuple(self._patterns[b.pattern] for b in entries if b.pattern),
            format=compile_regex(format_text) if format_text else None,
            format_text=format_text,
            allow=frozenset(v.strip().casefold() for v in rule.allow) if rule else frozenset(),
        )


def observe(
    event: ReportedEvent, values: ValueRules, received_at: int, source: str
) -> Observation | Rejection:
    """What an event says under a policy, or why it is set aside.

    Rejected: a value beyond 1,024 bytes, more than 50 identifiers, and no usable identifier.
    """
    usable: set[Identifier] = set()
    withheld: list[WithheldValue] = []
    for raw in event.identifiers:
        if byte_length(raw.value) > MAX_VALUE_BYTES:
            message = f"{raw.type} is longer than {MAX_VALUE_BYTES:,} bytes: shorten or hash it."
            return _rejected(event, RejectionCode.IDENTIFIER_TOO_LONG, message)
        found = values.identifier(raw)
        if isinstance(found, WithheldValue):
            withheld.append(found)
        else:
            usable.add(found)
    if len(usable) > MAX_IDENTIFIERS:
        message = f"{len(usable)} identifiers are too many: at most {MAX_IDENTIFIERS} on an event."
        return _rejected(event, RejectionCode.TOO_MANY_IDENTIFIERS, message)
    if not usable:
        return _rejected(event, RejectionCode.NO_IDENTIFIER, _nothing_usable(withheld))
    return Observation(
        event=event,
        identifiers=tuple(sorted(usable)),
        withheld=tuple(w.identifier for w in withheld),
        received_at=received_at,
        source=source,
    )


def byte_length(text: str) -> int:
    """Bytes of a text in UTF-8; a lone surrogate counts, although it cannot be written."""
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


_MEANT = {
    Normaliser.EMAIL: "an e-mail address",
    Normaliser.PHONE: "a phone number",
    Normaliser.LOWER: "text",
    Normaliser.NONE: "text",
}


def _fold(value: str) -> str:
    """What spellings of a blocked value have in common: case and wrapping quotes fall away."""
    return value.strip(_WRAPPING).casefold()


def _folded_values(
    entries: list[Blocked], normalise: Callable[[str], str | None]
) -> frozenset[str]:
    blocked = [entry.value for entry in entries if entry.value is not None]
    spellings = {*blocked, *(normalise(value.strip()) or value for value in blocked)}
    return frozenset(map(_fold, spellings))


def _blocked(value: str, rules: _Type) -> str | None:
    """Why a value is blocked, or None."""
    folded = _fold(value)
    by_default = folded in BLOCKED_BY_DEFAULT or not folded.strip("0-")
    if by_default and not (value and value.casefold() in rules.allow):
        return "blocked by default; the policy can `allow` it" if value else "empty"
    if folded in rules.blocked or any(pattern.fullmatch(value) for pattern in rules.patterns):
        return "blocked by the policy"
    return None


def _invalid(raw: Identifier, message: str) -> WithheldValue:
    return WithheldValue(raw, WithheldReason.INVALID_VALUE, message)


def _nothing_usable(withheld: list[WithheldValue]) -> str:
    if not withheld:
        return "The event names nobody: send a userId, an anonymousId or another identifier."
    reasons = "; ".join(
        f"{w.identifier.type} “{_short(w.identifier.value)}” is {w.message}" for w in withheld
    )
    return f"No usable identifier: {reasons}."


def _short(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:59]}…"


def _rejected(event: ReportedEvent, code: RejectionCode, message: str) -> Rejection:
    return Rejection(code=code, message=message, message_id=event.message_id, body=_body(event))


def _body(event: ReportedEvent) -> dict[str, Any]:
    """The event as JSON, in the words of `ReportedEvent`: nothing of it is lost."""
    return {
        "messageId": event.message_id,
        "type": event.type,
        "name": event.name,
        "at": event.at,
        "identifiers": [{"type": i.type, "value": i.value} for i in event.identifiers],
        "properties": dict(event.properties),
        "traits": dict(event.traits),
        "context": dict(event.context),
        "contextTraits": dict(event.context_traits),
        "accountId": event.account_id,
        "accountTraits": dict(event.account_traits),
    }
