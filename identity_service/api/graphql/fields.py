# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""What the fields of the schema do: they find the service, and hand it the record they hang on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

import strawberry
from strawberry import ID, UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    connection,
    decode_cursor,
    encode_cursor,
    global_id,
    number_in,
    page_size,
)
from identity_service.api.graphql.context import Info, Scoped
from identity_service.api.graphql.scalars import Json, Millis, json_fragment
from identity_service.domain.changes import ChangeKind
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.recorded import (
    DecidedLink,
    LinkDecision,
    OverConnectedComponent,
    Page,
    PolicyVersion,
    RecordedChange,
    RecordedEvent,
    RecordedRejection,
    SeenIdentifier,
    SettledCustomer,
    SettlementProgress,
)
from identity_service.domain.traits import Trait
from identity_service.errors import BadInput
from identity_service.graph.customers import MAX_IDENTIFIERS, EventWindow
from identity_service.graph.ledger import NEWEST
from identity_service.services.access import SpaceScope
from identity_service.services.customers import Account, Answer, Missing

ScopedCustomer: TypeAlias = Scoped[SettledCustomer]
ScopedIdentifier: TypeAlias = Scoped[SeenIdentifier]
FoundCustomer: TypeAlias = ScopedCustomer | Missing | Scoped[OverConnectedComponent]

T = TypeVar("T")

MAX_LINKS: Final = 1_000
_MOST: Final = 2**62
"""More than any time or number of links."""


@strawberry.input
class IdentifierInput:
    """An identifier as somebody types it."""

    type: str
    value: str


# Space


def name(root: Parent[SpaceScope]) -> str:
    return root.space


async def policy(root: Parent[SpaceScope], info: Info) -> PolicyVersion:
    return await info.context.services.spaces.policy(root)


async def policies(
    root: Parent[SpaceScope], info: Info, first: int | None = 20, after: str | None = UNSET
) -> Connection[PolicyVersion]:
    cursor = after or None
    before = number_in(cursor, decode_cursor("policy", cursor, 1)[0]) if cursor else None
    page = await info.context.services.spaces.policies(root, page_size(first, 20), before)
    return connection(
        page, cursor, lambda policy: encode_cursor("policy", policy.version), lambda policy: policy
    )


async def settlement(root: Parent[SpaceScope], info: Info) -> SettlementProgress:
    return await info.context.services.spaces.settlement(root)


def statistics(root: Parent[SpaceScope]) -> SpaceScope:
    return root


async def count_customers(root: Parent[SpaceScope], info: Info) -> int:
    return (await info.context.services.spaces.count_customers(root)).customers


async def count_known(root: Parent[SpaceScope], info: Info) -> int:
    return (await info.context.services.spaces.count_customers(root)).known


async def count_anonymous(root: Parent[SpaceScope], info: Info) -> int:
    return (await info.context.services.spaces.count_customers(root)).anonymous


async def count_quarantined(root: Parent[SpaceScope], info: Info) -> int:
    return (await info.context.services.spaces.count_customers(root)).quarantined


async def count_identifiers(root: Parent[SpaceScope], info: Info) -> int:
    return await info.context.services.spaces.count_identifiers(root)


async def count_events(root: Parent[SpaceScope], info: Info) -> int:
    return await info.context.services.spaces.count_events(root)


async def count_links(root: Parent[SpaceScope], info: Info) -> int:
    return await info.context.services.spaces.count_links(root)


async def customer(
    root: Parent[SpaceScope],
    info: Info,
    identifier: IdentifierInput | None = UNSET,
    id: ID | None = UNSET,  # noqa: A002  (the name is the contract's)
    live: bool | None = False,
) -> FoundCustomer:
    customers = info.context.services.customers
    if bool(identifier) == bool(id):
        raise BadInput(
            "“customer” takes exactly one of “identifier” and “id”.",
            remedy='As in customer(identifier: {type: "email", value: "ann@example.com"}).',
        )
    if identifier:
        asked = Identifier(identifier.type, identifier.value)
        return _answer(root, await customers.find(root, asked, live=bool(live)))
    return _answer(root, await customers.find_by_id(root, id or "", live=bool(live)))


async def customers(
    root: Parent[SpaceScope], info: Info, identifiers: list[IdentifierInput]
) -> list[FoundCustomer]:
    asked = [Identifier(identifier.type, identifier.value) for identifier in identifiers]
    answers = await info.context.services.customers.find_all(root, asked)
    return [_answer(root, answer) for answer in answers]


async def contested(
    root: Parent[SpaceScope], info: Info, first: int | None = 20, after: str | None = UNSET
) -> Connection[ScopedIdentifier]:
    links, key = _after_shared("contested", after)
    page = await info.context.services.customers.contested(root, links, key, page_size(first, 20))
    return _shared("contested", root, page, after or None)


async def super_connectors(
    root: Parent[SpaceScope], info: Info, first: int | None = 20, after: str | None = UNSET
) -> Connection[ScopedIdentifier]:
    links, key = _after_shared("super", after)
    page = await info.context.services.customers.super_connectors(
        root, links, key, page_size(first, 20)
    )
    return _shared("super", root, page, after or None)


async def changes(
    root: Parent[SpaceScope],
    info: Info,
    first: int | None = 50,
    after: str | None = UNSET,
    kinds: list[ChangeKind] | None = UNSET,
) -> Connection[Scoped[RecordedChange]]:
    page = await info.context.services.customers.changes(
        root, kinds or None, _before("change", after), page_size(first, 50)
    )
    return _by_id("change", root, page, after or None, lambda change: change.id)


async def rejected_events(
    root: Parent[SpaceScope], info: Info, first: int | None = 50, after: str | None = UNSET
) -> Connection[Scoped[RecordedRejection]]:
    page = await info.context.services.customers.rejected(
        root, _before("rejected", after), page_size(first, 50)
    )
    return _by_id("rejected", root, page, after or None, lambda rejected: rejected.id)


async def judgements(
    root: Parent[SpaceScope], info: Info, first: int | None = 50, after: str | None = UNSET
) -> Connection[Scoped[Judgement]]:
    page = await info.context.services.customers.judgements(
        root, _before("judgement", after), page_size(first, 50)
    )
    return _by_id("judgement", root, page, after or None, lambda judgement: judgement.id)


# Node


def customer_node_id(root: Parent[ScopedCustomer]) -> ID:
    return global_id("Customer", root.scope.space, root.record.customer_id)


def identifier_node_id(root: Parent[ScopedIdentifier]) -> ID:
    return global_id("Identifier", root.scope.space, str(root.record.identifier))


def event_node_id(root: Parent[Scoped[RecordedEvent]]) -> ID:
    return global_id("Event", root.scope.space, root.record.message_id)


def change_node_id(root: Parent[Scoped[RecordedChange]]) -> ID:
    return global_id("Change", root.scope.space, root.record.id)


# Customer


async def previous_ids(root: Parent[ScopedCustomer], info: Info) -> Sequence[str]:
    return await info.context.services.customers.previous_ids(root.scope, root.record.customer_id)


def identifiers(
    root: Parent[ScopedCustomer], first: int | None = MAX_IDENTIFIERS
) -> list[ScopedIdentifier]:
    most = page_size(first, MAX_IDENTIFIERS, MAX_IDENTIFIERS)
    return _scoped(root.scope, root.record.identifiers[:most])


async def traits(root: Parent[ScopedCustomer], info: Info) -> list[Scoped[Trait[SeenIdentifier]]]:
    found = await info.context.services.customers.traits(root.scope, root.record.customer_id)
    return [Scoped(root.scope, trait) for trait in found]


async def trait(
    root: Parent[ScopedCustomer],
    info: Info,
    name: str,
) -> Scoped[Trait[SeenIdentifier]] | None:
    found = await traits(root, info)
    return next((trait for trait in found if trait.record.name == name), None)


async def events(
    root: Parent[ScopedCustomer],
    info: Info,
    first: int | None = 50,
    after: str | None = UNSET,
    names: list[str] | None = UNSET,
    since: Millis | None = UNSET,
    until: Millis | None = UNSET,
    newest_first: bool | None = True,
) -> Connection[Scoped[RecordedEvent]]:
    descending = newest_first is not False
    at, message_id = (_MOST, "") if descending else (-_MOST, "")
    if after:
        at_text, message_id = decode_cursor("event", after, 2)
        at = number_in(after, at_text)
    window = EventWindow(
        names=names or None,
        since=since if isinstance(since, int) else -_MOST,
        until=until if isinstance(until, int) else _MOST,
        newest_first=descending,
        at=at,
        message_id=message_id,
    )
    page = await info.context.services.customers.events(
        root.scope, root.record.customer_id, window, page_size(first, 50)
    )
    return connection(
        page,
        after or None,
        lambda event: encode_cursor("event", event.at, event.message_id),
        lambda event: Scoped(root.scope, event),
    )


async def event_count(root: Parent[ScopedCustomer], info: Info) -> int:
    return await info.context.services.customers.event_count(root.scope, root.record.customer_id)


async def accounts(root: Parent[ScopedCustomer], info: Info) -> list[Account]:
    return await info.context.services.customers.accounts(root.scope, root.record.customer_id)


async def links(
    root: Parent[ScopedCustomer], info: Info, first: int | None = MAX_LINKS
) -> list[Scoped[DecidedLink]]:
    most = page_size(first, MAX_LINKS, MAX_LINKS)
    found = await info.context.services.customers.links(root.scope, root.record, most)
    return [Scoped(root.scope, link) for link in found]


async def shared_devices(
    root: Parent[ScopedCustomer], info: Info, first: int | None = 100
) -> list[ScopedIdentifier]:
    most = page_size(first, 100)
    found = await info.context.services.customers.shared_devices(
        root.scope, root.record.customer_id, most
    )
    return _scoped(root.scope, found)


async def customer_changes(
    root: Parent[ScopedCustomer],
    info: Info,
    first: int | None = 20,
    after: str | None = UNSET,
) -> Connection[Scoped[RecordedChange]]:
    page = await info.context.services.customers.changes_of(
        root.scope, root.record.customer_id, _before("change", after), page_size(first, 20)
    )
    return _by_id("change", root.scope, page, after or None, lambda change: change.id)


def receipt(root: Parent[ScopedCustomer]) -> SettledCustomer:
    return root.record


def resolved_at(root: Parent[SettledCustomer]) -> Millis:
    return Millis(root.settled_at)


def as_of(root: Parent[SettledCustomer]) -> Millis | None:  # noqa: ARG001
    return None


def over_connected_message(root: Parent[Scoped[OverConnectedComponent]]) -> str:
    found = root.record
    return (
        f"At least {found.size:,} identifiers hang together here, more than the {found.limit:,} "
        "that can be resolved; what was settled before stays as it is. Block the identifiers "
        "that have the most links, or set max_links for their types."
    )


def over_connected_identifiers(
    root: Parent[Scoped[OverConnectedComponent]],
) -> list[ScopedIdentifier]:
    return _scoped(root.scope, root.record.most_linked)


# Identifier


async def link_count(root: Parent[ScopedIdentifier], info: Info) -> int:
    return await info.context.services.customers.link_count(root.record)


async def identifier_customer(root: Parent[ScopedIdentifier], info: Info) -> ScopedCustomer | None:
    found = await info.context.services.customers.customer_of(root.scope, root.record)
    return Scoped(root.scope, found) if found else None


# Link, Trait, Event, Change, Judgement, RejectedEvent


def link_a(root: Parent[Scoped[DecidedLink]]) -> ScopedIdentifier:
    return Scoped(root.scope, root.record.a)


def link_b(root: Parent[Scoped[DecidedLink]]) -> ScopedIdentifier:
    return Scoped(root.scope, root.record.b)


def link_decision(root: Parent[Scoped[DecidedLink]]) -> Scoped[LinkDecision]:
    return Scoped(root.scope, root.record.decision)


def conflict(root: Parent[Scoped[LinkDecision]]) -> list[ScopedIdentifier]:
    return _scoped(root.scope, root.record.conflict)


def trait_identifier(root: Parent[Scoped[Trait[SeenIdentifier]]]) -> ScopedIdentifier:
    return Scoped(root.scope, root.record.owner)


def properties(root: Parent[Scoped[RecordedEvent]]) -> Json:
    return json_fragment(root.record.properties_json)


async def event_identifiers(
    root: Parent[Scoped[RecordedEvent]], info: Info
) -> list[ScopedIdentifier]:
    found = await info.context.services.customers.event_identifiers(root.scope, root.record)
    return _scoped(root.scope, found)


async def change_identifiers(
    root: Parent[Scoped[RecordedChange]], info: Info
) -> list[ScopedIdentifier]:
    found = await info.context.services.customers.identifiers(
        root.scope, root.record.identifier_keys
    )
    return _scoped(root.scope, found)


def judgement_a(root: Parent[Scoped[Judgement]]) -> Scoped[Identifier]:
    return Scoped(root.scope, root.record.a)


def judgement_b(root: Parent[Scoped[Judgement]]) -> Scoped[Identifier]:
    return Scoped(root.scope, root.record.b)


async def judged_identifier(
    root: Parent[Scoped[Identifier]], info: Info
) -> ScopedIdentifier | None:
    found = await info.context.services.customers.identifier(root.scope, root.record)
    return Scoped(root.scope, found) if found else None


def rejected_body(root: Parent[Scoped[RecordedRejection]]) -> Json | None:
    text = root.record.body_json
    return None if text is None else json_fragment(text)


# Query


async def space(info: Info, name: str) -> SpaceScope | None:
    return info.context.services.access.enter(info.context.caller, name)


async def spaces(info: Info) -> list[SpaceScope]:
    caller = info.context.caller
    if caller is None or caller.space is None:
        return []
    scope = info.context.services.access.enter(caller, caller.space)
    return [scope] if scope else []


def _answer(scope: SpaceScope, answer: Answer) -> FoundCustomer:
    if isinstance(answer, Missing):
        return answer
    if isinstance(answer, SettledCustomer):
        return Scoped(scope, answer)
    return Scoped(scope, answer)


def _scoped(scope: SpaceScope, identifiers: Sequence[SeenIdentifier]) -> list[ScopedIdentifier]:
    return [Scoped(scope, identifier) for identifier in identifiers]


def _before(of: str, after: str | None) -> str:
    return decode_cursor(of, after, 1)[0] if after else NEWEST


def _after_shared(of: str, after: str | None) -> tuple[int, str]:
    if not after:
        return _MOST, ""
    links, key = decode_cursor(of, after, 2)
    return number_in(after, links), key


def _shared(
    of: str, scope: SpaceScope, page: Page[tuple[int, SeenIdentifier]], after: str | None
) -> Connection[ScopedIdentifier]:
    return connection(
        page,
        after,
        lambda entry: encode_cursor(of, entry[0], entry[1].key),
        lambda entry: Scoped(scope, entry[1]),
    )


def _by_id(
    of: str, scope: SpaceScope, page: Page[T], after: str | None, id_of: Callable[[T], str]
) -> Connection[Scoped[T]]:
    return connection(
        page,
        after,
        lambda entry: encode_cursor(of, id_of(entry)),
        lambda entry: Scoped(scope, entry),
    )
