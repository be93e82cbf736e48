# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""What the fields of customers do that the profiles text defines: features, audiences, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from strawberry import UNSET, Parent

from identity_service.api.graphql.connections import page_size
from identity_service.api.graphql.context import Info, Scoped
from identity_service.api.graphql.scalars import Json, exact_json
from identity_service.api.graphql.scoped import ScopedCustomer
from identity_service.domain.profiles.evaluate import FeatureValue
from identity_service.domain.profiles.explain import (
    MOST_EVENTS,
    AudienceExplanation,
    ConditionOutcome,
    Contribution,
    FeatureExplanation,
)
from identity_service.domain.recorded import RecordedEvent
from identity_service.errors import NotFound
from identity_service.services.read.customer_profiles import recorded_event


class ShownFeature(NamedTuple):
    """A feature of a customer, as it is answered."""

    name: str
    value: Json
    skipped: int
    truncated: bool
    evaluated_at: int
    version: int


class ShownOutcome(NamedTuple):
    """A part of a condition, and how deep it stands in it: 0 is the whole."""

    depth: int
    text: str
    holds: bool
    unknown: bool


class ShownOperand(NamedTuple):
    """A feature that another one is computed from."""

    name: str
    value: Json


async def features(
    root: Parent[ScopedCustomer], info: Info, names: list[str] | None = UNSET
) -> list[ShownFeature]:
    found = await info.context.services.customer_profiles.profile(
        root.view, root.record, with_audiences=False
    )
    if found is None:
        return []
    return [
        shown_feature(name, value, found.evaluated_at, found.version)
        for name, value in found.features.items()
        if not names or name in names
    ]


async def audiences(root: Parent[ScopedCustomer], info: Info) -> list[str]:
    found = await info.context.services.customer_profiles.profile(
        root.view, root.record, with_audiences=True
    )
    return [] if found is None else list(found.audiences)


async def explain_feature(
    root: Parent[ScopedCustomer], info: Info, name: str, first: int | None = MOST_EVENTS
) -> Scoped[FeatureExplanation] | None:
    most = page_size(first, MOST_EVENTS)
    profiles = info.context.services.customer_profiles
    with suppress(NotFound):
        return root.beside(await profiles.explain_feature(root.view, root.record, name, most))
    return None


async def explain_audience(
    root: Parent[ScopedCustomer], info: Info, name: str
) -> AudienceExplanation | None:
    profiles = info.context.services.customer_profiles
    with suppress(NotFound):
        return await profiles.explain_audience(root.view, root.record, name)
    return None


def explained_value(root: Parent[Scoped[FeatureExplanation]]) -> Json:
    return exact_json(root.record.value.value)


def explained_skipped(root: Parent[Scoped[FeatureExplanation]]) -> int:
    return root.record.value.skipped


def explained_truncated(root: Parent[Scoped[FeatureExplanation]]) -> bool:
    return root.record.value.truncated


def contributions(root: Parent[Scoped[FeatureExplanation]]) -> list[Scoped[Contribution]]:
    return [root.beside(each) for each in root.record.events]


def operands(root: Parent[Scoped[FeatureExplanation]]) -> list[ShownOperand]:
    return [
        ShownOperand(name, exact_json(each.value)) for name, each in root.record.operands.items()
    ]


def contributing_event(root: Parent[Scoped[Contribution]]) -> Scoped[RecordedEvent]:
    return root.beside(recorded_event(root.record.event))


def contributed(root: Parent[Scoped[Contribution]]) -> Json | None:
    value = root.record.value
    return None if value is None else exact_json(value)


def conditions(root: Parent[AudienceExplanation]) -> list[ShownOutcome]:
    return list(_flat(root.outcome, 0))


def _flat(outcome: ConditionOutcome, depth: int) -> Iterator[ShownOutcome]:
    yield ShownOutcome(depth, outcome.text, outcome.holds, outcome.unknown)
    for part in outcome.parts:
        yield from _flat(part, depth + 1)


def shown_feature(name: str, value: FeatureValue, evaluated_at: int, version: int) -> ShownFeature:
    return ShownFeature(
        name, exact_json(value.value), value.skipped, value.truncated, evaluated_at, version
    )
