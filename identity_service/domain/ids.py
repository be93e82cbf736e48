"""Ids that sort by the time at which they were made, and numbers made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeAlias

MintId: TypeAlias = Callable[[], str]
"""Makes a new, unique customer id: `cus_` and 32 hexadecimal digits that sort by time."""


def time_sortable(prefix: str, now: int, entropy: int) -> str:
    """`prefix_` and 128 bits: 48 of the time in milliseconds, 80 of entropy, in hexadecimal."""
    return f"{prefix}_{(now & (1 << 48) - 1) << 80 | entropy & (1 << 80) - 1:032x}"


def mpid_of(customer_id: str) -> int:
    """The number of a customer, for tools that know customers by one: 63 bits of a hash of its id.

    It is not negative, and may be larger than what JavaScript's numbers hold.
    """
    digest = hashlib.sha256(customer_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
