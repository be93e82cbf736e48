"""Profiles texts: what each space computes of its customers, in versions."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from typing import Final

from identity_service.domain.profiles.definitions import Profiles
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.domain.recorded import Page, ProfilesVersion, page_of
from identity_service.errors import FieldInvalid, NotFound, VersionConflict
from identity_service.graph.profile_texts import ProfileTextStore
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.data_loader import DataLoader
from identity_service.services.kit.lru_cache import LruCache
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.spaces.access import Role, SpaceScope, forbidden

MAX_REASON: Final = 2_000
"""Longest reason of a version, in characters."""

MAX_PARSED_BYTES: Final = 4_000_000
"""Texts that are kept parsed."""


@dataclass(frozen=True, slots=True)
class ProfilesInForce:
    """What a space computes of its customers, and the version of the text that says so.

    `applied_at`: since when, in milliseconds since 1970.
    """

    version: int
    profiles: Profiles
    applied_at: int


class ProfileTexts:
    """Reads and applies the versions of profiles texts."""

    def __init__(self, store: ProfileTextStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._in_force = DataLoader(store.in_force)
        self._parsed: LruCache[str, Profiles] = LruCache(MAX_PARSED_BYTES)

    async def in_force(self, scope: SpaceScope) -> ProfilesVersion | None:
        """The version in force; None where the space has none."""
        return await self._in_force.get(scope.space)

    async def definitions(self, scope: SpaceScope) -> ProfilesInForce | None:
        """What the version in force says; None where the space has none."""
        found = await self.in_force(scope)
        if found is None:
            return None
        parsed = self._parsed.get(found.text)
        if parsed is None:
            parsed = parse_profiles(found.text)
            self._parsed.put(found.text, parsed, len(found.text))
        return ProfilesInForce(found.version, parsed, found.applied_at)

    async def required(self, scope: SpaceScope) -> ProfilesInForce:
        """As `definitions`. Raises NotFound where the space has none."""
        found = await self.definitions(scope)
        if found is None:
            raise NotFound(f"The space “{scope.space}” has no profiles text.", remedy="Apply one.")
        return found

    async def versions(
        self, scope: SpaceScope, first: int, before: int | None
    ) -> Page[ProfilesVersion]:
        """Versions, newest first, those older than `before`."""
        if before is None:
            found = await self.in_force(scope)
            before = 1 if found is None else found.version + 1
        return page_of(await self._store.versions(scope.space, before - 1, first + 1), first)

    async def version(self, scope: SpaceScope, version: int) -> ProfilesVersion:
        """One version. Raises NotFound."""
        found = await self._store.versions(scope.space, version, 1)
        if not found:
            raise NotFound(
                f"The space “{scope.space}” has no version {version} of its profiles text.",
                remedy="The history lists those that it has.",
            )
        return found[0]

    async def difference(self, scope: SpaceScope, older: int, newer: int | None = None) -> str:
        """How the text of one version becomes that of another, as a unified diff.

        Without `newer`: that of the version in force. Empty where both are equal. Raises NotFound.
        """
        before = await self.version(scope, older)
        after = await (self.in_force(scope) if newer is None else self.version(scope, newer))
        assert after is not None  # noqa: S101  (a space that has a version has one in force)
        lines = before.text.count("\n") + after.text.count("\n")
        return await offload_if_large(lines, lambda: _difference(before, after))

    async def apply(
        self, scope: SpaceScope, text: str, expected_version: int, reason: str | None
    ) -> ProfilesVersion:
        """Put a new version in force; an earlier text undoes what came after it.

        `expected_version` is the one in force, 0 where there is none. Raises Forbidden below
        ADMIN, ProfilesInvalid, FieldInvalid for a reason that is too long, and VersionConflict.
        """
        if not scope.allows(Role.ADMIN):
            raise forbidden(Role.ADMIN, scope.space)
        parse_profiles(text)
        if reason is not None and len(reason) > MAX_REASON:
            raise FieldInvalid("reason", f"The reason is longer than {MAX_REASON:,} characters.")
        now = self._clock()
        put, version = await self._store.apply(
            scope.space, text, expected_version, scope.author, reason, now
        )
        if not put:
            raise VersionConflict(version, "profiles text")
        return ProfilesVersion(version, text, now, scope.author, reason)


def _difference(before: ProfilesVersion, after: ProfilesVersion) -> str:
    lines = unified_diff(
        before.text.splitlines(),
        after.text.splitlines(),
        f"version {before.version}",
        f"version {after.version}",
        lineterm="",
    )
    return "".join(f"{line}\n" for line in lines)
