"""Deferred settlement: components that are too large to be settled while senders wait.

Their events are stored at once, and the identifiers that these touch are marked. Here the
components of marked identifiers are settled, one at a time, with pauses, so that everybody else in
the space goes on as before. Until then their customers stay as they were settled last. The marks
are in the graph: what one process leaves, another settles.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping
from functools import partial
from time import monotonic
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import LINKS_PER_IDENTIFIER
from identity_service.graph.customers import CustomerReader
from identity_service.graph.keys import identifier_key, identifier_of
from identity_service.graph.policies import PolicyStore, WaitingIdentifier
from identity_service.graph.write_rows import EvidenceWrite
from identity_service.services.kit.background import DueWork
from identity_service.services.kit.lru_cache import LruCache
from identity_service.services.limits import Limits
from identity_service.services.resolution.component_resolver import (
    ResolutionRequest,
    Resolved,
    Starts,
)
from identity_service.services.spaces.access import Access, Role, SpaceScope
from identity_service.services.spaces.policies import Policies, PolicyInForce
from identity_service.services.write.settler import (
    Applied,
    Draft,
    OverConnected,
    Settler,
    Superseded,
)

MAX_REMEMBERED: Final = 100_000
"""Customers of large components that are remembered."""

_ID_BYTES: Final = 100
"""What an id takes in memory."""

_WAITING_AT_ONCE: Final = 20_000
"""Marked identifiers that are read at once."""


class DeferredSettlement:
    """Settles what was put off. To be closed."""

    def __init__(
        self,
        access: Access,
        policies: PolicyStore,
        in_force: Policies,
        customers: CustomerReader,
        settler: Settler,
        limits: Limits,
    ) -> None:
        self._access = access
        self._store = policies
        self._policies = in_force
        self._customers = customers
        self._settler = settler
        self._limits = limits.deferred
        self._prompt_identifiers = limits.prompt_identifiers
        self._large: LruCache[str, bool] = LruCache(MAX_REMEMBERED * _ID_BYTES)
        self._work = DueWork("deferred", "deferred_watch")
        self._retry_after: dict[str, float] = {}
        self._one_by_one = asyncio.Semaphore(1)
        self._hurry = False
        self._dice = random.Random()  # noqa: S311 - no secret

    def is_large(self, customer: str) -> bool:
        """Whether a customer's component was too large when it was settled last."""
        return self._large.get(customer) is not None

    def wake(self, scope: SpaceScope) -> None:
        """Settle in the background what is put off in a space."""
        self._work.due(scope.space, partial(self._settle_or_pause, scope), space=scope.space)

    def look_after_all(self) -> None:
        """From now on, settle what is put off in any space, whoever put it off."""
        self._work.watch(self._look, self._limits.look_interval_s)

    async def waiting(self, scope: SpaceScope) -> int:
        """How many identifiers of a space wait to be settled, at most 20,000."""
        return len(await self._store.waiting(scope.space, "", _WAITING_AT_ONCE))

    async def settled(self, scope: SpaceScope) -> None:
        """Return when this process settles nothing more in a space."""
        await self._work.done(scope.space)

    async def settle_all(self) -> None:
        """Settle all that this process has put off, without pauses."""
        self._hurry = True
        await self._work.done()

    async def close(self) -> None:
        """End after the component that is being settled; another process may go on."""
        await self._work.close()

    async def _look(self) -> None:
        for space in await self._store.spaces_with_waiting():
            operator = self._access.operator(space)
            self.wake(self._access.require(operator, space, Role.ADMIN))

    async def _settle_or_pause(self, scope: SpaceScope) -> None:
        if await self._settle_all(scope):
            self._retry_after.pop(scope.space, None)
        elif self._work.is_due(scope.space):
            # What cannot be settled is not tried again at every event.
            pause = self._retry_after.get(scope.space, self._limits.retry_interval_s)
            await self._work.pause(pause)
            self._retry_after[scope.space] = min(2 * pause, self._limits.look_interval_s)

    async def _settle_all(self, scope: SpaceScope) -> bool:
        """Settle component after component. False: none could be."""
        found = await self._store.waiting(scope.space, "", _WAITING_AT_ONCE)
        # Else what is over-connected would keep others that it is connected with waiting for ever.
        self._dice.shuffle(found)
        waiting = {each.identifier: each for each in found}
        any_settled = False
        while waiting and not self._work.is_closing:
            async with self._one_by_one:
                started = monotonic()
                any_settled |= await self._settle_next(scope, waiting)
                # The others of the space, and of all spaces, have the processor meanwhile.
                if not self._hurry:
                    await self._work.pause((monotonic() - started) * self._limits.rest)
        return any_settled

    async def _settle_next(
        self, scope: SpaceScope, waiting: dict[Identifier, WaitingIdentifier]
    ) -> bool:
        """Settle the component of one that waits, and take all that it holds out of `waiting`.

        False: it is over-connected, or others keep changing it.
        """
        start = next(iter(waiting))
        outcome = await self._settle(scope, waiting, start, cross_boundary=True)
        if isinstance(outcome, OverConnected):
            outcome = await self._settle(scope, waiting, start, cross_boundary=False)
        match outcome:
            case Applied(_, Resolved(subgraph), write):
                done = [start, *subgraph.interior]
                large = (
                    len(subgraph.interior) > self._prompt_identifiers
                    or len(subgraph.links) > LINKS_PER_IDENTIFIER * self._prompt_identifiers
                )
                minted = write.settlement.changes.minted if write and write.settlement else ()
                self._remember((*subgraph.revisions, *(each for each, _ in minted)), large=large)
            case OverConnected():
                done = await self._connected(scope, start, waiting)
            case _:
                done = [start]
        for identifier in done:
            waiting.pop(identifier, None)
        return isinstance(outcome, Applied)

    async def _settle(
        self,
        scope: SpaceScope,
        waiting: Mapping[Identifier, WaitingIdentifier],
        start: Identifier,
        *,
        cross_boundary: bool,
    ) -> Applied[Draft] | OverConnected[Draft] | Superseded:
        async def draft(in_force: PolicyInForce) -> Draft:
            rollout = f"policy:{in_force.version}"
            return Draft(
                evidence=EvidenceWrite(),
                request=ResolutionRequest(
                    Starts.of({start: waiting[start].stored}), cross_boundary=cross_boundary
                ),
                cause=waiting[start].cause or rollout,
                causes=[(each.identifier, each.cause or rollout) for each in waiting.values()],
            )

        return await self._settler.apply(scope, draft)

    async def _connected(
        self, scope: SpaceScope, start: Identifier, waiting: Iterable[Identifier]
    ) -> list[Identifier]:
        """Which of those that wait are in the component of one that is over-connected."""
        policy = (await self._policies.in_force(scope)).policy
        others = [identifier_key(scope.space, identifier) for identifier in waiting]
        found = await self._customers.component_size(
            identifier_key(scope.space, start), others, 2 * policy.max_component
        )
        return [start, *map(identifier_of, found.met)]

    def _remember(self, customers: Iterable[str], *, large: bool) -> None:
        for customer in customers:
            if large:
                self._large.put(customer, True, _ID_BYTES)
            else:
                self._large.drop(customer)
