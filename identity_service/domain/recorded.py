"""What a space holds, as it is read back from the graph.

All times are milliseconds since 1970, UTC. `json` in a name means JSON text, as it was stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from identity_service.domain.events import EventOrder
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.resolution.clusters import RefusalReason
from identity_service.domain.resolution.id_register import CustomerKind


class SeenIdentifier(NamedTuple):
    """An identifier of the graph. A tuple, since every answer holds many."""

    key: str
    type: str
    value: str
    first_seen: int
    last_seen: int
    contested: bool
    super_connector: bool
    kind: IdentifierKind

    @property
    def identifier(self) -> Identifier:
        """The typed value alone."""
        return Identifier(self.type, self.value)


@dataclass(frozen=True, slots=True)
class SettledCustomer:
    """A customer as it was settled last; if `live`, as it was resolved just now.

    `identifiers` come strongest first, and are at most as many as the reader asked for;
    `identifier_count` counts all. `redirected_from` is the retired id that was asked for.
    With `as_of` it is the customer of that moment; `revision` is then 0, since it is not stored.
    """

    customer_id: str
    kind: CustomerKind
    revision: int
    policy_version: int
    settled_at: int
    first_seen: int
    last_seen: int
    identifier_count: int
    identifiers: Sequence[SeenIdentifier]
    redirected_from: str | None = None
    live: bool = False
    as_of: int | None = None


@dataclass(frozen=True, slots=True)
class OverConnectedComponent:
    """A component holds more identifiers than the policy allows to resolve.

    `size` stops counting at a bound, so it is a least number. `most_linked` names the
    identifiers with the most links, the first suspects. `settled`: the customer that was asked
    for, as it was settled last; None where there is none.
    """

    size: int
    limit: int
    most_linked: Sequence[SeenIdentifier]
    settled: SettledCustomer | None = None


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """What the policy made of a link. The other fields speak of a refused one."""

    joined: bool
    message: str
    reason: RefusalReason | None
    type: str | None
    conflict: Sequence[SeenIdentifier]


@dataclass(frozen=True, slots=True)
class DecidedLink:
    """Two identifiers seen in one event."""

    a: SeenIdentifier
    b: SeenIdentifier
    first_seen: int
    last_seen: int
    times_seen: int
    sources: Sequence[str]
    decision: LinkDecision


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event of the graph."""

    key: str
    message_id: str
    type: str
    name: str | None
    at: int
    received_at: int
    place: int
    source: str
    properties_json: str

    @property
    def order(self) -> EventOrder:
        """Where it stands among the events of a customer."""
        return EventOrder(self.at, self.received_at, self.place, self.key)


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """An entry of the ledger. `identifier_keys` are graph keys of the identifiers that moved.

    `position` counts the changes of a space in the order in which they were committed: 1, 2, 3, …
    """

    id: str
    kind: ChangeKind
    at: int
    customer_id: str
    other_customer_id: str | None
    identifier_keys: tuple[str, ...]
    cause: str
    policy_version: int
    position: int


@dataclass(frozen=True, slots=True)
class RecordedRejection:
    """An event that was set aside."""

    id: str
    message_id: str | None
    received_at: int
    source: str
    code: str
    message: str
    body_json: str | None
    sent_with_json: str | None
    key: str


@dataclass(frozen=True, slots=True)
class SpaceDeletion:
    """How far the deletion of a space is: `deleted` nodes are gone. `done`: nothing is left."""

    space: str
    begun_at: int
    author: str
    deleted: int
    done: bool = False


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A version of the policy of a space."""

    version: int
    text: str
    created_at: int
    author: str
    note: str | None


@dataclass(frozen=True, slots=True)
class ProfilesVersion:
    """A version of the profiles text of a space."""

    version: int
    text: str
    applied_at: int
    author: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class RolloutProgress:
    """How far the newest version of a policy is rolled out in its space.

    `settled` of the `customers_to_settle` that there were when it was put in force. `done` only
    when the rest is done too: values that are blocked or released, and the attribution of events.
    """

    policy_version: int
    customers_to_settle: int
    settled: int
    done: bool


@dataclass(frozen=True, slots=True)
class CustomerCounts:
    """Customers of a space by kind."""

    known: int
    anonymous: int
    quarantined: int

    @property
    def customers(self) -> int:
        """All of them."""
        return self.known + self.anonymous + self.quarantined


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a longer list, in order, and whether more follows."""

    items: Sequence[T]
    more: bool


def page_of(items: Sequence[T], first: int) -> Page[T]:
    """The first of `items`; they are more than `first` where more follows."""
    return Page(items[:first], more=len(items) > first)
