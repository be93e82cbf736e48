"""The text of profiles: YAML in, `Profiles` or every mistake out.

`vocabulary` has the words that may stand there, and what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from identity_service.domain.policies.field_reader import (
    Choice,
    FieldReader,
    join,
    meant,
    plain,
    shown,
)
from identity_service.domain.policies.policy import TYPE_NAME_HELP, is_type_name
from identity_service.domain.policies.yaml_text import read_yaml
from identity_service.domain.profiles.definitions import (
    CAMPAIGN_CAUSES,
    DEFAULT_LIMIT,
    DEFAULT_PAUSE,
    Aggregate,
    AllConditions,
    AllOf,
    AnyCondition,
    AnyOf,
    Arithmetic,
    Audience,
    By,
    CauseKind,
    Comparison,
    Condition,
    Consents,
    Did,
    Feature,
    FeatureIs,
    FollowUp,
    Function,
    HasIdentifier,
    InAudience,
    ListOrder,
    Members,
    NotCondition,
    NotOf,
    Of,
    Operation,
    Operator,
    Part,
    Predicate,
    Profiles,
    PropertyIs,
    Quantifier,
    Scalar,
    Selection,
    SessionMeasure,
    Take,
    Times,
    TraitIs,
    TraitRule,
    Unit,
    Window,
    parts_of,
)
from identity_service.domain.profiles.functions import OF_A_PROPERTY
from identity_service.domain.profiles.plan import audience_needs, feature_needs
from identity_service.domain.profiles.vocabulary import (
    AUDIENCE,
    CONDITIONS,
    FOLLOW_UP,
    MODIFIERS,
    TRAIT,
)
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.domain.timestamps import read_moment
from identity_service.domain.traits import MAX_NAME
from identity_service.errors import Problem, ProfilesInvalid

MAX_PROFILES_BYTES: Final = 256 * 1024
"""Longest text that is read."""

MAX_FEATURES: Final = 500
"""Most features of customers, and of accounts."""

MAX_AUDIENCES: Final = 500
MAX_TRAIT_RULES: Final = 1_000
MAX_LIMIT: Final = 1_000
MAX_ENTRIES: Final = 100
"""Most entries of a list of steps, sources, operands or values."""

MAX_TEXT: Final = 1_024
"""Longest step, source, property or value, in characters."""

MAX_TIMES: Final = 1_000_000_000
MOST_NAMED: Final = 30
"""Most names that the message of a mistake lists."""

NAME_HELP: Final = "a letter, then up to 63 letters, digits or “_”"

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_SECTIONS: Final = ("traits", "features", "account_features", "audiences")
_CALLS: Final = ("track", "page", "screen", "identify", "group", "alias")
_HEADS: Final = (*Function, *Operation)
_OF_TIMES: Final = (Operator.BEFORE, Operator.AFTER, Operator.IN_LAST)
_OF_PROPERTIES: Final = tuple(o for o in Operator if o not in _OF_TIMES)
_OF_TEXT: Final = (Operator.STARTS, Operator.ENDS)
_ORDERED: Final = (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
_DID_KEYS: Final = (
    *("did", "where", "within", "between", "since", "sources", "kinds_of_events"),
    *("times", "then", "then_not"),
)
_TIME_HELP: Final = "write a time as 2026-01-31 or 2026-01-31T12:00:00Z"
_NOBODY: Final = AnyCondition(())
"""Stands for a condition with a mistake."""


def parse_profiles(text: str) -> Profiles:
    """Read a text of profiles. Raises ProfilesInvalid with every mistake, each at its path."""
    data, slips = read_yaml(text, name="profiles", max_bytes=MAX_PROFILES_BYTES, exact=True)
    if data is None and slips:
        raise ProfilesInvalid(tuple(slips))
    return _read(data, _Reading(problems=slips))


def parse_profiles_mapping(data: object) -> Profiles:
    """Read profiles inside other YAML, whose numbers are exact. Raises ProfilesInvalid."""
    return _read(data, _Reading())


def _read(data: object, reading: _Reading) -> Profiles:
    profiles = reading.profiles(data)
    if reading.problems:
        raise ProfilesInvalid(tuple(reading.problems))
    return profiles


@dataclass(slots=True)
class _Reading(FieldReader):
    """One pass over one text: what is wrong is collected, and reading goes on.

    The methods answer something usable even after a mistake, so that later mistakes are found.
    """

    whole_text = "profiles"

    warnings: list[Problem] = field(default_factory=list[Problem])
    features_of: dict[Of, Mapping[str, Feature]] = field(
        default_factory=dict[Of, Mapping[str, Feature]]
    )
    audience_of: dict[str, Of] = field(default_factory=dict[str, Of])

    def profiles(self, data: object) -> Profiles:
        fields = self.mapping({} if data is None else data, "", _SECTIONS)
        features = self.features(fields, "features", Of.CUSTOMERS)
        account_features = self.features(fields, "account_features", Of.ACCOUNTS)
        self.features_of = {Of.CUSTOMERS: features, Of.ACCOUNTS: account_features}
        audiences = self.audiences(fields)
        self.check_features(features, "features")
        self.check_features(account_features, "account_features")
        self.check_audiences(audiences)
        return Profiles(
            traits=self.traits(fields),
            features=features,
            account_features=account_features,
            audiences=audiences,
            warnings=tuple(self.warnings),
        )

    def section(self, fields: Mapping[str, Any], key: str, most: int) -> Mapping[str, Any]:
        value: object = fields.get(key)
        entries = self.mapping({} if value is None else value, key, None)
        if len(entries) > most:
            self.note(key, f"has {len(entries):,} entries: at most {most:,}")
        return entries

    def name(self, name: str, path: str) -> None:
        if not _NAME.fullmatch(name):
            self.note(path, f"is no name here: {NAME_HELP}")

    def warn(self, path: str, message: str) -> None:
        self.warnings.append(Problem(path, message))

    # Traits

    def traits(self, fields: Mapping[str, Any]) -> dict[str, TraitRule]:
        rules: dict[str, TraitRule] = {}
        for name, value in self.section(fields, "traits", MAX_TRAIT_RULES).items():
            path = f"traits.{name}"
            if not name or len(name) > MAX_NAME:
                self.note(path, f"is no name of a trait: 1 to {MAX_NAME} characters")
            rule = self.mapping(value, path, tuple(TRAIT))
            if value == {}:
                self.note(path, "says nothing: write take, prefer or both")
            take = self.choice(rule, "take", path, Take) or Take.LATEST
            rules[name] = TraitRule(take, self.texts(rule, "prefer", path))
        return rules

    # Features

    def features(self, fields: Mapping[str, Any], section: str, of: Of) -> dict[str, Feature]:
        found: dict[str, Feature] = {}
        for name, value in self.section(fields, section, MAX_FEATURES).items():
            path = f"{section}.{name}"
            self.name(name, path)
            found[name] = self.feature(value, path, of)
        return found

    def feature(self, value: object, path: str, of: Of) -> Feature:
        fields = self.mapping(value, path, None)
        heads = [key for key in fields if key in _HEADS]
        if "sessions" in heads and "average" in heads:
            heads.remove("average")
        if len(heads) == 1 and heads[0] in (*Operation,):
            return self.arithmetic(fields, Operation(heads[0]), path)
        if len(heads) == 1:
            return self.aggregate(fields, Function(heads[0]), path, of)
        if isinstance(value, dict):
            self.note_head(fields, heads, path, _HEADS, "function")
        return Arithmetic(Operation.PLUS, ())

    def note_head(
        self,
        fields: Mapping[str, Any],
        heads: Sequence[str],
        path: str,
        known: tuple[str, ...],
        what: str,
    ) -> None:
        if heads:
            self.note(path, f"names {' and '.join(heads)}: write one {what}")
        else:
            self.note(path, f"names no {what}{meant(next(iter(fields), None), known)}")

    def arithmetic(self, fields: Mapping[str, Any], operation: Operation, path: str) -> Arithmetic:
        self.mapping(dict(fields), path, (operation,))
        operands: list[str | Decimal] = []
        given, where = fields[operation], join(path, operation)
        if not isinstance(given, list) or not 2 <= len(cast("list[Any]", given)) <= MAX_ENTRIES:
            self.note(where, f"takes a list of 2 to {MAX_ENTRIES} features or numbers")
            return Arithmetic(operation, ())
        for at, operand in enumerate(cast("list[Any]", given)):
            if isinstance(operand, str):
                operands.append(operand)
            elif isinstance(operand, int | Decimal) and not isinstance(operand, bool):
                operands.append(Decimal(operand))
            else:
                self.note(
                    f"{where}.{at}", f"{shown(operand)} is no name of a feature, and no number"
                )
        return Arithmetic(operation, tuple(operands))

    def aggregate(
        self, fields: Mapping[str, Any], function: Function, path: str, of: Of
    ) -> Aggregate:
        allowed = [name for name, modifier in MODIFIERS.items() if function in modifier.functions]
        if of is Of.CUSTOMERS:
            allowed.remove("by")
        self.mapping(dict(fields), path, (function, *allowed))
        of_property = function in OF_A_PROPERTY
        selection = replace(
            self.selection(fields, "of" if of_property else function, path),
            each=self.property_name(fields, "each", path),
            by=self.choice(fields, "by", path, By) or By.EVENT,
        )
        feature = Aggregate(
            function=function,
            selection=selection,
            property=self.property_name(fields, function, path) if of_property else None,
            at_least=self.whole(fields, "at_least", path, 1, MAX_TIMES) or 1,
            limit=self.whole(fields, "limit", path, 1, MAX_LIMIT) or DEFAULT_LIMIT,
            order=self.choice(fields, "order", path, ListOrder) or ListOrder.TEXT,
            unit=self.choice(fields, "unit", path, Unit) or Unit.DAY,
            pause=self.duration(fields, "pause", path) or DEFAULT_PAUSE,
            measure=self.measure(fields, path),
            part=self.choice(fields, "part", path, Part),
            timezone=self.timezone(fields, path),
            as_number=self.word(fields, "as", path, "number"),
        )
        self.check_aggregate(fields, feature, path)
        return feature

    def check_aggregate(self, fields: Mapping[str, Any], feature: Aggregate, path: str) -> None:
        function = feature.function
        if function in OF_A_PROPERTY and fields.get(function) is None:
            self.note(join(path, function), "names no property")
        if "timezone" in fields and function is not Function.DAYS and feature.part is None:
            self.note(join(path, "timezone"), "speaks only with `part`, and with `days`")
        if function in (Function.SINCE_FIRST, Function.SINCE_LAST) and feature.unit in "sm":
            self.warn(
                join(path, "unit"),
                "changes all the time for every customer who has it: hours or days cost far less",
            )

    def measure(self, fields: Mapping[str, Any], path: str) -> SessionMeasure:
        if "sessions" not in fields:
            return SessionMeasure.COUNT
        seconds = self.word(fields, "measure", path, "seconds")
        average = self.word(fields, "average", path, "seconds")
        if seconds and average:
            self.note(path, "has measure and average: write one of them")
        if average:
            return SessionMeasure.AVERAGE_SECONDS
        return SessionMeasure.SECONDS if seconds else SessionMeasure.COUNT

    def word(self, fields: Mapping[str, Any], key: str, path: str, word: str) -> bool:
        """Whether a field says the only word that it may say."""
        value = fields.get(key)
        if value is not None and value != word:
            self.note(join(path, key), f"{shown(value)} is not possible here: write {word}")
        return value == word

    def timezone(self, fields: Mapping[str, Any], path: str) -> str:
        value = fields.get("timezone")
        if value is None:
            return "UTC"
        try:
            return ZoneInfo(value).key
        except (ValueError, OSError, KeyError, TypeError):
            self.note(
                join(path, "timezone"),
                f"{shown(value)} is no time zone: write Europe/Berlin, or UTC",
            )
            return "UTC"

    # Which occurrences count

    def selection(self, fields: Mapping[str, Any], key: str, path: str) -> Selection:
        """Without a value at `key` any step counts, in features of a property only."""
        steps, call = self.steps(fields, key, path)
        types = self.texts(fields, "kinds_of_events", path)
        for at, name in enumerate(types):
            if name not in _CALLS:
                self.note(f"{path}.kinds_of_events.{at}", f"there is no call{meant(name, _CALLS)}")
        sources = self.texts(fields, "sources", path)
        return Selection(
            steps=steps,
            call=call,
            where=self.where(fields, path),
            window=self.window(fields, path),
            sources=frozenset(sources) if "sources" in fields else None,
            types=frozenset(types) if "kinds_of_events" in fields else None,
        )

    def steps(
        self, fields: Mapping[str, Any], key: str, path: str
    ) -> tuple[frozenset[str] | None, str | None]:
        """Steps (None: any), and instead of them the call."""
        value, where = fields.get(key), join(path, key)
        if value is None:
            if key != "of" or key in fields:
                self.note(where, "is empty: name a step, a list of steps, or any")
            return None, None
        if isinstance(value, dict):
            call = self.mapping(cast("object", value), where, ("call",))
            name = call.get("call")
            if name not in _CALLS:
                self.note(
                    join(where, "call"), f"there is no call {shown(name)}{meant(name, _CALLS)}"
                )
                return None, None
            return None, str(name)
        if value == "any":
            return None, None
        listed = isinstance(value, list)
        names = self.texts(fields if listed else {key: [value]}, key, path, one=not listed)
        return frozenset(names), None

    def window(self, fields: Mapping[str, Any], path: str) -> Window:
        given = [key for key in ("within", "between", "since") if fields.get(key) is not None]
        if len(given) > 1:
            self.note(path, f"has {' and '.join(given)}: write one of them")
        if "between" in given:
            return self.between(fields, path)
        since = self.moment(fields, "since", path)
        return Window(oldest=self.duration(fields, "within", path), since=since)

    def between(self, fields: Mapping[str, Any], path: str) -> Window:
        where = join(path, "between")
        given: object = fields["between"]
        bounds = cast("list[Any]", given) if isinstance(given, list) else []
        if len(bounds) != 2:
            self.note(where, "takes two durations, the longer one first: [90d, 30d]")
            return Window()
        named = {str(at): bound for at, bound in enumerate(bounds)}
        oldest, newest = self.duration(named, "0", where), self.duration(named, "1", where)
        if oldest is not None and newest is not None and oldest <= newest:
            self.note(where, "is empty: write the longer duration first, as in [90d, 30d]")
        return Window(oldest=oldest, newest=newest or 0)

    def moment(self, fields: Mapping[str, Any], key: str, path: str) -> int | None:
        value = fields.get(key)
        if value is None:
            return None
        try:
            return read_moment(value)
        except (ValueError, TypeError, OverflowError):
            self.note(join(path, key), f"{shown(value)} is no time: {_TIME_HELP}")
            return None

    def where(self, fields: Mapping[str, Any], path: str) -> Predicate | None:
        if "where" not in fields:
            return None
        return self.predicate(fields["where"], join(path, "where"))

    def predicate(self, value: object, path: str) -> Predicate:
        parts: list[Predicate] = []
        fields = self.mapping(value, path, None)
        if value == {}:
            self.note(path, "is empty: leave it out, or test a property")
        for key, said in fields.items():
            where = join(path, key)
            match key:
                case "any" | "all":
                    given = self.several(fields, key, path, "tests")
                    inner = tuple(self.predicate(v, f"{where}.{n}") for n, v in enumerate(given))
                    parts.append(AnyOf(inner) if key == "any" else AllOf(inner))
                case "not":
                    parts.append(NotOf(self.predicate(said, where)))
                case _:
                    self.property_name({key: key}, key, path)
                    parts.append(PropertyIs(key, self.property_tests(said, where)))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def property_tests(self, said: object, path: str) -> tuple[Comparison, ...]:
        if isinstance(said, dict):
            fields = self.mapping(cast("object", said), path, _OF_PROPERTIES)
            if not fields:
                self.note(path, f"compares nothing. Possible: {', '.join(_OF_PROPERTIES)}")
            return self.comparisons(fields, path)
        scalar = self.scalar(said, path)
        return (Comparison(Operator.IS, "" if scalar is None else scalar),)

    def comparisons(self, fields: Mapping[str, Any], path: str) -> tuple[Comparison, ...]:
        found: list[Comparison] = []
        for operator in Operator:
            if operator in fields:
                operand = self.operand(fields, operator, path)
                if operand is not None:
                    found.append(Comparison(operator, operand))
        return tuple(found)

    def operand(
        self, fields: Mapping[str, Any], operator: Operator, path: str
    ) -> Scalar | tuple[Scalar, ...] | None:
        value, where = fields[operator], join(path, operator)
        match operator:
            case Operator.IN | Operator.NOT_IN:
                given = self.several(fields, operator, path, "values")
                scalars = [self.scalar(each, f"{where}.{at}") for at, each in enumerate(given)]
                return tuple(each for each in scalars if each is not None)
            case Operator.EXISTS:
                if not isinstance(value, bool):
                    self.note(where, f"{shown(value)} is neither true nor false")
                return value is True
            case Operator.MATCHES:
                return self.regex(fields, operator, path)
            case Operator.BEFORE | Operator.AFTER:
                return self.given(self.moment(fields, operator, path), value, where)
            case Operator.IN_LAST:
                return self.given(self.duration(fields, operator, path), value, where)
            case _:
                return self.scalar_of(operator, value, where)

    def given(self, read: int | None, value: object, path: str) -> int | None:
        if value is None:
            self.note(path, "is empty")
        return read

    def scalar_of(self, operator: Operator, value: object, path: str) -> Scalar | None:
        if operator in _OF_TEXT and not isinstance(value, str):
            self.note(path, f"{shown(value)} is not text: put it in quotes")
            return None
        if operator in _ORDERED and isinstance(value, bool):
            self.note(path, f"{shown(value)} is neither a number nor text")
            return None
        return self.scalar(value, path)

    def scalar(self, value: object, path: str) -> Scalar | None:
        """A value that something is compared with; its numbers are as they are written."""
        match value:
            case None:
                self.note(
                    path, 'is empty: write a value (text in quotes: "null"), or exists: false'
                )
            case bool() | int() | Decimal():
                return value
            case str():
                if len(value) > MAX_TEXT:
                    self.note(path, f"is too long: at most {MAX_TEXT:,} characters")
                return value
            case _:
                self.note(path, f"{shown(value)} is no value: write text, a number, true or false")
        return None

    # Audiences

    def audiences(self, fields: Mapping[str, Any]) -> dict[str, Audience]:
        found: dict[str, Audience] = {}
        section = self.section(fields, "audiences", MAX_AUDIENCES)
        for name, value in section.items():
            of_accounts = (
                isinstance(value, dict) and cast("dict[str, Any]", value).get("of") == Of.ACCOUNTS
            )
            self.audience_of[name] = Of.ACCOUNTS if of_accounts else Of.CUSTOMERS
        for name, value in section.items():
            path = f"audiences.{name}"
            self.name(name, path)
            found[name] = self.audience(value, path)
        return found

    def audience(self, value: object, path: str) -> Audience:
        fields = self.mapping(value, path, tuple(AUDIENCE))
        of = self.choice(fields, "of", path, Of) or Of.CUSTOMERS
        if isinstance(value, dict):
            self.require(fields, "who", path, "say who is in it, as in who: {did: Order Completed}")
        who = _NOBODY
        if fields.get("who") is not None:
            who = self.condition(fields["who"], f"{path}.who", of)
            self.warn_unknown(who, f"{path}.who", of, frozenset(), negated=False)
        kinds = self.listed(fields, "kinds", path, CustomerKind)
        if kinds is not None and of is Of.ACCOUNTS:
            self.note(f"{path}.kinds", "speaks of customers, and this audience holds accounts")
        causes = self.listed(fields, "starts_campaigns", path, CauseKind)
        enabled = fields.get("enabled", True)
        if not isinstance(enabled, bool):
            self.note(f"{path}.enabled", f"{shown(enabled)} is neither true nor false")
        return Audience(
            who=who,
            of=of,
            kinds=frozenset({CustomerKind.KNOWN}) if kinds is None else kinds,
            enabled=enabled is True,
            campaign_causes=CAMPAIGN_CAUSES if causes is None else causes,
        )

    def condition(self, value: object, path: str, of: Of) -> Condition:
        fields = self.mapping(value, path, None)
        if not isinstance(value, dict):
            return _NOBODY
        # `in` and `not` are comparisons too.
        heads = [key for key in ("did", "feature", "trait") if key in fields] or [
            key for key in fields if key in CONDITIONS
        ]
        if len(heads) != 1:
            self.note_head(fields, heads, path, tuple(CONDITIONS), "condition")
            return _NOBODY
        head = heads[0]
        match head:
            case "did":
                return self.did(fields, path, of)
            case "feature":
                return self.feature_is(fields, path, of)
            case "trait":
                name = self.property_name(fields, "trait", path) or ""
                return TraitIs(name, self.compared(fields, "trait", path))
            case _:
                self.mapping(dict(fields), path, (head,))
                return self.simple(head, fields, path, of)

    def simple(self, head: str, fields: Mapping[str, Any], path: str, of: Of) -> Condition:
        """A condition of one key."""
        value, where = fields[head], join(path, head)
        match head:
            case "all" | "any":
                given = self.several(fields, head, path, "conditions")
                parts = tuple(self.condition(v, f"{where}.{n}", of) for n, v in enumerate(given))
                return AllConditions(parts) if head == "all" else AnyCondition(parts)
            case "not":
                return NotCondition(self.condition(value, where, of))
            case "in":
                return self.in_audience(value, where, of)
            case "members":
                return self.members(value, where, of)
            case "has":
                self.only_of(Of.CUSTOMERS, of, where)
                if not isinstance(value, str) or not is_type_name(value):
                    self.note(where, f"{shown(value)} is no identifier type: {TYPE_NAME_HELP}")
                return HasIdentifier(str(value))
            case _:
                self.only_of(Of.CUSTOMERS, of, where)
                consent = self.mapping(value, where, ("purpose",))
                if isinstance(value, dict):
                    self.require(consent, "purpose", where, "as in consent: {purpose: marketing}")
                return Consents(self.property_name(consent, "purpose", where) or "")

    def only_of(self, needed: Of, of: Of, path: str) -> None:
        if needed is of:
            return
        if needed is Of.CUSTOMERS:
            self.note(path, "is asked of customers: of an account, ask it of its `members`")
        else:
            self.note(path, "is asked of accounts: the audience needs `of: accounts`")

    def in_audience(self, value: object, path: str, of: Of) -> Condition:
        name = value if isinstance(value, str) else ""
        if name not in self.audience_of:
            self.note(path, f"there is no audience {shown(value)}{_meant(value, self.audience_of)}")
        elif of is Of.ACCOUNTS and self.audience_of[name] is Of.CUSTOMERS:
            self.note(path, f"{name} holds customers, not accounts: ask it of `members`")
        return InAudience(name)

    def members(self, value: object, path: str, of: Of) -> Condition:
        self.only_of(Of.ACCOUNTS, of, path)
        fields = self.mapping(value, path, tuple(Quantifier))
        if isinstance(value, dict) and len(fields) != 1:
            self.note(path, f"takes one of {', '.join(Quantifier)}, with a condition")
        for quantifier in Quantifier:
            if quantifier in fields:
                inner = self.condition(fields[quantifier], join(path, quantifier), Of.CUSTOMERS)
                return Members(quantifier, inner)
        return _NOBODY

    def did(self, fields: Mapping[str, Any], path: str, of: Of) -> Condition:
        self.mapping(dict(fields), path, (*_DID_KEYS, "by") if of is Of.ACCOUNTS else _DID_KEYS)
        by = self.choice(fields, "by", path, By) or By.EVENT
        followed = [key for key in ("then", "then_not") if fields.get(key) is not None]
        if len(followed) > 1:
            self.note(path, "has then and then_not: write two conditions")
        if followed and fields.get("times") is not None:
            self.note(join(path, "times"), f"does not go with {followed[0]}: write two conditions")
        did = Did(
            selection=replace(self.selection(fields, "did", path), by=by),
            times=self.times(fields, path),
            then=self.follow_up(fields, "then", path, by),
            then_not=self.follow_up(fields, "then_not", path, by),
        )
        within, oldest = did.then_not and did.then_not.within, did.selection.window.oldest
        if within and oldest is not None and oldest <= within:
            self.warn(path, "never holds: its window is over before the time of then_not is")
        return did

    def times(self, fields: Mapping[str, Any], path: str) -> Times:
        value, where = fields.get("times"), join(path, "times")
        if value is None:
            return Times(least=1)
        if not isinstance(value, dict):
            exactly = self.whole(fields, "times", path, 0, MAX_TIMES)
            return Times(exactly, exactly)
        bounds = self.mapping(cast("object", value), where, ("gte", "lte"))
        least = self.whole(bounds, "gte", where, 0, MAX_TIMES)
        most = self.whole(bounds, "lte", where, 0, MAX_TIMES)
        if least is None and most is None:
            self.note(where, "needs gte, lte or both")
        elif least is not None and most is not None and least > most:
            self.note(where, "is impossible: gte is larger than lte")
        return Times(least, most)

    def follow_up(self, fields: Mapping[str, Any], key: str, path: str, by: By) -> FollowUp | None:
        if fields.get(key) is None:
            return None
        where = join(path, key)
        said = self.mapping(fields[key], where, tuple(FOLLOW_UP))
        within = self.duration(said, "within", where)
        if key == "then_not":
            self.require(said, "within", where, "say how long to wait for it, as in within: 2h")
        # Its window is `within`, counted from what came before.
        later = {name: value for name, value in said.items() if name != "within"}
        selection = replace(self.selection(later, "did", where), by=by)
        return FollowUp(selection, within, self.property_name(said, "same", where))

    def feature_is(self, fields: Mapping[str, Any], path: str, of: Of) -> Condition:
        name, known = fields["feature"], self.features_of[of]
        if not isinstance(name, str) or name not in known:
            section = "features" if of is Of.CUSTOMERS else "account_features"
            missing = (
                f"there is no such feature among {section}: {shown(name)}{_meant(name, known)}"
            )
            self.note(join(path, "feature"), missing)
            name = ""
        return FeatureIs(name, self.compared(fields, "feature", path))

    def compared(self, fields: Mapping[str, Any], head: str, path: str) -> tuple[Comparison, ...]:
        self.mapping(dict(fields), path, (head, *Operator))
        comparisons = self.comparisons(fields, path)
        if len(fields) == 1:
            self.note(path, f"compares nothing. Possible: {', '.join(Operator)}")
        return comparisons

    # Rules over several names

    def check_features(self, features: Mapping[str, Feature], section: str) -> None:
        for name, feature in features.items():
            if not isinstance(feature, Arithmetic):
                self.warn_feature_read_as_step(feature, features, f"{section}.{name}")
                continue
            for at, operand in enumerate(feature.operands):
                if isinstance(operand, str) and operand not in features:
                    path = f"{section}.{name}.{feature.operation}.{at}"
                    self.note(
                        path, f"there is no feature {shown(operand)}{_meant(operand, features)}"
                    )
        self.check_no_cycle(feature_needs(features), section)

    def warn_feature_read_as_step(
        self, feature: Aggregate, features: Mapping[str, Feature], path: str
    ) -> None:
        for step in sorted(feature.selection.steps or ()):
            if step in features:
                self.warn(
                    path,
                    f"reads events of the step {step}, not the feature of that name: only"
                    f" {', '.join(Operation)} compute with features",
                )

    def check_no_cycle(self, needs: Mapping[str, Iterable[str]], section: str) -> bool:
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1]
            self.note(
                f"{section}.{cycle[0]}",
                f"is computed from itself: {' ← '.join(cycle)}",
            )
            return False
        return True

    def check_audiences(self, audiences: Mapping[str, Audience]) -> None:
        if not self.check_no_cycle(audience_needs(audiences), "audiences"):
            return
        of_customers = {n: a for n, a in audiences.items() if a.of is Of.CUSTOMERS}
        asks_accounts: set[str] = set()
        needs = audience_needs(of_customers)
        for name in TopologicalSorter(needs).static_order():
            if any(
                self.audience_of.get(n) is Of.ACCOUNTS or n in asks_accounts
                for n in needs.get(name, ())
            ):
                asks_accounts.add(name)
        for name, audience in audiences.items():
            for part in parts_of(audience.who):
                if isinstance(part, Members):
                    self.check_members(part, asks_accounts, f"audiences.{name}.who")

    def check_members(self, members: Members, asks_accounts: set[str], path: str) -> None:
        for part in parts_of(members.condition):
            if not isinstance(part, InAudience):
                continue
            if part.audience in asks_accounts or self.audience_of.get(part.audience) is Of.ACCOUNTS:
                self.note(
                    path,
                    f"asks members for {part.audience}, which asks accounts again: ask members only"
                    " for what customers do and are",
                )

    def warn_unknown(
        self, condition: Condition, path: str, of: Of, guarded: frozenset[str], *, negated: bool
    ) -> None:
        """Under `not`, what has no value is unknown, which is rarely meant."""
        match condition:
            case AllConditions(parts) | AnyCondition(parts):
                key = "all" if isinstance(condition, AllConditions) else "any"
                seen = guarded | {_named(part) for part in parts if _asks_existence(part)}
                for at, part in enumerate(parts):
                    self.warn_unknown(part, f"{path}.{key}.{at}", of, seen, negated=negated)
            case NotCondition(part):
                self.warn_unknown(part, f"{path}.not", of, guarded, negated=True)
            case Members(quantifier, part):
                inner = f"{path}.members.{quantifier}"
                self.warn_unknown(part, inner, Of.CUSTOMERS, frozenset(), negated=False)
            case FeatureIs() | TraitIs():
                self.warn_negated(condition, path, of, guarded, negated=negated)
            case _:
                pass

    def warn_negated(
        self,
        condition: FeatureIs | TraitIs,
        path: str,
        of: Of,
        guarded: frozenset[str],
        *,
        negated: bool,
    ) -> None:
        if not negated or _asks_existence(condition) or _named(condition) in guarded:
            return
        if isinstance(condition, FeatureIs):
            feature = self.features_of[of].get(condition.name)
            if isinstance(feature, Aggregate) and feature.function in _NEVER_NULL:
                return
        said = _named(condition)
        self.warn(
            path,
            f"is unknown of who has no {said.replace(': ', ' ')}, and so is its `not`: to let them"
            f" in, write any: [{{{said}, exists: false}}, {{not: …}}]; to keep them out,"
            f" all: [{{{said}, exists: true}}, {{not: …}}]",
        )

    # Single values

    def several(self, fields: Mapping[str, Any], key: str, path: str, what: str) -> list[Any]:
        """A list that is neither empty nor too long."""
        given = fields.get(key)
        if isinstance(given, list) and 1 <= len(cast("list[Any]", given)) <= MAX_ENTRIES:
            return cast("list[Any]", given)
        self.note(join(path, key), f"takes a list of 1 to {MAX_ENTRIES} {what}")
        return []

    def texts(
        self, fields: Mapping[str, Any], key: str, path: str, *, one: bool = False
    ) -> tuple[str, ...]:
        """Texts of a list; of `one`, the path says nothing of a list."""
        if fields.get(key) is None:
            return ()
        where = join(path, key)
        found: list[str] = []
        for at, value in enumerate(self.several(fields, key, path, "texts")):
            text = self.property_name({"": value}, "", where if one else f"{where}.{at}")
            if value is None:
                self.note(f"{where}.{at}", 'is empty; text goes in quotes: "null"')
            if text is not None:
                found.append(text)
        return tuple(found)

    def property_name(self, fields: Mapping[str, Any], key: str, path: str) -> str | None:
        """A text that is neither empty nor too long, as names of properties and steps are."""
        value, where = fields.get(key), join(path, key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.note(where, f'must be text: put it in quotes, "{plain(value)}"')
            return None
        if not 0 < len(value) <= MAX_TEXT:
            self.note(where, f"must be text of 1 to {MAX_TEXT:,} characters")
            return None
        return value

    def listed(
        self, fields: Mapping[str, Any], key: str, path: str, choices: type[Choice]
    ) -> frozenset[Choice] | None:
        """Words of an enumeration; None where the field is absent."""
        if fields.get(key) is None:
            return None
        where = join(path, key)
        given = {str(at): value for at, value in enumerate(self.sequence(fields, key, path))}
        found = [self.choice(given, at, where, choices) for at in given]
        return frozenset(word for word in found if word is not None)


_NEVER_NULL: Final = frozenset(
    {
        Function.COUNT,
        Function.SUM,
        Function.DISTINCT,
        Function.DAYS,
        Function.LIST,
        Function.COUNTS,
    }
)


def _named(condition: Condition) -> str:
    match condition:
        case FeatureIs(name):
            return f"feature: {name}"
        case TraitIs(name):
            return f"trait: {name}"
        case _:
            return ""


def _asks_existence(condition: Condition) -> bool:
    return isinstance(condition, FeatureIs | TraitIs) and any(
        comparison.operator is Operator.EXISTS for comparison in condition.comparisons
    )


def _meant(value: object, names: Iterable[str]) -> str:
    """As `meant`, of names that the text itself chose: too many are not all named."""
    known = tuple(names)
    if not known:
        return ": the text has none"
    said = meant(value, known)
    return said if len(known) <= MOST_NAMED else said.partition(" Possible:")[0]
