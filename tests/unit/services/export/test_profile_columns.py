"""Each feature is a column of the type that its function gives."""

from __future__ import annotations

from decimal import Decimal

import pytest

from identity_service.domain.profiles.evaluate import FeatureValue
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.services.export.parquet import Kind
from identity_service.services.export.profile_columns import (
    exact_values,
    feature_cells,
    feature_columns,
)

FEATURES = [
    ("{count: any}", 3, Kind.NUMBER, 3),
    ("{sum: n, of: any}", Decimal("0.3"), Kind.REAL, pytest.approx(0.3)),
    ("{divide: [1, 3]}", Decimal("0.5"), Kind.REAL, 0.5),
    ("{first_at: any}", "1970-01-01T00:00:01Z", Kind.TIME, 1_000),
    ("{since_last: any, unit: d}", 2, Kind.NUMBER, 2),
    ("{list: n, of: any}", ["a", 1, Decimal("1.5"), True], Kind.TEXTS, ["a", "1", "1.5", "true"]),
    ("{first: n, of: any}", "a", Kind.TEXT, "a"),
    ("{last: n, of: any}", 7, Kind.TEXT, "7"),
    ("{counts: n, of: any}", {"a": 1}, Kind.TEXT, '{"a": 1}'),
    ("{sessions: any}", 4, Kind.NUMBER, 4),
    ("{sessions: any, measure: seconds}", 61, Kind.REAL, 61.0),
    ("{average: n, of: any}", None, Kind.REAL, None),
]


@pytest.mark.parametrize(("definition", "value", "kind", "cell"), FEATURES)
def test_a_feature_is_a_column(definition: str, value: object, kind: Kind, cell: object) -> None:
    features = parse_profiles(f"features: {{f: {definition}}}").features

    columns = feature_columns(features)

    assert columns == {"f_f": kind}
    assert feature_cells(columns, {"f": FeatureValue(value)}) == [cell]
    assert feature_cells(columns, {}) == [None]


def test_all_values_are_there_to_the_last_digit() -> None:
    values = {"a": FeatureValue(Decimal("0.1234567890123456789")), "b": FeatureValue(None)}

    assert exact_values(values) == '{"a": 0.1234567890123456789, "b": null}'
