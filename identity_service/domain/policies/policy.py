"""A policy: what each identifier type may join. `parse` reads its text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from identity_service.domain.identifiers import MAX_TYPE_LENGTH, IdentifierKind

TYPE_NAME_HELP = f"1 to {MAX_TYPE_LENGTH} letters, digits, “_”, “-” or “.”"

_TYPE_NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_TYPE_LENGTH}}}")


def is_type_name(text: str) -> bool:
    """Whether a text can be the name of an identifier type (`TYPE_NAME_HELP` says how)."""
    return _TYPE_NAME.fullmatch(text) is not None


class Sharing(StrEnum):
    """What becomes of an identifier that several people share."""

    MERGE = "merge"
    FIRST = "first"
    LATEST = "latest"
    QUARANTINE = "quarantine"
    ISOLATE = "isolate"


class Order(StrEnum):
    """Whether links are taken level by level, or all by time."""

    PRIORITY = "priority"
    TIME = "time"


class Normaliser(StrEnum):
    """How a value is brought to one spelling; every value is trimmed."""

    EMAIL = "email"
    PHONE = "phone"
    LOWER = "lower"
    NONE = "none"


MAX_PRIORITY = 1_000
"""Weakest priority that a rule may have."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of one identifier type. Durations in milliseconds.

    `priority` 1 is strongest. `limit` is the most distinct values per customer (None: no
    limit), counted inside a sliding window `within` over first-seen times if that is set.
    `per_event` is the most values on one event: where an event carries more, all of them are
    withheld from it. `owners` and `dominance` speak only with `Sharing.QUARANTINE`. `region`
    (ISO 3166, `NL`) is the country of national numbers; only with `Normaliser.PHONE`.
    """

    priority: int
    kind: IdentifierKind
    limit: int | None = None
    within: int | None = None
    shared: Sharing = Sharing.FIRST
    owners: int = 1
    dominance: float | None = None
    max_links: int | None = None
    per_event: int | None = None
    ttl: int | None = None
    normalise: Normaliser = Normaliser.NONE
    region: str | None = None
    format: str | None = None
    allow: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Blocked:
    """A blocked value or pattern (over the whole value); `types` None means every type."""

    value: str | None = None
    pattern: str | None = None
    types: frozenset[str] | None = None


DEFAULT_MAX_COMPONENT = 10_000
"""Most identifiers that one component may hold and still be resolved."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a space decides identity by.

    `max_identifiers` is the most that links may bring together in one customer (None: no limit).
    `limited_sources` are sources whose word alone joins no two person identifiers.
    """

    rules: Mapping[str, Rule]
    order: Order = Order.PRIORITY
    other: Rule | None = None
    max_component: int = DEFAULT_MAX_COMPONENT
    max_identifiers: int | None = None
    blocked: tuple[Blocked, ...] = ()
    limited_sources: frozenset[str] = frozenset()

    def rule_of(self, identifier_type: str) -> Rule | None:
        """The rule of a type: its own, else `other`; None when the policy lists neither."""
        return self.rules.get(identifier_type, self.other)
