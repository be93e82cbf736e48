"""The keys that enter a space: who has one, and a new one in the place of another."""

from __future__ import annotations

from dataclasses import dataclass

from identity_service.domain.recorded import Page, page_of
from identity_service.errors import FieldInvalid, NoSuch
from identity_service.graph.access import AccessStore, SpaceKey
from identity_service.services.spaces.access import (
    Access,
    Role,
    SpaceScope,
    forbidden,
    hash_key,
    new_key,
)
from identity_service.services.spaces.sources import MAX_GOOD_KEYS, MAX_GRACE_S


@dataclass(frozen=True, slots=True)
class RotatedSpaceKey:
    """A key in the place of another; `key` itself is not to be had again.

    `earlier_good_until`: when those before it end.
    """

    name: str
    role: Role
    key: str
    earlier_good_until: int


class Keys:
    """Lists the keys of a space, and rotates them. For its administrators; raises Forbidden."""

    def __init__(self, store: AccessStore, access: Access) -> None:
        self._store = store
        self._access = access

    async def of_space(self, scope: SpaceScope, after: str, first: int) -> Page[SpaceKey]:
        """Its keys that are good, by name, those after a name. Write keys are of their sources."""
        _may_administer(scope)
        return page_of(await self._store.keys_of(scope.space, after, first + 1), first)

    async def rotate(self, scope: SpaceScope, name: str, grace_s: int) -> RotatedSpaceKey:
        """A new key of that name; those that it has stay good for `grace_s` seconds.

        One that ends earlier ends then. Raises FieldInvalid.
        """
        _may_administer(scope)
        if not 0 <= grace_s <= MAX_GRACE_S:
            raise FieldInvalid("graceSeconds", f"It may be 0 to {MAX_GRACE_S:,} seconds.")
        keys = {role: new_key(role) for role in (Role.READER, Role.AGENT, Role.ADMIN)}
        hashes = {role.value: hash_key(key) for role, key in keys.items()}
        rotation = await self._store.rotate_key(
            scope.space, name, hashes, grace_s * 1_000, MAX_GOOD_KEYS
        )
        if rotation is None:
            raise NoSuch("name", f"There is no key “{name}” that is not revoked.")
        if rotation.full:
            raise FieldInvalid(
                "name",
                f"{MAX_GOOD_KEYS} keys “{name}” are good.",
                remedy="Wait until one has ended, or rotate with a grace of 0 seconds.",
            )
        for key_hash in rotation.hashes:
            self._access.forget(key_hash)
        role = Role(rotation.role)
        return RotatedSpaceKey(name, role, keys[role], rotation.good_until)


def _may_administer(scope: SpaceScope) -> None:
    if not scope.allows(Role.ADMIN):
        raise forbidden(Role.ADMIN, scope.space)
