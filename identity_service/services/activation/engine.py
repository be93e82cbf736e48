"""Serves destinations: whoever is due is looked at, and what differs is sent.

One process serves a destination at a time, by a lease. It takes up customers that are due, and
works out what the destination is to hold of them; ten changes before that are one. What it holds
already, by what it acknowledged last, is not sent. Outcomes are recorded once the answers are
there: a process that dies in between sends the same again, and nothing that was acknowledged.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

import structlog

from identity_service.errors import DestinationInvalid, IdentityServiceError, SecretsLocked
from identity_service.graph.destinations import (
    DestinationStore,
    StoredDestination,
)
from identity_service.graph.keys import DestinationKey
from identity_service.observability import DESTINATION_PAUSES
from identity_service.services.activation.channels import Channels, definition_of
from identity_service.services.activation.customer_states import CustomerStates
from identity_service.services.activation.delivery import Delivery
from identity_service.services.activation.event_delivery import EventDelivery
from identity_service.services.activation.look_report import LookReport
from identity_service.services.activation.sender import Pause, Sender
from identity_service.services.kit.background import DueWork
from identity_service.services.kit.clock import Clock
from identity_service.services.limits import ActivationLimits
from identity_service.services.spaces.access import Access, Role

MAX_DRY_RUN: Final = 1_000
"""Most customers that a dry run looks at."""

_log = structlog.get_logger(__name__)


class ActivationEngine:
    """Serves the destinations of all spaces. To be closed."""

    def __init__(
        self,
        access: Access,
        store: DestinationStore,
        states: CustomerStates,
        channels: Channels,
        clock: Clock,
        limits: ActivationLimits,
        pause: Pause | None = None,
        draw: random.Random | None = None,
    ) -> None:
        self._access = access
        self._store = store
        self._states = states
        self._channels = channels
        self._clock = clock
        self._limits = limits
        self._work = DueWork("activation", "activation_watch")
        self._pause = pause or self._work.pause
        self._draw = draw or random.Random()  # noqa: S311 - it only spreads attempts over time
        self._deliveries: dict[DestinationKey, Delivery] = {}

    def look_after_all(self) -> None:
        """From now on, serve every destination that has something to send and nobody is at."""

        async def look() -> None:
            for key in await self._store.to_serve(self._clock()):
                delivery = self._deliveries.get(key)
                if delivery is None or not delivery.sender.is_held:
                    self._work.due(str(key), partial(self.serve, key), destination=str(key))

        self._work.watch(look, self._limits.look_interval_s)

    async def close(self) -> None:
        """End after the requests that are on their way; another process may go on."""
        await self._work.close()
        for each in self._deliveries.values():
            await each.sender.close()
        self._deliveries.clear()

    async def serve(self, key: DestinationKey) -> None:
        """Send what is due at a destination, until nothing is, or it takes nothing for now."""
        while not self._work.is_closing:
            is_syncing, report = await self.look(key)
            if report is None or report.refused or report.not_sent:
                break
            if not report.customers and not is_syncing:
                break
            if not report.is_full and not is_syncing:
                await self._pause(self._limits.gather_s)
        await self._store.release(key)

    async def look(self, key: DestinationKey) -> tuple[bool, LookReport | None]:
        """Look once at those that are due; whether a sync goes on, and what came of it.

        No report: the destination is paused, gone, or another process serves it.
        """
        destination = await self._store.claim(key, self._limits.lease_ms)
        if destination is None:
            return False, None
        delivery = await self._delivery(destination)
        if delivery is None:
            return False, None
        if destination.is_syncing:
            most = self._limits.customers_marked
            await self._store.mark_next(key, most, self._clock())
        async with self._held(key):
            report = await delivery.look()
        if report.refused is not None:
            await self._pause_destination(destination, report.refused)
        return destination.is_syncing, report

    async def dry_run(
        self, destination: StoredDestination, *, everybody: bool
    ) -> tuple[int, list[dict[str, Any]]]:
        """How many customers were looked at, and the requests that would be sent for them.

        Those that are due, or with `everybody` those that a sync would come to first; at most
        `MAX_DRY_RUN`. Opens no connection, and changes nothing. Raises DestinationInvalid and
        SecretsLocked.
        """
        key = destination.key
        if everybody:
            due = await self._store.first_customers(key.space, MAX_DRY_RUN)
        else:
            due = await self._store.due(key, self._clock(), MAX_DRY_RUN)
        delivery = self._opened(destination)
        try:
            return len(due), await delivery.preview(await delivery.plan(due))
        finally:
            await delivery.sender.close()

    @asynccontextmanager
    async def _held(self, key: DestinationKey) -> AsyncGenerator[None]:
        """Keep the claim for as long as it takes: a slow destination takes longer than a lease."""

        async def extend() -> None:
            while True:
                await asyncio.sleep(self._limits.lease_ms / 3_000)
                with suppress(IdentityServiceError):  # it is tried again before the lease is over
                    await self._store.claim(key, self._limits.lease_ms)

        extending = asyncio.create_task(extend())
        try:
            yield
        finally:
            extending.cancel()
            await asyncio.gather(extending, return_exceptions=True)

    async def _delivery(self, destination: StoredDestination) -> Delivery | None:
        """The way to a destination; None where it had to be paused."""
        before = self._deliveries.get(destination.key)
        if before is not None and before.is_of(destination):
            return before
        if before is not None:
            await before.sender.close()
            del self._deliveries[destination.key]
        try:
            made = self._opened(destination)
        except (DestinationInvalid, SecretsLocked) as error:
            await self._pause_destination(destination, str(error))
            return None
        self._deliveries[destination.key] = made
        return made

    def _opened(self, destination: StoredDestination) -> Delivery:
        definition = definition_of(destination)
        secrets = self._channels.secrets(destination)
        channel = self._channels.open(destination, definition, secrets)
        space = destination.key.space
        scope = self._access.require(self._access.operator(space), space, Role.READER)
        sender = Sender(channel, definition.requests_per_s, self._clock, self._pause)
        events = EventDelivery(
            destination,
            definition,
            secrets,
            sender,
            self._store.events,
            self._clock,
            self._limits,
            self._draw,
        )
        return Delivery(
            destination,
            definition,
            secrets,
            scope,
            sender,
            events,
            self._store,
            self._states,
            self._clock,
            self._limits,
            self._draw,
        )

    async def _pause_destination(self, destination: StoredDestination, reason: str) -> None:
        """Send nothing more until somebody has looked at it."""
        key = destination.key
        await self._store.change(
            key, {"paused_at": self._clock(), "paused_by": None, "paused_reason": reason}
        )
        DESTINATION_PAUSES.labels(key.space, key.name).inc()
        # Without what was said: that may hold a customer's value. `destination show` has it.
        _log.warning("destination_paused", destination=str(key))
