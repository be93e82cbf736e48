"""Events as they were received, and what a policy makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from identity_service.collect.identifiers import second_values_as_anonymous
from identity_service.collect.times import time_of_limited
from identity_service.domain.events import EventIdentity, Observation, Rejection, ReportedEvent
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import observe
from identity_service.domain.resolution.resolve import strongest
from identity_service.graph.write_rows import NewEvent
from identity_service.services.spaces.policies import PolicyInForce


@dataclass(frozen=True, slots=True)
class Received:
    """Events of one request, with its source and the time of its receipt in milliseconds.

    `region` is the country of the source's national phone numbers. `proven` are those of the
    events whose user id was proven.
    """

    source: str
    received_at: int
    events: Sequence[ReportedEvent]
    region: str | None = None
    proven: frozenset[EventIdentity] = frozenset()

    def observed(self, event: ReportedEvent, in_force: PolicyInForce) -> Observation | Rejection:
        """What the policy makes of one of the events."""
        return observe(
            self._as_far_as_trusted(event, in_force.policy),
            in_force.values_of(self.region),
            self.received_at,
            self.source,
            proven=bool(self.proven) and event.identity in self.proven,
        )

    def _as_far_as_trusted(self, event: ReportedEvent, policy: Policy) -> ReportedEvent:
        """An event as the source may say it: none can merge accounts, a limited one has no past."""
        event = _without_merge_of_accounts(event, policy)
        if self.source not in policy.limited_sources:
            return event
        return replace(event, at=time_of_limited(event.at, self.received_at))


RejectedEvent = tuple[Received, Rejection]
"""An event that the policy rejects, with the request that it came in."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the events of a transaction; all others were stored before.

    `events` were written, `rejected` are those that the policy does not take.
    """

    events: frozenset[EventIdentity] = frozenset()
    rejected: Sequence[RejectedEvent] = ()

    def __add__(self, other: Written) -> Written:
        return Written(self.events | other.events, [*self.rejected, *other.rejected])


def observe_all(
    batch: Iterable[Received], in_force: PolicyInForce
) -> tuple[list[Observation], list[RejectedEvent]]:
    """What the policy makes of the events; of those that are one the first."""
    observations: dict[EventIdentity, Observation] = {}
    rejected: list[RejectedEvent] = []
    for received in batch:
        for event in received.events:
            identity = event.identity
            if identity in observations:
                continue
            found = received.observed(event, in_force)
            if isinstance(found, Rejection):
                rejected.append((received, found))
            else:
                observations[identity] = found
    return list(observations.values()), rejected


def new_events(
    space: str,
    observations: Iterable[Observation],
    scalars: Iterable[Mapping[str, Any]],
    policy: Policy,
) -> list[NewEvent]:
    """The events as they are to be written; `scalars`: the properties of each by names in use."""
    return [
        NewEvent.of(space, observation, strongest(observation.identifiers, policy), values)
        for observation, values in zip(observations, scalars, strict=True)
    ]


def _without_merge_of_accounts(event: ReportedEvent, policy: Policy) -> ReportedEvent:
    """A merge call as an event that cannot join two accounts; any other event as it is."""
    if event.type != "merge":
        return event

    def limit_of(kind: str) -> int | None:
        rule = policy.rule_of(kind)
        return rule.limit if rule else None

    return replace(event, identifiers=second_values_as_anonymous(event.identifiers, limit_of))
