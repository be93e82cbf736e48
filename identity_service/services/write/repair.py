"""Repair of a space: what is not as it should be is settled anew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.resolution.subgraph import NewEvidence
from identity_service.errors import Contended
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.policies import PolicyStore
from identity_service.graph.write_rows import EvidenceWrite
from identity_service.services.resolution.component_resolver import ResolutionRequest, Starts
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce
from identity_service.services.write.settler import Draft, OverConnected, Settler, Superseded

_READ_AT_ONCE: Final = 5_000
_SETTLED_AT_ONCE: Final = 100


class Repair:
    """Finds and gives back lost identifiers: those that belong to a retired id."""

    def __init__(self, store: EvidenceStore, policy_store: PolicyStore, settler: Settler) -> None:
        self._store = store
        self._policy_store = policy_store
        self._settler = settler

    async def lost(self, scope: SpaceScope) -> list[Identifier]:
        """The identifiers of a space that belong to a retired id. There should be none."""
        found: list[Identifier] = []
        last: str | None = ""
        while last is not None:
            last, some = await self._policy_store.lost(scope.space, last, _READ_AT_ONCE)
            found += some
        return found

    async def settle_anew(self, scope: SpaceScope, identifiers: Sequence[Identifier]) -> None:
        """Settle the components of these identifiers by the policy in force.

        One of an over-connected component that is lost waits to be settled from now on. Raises
        Contended when others kept changing the same customers, and Unavailable.
        """
        for start in range(0, len(identifiers), _SETTLED_AT_ONCE):
            some = identifiers[start : start + _SETTLED_AT_ONCE]
            await self._policy_store.release_lost(scope.space, some)
            if not await self._settle(scope, some):
                for one in some:
                    await self._settle(scope, [one])

    async def _settle(self, scope: SpaceScope, some: Sequence[Identifier]) -> bool:
        """False: their components are too much to be resolved."""
        outcome = await self._settler.apply(scope, partial(self._draft, scope, some))
        if isinstance(outcome, Superseded):
            raise Contended(remedy="Try again.")
        return not isinstance(outcome, OverConnected)

    async def _draft(
        self, scope: SpaceScope, some: Sequence[Identifier], in_force: PolicyInForce
    ) -> Draft:
        known = await self._store.read_known(scope.space, (), NewEvidence.of_identifiers(some))
        seen = {i: stored for i, stored in known.identifiers.items() if i not in known.blocked}
        return Draft(
            evidence=EvidenceWrite() if seen else None,
            request=ResolutionRequest(Starts.of(seen), cross_boundary=True),
            cause=f"policy:{in_force.version}",
        )
