"""The words of a text of profiles and what each means: what `parse` accepts, and the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from identity_service.domain.profiles.definitions import (
    DEFAULT_LIMIT,
    Function,
    Operation,
    Operator,
)
from identity_service.domain.profiles.functions import NUMERIC, OF_A_PROPERTY

STEPS: Final = "a step, a list of steps, `any`, or `{call: identify}`"


class Word(NamedTuple):
    """What stands after a word, and what it means."""

    takes: str
    meaning: str


class Modifier(NamedTuple):
    """What else a feature may say: with which functions, what it takes and means, its default."""

    functions: frozenset[Function]
    takes: str
    meaning: str
    default: str = ""


TRAIT: Final[Mapping[str, Word]] = {
    "take": Word("`latest`, `first` or `most_frequent`", "which value it is; else the latest"),
    "prefer": Word("a list of sources", "the first of them that has a value decides"),
    "search": Word("`true`", "a search finds customers by it; of at most three traits"),
}

FUNCTIONS: Final[Mapping[Function, Word]] = {
    Function.COUNT: Word("steps", "how many occurrences there are"),
    Function.SUM: Word("a property", "the sum, exactly; 0 of none"),
    Function.AVERAGE: Word("a property", "the average, to 28 digits"),
    Function.MIN: Word("a property", "the smallest number"),
    Function.MAX: Word("a property", "the largest number"),
    Function.MEDIAN: Word("a property", "the number in the middle; of two, their average"),
    Function.FIRST: Word("a property", "its value at the earliest occurrence that has it"),
    Function.LAST: Word("a property", "its value at the latest occurrence that has it"),
    Function.MOST_FREQUENT: Word("a property", "its most frequent value"),
    Function.LEAST_FREQUENT: Word("a property", "its least frequent value"),
    Function.LIST: Word("a property", "its distinct values"),
    Function.DISTINCT: Word("a property", "how many distinct values it has, exactly"),
    Function.COUNTS: Word("a property", "each value, and how often it occurs, the largest first"),
    Function.DAYS: Word("steps", "on how many days there are occurrences"),
    Function.SESSIONS: Word("steps", "how many sessions the occurrences make"),
    Function.FIRST_AT: Word("steps", "when the earliest one was"),
    Function.LAST_AT: Word("steps", "when the latest one was"),
    Function.SINCE_FIRST: Word("steps", "whole units of time since the earliest one"),
    Function.SINCE_LAST: Word("steps", "whole units of time since the latest one"),
}

OPERATIONS: Final[Mapping[Operation, str]] = {
    Operation.PLUS: "their sum",
    Operation.MINUS: "the first one less all others",
    Operation.MULTIPLY: "their product",
    Operation.DIVIDE: "the first one divided by all others, to 28 digits; null by 0",
}

_ALL: Final = frozenset(Function)
_FREQUENCIES: Final = frozenset({Function.MOST_FREQUENT, Function.LEAST_FREQUENT})
_SINCE: Final = frozenset({Function.SINCE_FIRST, Function.SINCE_LAST})

MODIFIERS: Final[Mapping[str, Modifier]] = {
    "of": Modifier(OF_A_PROPERTY, STEPS, "whose property it is", "any"),
    "where": Modifier(_ALL, "tests of properties", "only these occurrences count"),
    "each": Modifier(
        _ALL,
        "a property that holds a list",
        "every element is an occurrence: its own properties come first, then the event's",
    ),
    "within": Modifier(_ALL, "a duration", "only what happened in this time until now counts"),
    "between": Modifier(
        _ALL, "two durations", "only what happened between them counts: [90d, 30d]"
    ),
    "since": Modifier(_ALL, "a time", "only what happened from then on counts"),
    "sources": Modifier(_ALL, "a list of sources", "only what these sources sent counts"),
    "kinds_of_events": Modifier(
        _ALL, "a list of track, page, screen, identify, group", "only these calls count"
    ),
    "as": Modifier(NUMERIC, "`number`", "text that is a number counts as one"),
    "part": Modifier(
        OF_A_PROPERTY - NUMERIC,
        "`hour`, `weekday` or `month`",
        "the property is a time, and this part of it counts: 0 to 23, 1 (Monday) to 7, 1 to 12",
    ),
    "timezone": Modifier(
        (OF_A_PROPERTY - NUMERIC) | {Function.DAYS},
        "a time zone, as in Europe/Berlin",
        "whose days and clocks count, with `days` and `part`",
        "UTC",
    ),
    "at_least": Modifier(_FREQUENCIES, "a whole number", "rarer values do not count", "1"),
    "limit": Modifier(
        frozenset({Function.LIST, Function.COUNTS}),
        "1 to 1,000",
        "how many values are kept at most; `truncated` says that there are more",
        str(DEFAULT_LIMIT),
    ),
    "order": Modifier(
        frozenset({Function.LIST}),
        "`text`, `first` or `last`",
        "by value, by first occurrence, or the latest first",
        "text",
    ),
    "unit": Modifier(_SINCE, "`s`, `m`, `h` or `d`", "the unit", "d"),
    "pause": Modifier(
        frozenset({Function.SESSIONS}), "a duration", "the longest pause inside a session", "30m"
    ),
    "measure": Modifier(
        frozenset({Function.SESSIONS}), "`seconds`", "how long they took together instead"
    ),
    "average": Modifier(
        frozenset({Function.SESSIONS}), "`seconds`", "how long they took on average instead"
    ),
    "by": Modifier(
        _ALL,
        "`event` or `members`",
        "of accounts only: events that name the account, or all of who are its members now",
        "event",
    ),
}

OPERATORS: Final[Mapping[Operator, Word]] = {
    Operator.IS: Word("a value", "it is equal, in type and value"),
    Operator.NOT: Word("a value", "it is not equal, or there is none"),
    Operator.IN: Word("a list of values", "it is equal to one of them"),
    Operator.NOT_IN: Word("a list of values", "it is equal to none of them, or there is none"),
    Operator.GT: Word("a number or text", "it is greater; text by code points"),
    Operator.GTE: Word("a number or text", "it is greater or equal"),
    Operator.LT: Word("a number or text", "it is less"),
    Operator.LTE: Word("a number or text", "it is less or equal"),
    Operator.CONTAINS: Word("a value", "it is text with this in it, or a list that holds this"),
    Operator.STARTS: Word("text", "it begins with this text"),
    Operator.ENDS: Word("text", "it ends with this text"),
    Operator.MATCHES: Word("a regular expression of re2", "the whole text matches"),
    Operator.EXISTS: Word("true or false", "whether there is a value"),
    Operator.BEFORE: Word("a time", "it is a time before this one; only of features and traits"),
    Operator.AFTER: Word("a time", "it is a time after this one; only of features and traits"),
    Operator.IN_LAST: Word(
        "a duration", "it is a time in this duration until now; only of features and traits"
    ),
}

CONDITIONS: Final[Mapping[str, Word]] = {
    "did": Word(
        STEPS,
        "it happened; `where`, `within`, `between`, `since`, `sources` and `kinds_of_events` are as"
        " in features; `times: {gte: 2, lte: 5}` says how often, `times: 0` never; `then` and"
        " `then_not` what came after it",
    ),
    "feature": Word("a feature", "it fulfils the comparisons beside it"),
    "trait": Word("a trait", "it fulfils the comparisons beside it"),
    "has": Word("an identifier type", "the customer has an identifier of this type"),
    "in": Word(
        "an audience",
        "the customer or account is in it; of an audience of accounts, one account of the customer",
    ),
    "consent": Word("`{purpose: NAME}`", "the customer consents to this purpose"),
    "members": Word(
        "`any`, `all` or `none`: a condition",
        "of accounts only: how many members fulfil a condition on customers; `all` needs a member",
    ),
    "all": Word("a list of conditions", "every one holds"),
    "any": Word("a list of conditions", "at least one holds"),
    "not": Word("a condition", "it does not hold; of what is unknown, this is unknown too"),
}

AUDIENCE: Final[Mapping[str, Word]] = {
    "who": Word("a condition", "who is in it"),
    "of": Word("`customers` or `accounts`", "what it holds; else customers"),
    "kinds": Word("a list of KNOWN, ANONYMOUS, QUARANTINED", "which customers; else KNOWN only"),
    "enabled": Word("true or false", "false: it holds nobody, and is not computed"),
    "starts_campaigns": Word(
        "a list of causes", "changes by them start campaigns; else EVENT and TIME"
    ),
}

FOLLOW_UP: Final[Mapping[str, Word]] = {
    "did": Word(STEPS, "what comes after it"),
    "within": Word("a duration", "at most so long after it; `then_not` needs it"),
    "same": Word("a property", "both have it, with the same value"),
    "where": Word("tests of properties", "only these occurrences count"),
    "sources": Word("a list of sources", "only what these sources sent counts"),
    "kinds_of_events": Word("a list of calls", "only these calls count"),
}
