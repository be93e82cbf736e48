# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Destinations: their types and fields, and what changes them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeAlias

import strawberry
from strawberry import ID, UNSET, Parent

from identity_service.activation.vendors import DestinationVendor
from identity_service.api.graphql.connections import (
    Connection,
    PageInfo,
    connection,
    decode_cursor,
    encode_cursor,
    page_size,
)
from identity_service.api.graphql.context import Info, require
from identity_service.api.graphql.refused import Invalid, Refused, refused
from identity_service.api.graphql.scalars import Millis
from identity_service.api.graphql.types import by, shows
from identity_service.domain.recorded import Page
from identity_service.errors import DestinationInvalid, FieldInvalid
from identity_service.graph.destinations import StoredDestination, StoredRecord
from identity_service.graph.outgoing_events import StoredEvent
from identity_service.services.activation import destinations
from identity_service.services.activation.event_delivery import EventState
from identity_service.services.spaces.access import Role, SpaceScope

strawberry.enum(DestinationVendor, name="DestinationVendor")
strawberry.enum(EventState, name="DestinationEventState")


@strawberry.enum
class RecordState(StrEnum):
    HELD = "held"
    WAITING = "waiting"
    DEAD = "dead"
    ERASING = "erasing"
    ERASED = "erased"


def _state(root: Parent[StoredRecord]) -> RecordState:
    return RecordState(root.state)


def _acknowledged_at(root: Parent[StoredRecord]) -> Millis | None:
    return None if root.acknowledged_at is None else Millis(root.acknowledged_at)


@strawberry.type(description="What a destination holds of a customer, or is to hold.")
@shows(StoredRecord)
class DestinationRecord:
    destination: str
    record: str = strawberry.field(description="What keys it there: `user_id:u-1`.")
    customer_id: ID
    state: RecordState = by(
        _state,
        description=(
            "HELD as the destination acknowledged it last; WAITING for its first answer, or a new "
            "attempt; DEAD: refused; ERASING and ERASED."
        ),
    )
    acknowledged_at: Millis | None = by(_acknowledged_at)
    attempt: int = strawberry.field(description="How often it was not taken in a row.")
    answer: str | None = strawberry.field(description="What was answered to the last of these.")
    request: str | None = strawberry.field(
        description="Of a dead one, the requests that were refused, as JSON, without secrets."
    )
    note: str | None = strawberry.field(description="What cannot be taken back there.")


@strawberry.type
class DestinationRecordEdge:
    cursor: str
    node: DestinationRecord


@strawberry.type
class DestinationRecordConnection:
    edges: list[DestinationRecordEdge]
    page_info: PageInfo


def _event_state(root: Parent[StoredEvent]) -> EventState:
    return EventState(root.state)


def _sent_at(root: Parent[StoredEvent]) -> Millis | None:
    return None if root.sent_at is None else Millis(root.sent_at)


@strawberry.type(description="What a customer did, sent to a destination or to be sent again.")
@shows(StoredEvent)
class DestinationEvent:
    message_id: str
    customer_id: ID = strawberry.field(description="Whose it was when it was sent.")
    record: str = strawberry.field(description="What keys the record that it was added to.")
    state: EventState = by(
        _event_state,
        description=(
            "SENT as the destination acknowledged it; WAITING for a new attempt; DEAD: refused; "
            "UNKNOWN: no answer came, and the destination would not know it again."
        ),
    )
    sent_at: Millis | None = by(_sent_at)
    attempt: int = strawberry.field(description="How often it was not taken in a row.")
    answer: str | None = strawberry.field(description="What was answered to the last of these.")
    request: str | None = strawberry.field(
        description="Of a dead or an unknown one, the request, as JSON, without secrets."
    )


@strawberry.type
class DestinationEventEdge:
    cursor: str
    node: DestinationEvent


@strawberry.type
class DestinationEventConnection:
    edges: list[DestinationEventEdge]
    page_info: PageInfo


@strawberry.type
class RecordCount:
    state: RecordState
    records: int


@strawberry.type
class EventCount:
    state: EventState
    events: int


def _records(root: Parent[destinations.DestinationProgress]) -> list[RecordCount]:
    return [
        RecordCount(state=RecordState(state), records=number)
        for state, number in sorted(root.records.items())
    ]


def _events(root: Parent[destinations.DestinationProgress]) -> list[EventCount]:
    return [
        EventCount(state=EventState(state), events=number)
        for state, number in sorted(root.events.items())
    ]


@strawberry.type
@shows(destinations.DestinationProgress)
class DestinationProgress:
    records: list[RecordCount] = by(_records, description="By state, if there are any.")
    events: list[EventCount] = by(_events, description="By state, if there are any.")
    waiting: int = strawberry.field(description="Customers that are to be looked at.")


@strawberry.type
class DestinationRequest:
    method: str
    url: str
    body: str


def _requests(root: Parent[destinations.DryRun]) -> list[DestinationRequest]:
    return [
        DestinationRequest(method=each["method"], url=each["url"], body=each["body"])
        for each in root.requests
    ]


@strawberry.type
@shows(destinations.DryRun)
class DestinationDryRun:
    customers: int = strawberry.field(description="That were looked at, at most 1,000.")
    requests: list[DestinationRequest] = by(
        _requests, description="That would be sent for them. None was, and none holds a secret."
    )


def _vendor(root: Parent[StoredDestination]) -> DestinationVendor:
    return DestinationVendor(root.vendor)


def _name(root: Parent[StoredDestination]) -> str:
    return root.key.name


def _moment(name: str, description: str) -> Millis | None:
    def resolve(root: Parent[StoredDestination]) -> Millis | None:
        at: int | None = getattr(root, name)
        return None if at is None else Millis(at)

    return by(resolve, description=description)


async def _progress(
    root: Parent[StoredDestination], info: Info
) -> destinations.DestinationProgress:
    return await info.context.services.destinations.progress(root)


async def _dead_letters(
    root: Parent[StoredDestination], info: Info, first: int | None = 50, after: str | None = UNSET
) -> Connection[StoredRecord]:
    last = decode_cursor("dead letter", after, 1)[0] if after else ""
    page = await info.context.services.destinations.dead_letters(root, last, page_size(first, 50))
    return connection(
        page,
        after or None,
        lambda each: encode_cursor("dead letter", each.record),
        lambda each: each,
    )


async def _events_in(
    root: Parent[StoredDestination],
    info: Info,
    state: EventState,
    first: int | None = 50,
    after: str | None = UNSET,
) -> Connection[StoredEvent]:
    last = decode_cursor("destination event", after, 1)[0] if after else ""
    page = await info.context.services.destinations.events_in(
        root, state, last, page_size(first, 50)
    )
    return connection(
        page,
        after or None,
        lambda each: encode_cursor("destination event", each.event),
        lambda each: each,
    )


async def _dry_run(
    root: Parent[StoredDestination], info: Info, everybody: bool = False
) -> destinations.DryRun:
    return await info.context.services.destinations.dry_run(root, everybody=everybody)


@strawberry.type
@shows(StoredDestination)
class Destination:
    name: str = by(_name)
    vendor: DestinationVendor = by(_vendor)
    definition: str = strawberry.field(description="What goes there, as YAML.")
    created_at: Millis
    created_by: str
    paused_at: Millis | None = _moment("paused_at", "Since when nothing is sent.")
    paused_by: str | None = strawberry.field(
        description="Null where the service paused it by itself."
    )
    paused_reason: str | None = strawberry.field(description="Why the service did.")
    sync_begun_at: Millis | None = _moment(
        "sync_begun_at", "When it was last begun to look at all customers."
    )
    sync_marked: int = strawberry.field(description="Customers that it has come to since.")
    sync_done_at: Millis | None = _moment("sync_done_at", "Null while it goes on.")
    progress: DestinationProgress = by(_progress)
    dead_letters: DestinationRecordConnection = by(
        _dead_letters, description="What the destination refused, by key."
    )
    events: DestinationEventConnection = by(
        _events_in, description="Events in a state, by message id."
    )
    dry_run: DestinationDryRun = by(
        _dry_run,
        description=(
            "What would be sent now; with `everybody` by a sync, to the first 1,000 customers."
        ),
    )


@strawberry.type
class DestinationEdge:
    cursor: str
    node: Destination


@strawberry.type
class DestinationConnection:
    edges: list[DestinationEdge]
    page_info: PageInfo


@strawberry.type
class DestinationDeleted:
    name: str


@strawberry.type
@shows(destinations.SentAgain)
class DeadLettersSentAgain:
    records: int
    events: int


@strawberry.input
class SecretInput:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Erasing:
    """Records that destinations erase."""

    records: Sequence[StoredRecord]


@strawberry.type
@shows(Erasing)
class DestinationsErasing:
    records: list[DestinationRecord] = strawberry.field(
        description="What they hold of the customer; `Space.destinationRecords` shows how it ends."
    )


ChangeDestinationResult: TypeAlias = Annotated[
    Destination | Invalid, strawberry.union("ChangeDestinationResult")
]
DeleteDestinationResult: TypeAlias = Annotated[
    DestinationDeleted | Invalid, strawberry.union("DeleteDestinationResult")
]
EraseAtDestinationsResult: TypeAlias = Annotated[
    DestinationsErasing | Invalid, strawberry.union("EraseAtDestinationsResult")
]
SendAgainResult: TypeAlias = Annotated[
    DeadLettersSentAgain | Invalid, strawberry.union("SendAgainResult")
]


async def of_space(
    root: Parent[SpaceScope], info: Info, first: int | None = 50, after: str | None = UNSET
) -> Connection[StoredDestination]:
    last = decode_cursor("destination", after, 1)[0] if after else ""
    page: Page[StoredDestination] = await info.context.services.destinations.of_space(
        root, last, page_size(first, 50)
    )
    return connection(
        page,
        after or None,
        lambda each: encode_cursor("destination", each.key.name),
        lambda each: each,
    )


async def records_of_customer(
    root: Parent[SpaceScope], info: Info, customer_id: ID
) -> Sequence[StoredRecord]:
    return await info.context.services.destinations.records_of(root, customer_id)


async def create_destination(
    info: Info,
    space: str,
    name: str,
    vendor: DestinationVendor,
    definition: str,
    secrets: list[SecretInput],
) -> StoredDestination | Refused:
    given = {each.name: each.value for each in secrets}
    service = info.context.services.destinations
    return await _changed(
        service.create(require(info, space, Role.ADMIN), name, vendor, definition, given)
    )


async def change_destination(
    info: Info,
    space: str,
    destination: str,
    definition: str | None = UNSET,
    secrets: list[SecretInput] | None = UNSET,
) -> StoredDestination | Refused:
    given = None if not isinstance(secrets, list) else {each.name: each.value for each in secrets}
    service = info.context.services.destinations
    return await _changed(
        service.change(require(info, space, Role.ADMIN), destination, definition or None, given)
    )


async def pause_destination(
    info: Info, space: str, destination: str
) -> StoredDestination | Refused:
    service = info.context.services.destinations
    return await _changed(service.pause(require(info, space, Role.ADMIN), destination))


async def resume_destination(
    info: Info, space: str, destination: str
) -> StoredDestination | Refused:
    service = info.context.services.destinations
    return await _changed(service.resume(require(info, space, Role.ADMIN), destination))


async def sync_destination(info: Info, space: str, destination: str) -> StoredDestination | Refused:
    service = info.context.services.destinations
    return await _changed(service.sync(require(info, space, Role.ADMIN), destination))


async def delete_destination(
    info: Info, space: str, destination: str
) -> DestinationDeleted | Refused:
    service = info.context.services.destinations
    try:
        await service.delete(require(info, space, Role.ADMIN), destination)
    except FieldInvalid as error:
        return refused(error)
    return DestinationDeleted(name=destination)


async def send_again(
    info: Info,
    space: str,
    destination: str,
    records: list[str] | None = UNSET,
    events: list[str] | None = UNSET,
) -> destinations.SentAgain | Refused:
    service = info.context.services.destinations
    try:
        return await service.send_again(
            require(info, space, Role.ADMIN),
            destination,
            records if isinstance(records, list) else None,
            events if isinstance(events, list) else None,
        )
    except FieldInvalid as error:
        return refused(error)


async def erase_at_destinations(info: Info, space: str, customer_id: ID) -> Erasing | Refused:
    service = info.context.services.destinations
    try:
        return Erasing(await service.erase(require(info, space, Role.ADMIN), customer_id))
    except FieldInvalid as error:
        return refused(error)


async def _changed(change: Awaitable[StoredDestination]) -> StoredDestination | Refused:
    try:
        return await change
    except (FieldInvalid, DestinationInvalid) as error:
        return refused(error)
