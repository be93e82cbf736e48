"""The score of a policy: how its customers compare with the people who are known.

Of each policy it says how many people are split, how many customers hold two people, and how many
events reach the right person, a wrong one and nobody; and which `same` judgements would help most.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from identity_service.domain.explain.explanation import NEVER_CONNECTED, explain
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.resolution.evidence import Evidence, gather
from identity_service.domain.resolution.resolve import Resolution, resolve, strength, strongest
from identity_service.domain.scoring.truth import PersonEvent, Truth, truth_of_events

MAX_SUGGESTIONS: Final = 20
"""Most judgements that a score suggests."""


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Events that belong to a customer of their person, of somebody else, and of no known person.

    `right`: the customer holds an identifier that names the person of the event, and none that
    names somebody else. `wrong`: it holds one that names somebody else. `nobody`: neither.
    """

    right: int = 0
    wrong: int = 0
    nobody: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.right + self.wrong + self.nobody

    def share(self, of: int) -> float:
        """A number of them as a share; 0 where there are none."""
        return of / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A `same` judgement that would bring identifiers of one person together.

    `events`: how many events would reach the person by it, which reach nobody now. `moved`: how
    many of the person's events the second customer holds. `reason`: why they are two customers.
    """

    a: Identifier
    b: Identifier
    person: str
    events: int
    moved: int
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """What a policy makes of the people who are known.

    `people_split`: people whose own identifiers lie in several customers. `customers_of_two`:
    customers with own identifiers of two people who are different. `anonymous_events` are those
    of `events` that name no person by themselves. `suggestions` are the first of `suggested`.
    """

    people: int
    people_split: int
    customers_of_two: int
    events: EventCounts
    anonymous_events: EventCounts
    suggestions: tuple[Suggestion, ...] = ()
    suggested: int = 0


def score_events(events: Sequence[PersonEvent], policy: Policy) -> Score:
    """The score of a policy on a population: all events of people who are all different.

    `events` are in order of time, with their identifiers as senders write them.
    """
    values = ValueRules(policy)
    spelled = [
        PersonEvent(event.person, identifiers, event.times)
        for event in events
        if (identifiers := sorted(values.let_through(event.identifiers)[0]))
    ]
    evidence = gather((at, event.identifiers) for at, event in enumerate(spelled))
    scoring = Scoring(policy, truth_of_events(spelled))
    scoring.add(evidence, resolve(evidence, policy), len(evidence.identifiers), spelled)
    return scoring.result()


def frontier(scores: Sequence[Score]) -> list[int]:
    """The positions of the scores that no other one beats, those of fewest wrong events first.

    One beats another that has at least as many events right and at most as many wrong, and
    differs in one of the two.
    """

    places = [
        (each.events.share(each.events.wrong), -each.events.share(each.events.right))
        for each in scores
    ]
    found: list[int] = []
    for number in sorted(range(len(scores)), key=places.__getitem__):
        if (
            not found
            or places[number][1] < places[found[-1]][1]
            or places[number] == places[found[-1]]
        ):
            found.append(number)
    return found


class _Customer(NamedTuple):
    """A customer: the group of evidence that it lies in, and its cluster there."""

    group: int
    cluster: int


@dataclass(slots=True)
class _Part:
    """What one customer holds of a person.

    `is_mixed`: it holds somebody else too. `names_person`: an identifier in it does.
    """

    strongest: Identifier
    is_mixed: bool = False
    names_person: bool = False
    events: int = 0
    events_of_nobody: int = 0


class _Candidate(NamedTuple):
    """A judgement that would help; the more it does, the smaller."""

    fewer_events: int
    fewer_moved: int
    rank: tuple[float, Identifier]
    person: str
    main: _Customer
    other: _Customer


@dataclass(slots=True)
class Scoring:
    """A score that is added up group by group: `add` each, then ask for the `result`.

    A group is evidence that is resolved by itself. An identifier is counted in one group only.
    """

    policy: Policy
    truth: Truth
    _groups: list[tuple[Evidence, Resolution]] = field(
        default_factory=list[tuple[Evidence, Resolution]]
    )
    _parts: dict[str, dict[_Customer, _Part]] = field(
        default_factory=dict[str, dict[_Customer, _Part]]
    )
    _customers_of_two: int = 0
    _events: Counter[str] = field(default_factory=Counter[str])
    _anonymous_events: Counter[str] = field(default_factory=Counter[str])

    def add(
        self,
        evidence: Evidence,
        resolution: Resolution,
        size: int,
        events: Iterable[PersonEvent],
    ) -> None:
        """Take in the first `size` identifiers of the evidence, and events that carry these."""
        number = len(self._groups)
        self._groups.append((evidence, resolution))
        cluster_of = dict(
            zip(evidence.identifiers[:size], resolution.cluster_of[:size], strict=True)
        )
        people: dict[int, set[str]] = {}
        named: dict[int, set[str]] = {}
        for identifier, cluster in cluster_of.items():
            person = self.truth.person_of.get(identifier)
            if person is not None:
                people.setdefault(cluster, set()).add(person)
                if self._names_person(identifier):
                    named.setdefault(cluster, set()).add(person)
                self._hold(person, _Customer(number, cluster), identifier)
        for cluster, some in people.items():
            held = frozenset(some)
            mixed = {person for person in held if self.truth.differs(person, held)}
            self._customers_of_two += bool(mixed)
            for person in held:
                part = self._parts[person][_Customer(number, cluster)]
                part.is_mixed = person in mixed
                part.names_person = person in named.get(cluster, ())
        known = {cluster: frozenset(some) for cluster, some in named.items()}
        for event in events:
            cluster = cluster_of[strongest(event.identifiers, self.policy)]
            self._count(event, _Customer(number, cluster), known.get(cluster, frozenset()))

    def result(self) -> Score:
        """The score, once all groups were added."""
        found = [each for person in self._parts for each in self._candidates(person)]
        return Score(
            people=len(self._parts),
            people_split=sum(len(parts) > 1 for parts in self._parts.values()),
            customers_of_two=self._customers_of_two,
            events=EventCounts(**self._events),
            anonymous_events=EventCounts(**self._anonymous_events),
            suggestions=tuple(map(self._suggestion, heapq.nsmallest(MAX_SUGGESTIONS, found))),
            suggested=len(found),
        )

    def _hold(self, person: str, customer: _Customer, identifier: Identifier) -> None:
        parts = self._parts.setdefault(person, {})
        if (part := parts.get(customer)) is None:
            parts[customer] = _Part(identifier)
        else:
            part.strongest = strongest((part.strongest, identifier), self.policy)

    def _count(self, event: PersonEvent, customer: _Customer, known: frozenset[str]) -> None:
        person, times = event.person, event.times
        outcome = "right" if person in known else "nobody"
        if self.truth.differs(person, known):
            outcome = "wrong"
        self._events[outcome] += times
        if not any(map(self._names_person, event.identifiers)):
            self._anonymous_events[outcome] += times
        if part := self._parts.get(person, {}).get(customer):
            part.events += times
            part.events_of_nobody += times if outcome == "nobody" else 0

    def _names_person(self, identifier: Identifier) -> bool:
        rule = self.policy.rule_of(identifier.type)
        return rule is not None and rule.kind is IdentifierKind.PERSON

    def _candidates(self, person: str) -> list[_Candidate]:
        """Judgements that join customers of one person, none of whom holds anybody else.

        All are joined with the one that names the person and has most of the events.
        """
        parts = {c: part for c, part in self._parts[person].items() if not part.is_mixed}
        if len(parts) < 2:
            return []
        main = min(
            parts,
            key=lambda c: (not parts[c].names_person, -parts[c].events, self._rank(parts[c])),
        )
        gains = parts[main].names_person
        return [
            _Candidate(
                -part.events_of_nobody if gains else 0,
                -part.events,
                self._rank(part),
                person,
                main,
                customer,
            )
            for customer, part in parts.items()
            if customer != main
        ]

    def _rank(self, part: _Part) -> tuple[float, Identifier]:
        return strength(part.strongest, self.policy)

    def _suggestion(self, found: _Candidate) -> Suggestion:
        parts = self._parts[found.person]
        a, b = parts[found.main].strongest, parts[found.other].strongest
        reason = NEVER_CONNECTED
        if found.main.group == found.other.group:
            evidence, resolution = self._groups[found.main.group]
            reason = explain(a, b, evidence, resolution, self.policy).message
        return Suggestion(a, b, found.person, -found.fewer_events, -found.fewer_moved, reason)
