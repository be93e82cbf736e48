"""Audiences as they are stored: who is in them, and who entered and left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from identity_service.domain.profiles.definitions import Audience
from identity_service.domain.profiles.recorded import Member, RecordedMembershipChange
from identity_service.domain.recorded import Page, page_of
from identity_service.errors import BadInput
from identity_service.graph.feature_search import (
    FeatureSearch,
    FeatureSearchReader,
    FoundCustomers,
)
from identity_service.graph.memberships import MembershipReader
from identity_service.services.kit.data_loader import DataLoader
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.profile_texts import ProfileTexts


@dataclass(frozen=True, slots=True)
class NamedAudience:
    """An audience of the text in force, by its name."""

    name: str
    definition: Audience


class Audiences:
    """Reads the audiences of spaces. Members are those that were computed last."""

    def __init__(
        self, texts: ProfileTexts, reader: MembershipReader, search: FeatureSearchReader
    ) -> None:
        self._texts = texts
        self._search = search
        self._reader = reader
        self._sizes = DataLoader(reader.sizes)

    async def all(self, scope: SpaceScope) -> Sequence[NamedAudience]:
        """The audiences of the text in force, in its order."""
        in_force = await self._texts.definitions(scope)
        if in_force is None:
            return ()
        return [NamedAudience(name, each) for name, each in in_force.profiles.audiences.items()]

    async def find(self, scope: SpaceScope, name: str) -> NamedAudience | None:
        """The audience of that name; None where the text in force has none."""
        return next((each for each in await self.all(scope) if each.name == name), None)

    async def size(self, scope: SpaceScope, audience: NamedAudience) -> int:
        """How many customers or accounts are in an audience."""
        return await self._sizes.get((scope.space, audience.name, audience.definition.of)) or 0

    async def members(
        self, scope: SpaceScope, audience: NamedAudience, after: str, first: int
    ) -> Page[Member]:
        """Members by their ids, those after one; empty for the first."""
        of = audience.definition.of
        found = await self._reader.members(scope.space, audience.name, of, after, first + 1)
        return page_of(found, first)

    async def find_customers(
        self, scope: SpaceScope, search: FeatureSearch, first: int
    ) -> FoundCustomers:
        """Customers by the stored values of their features, at most `first`.

        Raises BadInput for a feature or an audience that the text in force does not have.
        """
        in_force = await self._texts.definitions(scope)
        features = in_force.profiles.features if in_force else ()
        for name in (search.order_by, *(each.name for each in search.conditions)):
            if name not in features:
                raise BadInput(f"The profiles text in force has no feature “{name[:100]}”.")
        if search.audience is not None and await self.find(scope, search.audience) is None:
            raise BadInput(f"The profiles text in force has no audience “{search.audience[:100]}”.")
        return await self._search.find(scope.space, search, first)

    async def changes(
        self, scope: SpaceScope, audience: str | None, before: int, first: int
    ) -> Page[RecordedMembershipChange]:
        """Who entered and left an audience, or any, before a position, newest first."""
        found = await self._reader.changes(scope.space, audience, before, first + 1)
        return page_of(found, first)
