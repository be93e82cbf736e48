"""Values of tables and databases, as JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest

from identity_service.collect.values import json_value


@pytest.mark.parametrize(
    ("value", "as_json"),
    [
        (None, None),
        (True, True),
        ("text", "text"),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (1.5, 1.5),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal(12), 12),
        (Decimal("12.50"), 12.5),
        (Decimal("0.12345678901234567890123"), "0.12345678901234567890123"),
        (Decimal("NaN"), None),
        (Decimal(2) ** 80, str(2**80)),
        (datetime(2026, 3, 1, 10, tzinfo=UTC), "2026-03-01T10:00:00+00:00"),
        (date(2026, 3, 1), "2026-03-01"),
        (time(10, 30), "10:30:00"),
        (timedelta(minutes=1.5), 90.0),
        (b"abc", "abc"),
        pytest.param(memoryview(b"\xff"), "/w==", id="memoryview"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({"a": [Decimal("1.5"), b"x"], 2: None}, {"a": [1.5, "x"], "2": None}),
    ],
    ids=repr,
)
def test_a_value_becomes_what_json_can_hold(value: Any, as_json: Any) -> None:
    found = json_value(value)

    assert found == as_json
    assert type(found) is type(as_json)
    orjson.dumps(found)
