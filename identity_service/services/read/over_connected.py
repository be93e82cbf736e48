"""Components that hold more identifiers than the policy allows to resolve: how large they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.recorded import OverConnectedComponent
from identity_service.graph.customers import CustomerReader
from identity_service.graph.keys import identifier_key
from identity_service.services.read.presenters import seen_identifier
from identity_service.services.spaces.access import SpaceScope

_MEASURED_AT_ONCE: Final = 16

_COUNTED: Final = 10
"""A component is counted up to this many times what it may hold."""


class ComponentMeasurer:
    """Measures over-connected components."""

    def __init__(self, reader: CustomerReader) -> None:
        self._reader = reader
        self._one_by_one = asyncio.Semaphore(_MEASURED_AT_ONCE)

    async def measure(
        self, scope: SpaceScope, policy: Policy, identifiers: Iterable[Identifier]
    ) -> dict[Identifier, OverConnectedComponent]:
        """The component of each identifier. Several of one component measure it only once."""
        remaining = {identifier_key(scope.space, i): i for i in identifiers}
        measured: dict[Identifier, OverConnectedComponent] = {}
        while remaining:
            key = next(iter(remaining))
            async with self._one_by_one:
                found = await self._reader.component_size(
                    key, list(remaining), policy.max_component * _COUNTED
                )
            most_linked = [seen_identifier(row, policy) for row in found.most_linked]
            component = OverConnectedComponent(found.size, policy.max_component, most_linked)
            for member in found.met | {key}:
                measured[remaining.pop(member)] = component
        return measured
