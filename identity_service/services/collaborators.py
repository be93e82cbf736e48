"""What the reading and the administering services ask of those that decide and write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from identity_service.domain.evidence import Evidence
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policy import Policy
from identity_service.domain.recorded import PolicyVersion, RecordedChange
from identity_service.domain.resolution import Resolution
from identity_service.domain.values import Values
from identity_service.services.access import SpaceScope


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The policy that a space is resolved by, prepared for use."""

    version: int
    policy: Policy
    values: Values


@dataclass(frozen=True, slots=True)
class Component:
    """All identifiers that hang together with one of them, resolved.

    By position in the evidence: `customer_of` names the customer whose id the register gives
    to the identifier's cluster (None where none was minted yet). Links to contested identifiers
    are all there; evidence beyond super-connectors is not.
    """

    evidence: Evidence
    resolution: Resolution
    customer_of: Sequence[str | None]

    def link_numbers(self) -> dict[frozenset[Identifier], int]:
        """The position of each link, by the two identifiers that it joins."""
        identifiers = self.evidence.identifiers
        return {
            frozenset((identifiers[link.a], identifiers[link.b])): number
            for number, link in enumerate(self.evidence.links)
        }


class Policies(Protocol):
    """Knows the policies."""

    async def in_force(self, scope: SpaceScope) -> PolicyInForce:
        """The policy in force, at most a few seconds old."""
        ...

    async def set_policy(
        self, scope: SpaceScope, text: str, expected_version: int, note: str | None
    ) -> PolicyVersion:
        """Put a new version in force; customers are settled anew in the background.

        Raises PolicyInvalid, or Conflict when `expected_version` is not in force.
        """
        ...


class Judging(Protocol):
    """Takes judgements and settles by them at once; both return the changes that this made.

    Raises FieldInvalid, NotFound, and TooLarge where a component is over-connected.
    """

    async def judge(
        self, scope: SpaceScope, verdict: Verdict, a: Identifier, b: Identifier, reason: str
    ) -> tuple[Judgement, Sequence[RecordedChange]]:
        """Judge two identifiers, which are normalised and not withheld."""
        ...

    async def withdraw(
        self, scope: SpaceScope, judgement: str, reason: str
    ) -> tuple[Judgement, Sequence[RecordedChange]]:
        """Withdraw a judgement by its id."""
        ...


class Resolving(Protocol):
    """Loads and resolves now, without writing."""

    async def component_of(
        self, scope: SpaceScope, in_force: PolicyInForce, identifier: Identifier
    ) -> Component | None:
        """The component of an identifier that was seen; None when it is over-connected."""
        ...
