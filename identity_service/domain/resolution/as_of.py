"""The past: a component as it was at a moment, and the ids of its customers then.

Nothing of it is stored. Evidence is kept with the time of its receipt, judgements and policies
with the time from which they held, ids with all of their anchors: so what was decided at a
moment is decided again, by the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.id_register import RegisteredId, carrier_of, standing
from identity_service.domain.resolution.resolve import BoundaryState
from identity_service.domain.resolution.subgraph import Pair, Sightings, Span


@dataclass(frozen=True, slots=True)
class AnchoredId:
    """An id with every anchor that it ever had.

    `earlier` are those that it left, first one first, each with the moment from which on it
    was anchored elsewhere. Times in milliseconds since 1970.
    """

    id: str
    minted_at: int
    anchor: Identifier
    earlier: Sequence[tuple[int, Identifier]] = ()

    def at(self, moment: int) -> RegisteredId:
        """The entry as it was at a moment; before it was minted, as it was minted."""
        anchor = next((left for until, left in self.earlier if until > moment), self.anchor)
        earlier = [left for until, left in self.earlier if until <= moment]
        return RegisteredId(
            self.id, self.minted_at, anchor, kind=None, earlier=tuple(reversed(earlier))
        )


def ids_at(
    moment: int,
    members: Collection[Identifier],
    register: Sequence[AnchoredId],
    policy: Policy,
    counts: Callable[[Identifier], bool],
) -> tuple[str | None, list[str]]:
    """The id of a cluster at a moment, and the retired ones that forwarded to it, oldest first.

    `register` holds every id that was ever anchored at one of the members; `counts` says what the
    policy lets through.
    Between the receipt of its first event and its first settlement a cluster had no id; it is
    answered with the one that it got first, or None where that was anchored elsewhere.
    """
    there = [each.at(moment) for each in register if each.minted_at <= moment]
    minted = [entry for entry in standing(there, counts) if entry.anchor in members]
    if not minted:
        anchored = [entry for each in register if (entry := each.at(moment)).anchor in members]
        if not anchored:
            return None, []
        soonest = min(entry.minted_at for entry in anchored)
        first = [entry for entry in anchored if entry.minted_at == soonest]
        return carrier_of(first, policy).id, []
    carrier = carrier_of(minted, policy)
    oldest_first = sorted(minted, key=lambda entry: (entry.minted_at, entry.id))
    return carrier.id, [entry.id for entry in oldest_first if entry is not carrier]


@dataclass(slots=True)
class HistoricalEvidence:
    """The evidence of one component at a moment, collected identifier by identifier.

    `interior` holds identifiers whose links are all known, `super_connectors` those whose links
    were not followed, both with the times at which they were seen. Values that the policy
    withholds are left out.
    """

    policy: Policy
    values: ValueRules
    interior: dict[Identifier, Span] = field(default_factory=dict[Identifier, Span])
    super_connectors: dict[Identifier, Span] = field(default_factory=dict[Identifier, Span])
    links: dict[Pair, Sightings] = field(default_factory=dict[Pair, Sightings])
    judgements: dict[str, Judgement] = field(default_factory=dict[str, Judgement])
    _counts: dict[Identifier, bool] = field(default_factory=dict[Identifier, bool])

    def counts(self, identifier: Identifier) -> bool:
        """Whether the policy lets an identifier through."""
        if identifier not in self._counts:
            withheld = isinstance(self.values.identifier(identifier), WithheldValue)
            self._counts[identifier] = not withheld
        return self._counts[identifier]

    def is_super_connector(self, identifier: Identifier, neighbours: Iterable[Identifier]) -> bool:
        """Whether an identifier with these neighbours is a super-connector (rule 2)."""
        rule = self.policy.rule_of(identifier.type)
        if rule is None or rule.max_links is None:
            return False
        return sum(map(self.counts, neighbours)) > rule.max_links

    def take(
        self, identifier: Identifier, own: Span, seen: Mapping[Identifier, Sightings]
    ) -> list[Identifier]:
        """Take in all that an identifier was seen with; returns what is to be followed."""
        if self.is_super_connector(identifier, seen):
            self.super_connectors[identifier] = own
            return []
        self.interior[identifier] = own
        neighbours = [other for other in seen if self.counts(other)]
        for other in neighbours:
            a, b = sorted((identifier, other))
            self.links[a, b] = seen[other]
        return neighbours

    def withheld(self) -> list[Identifier]:
        """What was met and does not count, since the policy withholds it."""
        return [identifier for identifier, counts in self._counts.items() if not counts]

    def spans(self) -> dict[Identifier, Span]:
        """Every identifier that counts, and when it was seen."""
        return {**self.interior, **self.super_connectors}

    def resolution_input(self) -> tuple[Evidence, BoundaryState]:
        """What is to be resolved."""
        spans = self.spans()
        position = {identifier: i for i, identifier in enumerate(spans)}
        evidence = Evidence(
            identifiers=list(spans),
            first_seen=[span.first for span in spans.values()],
            links=[
                Link(position[a], position[b], seen.first, seen.last, seen.times, seen.claim)
                for (a, b), seen in self.links.items()
            ],
            judgements=list(self.judgements.values()),
        )
        super_connectors = frozenset(position[identifier] for identifier in self.super_connectors)
        return evidence, BoundaryState(super_connectors=super_connectors)
