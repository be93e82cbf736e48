"""Destinations: made, changed, paused, and looked into by the administrators of their space."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from identity_service.activation.definition import (
    Definition,
    VendorRules,
    check_secrets,
    parse_definition,
)
from identity_service.activation.vendors import DestinationVendor, rules_of
from identity_service.domain.profiles.definitions import Of
from identity_service.domain.recorded import Page, SettledCustomer, page_of
from identity_service.errors import DestinationInvalid, FieldInvalid, NameTaken, NoSuch, Problem
from identity_service.graph.destinations import (
    DestinationStore,
    StoredDestination,
    StoredRecord,
    events_since_json,
)
from identity_service.graph.keys import DestinationKey
from identity_service.graph.outgoing_events import StoredEvent
from identity_service.services.activation.channels import Channels
from identity_service.services.activation.engine import ActivationEngine
from identity_service.services.activation.event_delivery import EventState
from identity_service.services.activation.plans import DEAD
from identity_service.services.kit.clock import Clock
from identity_service.services.read.customers import Customers
from identity_service.services.spaces.access import Role, SpaceScope, forbidden
from identity_service.services.spaces.profile_texts import ProfileTexts

MAX_RECORDS: Final = 1_000
"""Most records of one customer that are listed."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class DestinationProgress:
    """How many records and events of a destination are in each state, and how many customers wait
    for it.
    """

    records: Mapping[str, int]
    waiting: int
    events: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would be sent: for how many customers, and the requests.

    Each has `method`, `url` and `body`; none holds a secret.
    """

    customers: int
    requests: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class SentAgain:
    """How many records and events are sent again."""

    records: int
    events: int


class Destinations:
    """Makes and changes destinations.

    A method that takes a scope is for administrators, and raises Forbidden; those that name a
    destination raise FieldInvalid where the space has none of that name. The others take a
    destination that one of these returned.
    """

    def __init__(
        self,
        store: DestinationStore,
        channels: Channels,
        engine: ActivationEngine,
        customers: Customers,
        texts: ProfileTexts,
        clock: Clock,
    ) -> None:
        self._store = store
        self._channels = channels
        self._engine = engine
        self._customers = customers
        self._texts = texts
        self._clock = clock

    async def create(
        self,
        scope: SpaceScope,
        name: str,
        vendor: DestinationVendor,
        definition: str,
        secrets: Mapping[str, str],
    ) -> StoredDestination:
        """Create a destination. Nothing is sent to it before a customer changes, or a sync.

        Events go there that happen from now on.

        Raises FieldInvalid, DestinationInvalid, SecretsLocked.
        """
        _require_admin(scope)
        if not _NAME.fullmatch(name):
            raise FieldInvalid("name", "A name is a-z, 0-9, “-” and “_”, 1 to 63 of them.")
        rules = rules_of(vendor)
        read = await self._check(scope, definition, rules)
        check_secrets(secrets, rules)
        key = DestinationKey(scope.space, name)
        created = await self._store.create(
            key,
            vendor.value,
            definition,
            read.events,
            self._channels.sealed(key, secrets),
            scope.author,
            self._clock(),
        )
        if not created:
            raise NameTaken("name", f"There is a destination “{name}” already.")
        return await self.find(scope, name)

    async def of_space(self, scope: SpaceScope, after: str, first: int) -> Page[StoredDestination]:
        """Destinations by name, those after a name."""
        _require_admin(scope)
        return page_of(await self._store.of_space(scope.space, after, first + 1), first)

    async def find(self, scope: SpaceScope, name: str) -> StoredDestination:
        """One destination."""
        _require_admin(scope)
        found = await self._store.read(DestinationKey(scope.space, name))
        if found is None:
            raise _none(scope, name)
        return found

    async def change(
        self,
        scope: SpaceScope,
        name: str,
        definition: str | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> StoredDestination:
        """Give a destination another definition, other secrets, or both.

        Customers are sent by it when they change next, or by a sync; events that it names for the
        first time, from now on. Raises DestinationInvalid and SecretsLocked.
        """
        found = await self.find(scope, name)
        rules = rules_of(DestinationVendor(found.vendor))
        changes: dict[str, Any] = {}
        if definition is not None:
            read, now = await self._check(scope, definition, rules), self._clock()
            since = {each: found.events_since.get(each, now) for each in read.events}
            changes |= {"definition": definition, "events_since": events_since_json(since)}
        if secrets is not None:
            check_secrets(secrets, rules)
            changes["secrets"] = self._channels.sealed(found.key, secrets)
        return await self._change(scope, name, changes)

    async def pause(self, scope: SpaceScope, name: str) -> StoredDestination:
        """Send nothing to a destination until it is resumed; what is due waits."""
        await self.find(scope, name)
        changes = {"paused_at": self._clock(), "paused_by": scope.author, "paused_reason": None}
        return await self._change(scope, name, changes)

    async def resume(self, scope: SpaceScope, name: str) -> StoredDestination:
        """Send to a destination again."""
        await self.find(scope, name)
        changes = {"paused_at": None, "paused_by": None, "paused_reason": None}
        return await self._change(scope, name, changes)

    async def delete(self, scope: SpaceScope, name: str) -> None:
        """Forget a destination, and what it holds; there nothing is deleted."""
        _require_admin(scope)
        if not await self._store.delete(DestinationKey(scope.space, name)):
            raise _none(scope, name)

    async def sync(self, scope: SpaceScope, name: str) -> StoredDestination:
        """Look at every customer of the space, and send what differs; from the first one again."""
        found = await self.find(scope, name)
        begun = await self._store.begin_sync(found.key, self._clock())
        if begun is None:
            raise _none(scope, name)
        return begun

    async def dry_run(self, destination: StoredDestination, *, everybody: bool = False) -> DryRun:
        """What would be sent now, or with `everybody` by a sync. Opens no connection.

        Raises SecretsLocked.
        """
        customers, requests = await self._engine.dry_run(destination, everybody=everybody)
        return DryRun(customers, requests)

    async def progress(self, destination: StoredDestination) -> DestinationProgress:
        """How far a destination is."""
        key = destination.key
        return DestinationProgress(
            *await self._store.counts(key), await self._store.events.counts(key)
        )

    async def dead_letters(
        self, destination: StoredDestination, after: str, first: int
    ) -> Page[StoredRecord]:
        """Records that a destination refused, by key, those after one."""
        found = await self._store.in_state(destination.key, DEAD, after, first + 1)
        return page_of(found, first)

    async def events_in(
        self, destination: StoredDestination, state: EventState, after: str, first: int
    ) -> Page[StoredEvent]:
        """Events of a destination in a state, by `event`, those after one."""
        found = await self._store.events.in_state(destination.key, state, after, first + 1)
        return page_of(found, first)

    async def send_again(
        self,
        scope: SpaceScope,
        name: str,
        records: Sequence[str] | None,
        events: Sequence[str] | None,
    ) -> SentAgain:
        """Have dead letters sent again, as the customers are by now; how many.

        None for both: all records and events that were refused. Events that are named, by their
        message ids, are also sent again where nobody knows whether they arrived.
        """
        found = await self.find(scope, name)
        if records is None and events is None:
            return SentAgain(
                await self._store.send_again(found.key, None),
                await self._store.events.send_again(found.key, [EventState.DEAD], None),
            )
        return SentAgain(
            await self._store.send_again(found.key, records or []),
            await self._store.events.send_again(
                found.key, [EventState.DEAD, EventState.UNKNOWN], events or []
            ),
        )

    async def records_of(self, scope: SpaceScope, customer_id: str) -> list[StoredRecord]:
        """What the destinations hold of a customer, and of ids that it had before."""
        _require_admin(scope)
        ids = await self._ids(scope, customer_id)
        return await self._store.of_customers(scope.space, ids, MAX_RECORDS)

    async def erase(self, scope: SpaceScope, customer_id: str) -> list[StoredRecord]:
        """Have every destination erase what it holds of a customer, in its own terms.

        Nothing is sent there for it afterwards. `records_of` shows what came of it. Raises
        FieldInvalid where no destination holds anything.
        """
        _require_admin(scope)
        ids = await self._ids(scope, customer_id)
        await self._store.erase(scope.space, ids, self._clock())
        records = await self._store.of_customers(scope.space, ids, MAX_RECORDS)
        if not records:
            raise NoSuch("customerId", f"No destination holds anything of {customer_id}.")
        return records

    async def _ids(self, scope: SpaceScope, customer_id: str) -> list[str]:
        """An id with all others of the same customer; an id that nobody has stands for itself."""
        view = self._customers.current(scope)
        found = await view.find_by_id(customer_id)
        if not isinstance(found, SettledCustomer):
            return [customer_id]
        return sorted({customer_id, found.customer_id, *await view.previous_ids(found)})

    async def _check(self, scope: SpaceScope, definition: str, rules: VendorRules) -> Definition:
        """What a definition says. Raises DestinationInvalid, also for an audience of accounts of
        the text in force.
        """
        read = parse_definition(definition, rules)
        in_force = await self._texts.definitions(scope)
        problems = [
            Problem(
                f"audiences.{name}",
                "it holds accounts, and a destination takes customers: name an audience of "
                f"customers that are `in: {name}`",
            )
            for name, audience in (in_force.profiles.audiences.items() if in_force else ())
            if name in read.audiences and audience.of is Of.ACCOUNTS
        ]
        if problems:
            raise DestinationInvalid(tuple(problems))
        return read

    async def _change(
        self, scope: SpaceScope, name: str, changes: Mapping[str, Any]
    ) -> StoredDestination:
        changed = await self._store.change(DestinationKey(scope.space, name), changes)
        if changed is None:
            raise _none(scope, name)
        return changed


def _require_admin(scope: SpaceScope) -> None:
    if not scope.allows(Role.ADMIN):
        raise forbidden(Role.ADMIN, scope.space)


def _none(scope: SpaceScope, name: str) -> NoSuch:
    return NoSuch("destination", f"The space “{scope.space}” has no destination “{name}”.")
