"""Why are two identifiers one customer, or why are they not? Resolved from the evidence of now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, TypeAlias

from identity_service.domain.explain.explanation import ExplainedHop, Explanation, explain
from identity_service.domain.explain.merge_reports import describe_report, reported_pairs
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.recorded import (
    DecidedLink,
    OverConnectedComponent,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.domain.resolution.evidence import SeenPair
from identity_service.graph.keys import identifier_key
from identity_service.graph.links import KeyPair, LinkReader, LinkRow, PairRow
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.read.current import CurrentView
from identity_service.services.read.link_decisions import DecidedRow
from identity_service.services.read.live import Component, ComponentCache, unite
from identity_service.services.read.view import CustomerAnswer, Missing, missing
from identity_service.services.spaces.access import SpaceScope

_MAX_SUPER_CONNECTORS_COMPARED: Final = 5
"""Super-connectors of each side whose links to those of the other side are looked for."""


@dataclass(frozen=True, slots=True)
class ExplainedPair:
    """Why two identifiers are one customer or are not; see `domain.explain.explanation`.

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


@dataclass(frozen=True, slots=True)
class _Asked:
    """An identifier that is asked about, and its customer."""

    identifier: Identifier
    customer: SettledCustomer


class Explanations:
    """Explains pairs of identifiers."""

    def __init__(self, reader: LinkReader) -> None:
        self._reader = reader

    async def explain(
        self, view: CurrentView, raw_a: Identifier, raw_b: Identifier
    ) -> ExplainAnswer:
        """Why two identifiers are one customer, or why they are not."""
        in_force = await view.in_force()
        raw = (raw_a, raw_b)
        identifiers = await view.spelled(raw, in_force.values)
        asked: list[_Asked] = []
        for place, identifier, answer in zip(
            ("first", "second"), identifiers, await view.find_all(raw), strict=True
        ):
            found = _asked(identifier, answer)
            if isinstance(found, Missing):
                return replace(found, message=f"The {place} of the two: {found.message}")
            if isinstance(found, OverConnectedComponent):
                return found
            asked.append(found)
        a, b = asked
        component = await self._component_of_both(view, in_force.policy, a, b)
        if isinstance(component, OverConnectedComponent):
            return component
        explained = await self._explain(view, in_force.policy, a, b, component)
        if explained is None:
            return await self.explain(replace(view, components=ComponentCache()), raw_a, raw_b)
        return explained

    async def _explain(
        self, view: CurrentView, policy: Policy, a: _Asked, b: _Asked, component: Component
    ) -> ExplainedPair | None:
        """Explain two identifiers of a component; None when one on the path is gone by now."""
        evidence, resolution = component.evidence, component.resolution
        explained = await offload_if_large(
            len(evidence.identifiers),
            lambda: explain(
                a.identifier, b.identifier, evidence, resolution, policy, component.outside
            ),
        )
        pairs = [_keys(view.scope, hop.start, hop.end) for hop in explained.path]
        stored = await self._reader.between(pairs)
        seen_a, seen_b = [await view.identifier(each.identifier) for each in (a, b)]
        if len(stored) < len(pairs) or seen_a is None or seen_b is None:
            return None
        path = [_decided_hop(pair, hop) for pair, hop in zip(stored, explained.path, strict=True)]
        return ExplainedPair(
            a=seen_a,
            b=seen_b,
            customer_a=a.customer.customer_id,
            customer_b=b.customer.customer_id,
            same_customer=explained.same_customer,
            message=explained.message + await self._reported(view.scope, a, b, explained),
            path=await view.decided_links(path),
            judgement=explained.judgement,
        )

    async def _reported(
        self, scope: SpaceScope, a: _Asked, b: _Asked, explained: Explanation
    ) -> str:
        """That a sender reported the two as one person, where nobody judged that they are not."""
        if explained.same_customer or explained.judgement:
            return ""
        pairs = reported_pairs(a.identifier, b.identifier)
        report = await self._reader.merge_report([_keys(scope, x, y) for x, y in pairs])
        return f" {describe_report(report, a.identifier, b.identifier)}" if report else ""

    async def _component_of_both(
        self, view: CurrentView, policy: Policy, a: _Asked, b: _Asked
    ) -> Component | OverConnectedComponent:
        """All that is connected with the one or the other."""
        first = await view.component_of(a.customer.identifiers[0].identifier)
        if first is None:
            return await _over_connected(view, policy, a)
        if b.identifier in first.evidence.identifiers:
            return first
        second = await view.component_of(b.customer.identifiers[0].identifier)
        if second is None:
            return await _over_connected(view, policy, b)
        return await self._together(view.scope, policy, first, second)

    async def _together(
        self, scope: SpaceScope, policy: Policy, first: Component, second: Component
    ) -> Component:
        """Two components as one: super-connectors, at which both end, may connect them.

        Of links between super-connectors only those between the first few of each side are known.
        """
        few = [
            sorted(its.evidence.identifiers[i] for i in its.outside.super_connectors)[
                :_MAX_SUPER_CONNECTORS_COMPARED
            ]
            for its in (first, second)
        ]
        pairs = [_keys(scope, a, b) for a, b in product(*few) if a != b]
        stored = await self._reader.between(pairs) if pairs else []
        between = [
            SeenPair(
                link.a.identifier,
                link.b.identifier,
                link.first_seen,
                link.last_seen,
                link.times_seen,
            )
            for _, _, link in stored
            if link
        ]
        return unite(first, second, between, policy)


async def _over_connected(
    view: CurrentView, policy: Policy, asked: _Asked
) -> OverConnectedComponent:
    found = await view.over_connected(policy, asked.identifier)
    return replace(found, settled=asked.customer)


def _asked(
    identifier: Identifier | WithheldValue, answer: CustomerAnswer
) -> _Asked | Missing | OverConnectedComponent:
    if isinstance(identifier, WithheldValue):
        return missing(identifier)
    return _Asked(identifier, answer) if isinstance(answer, SettledCustomer) else answer


def _keys(scope: SpaceScope, a: Identifier, b: Identifier) -> KeyPair:
    return identifier_key(scope.space, a), identifier_key(scope.space, b)


def _decided_hop(pair: PairRow, hop: ExplainedHop) -> DecidedRow:
    """The stored link of a hop; where a judgement alone joins, a link that was never seen."""
    link = pair.link
    if link is None:
        assert hop.judgement is not None  # noqa: S101  (a hop rests on a link or on a judgement)
        made_at = hop.judgement.made_at
        link = LinkRow(pair.a, pair.b, made_at, made_at, times_seen=0, sources=[])
    return DecidedRow(link, hop.decision)
