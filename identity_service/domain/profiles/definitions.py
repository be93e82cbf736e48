"""What a text of profiles defines: rules of traits, features, audiences. `parse` reads the text.

Durations and times are milliseconds (times since 1970, UTC).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.errors import Problem

DEFAULT_LIMIT: Final = 100
"""Most values of a `list`, and most entries of `counts`, unless a feature says otherwise."""

DEFAULT_PAUSE: Final = 30 * 60_000
"""The longest pause inside a session, unless a feature says otherwise."""


class Take(StrEnum):
    """Which of the values that were reported of a trait is the trait."""

    LATEST = "latest"
    FIRST = "first"
    MOST_FREQUENT = "most_frequent"


@dataclass(frozen=True, slots=True)
class TraitRule:
    """How a trait is chosen: by `take`, among what the first of `prefer` that has a value said.

    Where none of the preferred sources has a value, all other sources count alike. `search`:
    customers are found by its value.
    """

    take: Take = Take.LATEST
    prefer: tuple[str, ...] = ()
    search: bool = False


class Function(StrEnum):
    """What a feature computes of occurrences."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    MIN = "min"
    MAX = "max"
    MEDIAN = "median"
    FIRST = "first"
    LAST = "last"
    MOST_FREQUENT = "most_frequent"
    LEAST_FREQUENT = "least_frequent"
    LIST = "list"
    DISTINCT = "distinct"
    COUNTS = "counts"
    DAYS = "days"
    SESSIONS = "sessions"
    FIRST_AT = "first_at"
    LAST_AT = "last_at"
    SINCE_FIRST = "since_first"
    SINCE_LAST = "since_last"


class Operation(StrEnum):
    """What a feature computes of other features and of numbers."""

    PLUS = "plus"
    MINUS = "minus"
    MULTIPLY = "multiply"
    DIVIDE = "divide"


class ListOrder(StrEnum):
    """Which values a `list` keeps, and in which order: of the value, or of time."""

    TEXT = "text"
    FIRST = "first"
    LAST = "last"


class Unit(StrEnum):
    """A whole unit of time."""

    SECOND = "s"
    MINUTE = "m"
    HOUR = "h"
    DAY = "d"

    @property
    def milliseconds(self) -> int:
        """How long it is."""
        return {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[self.value]


class Part(StrEnum):
    """A part of a time: the hour 0 to 23, the weekday 1 (Monday) to 7, the month 1 to 12."""

    HOUR = "hour"
    WEEKDAY = "weekday"
    MONTH = "month"


class SessionMeasure(StrEnum):
    """What `sessions` answers: how many, their seconds together, or their seconds on average."""

    COUNT = "count"
    SECONDS = "seconds"
    AVERAGE_SECONDS = "average_seconds"


class By(StrEnum):
    """Which events are an account's: those that name it, or all of who are its members now."""

    EVENT = "event"
    MEMBERS = "members"


class Operator(StrEnum):
    """How a value is compared. `before`, `after` and `in_last` are for traits."""

    IS = "is"
    NOT = "not"
    IN = "in"
    NOT_IN = "not_in"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    STARTS = "starts"
    ENDS = "ends"
    MATCHES = "matches"
    EXISTS = "exists"
    BEFORE = "before"
    AFTER = "after"
    IN_LAST = "in_last"


Scalar: TypeAlias = bool | int | Decimal | str
"""A value that can be compared."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """An operator and what a value is compared with.

    The operand of `in` and `not_in` is a tuple of scalars, of `exists` a boolean, of `before` and
    `after` a time, of `in_last` a duration, of `matches` a regular expression of re2.
    """

    operator: Operator
    operand: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class PropertyIs:
    """A property of an occurrence fulfils all comparisons."""

    name: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part is fulfilled."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part is fulfilled."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class NotOf:
    """The part is not fulfilled."""

    part: Predicate


Predicate: TypeAlias = PropertyIs | AllOf | AnyOf | NotOf
"""What `where` says of an occurrence."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which times count: `now - oldest < at <= now - newest`, and `at >= since`.

    None sets no bound; `newest` is 0 except with `between`.
    """

    oldest: int | None = None
    newest: int = 0
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which occurrences count.

    `steps`: events of these steps; None: of any step. `call`: instead, events of this type, which
    need no step. `each`: every element of this list property is an occurrence of its own. `by`:
    whose events count, of an account.
    """

    steps: frozenset[str] | None = None
    call: str | None = None
    where: Predicate | None = None
    window: Window = Window()
    sources: frozenset[str] | None = None
    types: frozenset[str] | None = None
    each: str | None = None
    by: By = By.EVENT


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A feature of occurrences. `property` is None for functions that read none.

    `at_least` speaks with the two frequencies, `limit` with `list` and `counts`, `order` with
    `list`, `unit` with the two `since_…`, `pause` and `measure` with `sessions`, `timezone` (IANA)
    with `days` and `part`. `as_number`: text that is a number counts as one.
    """

    function: Function
    selection: Selection
    property: str | None = None
    at_least: int = 1
    limit: int = DEFAULT_LIMIT
    order: ListOrder = ListOrder.TEXT
    unit: Unit = Unit.DAY
    pause: int = DEFAULT_PAUSE
    measure: SessionMeasure = SessionMeasure.COUNT
    part: Part | None = None
    timezone: str = "UTC"
    as_number: bool = False


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A feature of other features (by name) and numbers, from left to right."""

    operation: Operation
    operands: tuple[str | Decimal, ...]


Feature: TypeAlias = Aggregate | Arithmetic


@dataclass(frozen=True, slots=True)
class Times:
    """How often; None sets no bound."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What is done later, or is not: at most `within` after it, with the property `same` equal."""

    selection: Selection
    within: int | None = None
    same: str | None = None


@dataclass(frozen=True, slots=True)
class Did:
    """These steps were done so often; with `then` or `then_not`, one of them was (not) followed."""

    selection: Selection
    times: Times = Times(least=1)
    then: FollowUp | None = None
    then_not: FollowUp | None = None


@dataclass(frozen=True, slots=True)
class FeatureIs:
    """A feature fulfils all comparisons."""

    name: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class TraitIs:
    """A trait fulfils all comparisons."""

    name: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class HasIdentifier:
    """The customer has an identifier of this type."""

    type: str


@dataclass(frozen=True, slots=True)
class InAudience:
    """The customer is in another audience; of an audience of accounts, one of its accounts is."""

    audience: str


@dataclass(frozen=True, slots=True)
class Consents:
    """The customer consents to this purpose."""

    purpose: str


class Quantifier(StrEnum):
    """How many members of an account fulfil a condition."""

    ANY = "any"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Members:
    """Any, all or none of the members of an account fulfil a condition; `all` needs a member."""

    quantifier: Quantifier
    condition: Condition


@dataclass(frozen=True, slots=True)
class AllConditions:
    """Every condition holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyCondition:
    """At least one condition holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class NotCondition:
    """The condition does not hold; of a feature or trait without a value this is false too."""

    part: Condition


Condition: TypeAlias = (
    Did
    | FeatureIs
    | TraitIs
    | HasIdentifier
    | InAudience
    | Consents
    | Members
    | AllConditions
    | AnyCondition
    | NotCondition
)


def parts_of(condition: Condition) -> Iterator[Condition]:
    """A condition and all within it, but not what is asked of members."""
    yield condition
    match condition:
        case AllConditions(parts) | AnyCondition(parts):
            for part in parts:
                yield from parts_of(part)
        case NotCondition(part):
            yield from parts_of(part)
        case _:
            return


class CauseKind(StrEnum):
    """Why a membership changed."""

    EVENT = "EVENT"
    TIME = "TIME"
    MERGE = "MERGE"
    SPLIT = "SPLIT"
    QUARANTINE = "QUARANTINE"
    JUDGEMENT = "JUDGEMENT"
    RETRACTION = "RETRACTION"
    POLICY = "POLICY"
    DEFINITION = "DEFINITION"
    CONSENT = "CONSENT"
    ERASURE = "ERASURE"


CAMPAIGN_CAUSES: Final = frozenset({CauseKind.EVENT, CauseKind.TIME})
"""Changes with these causes start campaigns, unless an audience says otherwise."""


class Of(StrEnum):
    """What an audience holds."""

    CUSTOMERS = "customers"
    ACCOUNTS = "accounts"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who fulfils a condition.

    `kinds` are the kinds of customers that may be in it; they say nothing of accounts. One that is
    not `enabled` holds nobody. `campaign_causes`: changes with these causes start campaigns.
    """

    who: Condition
    of: Of = Of.CUSTOMERS
    kinds: frozenset[CustomerKind] = frozenset({CustomerKind.KNOWN})
    enabled: bool = True
    campaign_causes: frozenset[CauseKind] = CAMPAIGN_CAUSES


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """A text of profiles, read. Compared by identity: what is made of it is kept beside it.

    Names are in the order of the text. `warnings` are no mistakes, but probably not meant.
    """

    traits: Mapping[str, TraitRule]
    features: Mapping[str, Feature]
    account_features: Mapping[str, Feature]
    audiences: Mapping[str, Audience]
    warnings: tuple[Problem, ...] = ()

    def has_accounts(self) -> bool:
        """Whether anything is computed of accounts."""
        return bool(self.account_features) or self.keeps_accounts()

    def keeps_accounts(self) -> bool:
        """Whether memberships of accounts are kept."""
        return any(each.of is Of.ACCOUNTS for each in self.audiences.values())

    def uses_accounts(self) -> bool:
        """Whether a customer's evaluation reads the evidence of accounts."""
        return any(
            isinstance(part, InAudience) and self.audiences[part.audience].of is Of.ACCOUNTS
            for audience in self.audiences.values()
            if audience.of is Of.CUSTOMERS and audience.enabled
            for part in parts_of(audience.who)
        )
