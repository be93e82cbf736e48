"""What resolvers work with: the services, and who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, cast

import strawberry

from identity_service.services.access import Access, Caller, SpaceScope
from identity_service.services.blast_radius import BlastRadius
from identity_service.services.customers import Customers
from identity_service.services.explanations import Explanations
from identity_service.services.following import Following
from identity_service.services.inboxes import Inboxes
from identity_service.services.judgements import Judgements
from identity_service.services.ledger import Ledger
from identity_service.services.previews import Previews
from identity_service.services.resettlement import Resettlement
from identity_service.services.spaces import Spaces

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that the API offers."""

    access: Access
    spaces: Spaces
    customers: Customers
    explanations: Explanations
    previews: Previews
    ledger: Ledger
    following: Following
    blast_radius: BlastRadius
    inboxes: Inboxes
    judgements: Judgements
    resettlement: Resettlement


@dataclass(frozen=True, slots=True)
class Context:
    """One request: `caller` is None without a valid key.

    `last_event_id` is the cursor at which a client goes on that lost its connection.
    """

    services: Services
    caller: Caller | None
    last_event_id: str | None = None


Info: TypeAlias = strawberry.Info[Context, None]


class Scoped(NamedTuple, Generic[T]):
    """A record of a space together with the way into that space, for what hangs on it."""

    scope: SpaceScope
    record: T


def record_of(value: object) -> object:
    """The record itself, if it is `Scoped`."""
    return cast("Scoped[Any]", value).record if type(value) is Scoped else value


def field_of(source: object, name: str) -> object:
    """The value of a field without a resolver: the attribute of that name of the record."""
    return getattr(record_of(source), name)
