"""Customers as they were, taken from a component as of a moment. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from identity_service.domain.explain.explanation import describe_decision
from identity_service.domain.explain.health import Health, health
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.recorded import (
    DecidedLink,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.domain.resolution.as_of import AnchoredId, ids_at
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.id_register import CustomerKind, kind_of
from identity_service.domain.resolution.resolve import Resolution, strength
from identity_service.domain.resolution.subgraph import Pair, Sightings, Span
from identity_service.graph.customers import MAX_IDENTIFIERS
from identity_service.graph.keys import identifier_key
from identity_service.services.read.presenters import identifier_kind, link_decision


@dataclass(frozen=True, slots=True)
class HistoricalComponent:
    """All identifiers of a space that were connected with one of them at a moment, resolved.

    `as_of`: the moment, in milliseconds since 1970. `spans`, in the order of the evidence, say
    when each identifier had been seen. `withheld` are identifiers that were met and that the
    policy withheld. Of a super-connector only the links to others of the component are here, and
    not all that was withheld beside it. `counts` says what the policy lets through.
    """

    space: str
    as_of: int
    policy: Policy
    evidence: Evidence
    resolution: Resolution
    spans: Mapping[Identifier, Span]
    sightings: Mapping[Pair, Sightings]
    withheld: Sequence[Identifier]
    register: Sequence[AnchoredId]
    counts: Callable[[Identifier], bool]

    def customer_of(self, identifier: Identifier) -> HistoricalCustomer | None:
        """The customer of an identifier; None when none was settled yet."""
        return self._customer(self._cluster_of(identifier))

    def person_with(self, identifier: Identifier) -> HistoricalCustomer | None:
        """The customer of an identifier, if it is a known one.

        None for a super-connector, since it does not say who was there.
        """
        if self.evidence.identifiers.index(identifier) in self.resolution.super_connectors:
            return None
        members = self._cluster_of(identifier)
        kind = kind_of(members, self.evidence.identifiers, self.resolution, self.policy)
        return self._customer(members) if kind is CustomerKind.KNOWN else None

    def whole(self) -> list[Identifier]:
        """The identifiers whose links are all here: all but the super-connectors."""
        super_connectors = self.resolution.super_connectors
        return [
            name for i, name in enumerate(self.evidence.identifiers) if i not in super_connectors
        ]

    def _customer(self, members: frozenset[int]) -> HistoricalCustomer | None:
        identifiers = {self.evidence.identifiers[i] for i in members}
        customer, previous = ids_at(
            self.as_of, identifiers, self.register, self.policy, self.counts
        )
        return HistoricalCustomer(self, members, customer, previous) if customer else None

    def _cluster_of(self, identifier: Identifier) -> frozenset[int]:
        cluster_of = self.resolution.cluster_of
        cluster = cluster_of[self.evidence.identifiers.index(identifier)]
        return frozenset(i for i, root in enumerate(cluster_of) if root == cluster)

    def seen(self, identifier: Identifier) -> SeenIdentifier:
        """An identifier of the component as it was."""
        return self.seen_at(self.evidence.identifiers.index(identifier))

    def seen_at(self, position: int) -> SeenIdentifier:
        """An identifier, named by its position in the evidence."""
        identifier = self.evidence.identifiers[position]
        return historical_identifier(
            self.space,
            identifier,
            self.spans[identifier],
            self.policy,
            contested=position in self.resolution.contested,
            super_connector=position in self.resolution.super_connectors,
        )

    def strongest_first(self, positions: Iterable[int]) -> list[SeenIdentifier]:
        """Identifiers, named by their positions."""
        identifiers = self.evidence.identifiers
        ordered = sorted(positions, key=lambda i: strength(identifiers[i], self.policy))
        return [self.seen_at(position) for position in ordered]


@dataclass(frozen=True, slots=True)
class HistoricalCustomer:
    """A customer of the component: the positions of its members, its id, and retired ones."""

    component: HistoricalComponent
    members: Collection[int]
    id: str
    previous_ids: Sequence[str]

    @property
    def super_connectors(self) -> list[Identifier]:
        """Those of its members whose links the component does not have."""
        super_connectors = self.component.resolution.super_connectors
        return [
            self.component.evidence.identifiers[i] for i in self.members if i in super_connectors
        ]

    def identifiers(self) -> list[Identifier]:
        """Its members."""
        return [self.component.evidence.identifiers[position] for position in self.members]

    def settled(
        self, policy_version: int, resolved_at: int, redirected_from: str | None
    ) -> SettledCustomer:
        """The customer as it is answered. `resolved_at` in milliseconds since 1970."""
        component = self.component
        spans = [component.spans[identifier] for identifier in self.identifiers()]
        return SettledCustomer(
            customer_id=self.id,
            kind=kind_of(
                self.members,
                component.evidence.identifiers,
                component.resolution,
                component.policy,
            ),
            revision=0,
            policy_version=policy_version,
            settled_at=resolved_at,
            first_seen=min(span.first for span in spans),
            last_seen=max(span.last for span in spans),
            identifier_count=len(self.members),
            identifiers=component.strongest_first(self.members)[:MAX_IDENTIFIERS],
            redirected_from=redirected_from,
            as_of=component.as_of,
        )

    def with_links_between(
        self, met: Mapping[Identifier, Mapping[Identifier, Sightings]]
    ) -> HistoricalCustomer:
        """The customer with the links between its own super-connectors besides.

        `met`: by super-connector, all that it was seen with. The links join nothing, but are shown
        as joined, like all links between members.
        """
        component = self.component
        evidence, resolution = component.evidence, component.resolution
        between = {
            (min(super_connector, other), max(super_connector, other)): seen
            for super_connector, others in met.items()
            for other, seen in others.items()
            if other in met
        }
        position = {name: i for i, name in enumerate(evidence.identifiers)}
        links = [
            Link(position[a], position[b], seen.first, seen.last, seen.times, seen.claim)
            for (a, b), seen in between.items()
        ]
        numbers = range(len(evidence.links), len(evidence.links) + len(links))
        with_them = replace(
            component,
            evidence=replace(evidence, links=[*evidence.links, *links]),
            resolution=replace(resolution, overruled=resolution.overruled | {*numbers}),
            sightings={**component.sightings, **between},
        )
        return replace(self, component=with_them)

    def links(self, first: int) -> list[DecidedLink]:
        """Links of its identifiers that the component has, most often seen first."""
        links = self.component.evidence.links
        touching = [
            number
            for number, link in enumerate(links)
            if link.a in self.members or link.b in self.members
        ]
        names = self.component.evidence.identifiers
        touching.sort(
            key=lambda n: (-links[n].times_seen, *(str(names[i]) for i in (links[n].a, links[n].b)))
        )
        return [self._decided(number) for number in touching[:first]]

    def health(self) -> Health:
        """How well it holds together. Of a super-connector only the links seen here count."""
        component = self.component
        return health(min(self.members), component.evidence, component.resolution, component.policy)

    def shared_devices(self, first: int) -> list[SeenIdentifier]:
        """Contested identifiers that its own had been seen with, the latest seen first.

        Links of a super-connector do not count.
        """
        contested = self.component.resolution.contested
        telling = set(self.members) - self.component.resolution.super_connectors
        last_seen: dict[int, int] = {}
        for link in self.component.evidence.links:
            for own, other in ((link.a, link.b), (link.b, link.a)):
                if own in telling and other in contested and other not in self.members:
                    last_seen[other] = max(link.last_seen, last_seen.get(other, link.last_seen))
        names = self.component.evidence.identifiers
        latest_first = sorted(last_seen, key=lambda i: (-last_seen[i], str(names[i])))
        return [self.component.seen_at(position) for position in latest_first[:first]]

    def _decided(self, number: int) -> DecidedLink:
        component = self.component
        evidence = component.evidence
        link = evidence.links[number]
        a, b = evidence.identifiers[link.a], evidence.identifiers[link.b]
        decision = describe_decision(number, evidence, component.resolution, component.policy)
        return DecidedLink(
            a=component.seen(a),
            b=component.seen(b),
            first_seen=link.first_seen,
            last_seen=link.last_seen,
            times_seen=link.times_seen,
            sources=sorted(component.sightings[a, b].sources),
            decision=link_decision(decision, map(component.seen, decision.conflict)),
        )


def historical_identifier(
    space: str,
    identifier: Identifier,
    span: Span,
    policy: Policy,
    *,
    contested: bool = False,
    super_connector: bool = False,
) -> SeenIdentifier:
    """An identifier as it was, which had been seen in `span`."""
    return SeenIdentifier(
        key=identifier_key(space, identifier),
        type=identifier.type,
        value=identifier.value,
        first_seen=span.first,
        last_seen=span.last,
        contested=contested,
        super_connector=super_connector,
        kind=identifier_kind(identifier.type, policy),
    )
