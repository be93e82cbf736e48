"""The way from a request of another vendor's read API into a space."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from identity_service.api.graphql.context import known_as
from identity_service.api.state import services_of
from identity_service.errors import Unauthorised
from identity_service.services.spaces.access import Caller, SpaceScope

_REMEDY: Final = "The guide about read routes says where the key stands."


def enter(request: Request, caller: Caller | None, space: str) -> SpaceScope:
    """The way into a space for who sent a request; what it reads takes the places of that key.

    Raises Unauthorised, alike for a key that is not known, for one of another space, and for a
    space that does not exist; Overloaded for a key that asks too often.
    """
    services = services_of(request.scope)
    scope = services.access.enter(caller, space)
    if caller is None or scope is None:
        raise Unauthorised("This needs a key with which that space can be read.", remedy=_REMEDY)
    services.read_rate.count(caller)
    known_as(caller)
    return scope
