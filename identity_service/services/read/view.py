"""The one way to read customers, whatever the time: `CustomerView`, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from identity_service.domain.explain.health import Health
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import AnyJudgement
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.profiles.occurrences import CustomerEvidence
from identity_service.domain.recorded import (
    DecidedLink,
    OverConnectedComponent,
    Page,
    RecordedChange,
    RecordedEvent,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.domain.traits import Traits
from identity_service.errors import NotFound
from identity_service.graph.customers import EventWindow
from identity_service.services.resolution.component_resolver import too_much
from identity_service.services.spaces.access import SpaceScope


class MissingReason(StrEnum):
    """Why there is no customer."""

    UNKNOWN = "UNKNOWN"
    BLOCKED_VALUE = "BLOCKED_VALUE"
    INVALID_VALUE = "INVALID_VALUE"
    NOT_YET = "NOT_YET"


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such customer. `unknown` is the identifier, as asked, where it was never seen."""

    reason: MissingReason
    message: str
    unknown: Identifier | None = field(default=None, compare=False)


CustomerAnswer: TypeAlias = SettledCustomer | Missing | OverConnectedComponent


@dataclass(frozen=True, slots=True)
class Account:
    """An account that a customer's events name."""

    account_id: str
    traits: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Degree:
    """With how many distinct identifiers one had been seen by the end of a day.

    `day`: its first moment (UTC), in milliseconds since 1970.
    """

    day: int
    link_count: int


@dataclass(frozen=True, slots=True)
class SourceOfLinks:
    """A source, and how many of an identifier's links it saw.

    `since` is the day on which the first of them was seen, by any source, `peak` the one that
    brought most: their first moments (UTC), in milliseconds since 1970, by the time of the events.
    """

    source: str
    link_count: int
    since: int
    peak: int


class CustomerView(Protocol):
    """The customers of one space at one time, read for one request.

    `CurrentView` is of now, `AsOfView` of a moment of the past. The methods may be called in any
    order, and with records that another view of the space returned: a customer is known by its
    id. Of a customer that is not there at the time of the view they return nothing, or raise
    NotFound. They raise TooLarge where an answer would take more than may be read for one.
    """

    @property
    def scope(self) -> SpaceScope:
        """The space, and the right to read it."""
        ...

    async def find(self, raw: Identifier) -> CustomerAnswer:
        """The customer of an identifier, which may be written as senders write it."""
        ...

    async def find_by_id(self, customer_id: str) -> CustomerAnswer:
        """The customer of an id, current or retired."""
        ...

    async def customer_of(self, identifier: SeenIdentifier) -> SettledCustomer | None:
        """The customer of an identifier; None when it belongs to nobody."""
        ...

    async def identifiers(self, keys: Sequence[str]) -> list[SeenIdentifier]:
        """Identifiers by their graph keys, in that order; those that are not there are left out."""
        ...

    async def link_count(self, identifier: SeenIdentifier) -> int:
        """How many distinct identifiers were seen with it."""
        ...

    async def links_over_time(self, identifier: SeenIdentifier, first: int) -> Sequence[Degree]:
        """How its links became more: the last `first` days that brought any, in order."""
        ...

    async def links_by_source(
        self, identifier: SeenIdentifier, first: int
    ) -> Sequence[SourceOfLinks]:
        """Which sources brought its links, at most `first`, those of most first."""
        ...

    async def shared_by(self, identifier: SeenIdentifier, first: int) -> list[SettledCustomer]:
        """The known customers that were seen with it, the latest seen first."""
        ...

    async def previous_ids(self, customer: SettledCustomer) -> Sequence[str]:
        """The retired ids that forward to the customer, oldest first."""
        ...

    async def traits(self, customer: SettledCustomer) -> Traits[SeenIdentifier]:
        """The traits, by name."""
        ...

    async def accounts(self, customer: SettledCustomer) -> list[Account]:
        """The accounts that the customer's events name, by id."""
        ...

    async def events(
        self, customer: SettledCustomer, window: EventWindow, first: int
    ) -> Page[RecordedEvent]:
        """The events of the customer that the window selects, in its order."""
        ...

    async def event_count(self, customer: SettledCustomer) -> int:
        """How many events the customer has."""
        ...

    async def event_identifiers(self, event: RecordedEvent) -> list[SeenIdentifier]:
        """The identifiers that an event carries, strongest first."""
        ...

    async def profile_evidence(
        self, customer: SettledCustomer, now: int, *, with_accounts: bool
    ) -> CustomerEvidence:
        """All that its profile is computed from, at the instant `now`.

        `with_accounts`: also the evidence of all members of its accounts.
        """
        ...

    async def links(self, customer: SettledCustomer, first: int) -> list[DecidedLink]:
        """Links of the customer's identifiers, most often seen first, each with its decision."""
        ...

    async def example_event(self, link: DecidedLink) -> RecordedEvent | None:
        """The latest event that saw both ends of a link; None where none was found soon enough."""
        ...

    async def shared_devices(self, customer: SettledCustomer, first: int) -> list[SeenIdentifier]:
        """Contested identifiers that the customer's were seen with, the latest seen first."""
        ...

    async def health(self, customer: SettledCustomer) -> Health:
        """How well the customer holds together."""
        ...

    async def changes(
        self, customer: SettledCustomer, before: int, first: int
    ) -> Page[RecordedChange]:
        """The changes that the customer took part in, newest first, before a position."""
        ...

    async def judgements(
        self, customer: SettledCustomer, before: str, first: int
    ) -> Page[AnyJudgement]:
        """The judgements about its identifiers, withdrawn ones too, newest first, before an id."""
        ...


def missing(withheld: WithheldValue) -> Missing:
    """The answer about a value that the policy does not let through as an identifier."""
    return Missing(MissingReason(withheld.reason.value), str(withheld))


def customer_in(answer: CustomerAnswer, scope: SpaceScope) -> SettledCustomer:
    """The customer of an answer. Raises NotFound and TooLarge where the answer is none."""
    match answer:
        case Missing():
            raise NotFound(answer.message, remedy=f"Nobody was found in the space “{scope.space}”.")
        case OverConnectedComponent():
            raise too_much(answer.limit)
        case SettledCustomer():
            return answer
