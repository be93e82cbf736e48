# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""What the fields of accounts do that the profiles text defines: features, audiences, and why."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeAlias

from strawberry import UNSET, Parent

from identity_service.api.graphql.connections import page_size
from identity_service.api.graphql.context import Info, Scoped
from identity_service.api.graphql.customer_profiles import ShownFeature, shown_feature
from identity_service.domain.profiles.explain import (
    MOST_EVENTS,
    AudienceExplanation,
    FeatureExplanation,
)
from identity_service.errors import NotFound
from identity_service.services.read.account_profiles import AccountProfile
from identity_service.services.read.current import CurrentView
from identity_service.services.read.view import Account

ScopedAccount: TypeAlias = Scoped[Account]


async def features(
    root: Parent[ScopedAccount], info: Info, names: list[str] | None = UNSET
) -> list[ShownFeature]:
    found = await _profile(root, info)
    if found is None:
        return []
    return [
        shown_feature(name, value, found.evaluated_at, found.version)
        for name, value in found.features.items()
        if not names or name in names
    ]


async def audiences(root: Parent[ScopedAccount], info: Info) -> list[str]:
    found = await _profile(root, info)
    return [] if found is None else list(found.audiences)


async def explain_feature(
    root: Parent[ScopedAccount], info: Info, name: str, first: int | None = MOST_EVENTS
) -> Scoped[FeatureExplanation] | None:
    most = page_size(first, MOST_EVENTS)
    if not _is_of_now(root):
        return None
    profiles = info.context.services.account_profiles
    with suppress(NotFound):
        found = await profiles.explain_feature(root.scope, root.record.account_id, name, most)
        return root.beside(found)
    return None


async def explain_audience(
    root: Parent[ScopedAccount], info: Info, name: str
) -> AudienceExplanation | None:
    if not _is_of_now(root):
        return None
    profiles = info.context.services.account_profiles
    with suppress(NotFound):
        return await profiles.explain_audience(root.scope, root.record.account_id, name)
    return None


async def _profile(root: ScopedAccount, info: Info) -> AccountProfile | None:
    if not _is_of_now(root):
        return None
    profiles = info.context.services.account_profiles
    with suppress(NotFound):
        return await profiles.profile(root.scope, root.record.account_id)
    return None


def _is_of_now(root: ScopedAccount) -> bool:
    return isinstance(root.view, CurrentView)
