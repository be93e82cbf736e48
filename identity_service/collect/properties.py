"""The properties of an event that Cypher can filter on: scalars, under safe names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from identity_service.domain.events import property_key

MAX_PROPERTIES = 50
"""Most scalar properties of one event."""

MAX_TEXT = 1_024
"""Longest text of a property, in characters; the event keeps all of it in its JSON."""


_INT64 = range(-(2**63), 2**63)


def scalar_properties(properties: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """The scalars among `properties` under `p_` and their name, at most 50, in order of name.

    A name keeps A-Z, a-z, 0-9 and `_` (anything else becomes `_`) and 64 characters; of names
    that become the same, the first in text order has it. Text is cut at 1,024 characters; an
    integer beyond 64 bits becomes a float. null, objects, lists and infinities are left out.
    The order in which the properties were sent does not matter.
    """
    scalars: dict[str, str | int | float | bool] = {}
    for name in sorted(properties):
        scalar = _scalar(properties[name])
        if scalar is not None:
            scalars.setdefault(property_key(name), scalar)
            if len(scalars) == MAX_PROPERTIES:
                break
    return scalars


def _scalar(value: object) -> str | int | float | bool | None:
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, bool) or (isinstance(value, int) and value in _INT64):
        return value
    if isinstance(value, int):
        value = _as_float(value)
    return value if isinstance(value, float) and math.isfinite(value) else None


def _as_float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None
