"""Components as they were at a moment: loaded and resolved again, writing nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.recorded import OverConnectedComponent
from identity_service.domain.resolution.as_of import HistoricalEvidence
from identity_service.domain.resolution.resolve import resolve
from identity_service.domain.resolution.subgraph import Sightings
from identity_service.errors import TooLarge
from identity_service.graph.customers import MAX_MOST_LINKED
from identity_service.graph.history import HistoryReader, IdentifierNow
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.read.as_of.customers import (
    HistoricalComponent,
    historical_identifier,
)
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce

MAX_EVENTS: Final = 2_000_000
"""Most events that are read for one component, each once for every identifier on it."""

_AT_ONCE: Final = 4
"""Components that are loaded at a time."""

_IDENTIFIERS_A_TIME: Final = 500
_EVENTS_A_TIME: Final = 50_000


class HistoricalComponents:
    """Loads components of a space as they were at a moment.

    `as_of` is the moment in milliseconds since 1970, inclusive; `policy_as_of` is the policy that
    was in force. The walk goes from identifiers to all that they were seen with, step by step:
    only here is known what that policy lets through, and what is a super-connector by it.
    """

    def __init__(self, reader: HistoryReader) -> None:
        self._reader = reader
        self._one_by_one = asyncio.Semaphore(_AT_ONCE)

    async def component_of(
        self, scope: SpaceScope, policy_as_of: PolicyInForce, as_of: int, start: Identifier
    ) -> HistoricalComponent | OverConnectedComponent | None:
        """The component of an identifier; None when the identifier had not been seen yet.

        Raises TooLarge where more than `MAX_EVENTS` events would have to be read.
        """
        policy = policy_as_of.policy
        async with self._one_by_one:
            walk = _Walk(self._reader, scope, policy_as_of, as_of)
            over_connected = await walk.start_at(start)
            if over_connected:
                return over_connected
            found = walk.found
            evidence, outside = found.resolution_input()
            if not evidence.identifiers:
                return None
            resolution = await offload_if_large(
                len(evidence.identifiers), lambda: resolve(evidence, policy, outside)
            )
            return HistoricalComponent(
                space=scope.space,
                as_of=as_of,
                policy=policy,
                evidence=evidence,
                resolution=resolution,
                spans=found.spans(),
                sightings=found.links,
                withheld=found.withheld(),
                register=await self._reader.register(scope.space, evidence.identifiers),
                counts=policy_as_of.values.lets_through,
            )

    async def seen_with(
        self, scope: SpaceScope, policy_as_of: PolicyInForce, as_of: int, identifier: Identifier
    ) -> dict[Identifier, Sightings]:
        """The identifiers that one of the space had been seen with. Raises TooLarge likewise."""
        neighbours = await self._neighbours(scope, as_of, identifier)
        counts = HistoricalEvidence(policy_as_of.policy, policy_as_of.values).counts
        return {other: seen for other, seen in neighbours.items() if counts(other)}

    async def withheld_with(
        self, scope: SpaceScope, policy_as_of: PolicyInForce, as_of: int, identifier: Identifier
    ) -> list[Identifier]:
        """The identifiers that one had been seen with, and that the policy withheld. Likewise."""
        neighbours = await self._neighbours(scope, as_of, identifier)
        counts = HistoricalEvidence(policy_as_of.policy, policy_as_of.values).counts
        return [other for other in neighbours if not counts(other)]

    async def link_count(
        self, scope: SpaceScope, policy_as_of: PolicyInForce, as_of: int, identifier: Identifier
    ) -> int:
        """How many distinct identifiers one had been seen with."""
        sampled = await self._reader.sample(scope.space, [identifier], as_of, MAX_EVENTS)
        counts = HistoricalEvidence(policy_as_of.policy, policy_as_of.values).counts
        _, neighbours = sampled.get(identifier, (None, []))
        return sum(map(counts, neighbours))

    async def _neighbours(
        self, scope: SpaceScope, as_of: int, identifier: Identifier
    ) -> Mapping[Identifier, Sightings]:
        async with self._one_by_one:
            now = await self._reader.identifiers_now(scope.space, [identifier])
            if now[identifier].events > MAX_EVENTS:
                raise _too_many_events()
            read = await self._reader.neighbours(scope.space, [identifier], as_of)
        return read.neighbours[identifier]


class _Walk:
    """One walk from an identifier to all that was connected with it."""

    def __init__(
        self, reader: HistoryReader, scope: SpaceScope, policy_as_of: PolicyInForce, as_of: int
    ) -> None:
        self._reader = reader
        self._space = scope.space
        self._policy = policy_as_of.policy
        self._as_of = as_of
        self._met: set[Identifier] = set()
        self._events = 0
        self.found = HistoricalEvidence(policy_as_of.policy, policy_as_of.values)

    async def start_at(self, start: Identifier) -> OverConnectedComponent | None:
        """Collect the component in `found`; returns what was found of one that is over-connected.

        Raises TooLarge.
        """
        step, judged = dict[Identifier, IdentifierNow](), {start}
        while step or judged:
            step |= await self._reader.identifiers_now(self._space, self._new(judged))
            judgements = await self._reader.judgements(self._space, step, self._as_of)
            self.found.judgements |= {made.id: made for made in judgements}
            following: dict[Identifier, IdentifierNow] = {}
            for portion in self._portions(await self._without_super_connectors(step)):
                following |= await self._follow(portion)
                if (
                    self._size + len(following) > self._policy.max_component
                    or len(self.found.links) > self._policy.max_component_links
                ):
                    return self._over_connected(len(following))
            step, judged = following, _judged_the_same(judgements)
        return None

    @property
    def _size(self) -> int:
        return len(self.found.interior) + len(self.found.super_connectors)

    def _new(self, identifiers: Iterable[Identifier]) -> list[Identifier]:
        """The identifiers that count and were not met before; from now on they were."""
        new = [i for i in identifiers if i not in self._met and self.found.counts(i)]
        self._met.update(new)
        return new

    async def _without_super_connectors(
        self, step: Mapping[Identifier, IdentifierNow]
    ) -> dict[Identifier, IdentifierNow]:
        """Leave out what was a super-connector then. Of it only so much is read as shows that."""
        through = dict(step)
        suspects = {
            identifier: rule.max_links
            for identifier, now in step.items()
            if now.super_connector
            and (rule := self._policy.rule_of(identifier.type))
            and rule.max_links is not None
        }
        most = max(suspects.values(), default=0) + 1
        while suspects:
            sampled = await self._reader.sample(self._space, suspects, self._as_of, most)
            for identifier in list(suspects):
                span, neighbours = sampled[identifier]
                if span is not None and self.found.is_super_connector(identifier, neighbours):
                    self.found.super_connectors[identifier] = span
                    del through[identifier], suspects[identifier]
                elif len(neighbours) < most:
                    del suspects[identifier]
            most *= 4  # so many of them are withheld that more have to be looked at
        return through

    def _portions(self, step: Mapping[Identifier, IdentifierNow]) -> Iterator[list[Identifier]]:
        """The identifiers of a step, in parts that one statement reads at a time."""
        portion: list[Identifier] = []
        events = 0
        for identifier, now in step.items():
            events += now.events
            self._events += now.events
            if self._events > MAX_EVENTS:
                raise _too_many_events()
            portion.append(identifier)
            if events >= _EVENTS_A_TIME or len(portion) == _IDENTIFIERS_A_TIME:
                yield portion
                portion, events = [], 0
        if portion:
            yield portion

    async def _follow(self, identifiers: Sequence[Identifier]) -> dict[Identifier, IdentifierNow]:
        """Take in what identifiers were seen with; returns the identifiers to follow next."""
        read = await self._reader.neighbours(self._space, identifiers, self._as_of)
        following: dict[Identifier, IdentifierNow] = {}
        for identifier in identifiers:
            span = read.spans.get(identifier)
            if span is not None:
                neighbours = self.found.take(identifier, span, read.neighbours[identifier])
                following |= {other: read.now[other] for other in self._new(neighbours)}
        return following

    def _over_connected(self, more: int) -> OverConnectedComponent:
        links = Counter(end for pair in self.found.links for end in pair)
        interior = self.found.interior
        most_linked = sorted(interior, key=lambda identifier: (-links[identifier], identifier))
        return OverConnectedComponent(
            self._size + more,
            self._policy.max_component,
            [
                historical_identifier(self._space, identifier, interior[identifier], self._policy)
                for identifier in most_linked[:MAX_MOST_LINKED]
            ],
        )


def _too_many_events() -> TooLarge:
    return TooLarge(
        f"The component has more than {MAX_EVENTS:,} events.",
        remedy="The past of so many is not computed while you wait.",
    )


def _judged_the_same(judgements: Iterable[Judgement]) -> set[Identifier]:
    return {end for made in judgements if made.verdict is Verdict.SAME for end in (made.a, made.b)}
