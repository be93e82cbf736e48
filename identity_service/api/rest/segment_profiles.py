"""Segment's Profile API: what a profile holds, of a user and of an account."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

import orjson

from identity_service.api.rest.segment_answers import (
    EventAnswer,
    ExternalId,
    FirstSeenId,
    Link,
    Metadata,
)
from identity_service.domain.identifiers import parse_identifier
from identity_service.domain.journeys.parameters import ALWAYS
from identity_service.domain.recorded import (
    Page,
    RecordedEvent,
    SeenIdentifier,
    SettledCustomer,
    page_of,
)
from identity_service.domain.timestamps import iso
from identity_service.domain.traits import AccountTrait
from identity_service.errors import NotFound
from identity_service.graph.customers import NEWEST, OLDEST, EventContext, EventWindow
from identity_service.services.read.accounts import Accounts
from identity_service.services.read.current import CurrentView
from identity_service.services.read.customer_profiles import CustomerProfiles
from identity_service.services.read.view import Missing, customer_in
from identity_service.services.spaces.access import SpaceScope

GROUP_ID: Final = "group_id"
"""The type by which an account is known."""

NOT_FOUND: Final = "Profile was not found."


class TraitClass(StrEnum):
    """Traits that are computed here, in Segment's words."""

    AUDIENCE = "audience"
    COMPUTED_TRAIT = "computed_trait"


class ProfileTrait(NamedTuple):
    """A trait; `source` and `updated_at` (milliseconds since 1970) where something reported it."""

    name: str
    value: Any
    source: str | None = None
    updated_at: int | None = None
    computed_as: TraitClass | None = None


class Profile(Protocol):
    """A profile that was found. `path_id` names it in paths, without an address of a customer."""

    @property
    def path_id(self) -> str:
        """Its id, as it stands in a path."""
        ...

    async def traits(self) -> list[ProfileTrait]:
        """Its traits, by name."""
        ...

    async def external_ids(
        self, types: Collection[str] | None, begin: int, first: int
    ) -> Page[FirstSeenId]:
        """Its identifiers of some types, strongest first, from the `begin`-th on."""
        ...

    async def events(self, window: EventWindow, first: int) -> Page[RecordedEvent]:
        """Its events that the window selects."""
        ...

    async def answered(self, events: Sequence[RecordedEvent]) -> list[EventAnswer]:
        """Its events as they are answered."""
        ...

    async def links(self, after: str, first: int) -> Page[tuple[str, Link]]:
        """Profiles of the other collection, each with its id there, after an id."""
        ...


@dataclass(frozen=True, slots=True)
class Readers:
    """What profiles of one request are read through."""

    view: CurrentView
    accounts: Accounts
    computed: CustomerProfiles


async def find_profile(collection: str, named: str, readers: Readers) -> Profile:
    """The profile that a path names, `TYPE:VALUE` or the id of a customer. Raises NotFound."""
    view = readers.view
    if collection == "accounts":
        kind, _, account_id = named.partition(":")
        if kind != GROUP_ID:
            raise NotFound(NOT_FOUND)
        reported = await readers.accounts.traits(view.scope, account_id)
        if reported is None:
            raise NotFound(NOT_FOUND)
        return AccountProfile(account_id, reported, view, readers.accounts)
    try:
        answer = await (
            view.find(parse_identifier(named)) if ":" in named else view.find_by_id(named)
        )
    except ValueError:
        raise NotFound(NOT_FOUND) from None
    if isinstance(answer, Missing):
        raise NotFound(NOT_FOUND)
    return UserProfile(customer_in(answer, view.scope), readers)


@dataclass(frozen=True, slots=True)
class UserProfile:
    """A customer as a `Profile`."""

    customer: SettledCustomer
    readers: Readers

    @property
    def path_id(self) -> str:
        """The id of the customer."""
        return self.customer.customer_id

    @property
    def view(self) -> CurrentView:
        """The customers of its space."""
        return self.readers.view

    async def traits(self) -> list[ProfileTrait]:
        """What was reported of the person, and what the profiles text says; the latter prevails.

        A feature without a value is no trait, and an audience is one only for its members.
        """
        customer, profiles = self.customer, self.readers.computed
        reported, computed = await asyncio.gather(
            profiles.traits(self.view, customer),
            profiles.profile(self.view, customer, with_audiences=True),
        )
        found = {t.name: ProfileTrait(t.name, t.value, t.source, t.updated_at) for t in reported}
        if computed is not None:
            at = computed.evaluated_at
            found |= {
                name: ProfileTrait(name, feature.value, None, at, TraitClass.COMPUTED_TRAIT)
                for name, feature in computed.features.items()
                if feature.value is not None
            }
            found |= {
                name: ProfileTrait(name, True, None, at, TraitClass.AUDIENCE)
                for name in computed.audiences
            }
        return [found[name] for name in sorted(found)]

    async def external_ids(
        self, types: Collection[str] | None, begin: int, first: int
    ) -> Page[FirstSeenId]:
        """As `Profile` has it; of a customer with very many identifiers the first of them."""
        listed = [i for i in self.customer.identifiers if types is None or i.type in types]
        page = page_of(listed[begin:], first)
        earliest = await self.view.earliest_events(page.items)
        return Page(
            [
                FirstSeenId(
                    collection="users",
                    type=each.type,
                    id=each.value,
                    source_id=earliest[each.key].source if each.key in earliest else None,
                    created_at=iso(each.first_seen),
                    first_message_id=(
                        earliest[each.key].message_id if each.key in earliest else None
                    ),
                )
                for each in page.items
            ],
            page.more,
        )

    async def events(self, window: EventWindow, first: int) -> Page[RecordedEvent]:
        """As `Profile` has it."""
        return await self.view.events(self.customer, window, first)

    async def answered(self, events: Sequence[RecordedEvent]) -> list[EventAnswer]:
        """As `Profile` has it."""
        return await _answered(events, self.view, {"users": self.path_id})

    async def links(self, after: str, first: int) -> Page[tuple[str, Link]]:
        """The accounts that its events name."""
        page = await self.readers.accounts.of_customer(self.view.scope, self.path_id, after, first)
        return Page(
            [
                (each.account_id, _account_link(each.account_id, each.first_seen, each.source))
                for each in page.items
            ],
            page.more,
        )


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """An account as a `Profile`."""

    account_id: str
    reported: Sequence[AccountTrait]
    view: CurrentView
    accounts: Accounts

    @property
    def path_id(self) -> str:
        """The group id."""
        return f"{GROUP_ID}:{self.account_id}"

    @property
    def scope(self) -> SpaceScope:
        """The space of the account."""
        return self.view.scope

    async def traits(self) -> list[ProfileTrait]:
        """What was reported of the account."""
        return [ProfileTrait(t.name, t.value, t.source, t.updated_at) for t in self.reported]

    async def external_ids(
        self, types: Collection[str] | None, begin: int, first: int
    ) -> Page[FirstSeenId]:
        """The group id alone."""
        if begin or (types is not None and GROUP_ID not in types):
            return Page((), more=False)
        earliest = await self.events(_all_events(newest_first=False), 1)
        return page_of([_group_id(self.account_id, event) for event in earliest.items], first)

    async def events(self, window: EventWindow, first: int) -> Page[RecordedEvent]:
        """As `Profile` has it."""
        return await self.accounts.events(self.scope, self.account_id, window, first)

    async def answered(self, events: Sequence[RecordedEvent]) -> list[EventAnswer]:
        """As `Profile` has it."""
        return await _answered(events, self.view, {"accounts": self.account_id})

    async def links(self, after: str, first: int) -> Page[tuple[str, Link]]:
        """The customers whose events name it."""
        page = await self.accounts.customers(self.scope, self.account_id, after, first)
        found = await self.view.find_all_by_id(page.items)
        users = [each for each in found if isinstance(each, SettledCustomer)]
        return Page([(user.customer_id, _user_link(user)) for user in users], page.more)


async def metadata_of(profile: Profile) -> Metadata:
    """When a profile came to be, by its first and its last event."""
    first, last = await asyncio.gather(
        profile.events(_all_events(newest_first=False), 1),
        profile.events(_all_events(newest_first=True), 1),
    )
    began = first.items[0] if first.items else None
    ended = last.items[0] if last.items else None
    return Metadata(
        created_at=began and iso(began.at),
        updated_at=ended and iso(ended.at),
        first_message_id=began and began.message_id,
        first_source_id=began and began.source,
        last_message_id=ended and ended.message_id,
        last_source_id=ended and ended.source,
    )


def _all_events(*, newest_first: bool) -> EventWindow:
    after = NEWEST if newest_first else OLDEST
    return EventWindow(None, *ALWAYS, newest_first=newest_first, after=after)


async def _answered(
    events: Sequence[RecordedEvent], view: CurrentView, related: dict[str, str]
) -> list[EventAnswer]:
    contexts = await view.event_contexts(events)
    carried = await asyncio.gather(*(view.event_identifiers(event) for event in events))
    return [
        _event(event, contexts, identifiers, related)
        for event, identifiers in zip(events, carried, strict=True)
    ]


def _event(
    event: RecordedEvent,
    contexts: Mapping[str, EventContext],
    identifiers: Sequence[SeenIdentifier],
    related: dict[str, str],
) -> EventAnswer:
    sent = contexts.get(event.key, EventContext(None, None))
    context: dict[str, Any] = orjson.loads(sent.context_json or "{}")
    if sent.context_traits_json and (traits := orjson.loads(sent.context_traits_json)):
        context["traits"] = traits
    return EventAnswer(
        external_ids=[
            ExternalId(collection="users", type=each.type, id=each.value) for each in identifiers
        ],
        context=context,
        type=event.type,
        message_id=event.message_id,
        source_id=event.source,
        timestamp=iso(event.at),
        properties=orjson.loads(event.properties_json),
        event=event.name,
        related=related,
    )


def _group_id(account_id: str, earliest: RecordedEvent) -> FirstSeenId:
    return FirstSeenId(
        collection="accounts",
        type=GROUP_ID,
        id=account_id,
        source_id=earliest.source,
        created_at=iso(earliest.at),
        first_message_id=earliest.message_id,
    )


def _account_link(account_id: str, first_seen: int, source: str) -> Link:
    return Link(
        to_collection="accounts",
        external_ids=[
            FirstSeenId(
                collection="accounts",
                type=GROUP_ID,
                id=account_id,
                source_id=source,
                created_at=iso(first_seen),
            )
        ],
    )


def _user_link(customer: SettledCustomer) -> Link:
    return Link(
        to_collection="users",
        external_ids=[
            FirstSeenId(
                collection="users",
                type=each.type,
                id=each.value,
                source_id=None,
                created_at=iso(each.first_seen),
            )
            for each in customer.identifiers
        ],
    )
