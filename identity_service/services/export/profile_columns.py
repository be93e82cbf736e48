"""Profiles as rows of a table: a column for each feature of a profiles text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from identity_service.domain.profiles.definitions import (
    Aggregate,
    Feature,
    Function,
    SessionMeasure,
)
from identity_service.domain.profiles.evaluate import FeatureValue
from identity_service.domain.profiles.values import json_text
from identity_service.domain.timestamps import read_moment
from identity_service.services.export.parquet import Columns, Kind

PREFIX: Final = "f_"
"""With which the column of a feature begins, as its property in the graph does."""

_KINDS: Final[Mapping[Function, Kind]] = {
    Function.COUNT: Kind.NUMBER,
    Function.DISTINCT: Kind.NUMBER,
    Function.DAYS: Kind.NUMBER,
    Function.SINCE_FIRST: Kind.NUMBER,
    Function.SINCE_LAST: Kind.NUMBER,
    Function.SUM: Kind.REAL,
    Function.AVERAGE: Kind.REAL,
    Function.MIN: Kind.REAL,
    Function.MAX: Kind.REAL,
    Function.MEDIAN: Kind.REAL,
    Function.FIRST_AT: Kind.TIME,
    Function.LAST_AT: Kind.TIME,
    Function.LIST: Kind.TEXTS,
}
"""What functions give; all others give text: of what is none, its JSON."""


def feature_columns(features: Mapping[str, Feature]) -> Columns:
    """The columns of features, in their order."""
    return {f"{PREFIX}{name}": _kind(feature) for name, feature in features.items()}


def feature_cells(columns: Columns, values: Mapping[str, FeatureValue]) -> list[Any]:
    """The values of features as cells of `columns`; None where there is no value.

    Numbers that are not whole are the nearest that 64 bits hold.
    """
    return [
        _cell(kind, values[name].value if (name := column.removeprefix(PREFIX)) in values else None)
        for column, kind in columns.items()
    ]


def exact_values(values: Mapping[str, FeatureValue]) -> str:
    """All values as JSON, exact to the last digit."""
    return json_text({name: each.value for name, each in values.items()})


def _kind(feature: Feature) -> Kind:
    if not isinstance(feature, Aggregate):
        return Kind.REAL
    if feature.function is Function.SESSIONS:
        return Kind.NUMBER if feature.measure is SessionMeasure.COUNT else Kind.REAL
    return _KINDS.get(feature.function, Kind.TEXT)


def _cell(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    match kind:
        case Kind.REAL:
            return float(value)
        case Kind.TIME:
            return value if isinstance(value, int) else read_moment(value)
        case Kind.TEXTS:
            texts: Sequence[Any] = value
            return [_text(each) for each in texts]
        case Kind.TEXT:
            return _text(value)
        case _:
            return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)
