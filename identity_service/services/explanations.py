"""Why? The links of customers, what was decided on each, and the explanation of two identifiers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from identity_service.domain.explanation import Decision, Explanation, describe_decision, explain
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policy import Policy
from identity_service.domain.recorded import (
    DecidedLink,
    LinkDecision,
    OverConnectedComponent,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.domain.values import Withheld
from identity_service.errors import TooLarge
from identity_service.graph.customers import CustomerReader
from identity_service.graph.keys import identifier_key
from identity_service.services.access import SpaceScope
from identity_service.services.customers import Customers, Missing, MissingReason, withheld
from identity_service.services.live import Component, LiveResolution
from identity_service.services.policies import Policies
from identity_service.services.seen import seen_identifier

_READS_AT_ONCE: Final = 16
"""Readings for single customers at a time: a thousand customers may be asked for their links."""


class Explanations:
    """Explains what was decided, resolved anew from the evidence as it stands now."""

    def __init__(
        self,
        reader: CustomerReader,
        customers: Customers,
        policies: Policies,
        live: LiveResolution,
    ) -> None:
        self._reader = reader
        self._customers = customers
        self._policies = policies
        self._live = live
        self._one_by_one = asyncio.Semaphore(_READS_AT_ONCE)

    async def links(
        self, scope: SpaceScope, customer: SettledCustomer, first: int
    ) -> list[DecidedLink]:
        """Links of the customer's identifiers, most often seen first, each with its decision.

        Raises TooLarge where more hangs together than can be resolved.
        """
        in_force = await self._policies.in_force(scope)
        strongest = customer.identifiers[0].identifier
        async with self._one_by_one:
            rows = await self._reader.links((scope.space, customer.customer_id), first)
            component = await self._live.component_of(scope, in_force, strongest)
        if component is None:
            raise TooLarge(
                f"More than {in_force.policy.max_component:,} identifiers hang together here.",
                remedy="Block the identifiers that have the most links.",
            )
        decided = _decided(rows, component, in_force.policy)
        conflicts = {i for _, decision in decided for i in decision.conflict}
        keys = [identifier_key(scope.space, i) for i in conflicts]
        seen = {found.identifier: found for found in await self._customers.identifiers(scope, keys)}
        return [_decided_link(row, decision, seen, in_force.policy) for row, decision in decided]

    async def explain(
        self, scope: SpaceScope, raw_a: Identifier, raw_b: Identifier
    ) -> Explanation | Missing | OverConnectedComponent:
        """Why two identifiers are one customer, or why they are not, as things stand now."""
        in_force = await self._policies.in_force(scope)
        asked: list[Identifier] = []
        for raw in (raw_a, raw_b):
            identifier = in_force.values.identifier(raw)
            if isinstance(identifier, Withheld):
                return withheld(identifier)
            if await self._customers.identifier(scope, identifier) is None:
                message = f"{identifier} was never seen here."
                return Missing(MissingReason.UNKNOWN, message)
            asked.append(identifier)
        a, b = asked
        component = await self._live.component_of(scope, in_force, a)
        if component is None:
            return await self._customers.over_connected(scope, in_force, a)
        return explain(a, b, component.evidence, component.resolution, in_force.policy)

    async def shared_devices(
        self, scope: SpaceScope, customer: str, first: int
    ) -> list[SeenIdentifier]:
        """Contested identifiers that the customer's were seen with, the latest first."""
        async with self._one_by_one:
            rows = await self._reader.shared_devices((scope.space, customer), first)
        policy = (await self._policies.in_force(scope)).policy
        return [seen_identifier(row, policy) for row in rows]


def _decided(
    rows: Sequence[Sequence[Any]], component: Component, policy: Policy
) -> list[tuple[Sequence[Any], Decision]]:
    """Each link with its decision, without those that came after the component was loaded."""
    numbers = component.link_numbers()
    pairs = ((row, frozenset((Identifier(*row[0][1:3]), Identifier(*row[1][1:3])))) for row in rows)
    return [
        (row, describe_decision(numbers[pair], component.evidence, component.resolution, policy))
        for row, pair in pairs
        if pair in numbers
    ]


def _decided_link(
    row: Sequence[Any],
    decision: Decision,
    seen: Mapping[Identifier, SeenIdentifier],
    policy: Policy,
) -> DecidedLink:
    a, b, first_seen, last_seen, times_seen, sources = row
    return DecidedLink(
        a=seen_identifier(a, policy),
        b=seen_identifier(b, policy),
        first_seen=first_seen,
        last_seen=last_seen,
        times_seen=times_seen,
        sources=sources,
        decision=LinkDecision(
            joined=decision.joined,
            message=decision.message,
            reason=decision.reason,
            type=decision.type,
            conflict=[seen[i] for i in decision.conflict if i in seen],
        ),
    )
