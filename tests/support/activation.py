"""Operations and channels for tests of destinations, over a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from random import Random
from typing import Any

from pydantic import SecretStr

from identity_service.activation.definition import parse_definition
from identity_service.activation.records import (
    Action,
    Operation,
    OutgoingEvent,
    Record,
    RecordKey,
    event_operation,
    operation,
    parse_record_key,
)
from identity_service.activation.vendors import ADAPTERS, DestinationVendor, rules_of
from identity_service.graph.destinations import DestinationStore, StoredRecord
from identity_service.graph.keys import DestinationKey
from identity_service.services.activation.channel import HttpChannel
from identity_service.services.activation.channels import Channels
from identity_service.services.activation.customer_states import CustomerStates
from identity_service.services.activation.destinations import Destinations
from identity_service.services.activation.engine import ActivationEngine
from identity_service.services.activation.guard import AddressGuard
from identity_service.services.activation.look_report import LookReport
from identity_service.services.activation.sender import Sender
from identity_service.services.kit.vault import Vault
from identity_service.services.limits import ActivationLimits
from tests.support.space import World

LOOPBACK = (ip_network("127.0.0.0/8"),)

SECRETS: Mapping[DestinationVendor, Mapping[str, str]] = {
    DestinationVendor.CUSTOMERIO: {"api_key": "the-api-key"},
    DestinationVendor.HUBSPOT: {"token": "the-token"},
    DestinationVendor.BRAZE: {"api_key": "the-api-key"},
    DestinationVendor.MAILCHIMP: {"api_key": "the-api-key"},
    DestinationVendor.MIXPANEL: {
        "service_account_secret": "the-secret",
        "deletion_token": "the-token",
    },
    DestinationVendor.INTERCOM: {"token": "the-token"},
    DestinationVendor.SEGMENT: {"write_key": "the-write-key"},
    DestinationVendor.WEBHOOK: {"secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"},
}
CONNECTIONS: Mapping[DestinationVendor, Mapping[str, str]] = {
    DestinationVendor.CUSTOMERIO: {"site_id": "the-site"},
    DestinationVendor.MAILCHIMP: {"data_center": "us1", "list_id": "l1"},
    DestinationVendor.MIXPANEL: {"project_token": "p1", "service_account": "account"},
}


def definition_text(vendor: DestinationVendor, url: str, more: str = "") -> str:
    """A definition of a destination that answers at `url`; `more` are further lines."""
    connection = {**CONNECTIONS.get(vendor, {}), "url": url}
    lines = [f"  {name}: {value}" for name, value in connection.items()]
    return "\n".join(["connection:", *lines, more, ""])


def record(key: str, *, audiences: Mapping[str, bool] | None = None, **attributes: Any) -> Record:
    """A record; `key` as `TYPE:VALUE`."""
    return Record(parse_record_key(key), "cus_1", attributes, audiences or {})


def upsert(key: str, *, audiences: Mapping[str, bool] | None = None, **more: Any) -> Operation:
    """An upsert of a record."""
    return operation(
        "s/d", Action.UPSERT, record(key, audiences=audiences, **more), 1_700_000_000_000
    )


def erasure(key: str) -> Operation:
    """An erasure of a record."""
    return operation("s/d", Action.ERASE, record(key), 1_700_000_000_000)


def added(
    key: str, message_id: str, *, at: int = 1_700_000_000_000, **properties: Any
) -> Operation:
    """An event that is added to a record."""
    done = OutgoingEvent(message_id, message_id, "Order Completed", at, properties)
    return event_operation("s/d", done, parse_record_key(key), "cus_1", 1_700_000_000_001)


def merge(key: str, into: RecordKey) -> Operation:
    """A merge of a record into another."""
    return operation("s/d", Action.MERGE, record(key), 1_700_000_000_000, into=into)


@dataclass
class FakeClock:
    """Time that goes on only when somebody waits."""

    now: int = 1_700_000_000_000
    waited: list[float] = field(default_factory=list[float])

    def __call__(self) -> int:
        return self.now

    async def pause(self, seconds: float) -> None:
        """Wait, which takes no time."""
        self.waited.append(seconds)
        self.now += max(1, round(seconds * 1_000))


@asynccontextmanager
async def sender_to(
    vendor: DestinationVendor, url: str, clock: FakeClock | None = None, more: str = ""
) -> AsyncGenerator[Sender]:
    """What sends to a vendor that answers at `url`."""
    clock = clock or FakeClock()
    definition = parse_definition(definition_text(vendor, url, more), rules_of(vendor))
    channel = HttpChannel(
        ADAPTERS[vendor](definition), SECRETS[vendor], AddressGuard(LOOPBACK), clock
    )
    sender = Sender(channel, definition.requests_per_s, clock, clock.pause)
    try:
        yield sender
    finally:
        await sender.close()


def by_key(operations: Sequence[Operation], outcomes: Mapping[str, Any]) -> dict[str, Any]:
    """The outcomes by the value of the record's key."""
    return {each.record.key.value: outcomes.get(each.id) for each in operations}


@dataclass
class ActivatedSpace:
    """A space whose destinations are served when a test says so, by a clock that stands still."""

    world: World
    destinations: Destinations
    engine: ActivationEngine
    store: DestinationStore
    clock: FakeClock

    async def create(
        self, vendor: DestinationVendor, url: str, more: str = "", name: str = "crm"
    ) -> DestinationKey:
        """Make a destination that answers at `url`."""
        text = definition_text(vendor, url, more)
        made = await self.destinations.create(
            self.world.scope, name, vendor, text, SECRETS.get(vendor, {})
        )
        return made.key

    async def mark_all(self, key: DestinationKey) -> list[str]:
        """Have all customers looked at, as those are that change; retired ids too."""
        rows = await self.world.rows(
            "MATCH (c:Customer|RetiredId) WHERE c.space = $space RETURN c.id"
        )
        customers = [each for [each] in rows]
        await self.store.mark(key, customers)
        return customers

    async def look(self, key: DestinationKey) -> LookReport:
        """Look once at those that are due."""
        _, report = await self.engine.look(key)
        assert report is not None
        return report

    async def record_of(self, key: DestinationKey, record: str) -> StoredRecord:
        """What is kept of a record."""
        return (await self.store.records(key, [], [record]))[record]


Activated = Callable[..., ActivatedSpace]
"""`activated`, as the fixture `activate` gives it."""


def activated(world: World, clock: FakeClock | None = None, worker: str = "w1") -> ActivatedSpace:
    """A space with destinations on loopback; `worker` names the process that serves them."""
    clock = clock or FakeClock()
    use_cases = world.use_cases
    store = DestinationStore(world.database, worker)
    channels = Channels(Vault(SecretStr("k" * 43)), AddressGuard(LOOPBACK), None, clock)
    engine = ActivationEngine(
        use_cases.access,
        store,
        CustomerStates(use_cases.customers, store, clock),
        channels,
        clock,
        ActivationLimits(),
        clock.pause,
        Random(1),  # noqa: S311 - it spreads attempts
    )
    destinations = Destinations(
        store, channels, engine, use_cases.customers, use_cases.profile_texts, clock
    )
    return ActivatedSpace(world, destinations, engine, store, clock)
