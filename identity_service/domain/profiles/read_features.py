# ruff: noqa: D102  (a method reads the part of the text that it is named for)
"""Features, as a text of profiles says them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from identity_service.domain.policies.field_reader import (
    join,
    meant,
    shown,
)
from identity_service.domain.profiles.definitions import (
    DEFAULT_LIMIT,
    DEFAULT_PAUSE,
    Aggregate,
    Arithmetic,
    By,
    Feature,
    Function,
    ListOrder,
    Of,
    Operation,
    Part,
    SessionMeasure,
    Unit,
)
from identity_service.domain.profiles.functions import OF_A_PROPERTY, TICKING
from identity_service.domain.profiles.read_selections import MAX_ENTRIES, MAX_TIMES, SelectionReader
from identity_service.domain.profiles.vocabulary import (
    MODIFIERS,
)

MAX_FEATURES: Final = 500
"""Most features of customers, and of accounts."""

MAX_LIMIT: Final = 1_000
"""Most entries of a feature that is a list."""

HEADS: Final = (*Function, *Operation)


@dataclass(slots=True)
class FeatureReader(SelectionReader):
    """Reads features; as `SelectionReader` in all else."""

    def features(self, fields: Mapping[str, Any], section: str, of: Of) -> dict[str, Feature]:
        found: dict[str, Feature] = {}
        for name, value in self.section(fields, section, MAX_FEATURES).items():
            path = f"{section}.{name}"
            self.name(name, path)
            found[name] = self.feature(value, path, of)
        return found

    def feature(self, value: object, path: str, of: Of) -> Feature:
        fields = self.mapping(value, path, None)
        heads = [key for key in fields if key in HEADS]
        if "sessions" in heads and "average" in heads:
            heads.remove("average")
        if len(heads) == 1 and heads[0] in (*Operation,):
            return self.arithmetic(fields, Operation(heads[0]), path)
        if len(heads) == 1:
            return self.aggregate(fields, Function(heads[0]), path, of)
        if isinstance(value, dict):
            self.note_head(fields, heads, path, HEADS, "function")
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
        if function in (Function.SINCE_FIRST, Function.SINCE_LAST) and feature.unit in TICKING:
            self.warn(
                join(path, "unit"),
                "changes all the time: what is stored and sent of it may be an hour old",
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
