"""Which events only repeat what is known, so that every customer stays as it is."""

from __future__ import annotations

from typing import Protocol

from identity_service.domain.events import Observation
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy, Sharing
from identity_service.domain.resolution.evidence import Claim
from identity_service.domain.resolution.subgraph import Pair


class KnownEvidence(Protocol):
    """What is known of identifiers and links."""

    def identifier_since(self, identifier: Identifier) -> int | None:
        """When the identifier was first seen, at the latest; None where it is not known."""
        ...

    def link_since(self, pair: Pair) -> int | None:
        """When the link was first seen, at the latest; None where it is not known."""
        ...

    def claim_of(self, pair: Pair) -> Claim:
        """Which sources alone a known link rests on; empty where one of its events was proven."""
        ...


def only_repeats(observation: Observation, known: KnownEvidence, policy: Policy) -> bool:
    """Whether an event brings no identifier, no link, no earlier time and no confirmation."""
    identifiers, at = observation.identifiers, observation.event.at
    for identifier in identifiers:
        since = known.identifier_since(identifier)
        if since is None or at < since:
            return False
    if len(identifiers) == 1:
        return True
    if any(_repetition_matters(identifier.type, policy) for identifier in identifiers):
        return False
    for i, a in enumerate(identifiers):
        for b in identifiers[i + 1 :]:
            since = known.link_since((a, b))
            if since is None or at < since:
                return False
            if policy.limited_sources and _confirms(observation, known.claim_of((a, b)), policy):
                return False
    return True


def _repetition_matters(kind: str, policy: Policy) -> bool:
    """Whether a type's rule looks at the number of sightings or at the last one."""
    rule = policy.rule_of(kind)
    return rule is not None and (rule.shared is Sharing.LATEST or rule.dominance is not None)


def _confirms(observation: Observation, claim: Claim, policy: Policy) -> bool:
    """Whether an event confirms what only limited sources said so far."""
    limited = policy.limited_sources
    if not claim or not claim <= limited:
        return False
    return observation.proven or observation.source not in limited
