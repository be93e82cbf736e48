"""Keys, spaces and sources in the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from identity_service.graph.database import Database
from identity_service.graph.keys import policy_key
from identity_service.graph.statements import statement

FIND_KEY: Final = statement("spaces/find_key")
HAS_INSTANCE_KEY: Final = statement("spaces/has_instance_key")
SET_INSTANCE_KEY: Final = statement("spaces/set_instance_key")
CREATE_SPACE: Final = statement("spaces/create_space")
CREATE_SOURCE: Final = statement("spaces/create_source")
CREATE_KEY: Final = statement("spaces/create_key")
LIST_KEYS: Final = statement("spaces/list_keys")
ROTATE_KEY: Final = statement("spaces/rotate_key")
SET_PROOF_SECRET: Final = statement("spaces/set_proof_secret")
REVOKE_KEY: Final = statement("spaces/revoke_key")
REVOKE_WRITE_KEY: Final = statement("spaces/revoke_write_key")


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key that is not revoked. Of a write key, `feeds` are the spaces of its source.

    `region` is the country of national phone numbers that the source sends (ISO 3166).
    Proofs of user ids are made with `proof_secret`. `events_per_s` is the most that the source may
    send, None for any number. `rules` are the text of its reading rules.
    """

    role: str
    name: str
    space: str | None
    source: str | None
    feeds: tuple[str, ...] = ()
    region: str | None = None
    proof_secret: str | None = field(default=None, repr=False)
    is_paused: bool = False
    events_per_s: float | None = None
    rules: str | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be stored: never itself, only its hash."""

    hash: str
    role: str
    name: str
    space: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Why a space cannot be created: one of its name is there or being deleted, or a source."""

    space_taken: bool = False
    being_deleted: bool = False
    source_taken: bool = False


@dataclass(frozen=True, slots=True)
class SpaceKey:
    """A key of a space that is good, of which only this is known.

    `earlier_good_until`: when the last of those ends that it took the place of; None without any.
    """

    name: str
    role: str
    created_at: int
    earlier_good_until: int | None


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """What became of a new key in the place of others, whose hashes are `hashes`.

    `role` is that of all of them, and `good_until` when those before end. Nothing was written where
    too many are good (`full`).
    """

    hashes: tuple[str, ...]
    role: str
    full: bool
    good_until: int


@dataclass(frozen=True, slots=True)
class SnowplowApp:
    """An app id by which Snowplow's trackers name a source: a key that is no secret."""

    id: str
    hash: str


class AccessStore:
    """Reads and writes keys, and creates what they open. Knows no rule."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_key(self, key_hash: str) -> StoredKey | None:
        """The key of that hash; None also when it is revoked, or its time is over."""
        row = await self._database.read_one(FIND_KEY, hash=key_hash)
        if row is None:
            return None
        return StoredKey(
            row["role"],
            row["name"],
            row["space"],
            row["source"],
            tuple(row["feeds"]),
            row["region"],
            row["proof_secret"],
            row["paused"],
            row["events_per_s"],
            row["rules"],
        )

    async def has_instance_key(self) -> bool:
        """Whether the instance has an administrator's key."""
        row = await self._database.read_one(HAS_INSTANCE_KEY)
        return bool(row and row["found"])

    async def set_instance_key(self, key_hash: str, name: str, now: int) -> None:
        """Make this the only key of the instance administrator."""
        await self._database.write_one(SET_INSTANCE_KEY, hash=key_hash, name=name, now=now)

    async def create_space(
        self, space: str, policy: str, author: str, now: int, keys: Sequence[NewKey]
    ) -> Taken:
        """Create a space, unless its name is taken. Raises Stale where another takes it, or
        deletes a space of that name, at the same time.
        """
        row = await self._database.write_one(
            CREATE_SPACE,
            w={
                "space": space,
                "policy": policy,
                "policy_key": policy_key(space, 1),
                "author": author,
                "now": now,
                "keys": [[k.hash, k.role, k.name, k.space, k.source] for k in keys],
            },
        )
        return Taken(**row) if row else Taken()

    async def create_source(
        self,
        name: str,
        spaces: Sequence[str],
        region: str | None,
        key_hash: str,
        now: int,
        *,
        snowplow_app: SnowplowApp | None = None,
    ) -> tuple[bool, list[str], bool]:
        """Create a source, unless its name is taken, spaces are missing (then which), or its app id
        is taken. Raises Stale where another takes one of them at the same time.
        """
        row = await self._database.write_one(
            CREATE_SOURCE,
            w={
                "name": name,
                "spaces": list(spaces),
                "region": region,
                "hash": key_hash,
                "app_id": snowplow_app.id if snowplow_app else None,
                "app_hash": snowplow_app.hash if snowplow_app else None,
                "now": now,
            },
        )
        if row is None:
            return True, [], False
        return row["taken"], row["missing"], row["app_taken"]

    async def create_key(self, key: NewKey, now: int) -> bool:
        """Create a key of a space; False when its name is taken there."""
        row = await self._database.write_one(
            CREATE_KEY, space=key.space, hash=key.hash, role=key.role, name=key.name, now=now
        )
        return bool(row and not row["taken"])

    async def keys_of(self, space: str, after: str, first: int) -> list[SpaceKey]:
        """The keys of a space that are good, by name, those after a name."""
        w = {"space": space, "after": after, "most": first}
        rows = await self._database.read_all(LIST_KEYS, w=w)
        return [SpaceKey(**row) for row in rows]

    async def rotate_key(
        self, space: str, name: str, hashes: Mapping[str, str], grace_ms: int, most: int
    ) -> KeyRotation | None:
        """Put a key in the place of those of that name, which stay good for a while.

        `hashes` has that of the new key for each role that it may have. None: there is no such key.
        """
        row = await self._database.write_one(
            ROTATE_KEY,
            w={
                "space": space,
                "name": name,
                "hashes": hashes,
                "grace": grace_ms,
                "most": most,
            },
        )
        if row is None:
            return None
        return KeyRotation(tuple(row["hashes"]), row["role"], row["full"], row["good_until"])

    async def set_proof_secret(
        self, space: str, source: str, secret: str, *, may_feed_others: bool
    ) -> tuple[list[str], bool] | None:
        """Give a source that feeds the space a secret for proofs, in place of the one it had.

        None: there is no such source. Else the hashes of its write keys, and whether nothing was
        written since it feeds other spaces too, which it may only with `may_feed_others`.
        """
        row = await self._database.write_one(
            SET_PROOF_SECRET,
            space=space,
            source=source,
            secret=secret,
            may_feed_others=may_feed_others,
        )
        return None if row is None else (row["hashes"], row["refused"])

    async def revoke_key(self, space: str, name: str, now: int) -> tuple[list[str], bool]:
        """The hashes revoked, and whether a write key stays since it feeds other spaces too."""
        row = await self._database.write_one(REVOKE_KEY, space=space, name=name, now=now)
        return ([], False) if row is None else (row["hashes"], row["elsewhere"])

    async def revoke_write_key(self, space: str, name: str, now: int) -> list[str]:
        """Revoke the write key of a source that feeds the space, whatever else it feeds."""
        row = await self._database.write_one(REVOKE_WRITE_KEY, space=space, name=name, now=now)
        return [] if row is None else row["hashes"]
