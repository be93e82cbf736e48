"""Components as they were at a moment: walked and resolved anew, writing nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.resolution.as_of import HistoricalEvidence
from identity_service.domain.resolution.resolve import resolve
from identity_service.domain.resolution.subgraph import Sightings, Span
from identity_service.errors import TooLarge
from identity_service.graph.customers import MAX_LINKED
from identity_service.graph.history import HistoryReader, Present
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.read.as_of.customers import HistoricalComponent
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce

MAX_EVENTS: Final = 2_000_000
"""Events that are looked through for one component, each once for every identifier on it."""

_AT_ONCE: Final = 4
"""Components that are recalled side by side."""

_IDENTIFIERS_A_TIME: Final = 500
_EVENTS_A_TIME: Final = 50_000


@dataclass(frozen=True, slots=True)
class CrowdedComponent:
    """More hung together than one component may hold: how much at least, the most linked first."""

    size: int
    most_linked: Sequence[tuple[Identifier, Span]]


class HistoricalComponents:
    """Recalls components of a space as they were at a moment.

    The walk goes from identifiers to all that they were seen with, step by step: only here is
    known what the policy of that moment lets through, and who was a super-connector by it.
    """

    def __init__(self, reader: HistoryReader) -> None:
        self._reader = reader
        self._one_by_one = asyncio.Semaphore(_AT_ONCE)

    async def component_of(
        self, scope: SpaceScope, then: PolicyInForce, moment: int, start: Identifier
    ) -> HistoricalComponent | CrowdedComponent | None:
        """The component of an identifier under the policy of then; None: it was not seen yet.

        Raises TooLarge where more than `MAX_EVENTS` events had to be looked through.
        """
        async with self._one_by_one:
            walk = _Walk(self._reader, scope, then, moment)
            crowd = await walk.start_at(start)
            if crowd:
                return crowd
            found = walk.found
            evidence, outside = found.resolution_input()
            if not evidence.identifiers:
                return None
            resolution = await offload_if_large(
                len(evidence.identifiers), lambda: resolve(evidence, then.policy, outside)
            )
            return HistoricalComponent(
                space=scope.space,
                moment=moment,
                policy=then.policy,
                evidence=evidence,
                resolution=resolution,
                spans=found.spans(),
                sightings=found.links,
                withheld=found.withheld(),
                register=await self._reader.register(scope.space, evidence.identifiers),
            )

    async def seen_with(
        self, scope: SpaceScope, then: PolicyInForce, moment: int, identifier: Identifier
    ) -> dict[Identifier, Sightings]:
        """What one that is known had been seen with and counted. Raises TooLarge, likewise."""
        async with self._one_by_one:
            present = await self._reader.find(scope.space, [identifier])
            if present[identifier].events > MAX_EVENTS:
                raise _too_many_events()
            read = await self._reader.neighbours(scope.space, [identifier], moment)
        counts = HistoricalEvidence(then.policy, then.values).counts
        return {other: seen for other, seen in read.seen[identifier].items() if counts(other)}

    async def link_count(
        self, scope: SpaceScope, then: PolicyInForce, moment: int, identifier: Identifier
    ) -> int:
        """With how many distinct identifiers one had been seen."""
        sampled = await self._reader.sample(scope.space, [identifier], moment, MAX_EVENTS)
        counts = HistoricalEvidence(then.policy, then.values).counts
        _, neighbours = sampled.get(identifier, (None, []))
        return sum(map(counts, neighbours))


class _Walk:
    """One walk from an identifier to all that hung together with it."""

    def __init__(
        self, reader: HistoryReader, scope: SpaceScope, then: PolicyInForce, moment: int
    ) -> None:
        self._reader = reader
        self._space = scope.space
        self._policy = then.policy
        self._moment = moment
        self._met: set[Identifier] = set()
        self._events = 0
        self.found = HistoricalEvidence(then.policy, then.values)

    async def start_at(self, start: Identifier) -> CrowdedComponent | None:
        """Walk; a crowd ends it."""
        step, pulled = dict[Identifier, Present](), {start}
        while step or pulled:
            step |= await self._reader.find(self._space, self._new(pulled))
            judgements = await self._reader.judgements(self._space, step, self._moment)
            self.found.judgements |= {made.id: made for made in judgements}
            following: dict[Identifier, Present] = {}
            for portion in self._portions(await self._without_super_connectors(step)):
                following |= await self._follow(portion)
                if self._size + len(following) > self._policy.max_component:
                    return self._crowd(len(following))
            step, pulled = following, _judged_the_same(judgements)
        return None

    @property
    def _size(self) -> int:
        return len(self.found.interior) + len(self.found.super_connectors)

    def _new(self, identifiers: Iterable[Identifier]) -> list[Identifier]:
        """Those that count and were not met before; from now on they were."""
        new = [i for i in identifiers if i not in self._met and self.found.counts(i)]
        self._met.update(new)
        return new

    async def _without_super_connectors(
        self, step: Mapping[Identifier, Present]
    ) -> dict[Identifier, Present]:
        """Leave out who was a super-connector then: of these no more is read than tells that."""
        through = dict(step)
        suspects = {
            identifier: rule.max_links
            for identifier, present in step.items()
            if present.super_connector
            and (rule := self._policy.rule_of(identifier.type))
            and rule.max_links is not None
        }
        most = max(suspects.values(), default=0) + 1
        while suspects:
            sampled = await self._reader.sample(self._space, suspects, self._moment, most)
            for identifier in list(suspects):
                span, neighbours = sampled[identifier]
                if span is not None and self.found.is_super_connector(identifier, neighbours):
                    self.found.super_connectors[identifier] = span
                    del through[identifier], suspects[identifier]
                elif len(neighbours) < most:
                    del suspects[identifier]
            most *= 4  # so many of them are withheld that more have to be looked at
        return through

    def _portions(self, step: Mapping[Identifier, Present]) -> Iterator[list[Identifier]]:
        """The identifiers of a step, in parts that one statement reads at a time."""
        portion: list[Identifier] = []
        events = 0
        for identifier, present in step.items():
            events += present.events
            self._events += present.events
            if self._events > MAX_EVENTS:
                raise _too_many_events()
            portion.append(identifier)
            if events >= _EVENTS_A_TIME or len(portion) == _IDENTIFIERS_A_TIME:
                yield portion
                portion, events = [], 0
        if portion:
            yield portion

    async def _follow(self, identifiers: Sequence[Identifier]) -> dict[Identifier, Present]:
        """Take in what identifiers were seen with; returns whom to follow next."""
        read = await self._reader.neighbours(self._space, identifiers, self._moment)
        following: dict[Identifier, Present] = {}
        for identifier in identifiers:
            own = read.own.get(identifier)
            if own is not None:
                neighbours = self.found.take(identifier, own, read.seen[identifier])
                following |= {other: read.present[other] for other in self._new(neighbours)}
        return following

    def _crowd(self, more: int) -> CrowdedComponent:
        links = Counter(end for pair in self.found.links for end in pair)
        interior = self.found.interior
        most_linked = sorted(interior, key=lambda identifier: (-links[identifier], identifier))
        return CrowdedComponent(
            self._size + more, [(i, interior[i]) for i in most_linked[:MAX_LINKED]]
        )


def _too_many_events() -> TooLarge:
    return TooLarge(
        f"More than {MAX_EVENTS:,} events hang together here.",
        remedy="The past of so many is not computed while you wait.",
    )


def _judged_the_same(judgements: Iterable[Judgement]) -> set[Identifier]:
    return {end for made in judgements if made.verdict is Verdict.SAME for end in (made.a, made.b)}
