"""What resolvers work with: the services, who asks, and records with the view they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, cast

import strawberry
from graphql import OperationType

from identity_service.graph.connections import read_for
from identity_service.services.read.current import CurrentView
from identity_service.services.read.live import ComponentCache
from identity_service.services.read.view import CustomerView
from identity_service.services.spaces.access import Caller, Role, SpaceScope
from identity_service.services.wiring import UseCases

T = TypeVar("T")
N = TypeVar("N")


@dataclass(frozen=True, slots=True)
class Context:
    """One request: `caller` is None without a valid key.

    `last_event_id` is the cursor at which a client goes on that lost its connection. `components`
    is for queries only, which write nothing and end soon.
    """

    services: UseCases
    caller: Caller | None
    last_event_id: str | None = None
    components: ComponentCache = field(default_factory=ComponentCache)

    @property
    def known(self) -> bool:
        """Whether it comes with a valid key that was made to ask with.

        A write key is not: pages carry it for everybody to read.
        """
        return self.caller is not None and self.caller.role is not Role.WRITE

    def resumed_after(self, after: str | None) -> str | None:
        """The cursor after which a subscription goes on, None at the newest.

        A client that lost its connection asks as before, and says beside it where it was.
        """
        return self.last_event_id or after


def known_as(caller: Caller | None) -> None:
    """What this task asks of the database from now on takes the places of that key."""
    read_for(f"{caller.space}/{caller.name}" if caller else "nobody")


Info: TypeAlias = strawberry.Info[Context, None]


def require(info: Info, space: str, role: Role) -> SpaceScope:
    """A space, for a caller with that role in it or a higher one. Raises Forbidden."""
    return info.context.services.access.require(info.context.caller, space, role)


class Scoped(NamedTuple, Generic[T]):
    """A record and the view through which its fields are read: all of one space and one time."""

    view: CustomerView
    record: T

    @property
    def scope(self) -> SpaceScope:
        """The space of the record, and the right to read it."""
        return self.view.scope

    def beside(self, record: N) -> Scoped[N]:
        """Another record of the same view."""
        return Scoped(self.view, record)


def current_view(info: Info, scope: SpaceScope) -> CurrentView:
    """The customers of a space as they are now.

    The views of a query share the components that they load. In a mutation or a subscription each
    view loads its own, since what was loaded before may be outdated.
    """
    queries = info.operation.operation is OperationType.QUERY
    components = info.context.components if queries else ComponentCache()
    return info.context.services.customers.current(scope, components)


def record_of(value: object) -> object:
    """The record itself, if it is `Scoped`."""
    return cast("Scoped[Any]", value).record if type(value) is Scoped else value


def field_of(source: object, name: str) -> object:
    """The value of a field without a resolver: the attribute of that name of the record."""
    return getattr(record_of(source), name)
