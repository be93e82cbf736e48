"""Journeys: questions about what the customers of a space do, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.journeys.journeys import Journey, journey
from identity_service.domain.journeys.parameters import Kind
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.profiles.definitions import Of
from identity_service.errors import FieldInvalid
from identity_service.graph.journeys import JourneyReader
from identity_service.services.journeys.figures import Figure
from identity_service.services.kit.clock import Clock
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies
from identity_service.services.spaces.profile_texts import ProfileTexts
from identity_service.services.spaces.spaces import Spaces

AT_ONCE: Final = 2
"""Journeys that run at a time: each keeps a core of the database busy for seconds."""


class Journeys:
    """Answers the journeys of `domain.journeys`, by their names."""

    def __init__(
        self,
        reader: JourneyReader,
        policies: Policies,
        texts: ProfileTexts,
        spaces: Spaces,
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._spaces = spaces
        self._policies = policies
        self._texts = texts
        self._clock = clock
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def run(self, scope: SpaceScope, name: str, given: Mapping[str, Any]) -> Figure:
        """The answer of a journey to what was given, by the names of its parameters.

        Raises NotFound for an unknown journey, FieldInvalid for what it does not take, for a
        property that events cannot be filtered by and for an audience or a feature that customers
        cannot be, and Unavailable beyond its time limit.
        """
        asked = journey(name)
        arguments = asked.arguments(given, self._clock())
        for parameter, value in arguments.items():
            if isinstance(value, Identifier):
                arguments[parameter] = await self._as_in_events(scope, value)
        await self._check_properties(scope, asked, arguments)
        await self._check_profile(scope, arguments)
        async with self._turn:
            rows = await self._reader.rows(name, scope.space, arguments)
        return Figure(asked, arguments, rows)

    async def _as_in_events(self, scope: SpaceScope, given: Identifier) -> str:
        """As events spell it. What the policy withholds belongs to nobody, however spelled."""
        usable = (await self._policies.in_force(scope)).values.identifier(given)
        return str(given if isinstance(usable, WithheldValue) else usable)

    async def _check_properties(
        self, scope: SpaceScope, asked: Journey, arguments: Mapping[str, Any]
    ) -> None:
        """Raise FieldInvalid for a property that is not indexed: nobody would be found by it."""
        filters = {
            parameter.name: key
            for parameter in asked.parameters
            if parameter.kind is Kind.PROPERTY and (key := arguments[parameter.name]) is not None
        }
        if not filters:
            return
        in_use = await self._spaces.property_names(scope)
        for name, key in filters.items():
            if key not in in_use:
                raise FieldInvalid(
                    name,
                    f"The property “{key.removeprefix('p_')}” is not indexed in this space: no"
                    " event carried it as text, number or boolean, or there was no room for it.",
                    remedy="`identity-service space properties` lists those that are, and"
                    " `identity-service space release-properties` makes room.",
                )

    async def _check_profile(self, scope: SpaceScope, arguments: Mapping[str, Any]) -> None:
        """Raise FieldInvalid for an audience or a feature that no customer's profile can have."""
        audience, feature = arguments["audience"], arguments["feature"]
        if audience is None and feature is None:
            return
        in_force = await self._texts.definitions(scope)
        if audience is not None:
            found = in_force.profiles.audiences.get(audience) if in_force else None
            if found is None or found.of is not Of.CUSTOMERS:
                raise FieldInvalid(
                    "audience",
                    f"The profiles text in force has no audience “{audience}” of customers.",
                )
        if feature is not None:
            name = feature.removeprefix("f_")
            if in_force is None or name not in in_force.profiles.features:
                raise FieldInvalid(
                    "feature", f"The profiles text in force has no feature “{name}” of customers."
                )
