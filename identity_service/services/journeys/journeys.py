"""Journeys: questions about what the customers of a space do, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.journeys.journeys import journey
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.graph.journeys import JourneyReader
from identity_service.services.journeys.figures import Figure
from identity_service.services.kit.clock import Clock
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies

AT_ONCE: Final = 2
"""Journeys that run at a time: each keeps a core of the database busy for seconds."""


class Journeys:
    """Answers the journeys of `domain.journeys`, by their names."""

    def __init__(self, reader: JourneyReader, policies: Policies, clock: Clock) -> None:
        self._reader = reader
        self._policies = policies
        self._clock = clock
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def run(self, scope: SpaceScope, name: str, given: Mapping[str, Any]) -> Figure:
        """The answer of a journey to what was given, by the names of its parameters.

        Raises NotFound for an unknown journey, FieldInvalid for what it does not take, and
        Unavailable beyond its time limit.
        """
        asked = journey(name)
        arguments = asked.arguments(given, self._clock())
        for parameter, value in arguments.items():
            if isinstance(value, Identifier):
                arguments[parameter] = await self._as_in_events(scope, value)
        async with self._turn:
            rows = await self._reader.rows(name, scope.space, arguments)
        return Figure(asked, arguments, rows)

    async def _as_in_events(self, scope: SpaceScope, given: Identifier) -> str:
        """As events spell it. What the policy withholds belongs to nobody, however spelled."""
        usable = (await self._policies.in_force(scope)).values.identifier(given)
        return str(given if isinstance(usable, WithheldValue) else usable)
