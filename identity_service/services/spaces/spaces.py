"""Spaces, their sources and their keys."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from identity_service.domain.policies.normalise import is_region
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.recorded import (
    CustomerCounts,
    Page,
    PolicyVersion,
    RolloutProgress,
    page_of,
)
from identity_service.errors import FeedsOthers, FieldInvalid, NameTaken, NoSuch, NotFound, Stale
from identity_service.graph.access import AccessStore, NewKey, SnowplowApp
from identity_service.graph.spaces import SpaceStore
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.data_loader import DataLoader
from identity_service.services.spaces.access import (
    Access,
    Caller,
    Role,
    SpaceScope,
    forbidden,
    hash_key,
    new_key,
    new_proof_secret,
)
from identity_service.services.spaces.sources import MAX_SPACES

DEFAULT_POLICY: Final = "extends: quarantine\n"

_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}")
_APP_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_KEY_NAME: Final = re.compile(r"\S(?:[^\x00-\x1f\x7f]{0,61}\S)?")


@dataclass(frozen=True, slots=True)
class CreatedSpace:
    """A new space and its keys, which are not to be had again."""

    scope: SpaceScope
    admin_key: str
    reader_key: str
    write_key: str


@dataclass(frozen=True, slots=True)
class CreatedSource:
    """A new source and its write key, which is not to be had again."""

    name: str
    spaces: tuple[str, ...]
    write_key: str


@dataclass(frozen=True, slots=True)
class CreatedProofSecret:
    """A new secret of a source, which is not to be had again."""

    source: str
    secret: str


class Spaces:
    """Creates spaces, sources and keys, and reads what a space is."""

    def __init__(self, keys: AccessStore, spaces: SpaceStore, access: Access, clock: Clock) -> None:
        self._keys = keys
        self._spaces = spaces
        self._access = access
        self._clock = clock
        self._customer_counts = DataLoader(self._count_customers)

    async def create_space(
        self, caller: Caller | None, name: str, policy: str | None
    ) -> CreatedSpace:
        """Create a space with its first policy, a source of its name and three keys.

        Raises Forbidden unless called by the instance administrator, FieldInvalid for a name
        that is taken or is none, PolicyInvalid.
        """
        if caller is None or caller.role is not Role.INSTANCE:
            raise forbidden(Role.INSTANCE)
        _check_name("name", name)
        text = DEFAULT_POLICY if policy is None else policy
        parse_policy(text)
        admin, reader, write = new_key(Role.ADMIN), new_key(Role.READER), new_key(Role.WRITE)
        create = partial(
            self._keys.create_space,
            *(name, text, caller.name, self._clock()),
            [
                NewKey(hash_key(admin), Role.ADMIN, "admin", space=name),
                NewKey(hash_key(reader), Role.READER, "reader", space=name),
                NewKey(hash_key(write), Role.WRITE, name, source=name),
            ],
        )
        try:
            taken = await create()
        except Stale:
            taken = await create()  # it says now what another has taken
        if taken.being_deleted:
            raise NameTaken("name", f"The space “{name}” is still being deleted.")
        if taken.space_taken or taken.source_taken:
            what = "space" if taken.space_taken else "source"
            raise NameTaken("name", f"There is a {what} “{name}” already.")
        scope = self._access.enter(await self._access.authenticate(admin), name)
        if scope is None:
            raise NotFound(f"The space “{name}” was created, but its key is already revoked.")
        return CreatedSpace(scope, admin, reader, write)

    async def create_source(
        self,
        caller: Caller | None,
        name: str,
        spaces: Sequence[str],
        region: str | None = None,
        snowplow_app_id: str | None = None,
    ) -> CreatedSource:
        """Create a sender whose events enter the spaces.

        `region` is the country of the national phone numbers that it sends (ISO 3166, `NL`),
        where the policy names none. For one space its administrator may create one, for several
        only the instance administrator. Whoever sends `snowplow_app_id` (as `aid`) is this source;
        it is unique in the instance, for good. Raises Forbidden, FieldInvalid.
        """
        distinct = check_new_source(self._access, caller, name, spaces, region)
        app = _snowplow_app(snowplow_app_id)
        key = new_key(Role.WRITE)
        create = partial(
            self._keys.create_source,
            *(name, distinct, region, hash_key(key), self._clock()),
            snowplow_app=app,
        )
        try:
            taken, missing, app_taken = await create()
        except Stale:
            taken, missing, app_taken = await create()  # it says now what another has taken
        if missing:
            raise NoSuch("spaces", f"There is no space “{missing[0]}”.")
        if taken:
            raise NameTaken("name", f"There is a source or a key “{name}” already.")
        if app_taken:
            raise NameTaken("snowplowAppId", "Another source has this app id, or had it.")
        return CreatedSource(name, tuple(distinct), key)

    async def create_key(self, scope: SpaceScope, role: Role, name: str) -> str:
        """A new key of the space. Raises Forbidden for a role above one's own, FieldInvalid."""
        if not scope.allows(Role.ADMIN) or not scope.allows(role):
            raise forbidden(Role.ADMIN, scope.space)
        if not _KEY_NAME.fullmatch(name):
            raise FieldInvalid(
                "name", "The name of a key is 1 to 63 characters, with no space at its ends."
            )
        key = new_key(role)
        new = NewKey(hash_key(key), role, name, space=scope.space)
        if not await self._keys.create_key(new, self._clock()):
            raise NameTaken(
                "name", f"There is a key or a source “{name}” already.", remedy="Revoke it first."
            )
        return key

    async def revoke_key(self, caller: Caller | None, space: str, name: str) -> None:
        """Revoke the key of that name, or the write key of the source of that name.

        A write key that also feeds other spaces only the instance administrator may revoke.
        Raises Forbidden, FieldInvalid.
        """
        if caller is not None and caller.role is Role.INSTANCE:
            hashes = await self._keys.revoke_write_key(space, name, self._clock())
            elsewhere = False
        else:
            scope = self._access.require(caller, space, Role.ADMIN)
            hashes, elsewhere = await self._keys.revoke_key(scope.space, name, self._clock())
        for key_hash in hashes:
            self._access.forget(key_hash)
        if not hashes and elsewhere:
            raise FeedsOthers(
                "name",
                f"The source “{name}” feeds other spaces too.",
                remedy="Only the instance administrator can revoke its key.",
            )
        if not hashes:
            raise NoSuch("name", f"There is no key “{name}” that is not revoked.")

    async def create_proof_secret(
        self, caller: Caller | None, space: str, source: str
    ) -> CreatedProofSecret:
        """Make the secret with which proofs of user ids are made for a source of the space.

        It takes the place of the one before. That of a source that also feeds other spaces only
        the instance administrator may make. Raises Forbidden, FieldInvalid.
        """
        is_instance = caller is not None and caller.role is Role.INSTANCE
        if not is_instance:
            self._access.require(caller, space, Role.ADMIN)
        secret = new_proof_secret()
        found = await self._keys.set_proof_secret(
            space, source, secret, may_feed_others=is_instance
        )
        if found is None:
            raise NoSuch("source", f"There is no source “{source}” that feeds “{space}”.")
        hashes, refused = found
        if refused:
            raise FeedsOthers(
                "source",
                f"The source “{source}” feeds other spaces too.",
                remedy="Only the instance administrator can make its secret.",
            )
        for key_hash in hashes:
            self._access.forget(key_hash)
        return CreatedProofSecret(source, secret)

    async def policy(self, scope: SpaceScope) -> PolicyVersion:
        """The policy in force."""
        return (await self._policy(scope))[0]

    async def rollout_progress(self, scope: SpaceScope) -> RolloutProgress:
        """How far the policy in force is rolled out."""
        return (await self._policy(scope))[1]

    async def policies(
        self, scope: SpaceScope, first: int, before: int | None
    ) -> Page[PolicyVersion]:
        """Versions of the policy, newest first, those older than `before`."""
        newest = (await self.policy(scope)).version if before is None else before - 1
        return page_of(await self._spaces.policies(scope.space, newest, first + 1), first)

    async def property_names(self, scope: SpaceScope) -> dict[str, str | None]:
        """The properties that events can be filtered by, each with the source that took it first.

        By their names in the graph, `p_…`; no source where an earlier version took the name.
        """
        return await self._spaces.property_names(scope.space)

    async def release_property_names(self, scope: SpaceScope, names: Collection[str]) -> list[str]:
        """Give names back, so that there is room for others; returns those that were in use.

        Events keep what they have. Processes that write take note within a minute, and a name
        that is sent again comes into use again while there is room.
        """
        return await self._spaces.release_property_names(scope.space, names)

    async def count_customers(self, scope: SpaceScope) -> CustomerCounts:
        """Customers by kind."""
        counts = await self._customer_counts.get(scope.space)
        return counts or CustomerCounts(0, 0, 0)

    async def count_identifiers(self, scope: SpaceScope) -> int:
        """Identifiers seen, blocked ones too."""
        return await self._spaces.count_identifiers(scope.space)

    async def count_links(self, scope: SpaceScope) -> int:
        """Pairs of identifiers seen together."""
        return await self._spaces.count_links(scope.space)

    async def count_events(self, scope: SpaceScope) -> int:
        """Events taken in."""
        return await self._spaces.count_events(scope.space)

    async def _count_customers(self, spaces: Sequence[str]) -> dict[str, CustomerCounts]:
        return {space: await self._spaces.count_customers(space) for space in spaces}

    async def _policy(self, scope: SpaceScope) -> tuple[PolicyVersion, RolloutProgress]:
        found = await self._spaces.policy(scope.space)
        if found is None:
            raise NotFound(f"There is no space “{scope.space}” any more.")
        return found


def check_new_source(
    access: Access, caller: Caller | None, name: str, spaces: Sequence[str], region: str | None
) -> list[str]:
    """The spaces of a source to be made, each once. Raises Forbidden, FieldInvalid."""
    if caller is None or caller.role is not Role.INSTANCE:
        if len(spaces) > 1:
            raise forbidden(Role.INSTANCE)
        access.require(caller, spaces[0] if spaces else "", Role.ADMIN)
    _check_name("name", name)
    if not 1 <= len(set(spaces)) <= MAX_SPACES:
        raise FieldInvalid("spaces", f"A source feeds 1 to {MAX_SPACES} spaces.")
    if region is not None and not is_region(region):
        raise FieldInvalid("region", f"There is no country “{region[:9]}”: write NL, or DE.")
    return sorted(set(spaces))


def _snowplow_app(app_id: str | None) -> SnowplowApp | None:
    if app_id is None:
        return None
    if not _APP_ID.fullmatch(app_id) or app_id.startswith("ids_"):
        raise FieldInvalid(
            "snowplowAppId",
            "An app id has 1 to 255 letters, digits, “-” and “_”, and does not begin with “ids_”.",
        )
    return SnowplowApp(app_id, hash_key(app_id))


def _check_name(path: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise FieldInvalid(path, f"“{name}” is no name: use 1 to 63 of a-z, 0-9, “-” and “_”.")
