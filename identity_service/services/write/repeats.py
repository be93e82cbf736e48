"""Events that only repeat what is known: most of all, and written without asking the graph first.

Such a write says what it rests on: the version of the policy, the retractions, the corrections of
each identifier, and that no event with one of its message ids is stored. Where one of these is not
so, nothing is written, and the events are drafted like all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from identity_service.domain.events import EventIdentity, Observation
from identity_service.domain.identifiers import Identifier
from identity_service.domain.resolution.repetition import only_repeats
from identity_service.domain.resolution.subgraph import NewEvidence
from identity_service.domain.retractions import retracted_by
from identity_service.errors import Stale
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.write_rows import EvidenceWrite, SettlementWrite
from identity_service.services.kit.clock import Clock
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies, PolicyInForce
from identity_service.services.write.evidence_cache import CachedEvidence, EvidenceCache
from identity_service.services.write.property_names import PropertyNames
from identity_service.services.write.received import Received, new_events, observe_all


@dataclass(frozen=True, slots=True)
class Repeats:
    """The events of a batch that only repeat what is known, and how they are written."""

    events: frozenset[EventIdentity]
    write: SettlementWrite
    rests_on: CachedEvidence


class RepeatWriter:
    """Finds such events by what is in the cache, and writes them."""

    def __init__(
        self,
        store: EvidenceStore,
        policies: Policies,
        names: PropertyNames,
        cache: EvidenceCache,
        clock: Clock,
    ) -> None:
        self._store = store
        self._policies = policies
        self._names = names
        self._cache = cache
        self._clock = clock

    async def find(self, scope: SpaceScope, batch: Sequence[Received]) -> Repeats | None:
        """Those of a batch, if there are any.

        What shares an identifier with another event of the batch is left to be written with that:
        two transactions that lock it would wait for each other. Raises NotFound where there is no
        such space, and Unavailable.
        """
        in_force = await self._policies.in_force(scope)
        known = self._cache.of(scope.space, with_claims=bool(in_force.policy.limited_sources))
        observations, _ = observe_all(batch, in_force)
        repeats: list[Observation] = []
        elsewhere: set[Identifier] = set()
        for each in observations:
            if _may_be_written(each, known, in_force):
                repeats.append(each)
            else:
                elsewhere.update(each.identifiers)
        found = [each for each in repeats if elsewhere.isdisjoint(each.identifiers)]
        if not found:
            return None
        evidence = await self._evidence(scope, in_force, found, known)
        write = SettlementWrite(
            scope.space,
            in_force.version,
            self._clock(),
            evidence,
            retractions_rev=in_force.retractions_rev,
        )
        return Repeats(frozenset(each.event.identity for each in found), write, known)

    async def write(self, scope: SpaceScope, repeats: Repeats) -> bool:
        """Write them. False: something that this rests on is not so, and nothing was written.

        Raises Unavailable when the database does not answer.
        """
        try:
            written = await self._store.write_events(repeats.write)
        except Stale:
            written = False
        if not written:
            repeats.rests_on.forget(repeats.write.evidence)
            self._policies.forget(scope)
        return written

    async def _evidence(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        observations: Sequence[Observation],
        known: CachedEvidence,
    ) -> EvidenceWrite:
        new = NewEvidence.of(observations)
        scalars = await self._names.used_by(scope.space, observations)
        return EvidenceWrite(
            events=new_events(scope.space, observations, scalars, in_force.policy),
            known_identifiers=new.identifiers,
            known_links=new.links,
            corrections=known.corrections(new.identifiers),
            unread=True,
        )


def _may_be_written(
    observation: Observation, known: CachedEvidence, in_force: PolicyInForce
) -> bool:
    if not only_repeats(observation, known, in_force.policy):
        return False
    received_at = observation.received_at
    return not retracted_by(in_force.retracted, observation.source, received_at)
