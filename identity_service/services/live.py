"""Live resolution: walk and resolve a component now, writing nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from identity_service.domain.evidence import Evidence
from identity_service.domain.identifiers import Identifier
from identity_service.domain.region import NewEvidence
from identity_service.domain.resolution import Resolution
from identity_service.graph.evidence import EvidenceStore
from identity_service.services.access import SpaceScope
from identity_service.services.policies import PolicyInForce
from identity_service.services.settlement import Settlement, starts


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


class LiveResolution:
    """Resolves components on demand."""

    def __init__(self, store: EvidenceStore, settlement: Settlement) -> None:
        self._store = store
        self._settlement = settlement

    async def component_of(
        self, scope: SpaceScope, in_force: PolicyInForce, identifier: Identifier
    ) -> Component | None:
        """The component of an identifier that was seen; None when it is over-connected."""
        known = await self._store.read_known(
            scope.space, (), NewEvidence.of_identifiers((identifier,))
        )
        decision = await self._settlement.decide(
            scope,
            in_force,
            NewEvidence(),
            touched=starts(known.identifiers),
            across=True,
        )
        if decision is None:
            return None
        found = self._settlement.difference(decision, in_force.policy)
        minted = {customer for customer, _ in found.minted}
        customer_of = list(decision.question.settled.customer_of)
        for position, _, customer in found.moves:
            customer_of[position] = None if customer in minted else customer
        return Component(decision.question.evidence, decision.resolution, customer_of)
