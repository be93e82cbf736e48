"""Traits of a customer, read from as few of its events as decide them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from identity_service.domain.recorded import SeenIdentifier
from identity_service.domain.traits import Traits
from identity_service.graph.customers import FEW_VARIANTS

_MORE_VARIANTS: Final = 10
"""How many times as many are read where the variants before did not decide a trait."""


async def decided_traits(
    read: Callable[[int], Awaitable[Traits[SeenIdentifier]]],
) -> Traits[SeenIdentifier]:
    """Traits from the first reading that leaves none undecided.

    `read` takes how many variants of each trait to look at. More than a few are wanted only where
    a sender mixes traits of an account, in ever new values, into what it says of a person.
    """
    variants = FEW_VARIANTS
    while (traits := await read(variants)).undecided:
        variants *= _MORE_VARIANTS
    return traits
