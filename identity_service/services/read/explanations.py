"""Why? The links of customers, what was decided on each, and the explanation of two identifiers.

All is resolved anew from the evidence as it stands now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, TypeAlias

from identity_service.domain.explain.explanation import (
    Decision,
    ExplainedHop,
    describe_decision,
    describe_super_connectors,
    explain,
)
from identity_service.domain.explain.health import Health, health
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.recorded import (
    DecidedLink,
    OverConnectedComponent,
    RecordedEvent,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.domain.resolution.evidence import SeenPair
from identity_service.graph.judgements import JudgementStore
from identity_service.graph.keys import identifier_key
from identity_service.graph.links import KeyPair, LinkReader, LinkRow
from identity_service.services.kit.data_loader import DataLoader
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.kit.request_cache import RequestCache
from identity_service.services.read.current import Customers, Missing, withheld
from identity_service.services.read.live import Component, LiveResolution, unite
from identity_service.services.read.presenters import seen_identifier, shown_decision
from identity_service.services.resolution.component_resolver import too_much
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies, PolicyInForce

_READS_AT_ONCE: Final = 16
"""Readings for single customers at a time: a thousand customers may be asked for their links."""

_MAX_SUPER_CONNECTORS_COMPARED: Final = 5
"""Super-connectors of each side whose links to those of the other side are looked for."""

Loaded: TypeAlias = RequestCache[tuple[str, Identifier], Component | None]
"""The components that a request has loaded, by space and one of their identifiers."""


@dataclass(frozen=True, slots=True)
class ExplainedPair:
    """Why two identifiers are one customer or are not; see `domain.explanation.Explanation`.

    A hop of `path` that rests on a judgement alone was seen no times, from no source; its times
    are those of the judgement. `customer_a` and `customer_b` are the ids of their customers.
    """

    a: SeenIdentifier
    b: SeenIdentifier
    customer_a: str
    customer_b: str
    same_customer: bool
    message: str
    path: Sequence[DecidedLink]
    judgement: Judgement | None

    @property
    def refusals(self) -> list[DecidedLink]:
        """The links of the path that were refused."""
        return [link for link in self.path if not link.decision.joined]


ExplainAnswer: TypeAlias = ExplainedPair | Missing | OverConnectedComponent


class Explanations:
    """Explains what was decided."""

    def __init__(
        self,
        reader: LinkReader,
        judgements: JudgementStore,
        customers: Customers,
        policies: Policies,
        live: LiveResolution,
    ) -> None:
        self._reader = reader
        self._judgements = judgements
        self._customers = customers
        self._policies = policies
        self._live = live
        self._example_events: DataLoader[KeyPair, RecordedEvent] = DataLoader(reader.example_events)
        self._one_by_one = asyncio.Semaphore(_READS_AT_ONCE)

    async def explain(
        self, scope: SpaceScope, raw_a: Identifier, raw_b: Identifier, loaded: Loaded
    ) -> ExplainAnswer:
        """Why two identifiers are one customer, or why they are not."""
        in_force = await self._policies.in_force(scope)
        asked: list[Identifier] = []
        customers: list[SettledCustomer] = []
        found = await self._customers.find_all(scope, [raw_a, raw_b])
        for place, raw, answer in zip(("first", "second"), (raw_a, raw_b), found, strict=True):
            identifier = in_force.values.identifier(raw)
            if isinstance(identifier, WithheldValue):
                answer = withheld(identifier)
            elif isinstance(answer, SettledCustomer):
                asked.append(identifier)
                customers.append(answer)
                continue
            if isinstance(answer, Missing):
                return replace(answer, message=f"The {place} of the two: {answer.message}")
            return answer
        pair = (asked[0], asked[1])
        component = await self._of_both(scope, in_force, pair, customers, loaded)
        if isinstance(component, OverConnectedComponent):
            return component
        explained = await self._explain(scope, in_force.policy, pair, customers, component)
        return explained or await self.explain(scope, raw_a, raw_b, Loaded())

    async def links(
        self, scope: SpaceScope, customer: SettledCustomer, first: int, loaded: Loaded
    ) -> list[DecidedLink]:
        """Links of the customer's identifiers, most often seen first, each with its decision.

        Raises TooLarge where more hangs together than can be resolved.
        """
        in_force = await self._policies.in_force(scope)
        component = await self._resolved(scope, in_force, customer, loaded)
        async with self._one_by_one:
            rows = await self._reader.of_customer((scope.space, customer.customer_id), first)
        decided = await offload_if_large(
            len(component.evidence.identifiers), lambda: _decided(rows, component, in_force.policy)
        )
        return await self._recorded(scope, in_force.policy, decided)

    async def health(self, scope: SpaceScope, customer: SettledCustomer, loaded: Loaded) -> Health:
        """How well the customer holds together. Raises TooLarge, as `links`."""
        in_force = await self._policies.in_force(scope)
        component = await self._resolved(scope, in_force, customer, loaded)
        evidence, resolution = component.evidence, component.resolution
        member = list(evidence.identifiers).index(_strongest(customer))
        super_connectors = [
            position
            for position in component.outside.super_connectors
            if resolution.cluster_of[position] == resolution.cluster_of[member]
        ]
        keys = [identifier_key(scope.space, evidence.identifiers[i]) for i in super_connectors]
        degrees = await self._customers.link_counts(keys)
        degree_of = {
            super_connector: degrees.get(key, 0)
            for super_connector, key in zip(super_connectors, keys, strict=True)
        }
        return await offload_if_large(
            len(evidence.identifiers),
            lambda: health(member, evidence, resolution, in_force.policy, degree_of),
        )

    async def example_event(self, link: DecidedLink) -> RecordedEvent | None:
        """The latest event that saw both identifiers; None where none was found soon enough."""
        return await self._example_events.get((link.a.key, link.b.key))

    async def shared_devices(
        self, scope: SpaceScope, customer: str, first: int
    ) -> list[SeenIdentifier]:
        """Contested identifiers that the customer's were seen with, the latest first."""
        async with self._one_by_one:
            rows = await self._reader.shared_devices((scope.space, customer), first)
        policy = (await self._policies.in_force(scope)).policy
        return [seen_identifier(row, policy) for row in rows]

    async def _explain(
        self,
        scope: SpaceScope,
        policy: Policy,
        asked: tuple[Identifier, Identifier],
        customers: Sequence[SettledCustomer],
        component: Component,
    ) -> ExplainedPair | None:
        """Explain two identifiers of a component; None when one on the path is gone by now."""
        a, b = asked
        evidence, resolution = component.evidence, component.resolution
        explained = await offload_if_large(
            len(evidence.identifiers),
            lambda: explain(a, b, evidence, resolution, policy, component.outside),
        )
        pairs = [_keys(scope, (hop.start, hop.end)) for hop in explained.path]
        rows = await self._reader.between(pairs)
        seen = [await self._customers.identifier(scope, identifier) for identifier in asked]
        if len(rows) < len(pairs) or seen[0] is None or seen[1] is None:
            return None
        decided = [_hop(row, hop) for row, hop in zip(rows, explained.path, strict=True)]
        return ExplainedPair(
            a=seen[0],
            b=seen[1],
            customer_a=customers[0].customer_id,
            customer_b=customers[1].customer_id,
            same_customer=explained.same_customer,
            message=explained.message,
            path=await self._recorded(scope, policy, decided),
            judgement=explained.judgement,
        )

    async def _of_both(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        asked: tuple[Identifier, Identifier],
        customers: Sequence[SettledCustomer],
        loaded: Loaded,
    ) -> Component | OverConnectedComponent:
        """All that hangs together with the one or the other."""
        component: Component | None = None
        for identifier, customer in zip(asked, customers, strict=True):
            if component and identifier in component.evidence.identifiers:
                continue
            found = await self._component(scope, in_force, _strongest(customer), loaded)
            if found is None:
                return await self._customers.over_connected(scope, in_force, identifier)
            if component is not None:
                found = await self._together(scope, in_force.policy, component, found)
            component = found
        assert component is not None  # noqa: S101  (two were asked for)
        return component

    async def _resolved(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        customer: SettledCustomer,
        loaded: Loaded,
    ) -> Component:
        component = await self._component(scope, in_force, _strongest(customer), loaded)
        if component is None:
            raise too_much(in_force.policy.max_component)
        return component

    async def _component(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        identifier: Identifier,
        loaded: Loaded,
    ) -> Component | None:
        """The component of an identifier, its judgements with author and reason."""

        async def load() -> Component | None:
            async with self._one_by_one:
                found = await self._live.component_of(scope, in_force, identifier)
                if found is None or not found.evidence.judgements:
                    return found
                ids = [made.id for made in found.evidence.judgements]
                signed = await self._judgements.find_all(scope.space, ids)
            return replace(found, evidence=replace(found.evidence, judgements=signed))

        return await loaded.get((scope.space, identifier), load)

    async def _together(
        self, scope: SpaceScope, policy: Policy, first: Component, second: Component
    ) -> Component:
        """Two components as one: super-connectors, which neither was walked beyond, may join them.

        Of links between super-connectors only those between the first few of each side are known.
        """
        sides = [
            sorted(its.evidence.identifiers[i] for i in its.outside.super_connectors)[
                :_MAX_SUPER_CONNECTORS_COMPARED
            ]
            for its in (first, second)
        ]
        few = (side[:_MAX_SUPER_CONNECTORS_COMPARED] for side in sides)
        pairs = [_keys(scope, pair) for pair in product(*few) if pair[0] != pair[1]]
        rows = await self._reader.between(pairs) if pairs else []
        between = [
            SeenPair(Identifier(*row.a[1:3]), Identifier(*row.b[1:3]), *row[2:5])
            for row in rows
            if row.times_seen
        ]
        return unite(first, second, between, policy)

    async def _recorded(
        self, scope: SpaceScope, policy: Policy, decided: Sequence[tuple[LinkRow, Decision]]
    ) -> list[DecidedLink]:
        """Links with their decisions, as they are shown."""
        conflicts = {i for _, decision in decided for i in decision.conflict}
        keys = [identifier_key(scope.space, i) for i in conflicts]
        seen = {found.identifier: found for found in await self._customers.identifiers(scope, keys)}
        return [_decided_link(row, decision, seen, policy) for row, decision in decided]


def _strongest(customer: SettledCustomer) -> Identifier:
    return customer.identifiers[0].identifier


def _keys(scope: SpaceScope, pair: tuple[Identifier, ...]) -> KeyPair:
    a, b = pair
    return identifier_key(scope.space, a), identifier_key(scope.space, b)


def _hop(row: LinkRow, hop: ExplainedHop) -> tuple[LinkRow, Decision]:
    """The stored link of a hop; where a judgement alone joins, what takes its place."""
    if row.times_seen is None and hop.judgement is not None:
        made_at = hop.judgement.made_at
        row = row._replace(first_seen=made_at, last_seen=made_at, times_seen=0, sources=[])
    return row, hop.decision


def _decided(
    rows: Sequence[LinkRow], component: Component, policy: Policy
) -> list[tuple[LinkRow, Decision]]:
    """Each link with its decision, without those that came after the component was loaded."""
    numbers = component.link_numbers()
    decided: list[tuple[LinkRow, Decision]] = []
    for row in rows:
        ends = Identifier(*row.a[1:3]), Identifier(*row.b[1:3])
        number = numbers.get(frozenset(ends))
        # The component ends at super-connectors: of their links it has those of its identifiers.
        super_connectors = [
            end
            for end, is_super_connector in zip(ends, (row.a[6], row.b[6]), strict=True)
            if is_super_connector
        ]
        if number is not None:
            decision = describe_decision(number, component.evidence, component.resolution, policy)
            decided.append((row, decision))
        elif super_connectors:
            decided.append((row, describe_super_connectors(super_connectors)))
    return decided


def _decided_link(
    row: LinkRow,
    decision: Decision,
    seen: Mapping[Identifier, SeenIdentifier],
    policy: Policy,
) -> DecidedLink:
    return DecidedLink(
        a=seen_identifier(row.a, policy),
        b=seen_identifier(row.b, policy),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        times_seen=row.times_seen,
        sources=row.sources,
        decision=shown_decision(decision, (seen[i] for i in decision.conflict if i in seen)),
    )
