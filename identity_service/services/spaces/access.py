"""Keys, roles, and `SpaceScope`, the only door to a space."""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
import time
from contextvars import Context
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import SecretStr

from identity_service.collect.reading_rules import ReadingRules, parse_rules
from identity_service.domain.sources import Source
from identity_service.errors import Forbidden, ReadingRulesInvalid, Unavailable
from identity_service.graph.access import AccessStore, StoredKey
from identity_service.services.kit.clock import Clock, Timer

KEY_CACHE_S: Final = 5.0
"""Seconds for which the answer to a look-up of a key is good, from when it was asked.

What is changed about a key or its source counts at once in the process that changed it, and within
that time in every other.
"""

KEY_REFRESH_S: Final = 3.0
"""Seconds after which a key that is in use is looked up again, while the answer is still good."""

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
class Sender:
    """A source with a valid write key, and the spaces that its events enter.

    `region` is the country of its national phone numbers (ISO 3166), where the policy names none.
    Proofs of user ids are made with `proof_secret`. `events_per_s` is the most that it may send,
    None for any number. What it sends is read by its `rules`.
    """

    source: str
    scopes: tuple[SpaceScope, ...]
    region: str | None = None
    proof_secret: str | None = field(default=None, repr=False)
    is_paused: bool = False
    events_per_s: float | None = None
    rules: ReadingRules | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, known by the key; `Access` makes it after the key was checked.

    `sender` is the source of a write key whose events enter a space.
    """

    role: Role
    name: str
    space: str | None
    sender: Sender | None = None


class _Answer(NamedTuple):
    """Who holds a key, and when that was asked."""

    caller: Caller
    asked_at: float


class _LookUp(NamedTuple):
    """A look-up of a key on its way, and when it was begun."""

    task: asyncio.Task[Caller | None]
    asked_at: float


class Access:
    """Checks keys and opens spaces."""

    def __init__(self, store: AccessStore, timer: Timer = time.monotonic) -> None:
        self._store = store
        self._timer = timer
        self._answers: dict[str, _Answer] = {}
        self._look_ups: dict[str, _LookUp] = {}

    async def authenticate(self, key: str | None) -> Caller | None:
        """Who holds the key; None without one, or when it is not known or revoked.

        All who send a key at the same time share one look-up. Raises Unavailable.
        """
        return await self.by_hash(hash_key(key)) if key else None

    async def by_hash(self, key_hash: str) -> Caller | None:
        """As `authenticate`, of a key whose hash alone is known."""
        answer = self._answers.get(key_hash)
        age = self._age(answer)
        if answer is not None and age < KEY_CACHE_S:
            if age >= KEY_REFRESH_S:
                self._look_up(key_hash)
            return answer.caller
        # Shielded: one who gives up must not take the answer from the others.
        return await asyncio.shield(self._look_up(key_hash))

    def _age(self, asked: _Answer | _LookUp | None) -> float:
        return math.inf if asked is None else self._timer() - asked.asked_at

    def _look_up(self, key_hash: str) -> asyncio.Task[Caller | None]:
        running = self._look_ups.get(key_hash)
        if running is None or self._age(running) >= KEY_CACHE_S:
            asked_at = self._timer()
            # Whoever happens to be first, it is the work of all who send the key.
            task = asyncio.create_task(self._find(key_hash, asked_at), context=Context())
            task.add_done_callback(_take_note)
            running = self._look_ups[key_hash] = _LookUp(task, asked_at)
        return running.task

    async def _find(self, key_hash: str, asked_at: float) -> Caller | None:
        try:
            stored = await self._store.find_key(key_hash)
            caller = _caller(stored) if stored else None
        except BaseException:
            self._end_look_up(key_hash)
            raise
        if self._end_look_up(key_hash):
            self._answers.pop(key_hash, None)
            if caller is not None:
                if len(self._answers) >= _MAX_CACHED_KEYS:
                    self._answers.clear()
                self._answers[key_hash] = _Answer(caller, asked_at)
        return caller

    def _end_look_up(self, key_hash: str) -> bool:
        """Whether the look-up that runs here is the newest: no other was begun, nor is needed."""
        newest = self._look_ups.get(key_hash)
        if newest is None or newest.task is not asyncio.current_task():
            return False
        del self._look_ups[key_hash]
        return True

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
        return None if caller is None else caller.sender

    def sender_of(self, rights: StoredKey) -> Sender | None:
        """The source with the rights of a write key, once its signature is checked; None where it
        feeds no space.
        """
        return _sender(rights)

    def operator(self, space: str | None = None, name: str = OPERATOR) -> Caller:
        """Whoever runs the command line: it owns the machine and the database, and needs no key.

        The administrator of a space; without one, of the instance. `name` signs what is done.
        """
        role = Role.INSTANCE if space is None else Role.ADMIN
        return Caller(role, name, space)

    def operator_as_sender(self, space: str) -> Sender:
        """The command line as a source whose events enter one space."""
        return Sender(OPERATOR, (_scope(space, Role.WRITE, OPERATOR),))

    def as_sender(self, scope: SpaceScope, name: str, source: Source | None) -> Sender:
        """A source of that name whose events an administrator sends again into the space.

        `source` is what is known of it, None for one that there is not. Raises Forbidden.
        """
        if not scope.allows(Role.ADMIN):
            raise forbidden(Role.ADMIN, scope.space)
        scopes = (_scope(scope.space, Role.WRITE, name),)
        if source is None:
            return Sender(name, scopes)
        rules = _rules(name, source.rules)
        region = (rules and rules.region) or source.region
        return Sender(name, scopes, region, rules=rules)

    def reader_of(self, source: Source) -> Sender:
        """A source that this process reads itself, without a key."""
        scopes = tuple(_scope(space, Role.WRITE, source.name) for space in source.spaces)
        rules = _rules(source.name, source.rules)
        region = (rules and rules.region) or source.region
        return Sender(source.name, scopes, region, rules=rules)

    def forget(self, key_hash: str) -> None:
        """Look the key up anew when it is sent next: a look-up on its way may have seen it."""
        self._answers.pop(key_hash, None)
        self._look_ups.pop(key_hash, None)


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


def new_proof_secret() -> str:
    """A new secret of 256 random bits for proofs, of letters, digits, `_` and `-`."""
    return f"ids_proof_{secrets.token_urlsafe(32)}"


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


def _take_note(look_up: asyncio.Task[Caller | None]) -> None:
    """An error is for those who wait; when nobody does, the next look-up meets it again."""
    if not look_up.cancelled():
        look_up.exception()


def _scope(space: str, role: Role, author: str) -> SpaceScope:
    return SpaceScope(space, role, author)


def _rules(source: str, text: str | None) -> ReadingRules | None:
    """Reading rules as they were set. Raises Unavailable where they cannot be read here."""
    if not text:
        return None
    try:
        return parse_rules(text)
    except ReadingRulesInvalid as error:
        raise Unavailable(
            f"The reading rules of the source “{source}” cannot be read on this machine.",
            remedy=str(error),
        ) from None


def _caller(stored: StoredKey) -> Caller:
    return Caller(Role(stored.role), stored.name, stored.space, _sender(stored))


def _sender(stored: StoredKey) -> Sender | None:
    if stored.role != Role.WRITE or stored.source is None:
        return None
    if not stored.feeds:
        return None  # its events would enter no space, and be lost in silence
    scopes = tuple(_scope(space, Role.WRITE, stored.source) for space in stored.feeds)
    return Sender(
        stored.source,
        scopes,
        stored.region,
        stored.proof_secret,
        stored.is_paused,
        stored.events_per_s,
        _rules(stored.source, stored.rules),
    )
