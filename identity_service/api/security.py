"""Keys on requests."""

from __future__ import annotations

from identity_service.errors import Unauthorised
from identity_service.services.spaces.access import Access, Caller


def bearer_key(authorization: str | None) -> str | None:
    """The key of an `Authorization: Bearer KEY` header; None without one."""
    scheme, _, key = (authorization or "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


async def caller_of(access: Access, key: str | None) -> Caller | None:
    """Who holds the key; None without one.

    Raises Unauthorised for a key that is none, so that nobody takes it for one that sees an empty
    service. Raises Unavailable when the database does not answer.
    """
    caller = await access.authenticate(key)
    if key is not None and caller is None:
        raise Unauthorised(
            "The key is not known: it was never made, was revoked, or has expired.",
            remedy="Send a key that is valid, or none to see the schema alone.",
        )
    return caller
