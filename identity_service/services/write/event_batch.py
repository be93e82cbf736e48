"""One batch of events: what of it is new, what follows from that, written in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from identity_service.collect.properties import scalar_properties
from identity_service.domain.events import Observation
from identity_service.domain.policies.policy import Policy, Sharing
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.resolution.changes import Change
from identity_service.domain.resolution.components import components
from identity_service.domain.resolution.evidence import gather
from identity_service.domain.resolution.id_register import NOTHING_CHANGED
from identity_service.domain.resolution.resolve import strongest
from identity_service.domain.resolution.subgraph import EMPTY_SUBGRAPH, NewEvidence
from identity_service.graph.evidence import EvidenceStore, Known
from identity_service.graph.write_rows import Batch, NewEvent
from identity_service.services.kit.clock import Clock
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce
from identity_service.services.write.settler import ComponentResolver, Decision, starts

MAX_PROPERTY_NAMES = 500
"""Most names of properties that one space may have in use as `p_…`."""


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A batch without what is known: `slow` events may change customers, `fast` ones cannot.

    `new` is what all of them say together, `events` what is written of each.
    """

    known: Known
    fast: list[Observation]
    slow: list[Observation]
    new: NewEvidence
    events: list[NewEvent]


class BatchWriter:
    """Writes batches of observations into spaces."""

    def __init__(self, store: EvidenceStore, settlement: ComponentResolver, clock: Clock) -> None:
        self._store = store
        self._settlement = settlement
        self._clock = clock
        self._names: dict[str, frozenset[str]] = {}

    async def write(
        self, scope: SpaceScope, in_force: PolicyInForce, observations: Sequence[Observation]
    ) -> bool:
        """Write events that were observed under a policy; those that are known are passed over.

        False: the policy is no longer in force, and some may not have been written. Raises
        Stale when others changed what this rests on: try again.
        """
        if not observations:
            return True
        batch = await self._sort(scope, in_force, observations)
        if not batch.slow:
            return await self._write_fast(scope, in_force, batch)
        new = _gather(batch.slow)
        new.judgements.extend(batch.known.waiting)
        touched = {
            identifier: stored
            for identifier, stored in batch.known.identifiers.items()
            if identifier in new.identifiers
        }
        partners = {
            end
            for made in batch.known.waiting
            for end in (made.a, made.b)
            if not isinstance(in_force.values.identifier(end), WithheldValue)
        }
        decision = await self._settlement.decide(
            scope,
            in_force,
            new,
            touched=starts(touched, partners - new.identifiers.keys()),
        )
        if decision:
            return await self._write_decided(scope, in_force, batch, decision)
        groups = _groups(observations)
        if len(groups) > 1:
            return all([await self.write(scope, in_force, group) for group in groups])
        return await self._write_undecided(scope, in_force, batch)

    async def _sort(
        self, scope: SpaceScope, in_force: PolicyInForce, observations: Sequence[Observation]
    ) -> _Sorted:
        new = _gather(observations)
        scalars = [scalar_properties(o.event.properties) for o in observations]
        names = await self._names_in_use(scope, in_force, scalars)
        reading = asyncio.create_task(
            self._store.read_known(scope.space, [o.event.message_id for o in observations], new)
        )
        # While the database reads, what does not depend on its answer is prepared.
        await asyncio.sleep(0)
        events = [
            NewEvent.of(
                scope.space,
                observation,
                strongest(observation.identifiers, in_force.policy),
                {name: value for name, value in values.items() if name in names},
            )
            for observation, values in zip(observations, scalars, strict=True)
        ]
        known = await reading
        if known.message_ids:
            unknown = [e for e in events if e.message_id not in known.message_ids]
            events, new = unknown, _gather(e.observation for e in unknown)
        fast: list[Observation] = []
        slow: list[Observation] = []
        counts = _counts(in_force.policy)
        for event in events:
            changes_nothing = _changes_nothing(event.observation, known, counts)
            (fast if changes_nothing else slow).append(event.observation)
        return _Sorted(known, fast, slow, new, events)

    async def _write_fast(self, scope: SpaceScope, in_force: PolicyInForce, batch: _Sorted) -> bool:
        if not batch.fast:
            return True
        return await self._store.write_events(self._batch(scope, in_force, batch))

    async def _write_decided(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        batch: _Sorted,
        decision: Decision,
    ) -> bool:
        resolution_input = decision.resolution_input
        identifiers = resolution_input.evidence.identifiers
        rows = self._batch(scope, in_force, batch)
        rows.blocked = decision.blocked
        rows.judged = list(batch.known.waiting)
        found = self._settlement.change_set(decision, in_force.policy)
        cause_of = _causes(batch.slow, decision, in_force.version)
        written = await self._store.write_settlement(
            rows,
            decision.subgraph,
            identifiers,
            found,
            self._settlement.entries(found.changes, cause_of),
        )
        return written is not None

    async def _write_undecided(
        self, scope: SpaceScope, in_force: PolicyInForce, batch: _Sorted
    ) -> bool:
        """Keep the evidence of an over-connected component; its customers stay as they are."""
        rows = self._batch(scope, in_force, batch)
        rows.unsettled = list(rows.identifiers)
        rows.judged = list(batch.known.waiting)
        written = await self._store.write_settlement(rows, EMPTY_SUBGRAPH, (), NOTHING_CHANGED, ())
        return written is not None

    def _batch(self, scope: SpaceScope, in_force: PolicyInForce, batch: _Sorted) -> Batch:
        rows = Batch(scope.space, in_force.version, self._clock(), events=batch.events)
        known = batch.known
        for identifier, span in batch.new.identifiers.items():
            is_known = identifier in known.identifiers
            (rows.identifiers_seen if is_known else rows.identifiers)[identifier] = span
        if rows.identifiers:  # only what is new can have been waited for
            rows.judgements_rev = known.judgements_rev
        for pair, seen in batch.new.links.items():
            (rows.links_seen if pair in known.links else rows.links)[pair] = seen
        return rows

    async def _names_in_use(
        self, scope: SpaceScope, in_force: PolicyInForce, scalars: Iterable[Mapping[str, object]]
    ) -> Collection[str]:
        names = self._names.get(scope.space, in_force.property_names)
        wanted = {name for values in scalars for name in values} - names
        if wanted and len(names) < MAX_PROPERTY_NAMES:
            names = await self._store.claim_property_names(scope.space, wanted, MAX_PROPERTY_NAMES)
        self._names[scope.space] = frozenset(names)
        return names


def _gather(observations: Iterable[Observation]) -> NewEvidence:
    new = NewEvidence()
    for observation in observations:
        new.add(observation.identifiers, observation.event.at, observation.source)
    return new


def _counts(policy: Policy) -> Callable[[str], bool]:
    """Whether a type's rule looks at counts or last times, so that repetition can change much."""

    def counts(kind: str) -> bool:
        rule = policy.rule_of(kind)
        return rule is not None and (rule.shared is Sharing.LATEST or rule.dominance is not None)

    return counts


def _changes_nothing(observation: Observation, known: Known, counts: Callable[[str], bool]) -> bool:
    """Whether an event only repeats what is known, so that the resolution stays what it is."""
    identifiers, at = observation.identifiers, observation.event.at
    for identifier in identifiers:
        stored = known.identifiers.get(identifier)
        if stored is None or at < stored.first_seen:
            return False
    if len(identifiers) == 1:
        return True
    if any(counts(identifier.type) for identifier in identifiers):
        return False
    for i, a in enumerate(identifiers):
        for b in identifiers[i + 1 :]:
            first_seen = known.links.get((a, b))
            if first_seen is None or at < first_seen:
                return False
    return True


def _groups(observations: Sequence[Observation]) -> list[list[Observation]]:
    """The observations, those that are connected by identifiers together."""
    evidence = gather((o.event.at, o.identifiers) for o in observations)
    position_of = {identifier: i for i, identifier in enumerate(evidence.identifiers)}
    component_of = components(evidence)
    groups: dict[int, list[Observation]] = {}
    for observation in observations:
        component = component_of[position_of[observation.identifiers[0]]]
        groups.setdefault(component, []).append(observation)
    return list(groups.values())


def _causes(
    observations: Iterable[Observation], decision: Decision, policy_version: int
) -> Callable[[Change], str]:
    """Names the event that caused a change: the last one of the batch in the same component.

    Where there is none, a newer policy took the component apart before its own settlement did.
    """
    component_of = decision.component_of
    position_of = {
        i: position for position, i in enumerate(decision.resolution_input.evidence.identifiers)
    }
    last = {
        component_of[position_of[observation.identifiers[0]]]: observation.event.message_id
        for observation in observations
    }

    def cause_of(change: Change) -> str:
        event = last.get(component_of[position_of[change.identifiers[0]]])
        return f"policy:{policy_version}" if event is None else f"event:{event}"

    return cause_of
