"""What resolvers work with: the services, and who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, cast

import strawberry

from identity_service.services.read.as_of.view import AsOf
from identity_service.services.read.explanations import Loaded
from identity_service.services.spaces.access import Caller, SpaceScope
from identity_service.services.wiring import UseCases

T = TypeVar("T")
N = TypeVar("N")


@dataclass(frozen=True, slots=True)
class Context:
    """One request: `caller` is None without a valid key.

    `last_event_id` is the cursor at which a client goes on that lost its connection. `loaded` is
    for queries only, which write nothing and end soon.
    """

    services: UseCases
    caller: Caller | None
    last_event_id: str | None = None
    loaded: Loaded = field(default_factory=Loaded)


Info: TypeAlias = strawberry.Info[Context, None]


class Scoped(NamedTuple, Generic[T]):
    """A record of a space together with the way into that space, for what hangs on it.

    `past` is set where the record is of a moment of the past: what hangs on it is of that too.
    """

    scope: SpaceScope
    record: T
    past: AsOf | None = None

    def beside(self, record: N) -> Scoped[N]:
        """Another record of the same space and moment."""
        return Scoped(self.scope, record, self.past)


def record_of(value: object) -> object:
    """The record itself, if it is `Scoped`."""
    return cast("Scoped[Any]", value).record if type(value) is Scoped else value


def field_of(source: object, name: str) -> object:
    """The value of a field without a resolver: the attribute of that name of the record."""
    return getattr(record_of(source), name)
