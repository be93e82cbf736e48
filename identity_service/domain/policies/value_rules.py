"""What of an event's identifiers a policy lets through: normalised, not blocked, well formed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from identity_service.domain.events import (
    MAX_IDENTIFIERS,
    Observation,
    Rejection,
    RejectionCode,
    ReportedEvent,
    event_body,
)
from identity_service.domain.identifiers import (
    CONTROL_CHARACTER,
    MAX_VALUE_BYTES,
    Identifier,
    IdentifierKind,
)
from identity_service.domain.policies.normalise import (
    NORMALISERS,
    cleaned,
    normalise_login,
    normalise_phone,
)
from identity_service.domain.policies.placeholders import fold, is_typed_in_phone, names_nobody
from identity_service.domain.policies.policy import (
    TYPE_NAME_HELP,
    Blocked,
    Normaliser,
    Policy,
    Rule,
    is_type_name,
)
from identity_service.domain.policies.regexes import Regex, compile_regex

_MOST_CLEANED = 8 * MAX_VALUE_BYTES
"""Longest value that is cleaned, in characters: encoding makes a value up to nine times as long."""

MAX_UNLISTED_TYPES = 1_000
"""Tables kept for types that the policy does not list: senders choose their names."""

_SHOWN = 200


class WithheldReason(StrEnum):
    """Why an identifier was not taken into the graph."""

    BLOCKED_VALUE = "BLOCKED_VALUE"
    INVALID_VALUE = "INVALID_VALUE"
    TOO_MANY_VALUES = "TOO_MANY_VALUES"


@dataclass(frozen=True, slots=True)
class WithheldValue:
    """An identifier as sent that stays with its event only, and why.

    `code`: as what an event is rejected that has nothing but such identifiers.
    """

    identifier: Identifier
    reason: WithheldReason
    message: str
    code: RejectionCode = RejectionCode.NO_IDENTIFIER

    def __str__(self) -> str:
        """As a message shows it: the beginning of a long identifier, and why."""
        sent = str(self.identifier)
        return f"{sent[:_SHOWN]}{'…' if len(sent) > _SHOWN else ''}: {self.message}."

    @property
    def can_be_kept(self) -> bool:
        """Whether another policy could take it, so that the event keeps it for that day."""
        return self.code is RejectionCode.NO_IDENTIFIER and is_type_name(self.identifier.type)


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
    """A policy's rules about values, prepared once. Pure: the same value, the same answer.

    `region` (ISO 3166, `NL`) is the country of national phone numbers, where the policy names
    none.
    """

    def __init__(self, policy: Policy, region: str | None = None) -> None:
        self._policy = policy
        self.region = region
        self._patterns = {
            entry.pattern: compile_regex(entry.pattern) for entry in policy.blocked if entry.pattern
        }
        self._types = {name: self._prepare(name) for name in policy.rules}
        self._per_event = {name: rule.per_event for name, rule in policy.rules.items()}
        self._others_per_event = policy.other.per_event if policy.other else None
        self._limits_events = bool(self._others_per_event or any(self._per_event.values()))

    def lets_through(self, identifier: Identifier) -> bool:
        """Whether the policy withholds neither the type nor the value."""
        return not isinstance(self.identifier(identifier), WithheldValue)

    def identifier(self, raw: Identifier) -> Identifier | WithheldValue:
        """The identifier in its one spelling, or why it is withheld.

        Applied to its own answer it gives that answer again.
        """
        rules = self._types.get(raw.type) or self._unlisted(raw.type)
        if rules is None:
            return _invalid(raw, f"its type is no name of a type: {TYPE_NAME_HELP}")
        if len(raw.value) > _MOST_CLEANED:
            return _too_long(raw)
        value = cleaned(raw.value)
        if byte_length(value) > MAX_VALUE_BYTES:
            return _too_long(raw)
        if not value.isprintable() and (found := CONTROL_CHARACTER.search(value)):
            message = f"not printable: it holds the character U+{ord(found[0]):04X}"
            return _invalid(raw, message, RejectionCode.INVALID_IDENTIFIER)
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

    def is_national(self, identifier: Identifier) -> bool:
        """Whether a normalised identifier is a phone number without its country."""
        rules = self._types.get(identifier.type)
        return (
            rules is not None
            and rules.normaliser is Normaliser.PHONE
            and not identifier.value.startswith("+")
        )

    def let_through(
        self, sent: Iterable[Identifier]
    ) -> tuple[set[Identifier], list[WithheldValue]]:
        """The identifiers of one event in their one spelling, and those that are withheld.

        Where it carries more values of a type than `per_event` allows, these are all withheld.
        """
        usable: dict[Identifier, list[Identifier]] = {}
        withheld: list[WithheldValue] = []
        for raw in sent:
            found = self.identifier(raw)
            if isinstance(found, WithheldValue):
                withheld.append(found)
            else:
                usable.setdefault(found, []).append(raw)
        for kind, most in self.too_many_of(usable).items():
            values = [identifier for identifier in usable if identifier.type == kind]
            message = (
                f"one of {len(values)} values of its type on the event, more than the {most} that"
                " the policy takes (`per_event`)"
            )
            withheld += [
                WithheldValue(raw, WithheldReason.TOO_MANY_VALUES, message)
                for identifier in values
                for raw in usable.pop(identifier)
            ]
        return set(usable), withheld

    def too_many_of(self, identifiers: Iterable[Identifier]) -> dict[str, int]:
        """The types of which one event carries more values than it may, with how many it may."""
        if not self._limits_events:
            return {}
        counts = Counter(identifier.type for identifier in set(identifiers))
        return {
            kind: allowed
            for kind, count in counts.items()
            if (allowed := self._per_event.get(kind, self._others_per_event)) and count > allowed
        }

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
        normalise = self._normalise(rule)
        entries = [b for b in self._policy.blocked if b.types is None or name in b.types]
        format_text = (rule.format if rule else None) or ""
        return _Type(
            normalise=normalise,
            normaliser=normaliser,
            blocked=_folded_values(entries, normalise),
            patterns=tuple(self._patterns[b.pattern] for b in entries if b.pattern),
            format=compile_regex(format_text) if format_text else None,
            format_text=format_text,
            allow=frozenset(v.strip().casefold() for v in rule.allow) if rule else frozenset(),
        )

    def _normalise(self, rule: Rule | None) -> Callable[[str], str | None] | None:
        if rule is None or rule.normalise is Normaliser.NONE:
            # People log in by an e-mail address in any spelling; a device has no login.
            return normalise_login if rule and rule.kind is IdentifierKind.PERSON else None
        if rule.normalise is Normaliser.PHONE and (rule.region or self.region):
            return partial(normalise_phone, region=rule.region or self.region)
        return NORMALISERS[rule.normalise]


def observe(
    event: ReportedEvent,
    values: ValueRules,
    received_at: int,
    source: str,
    *,
    proven: bool = False,
) -> Observation | Rejection:
    """What an event says under a policy, or why it is set aside.

    Rejected: more than 50 identifiers, and no usable identifier.
    """
    usable, withheld = values.let_through(event.identifiers)
    if len(usable) > MAX_IDENTIFIERS:
        message = f"{len(usable)} identifiers are too many: at most {MAX_IDENTIFIERS} on an event."
        return _rejected(event, RejectionCode.TOO_MANY_IDENTIFIERS, message)
    if not usable:
        return _rejected(event, _code(withheld), _nothing_usable(withheld))
    return Observation(
        event=event,
        identifiers=tuple(sorted(usable)),
        withheld=tuple(w.identifier for w in withheld if w.can_be_kept),
        received_at=received_at,
        source=source,
        region=values.region,
        proven=proven,
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


def _folded_values(
    entries: list[Blocked], normalise: Callable[[str], str | None] | None
) -> frozenset[str]:
    blocked = [cleaned(entry.value) for entry in entries if entry.value is not None]
    normalised = [normalise(value) or value for value in blocked] if normalise else []
    return frozenset(map(fold, (*blocked, *normalised)))


def _blocked(value: str, rules: _Type) -> str | None:
    """Why a value is blocked, or None."""
    by_default = names_nobody(value) or (
        rules.normaliser is Normaliser.PHONE and is_typed_in_phone(value)
    )
    if by_default and not (value and value.casefold() in rules.allow):
        return "blocked by default; the policy can `allow` it" if value else "empty"
    if rules.blocked and fold(value) in rules.blocked:
        return "blocked by the policy"
    if rules.patterns and any(pattern.fullmatch(value) for pattern in rules.patterns):
        return "blocked by the policy"
    return None


def _invalid(
    raw: Identifier, message: str, code: RejectionCode = RejectionCode.NO_IDENTIFIER
) -> WithheldValue:
    return WithheldValue(raw, WithheldReason.INVALID_VALUE, message, code)


def _too_long(raw: Identifier) -> WithheldValue:
    message = f"longer than {MAX_VALUE_BYTES:,} bytes: shorten or hash it"
    return _invalid(raw, message, RejectionCode.IDENTIFIER_TOO_LONG)


def _code(withheld: list[WithheldValue]) -> RejectionCode:
    """The code of an event whose identifiers are all withheld: the reason, if they share one."""
    codes = {w.code for w in withheld}
    return codes.pop() if len(codes) == 1 else RejectionCode.NO_IDENTIFIER


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
    return Rejection(
        code=code,
        message=message,
        message_id=event.message_id,
        body=event_body(event),
        digest=event.digest,
        sent_with={"place": event.place} if event.place else None,
    )
