"""Keys, roles, and `SpaceScope`, the only door to a space."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import SecretStr

from identity_service.errors import Forbidden
from identity_service.graph.access import AccessStore, StoredKey
from identity_service.services.kit.clock import Clock

KEY_CACHE_MS: Final = 5_000
"""Milliseconds for which a checked key is not looked up again.

Revoking a key here ends it at once in this process, and within that time in every other.
"""

_MAX_CACHED_KEYS: Final = 10_000

OPERATOR: Final = "command line"
"""How the command line signs what nobody in particular does."""


class Role(StrEnum):
    """What a key may do; `WRITE` only sends events."""

    READER = "READER"
    AGENT = "AGENT"
    ADMIN = "ADMIN"
    INSTANCE = "INSTANCE"
    WRITE = "WRITE"


_RANK: Final = {Role.READER: 1, Role.AGENT: 2, Role.ADMIN: 3}
"""Roles inside a space. The other two enter none."""


@dataclass(frozen=True, slots=True)
class SpaceScope:
    """Proof that a key may enter a space, made by `Access` and nowhere else.

    Every service that touches a space asks for one. `author` is the name of the key, as it is
    signed under judgements and policies.
    """

    space: str
    role: Role
    author: str

    def allows(self, role: Role) -> bool:
        """Whether the key has that role in the space, or a higher one."""
        return role in _RANK and _RANK.get(self.role, 0) >= _RANK[role]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, known by the key; `Access` makes it after the key was checked."""

    role: Role
    name: str
    space: str | None
    source: str | None
    feeds: tuple[str, ...]
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """A source with a valid write key, and the spaces that its events enter.

    `region` is the country of its national phone numbers (ISO 3166), where the policy names none.
    """

    source: str
    scopes: tuple[SpaceScope, ...]
    region: str | None = None


class Access:
    """Checks keys and opens spaces."""

    def __init__(self, store: AccessStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._trusted: dict[str, tuple[int, Caller]] = {}
        self._forgotten = 0

    async def authenticate(self, key: str | None) -> Caller | None:
        """Who holds the key; None without one, or when it is not known or revoked."""
        if not key:
            return None
        key_hash = hash_key(key)
        now = self._clock()
        until, caller = self._trusted.get(key_hash, (0, None))
        if caller is not None and now < until:
            return caller
        self._trusted.pop(key_hash, None)
        forgotten = self._forgotten
        stored = await self._store.find_key(key_hash)
        if stored is None:
            return None
        caller = _caller(stored)
        if forgotten != self._forgotten:
            return caller  # a key was revoked while we looked: perhaps this one
        if len(self._trusted) >= _MAX_CACHED_KEYS:
            self._trusted.clear()
        self._trusted[key_hash] = (now + KEY_CACHE_MS, caller)
        return caller

    def enter(self, caller: Caller | None, space: str) -> SpaceScope | None:
        """The way into a space to read; None when the key may not, or there is no such space."""
        if caller is None or caller.role not in _RANK or caller.space != space:
            return None
        return _scope(space, caller.role, caller.name)

    def require(self, caller: Caller | None, space: str, role: Role) -> SpaceScope:
        """The way into a space with at least that role; raises Forbidden.

        A space that does not exist and one that the key may not enter look the same.
        """
        scope = self.enter(caller, space)
        if scope is None or not scope.allows(role):
            raise forbidden(role, space)
        return scope

    def sender(self, caller: Caller | None) -> Sender | None:
        """The source whose write key was sent; None for any other key."""
        if caller is None or caller.role is not Role.WRITE or caller.source is None:
            return None
        if not caller.feeds:
            return None  # its events would enter no space, and be lost in silence
        scopes = tuple(_scope(space, Role.WRITE, caller.source) for space in caller.feeds)
        return Sender(caller.source, scopes, caller.region)

    def operator(self, space: str | None = None, name: str = OPERATOR) -> Caller:
        """Whoever runs the command line: it owns the machine and the database, and needs no key.

        The administrator of a space; without one, of the instance. `name` signs what is done.
        """
        role = Role.INSTANCE if space is None else Role.ADMIN
        return Caller(role, name, space, source=None, feeds=())

    def operator_as_sender(self, space: str) -> Sender:
        """The command line as a source whose events enter one space."""
        return Sender(OPERATOR, (_scope(space, Role.WRITE, OPERATOR),))

    def forget(self, key_hash: str) -> None:
        """Look the key up again when it is sent next."""
        self._trusted.pop(key_hash, None)
        self._forgotten += 1


async def ensure_admin_key(
    store: AccessStore, configured: SecretStr | None, clock: Clock
) -> str | None:
    """See to it that the instance has an administrator's key.

    A configured one becomes the only one. Else, where there is none yet, one is made: it is
    returned this once, and stored hashed.
    """
    if configured is not None:
        await store.set_instance_key(hash_key(configured.get_secret_value()), "configured", clock())
        return None
    if await store.has_instance_key():
        return None
    key = new_key(Role.INSTANCE)
    await store.set_instance_key(hash_key(key), "first start", clock())
    return key


def new_key(role: Role) -> str:
    """A new key of 256 random bits, of letters, digits, `_` and `-`; it begins with its role."""
    return f"ids_{role.lower()}_{secrets.token_urlsafe(32)}"


def hash_key(key: str) -> str:
    """SHA-256, hexadecimal. Keys are random, so there is nothing that salt could protect."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def forbidden(role: Role, space: str | None = None) -> Forbidden:
    """The answer to a caller without that role."""
    if role is Role.INSTANCE:
        return Forbidden("This needs the instance administrator's key.")
    return Forbidden(
        f"This needs a key with the role {role} in the space “{space}”.",
        remedy="Send it as “Authorization: Bearer KEY”.",
    )


def _scope(space: str, role: Role, author: str) -> SpaceScope:
    return SpaceScope(space, role, author)


def _caller(stored: StoredKey) -> Caller:
    return Caller(
        role=Role(stored.role),
        name=stored.name,
        space=stored.space,
        source=stored.source,
        feeds=stored.feeds,
        region=stored.region,
    )
