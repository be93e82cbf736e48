# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""The fields about links, what was decided on each, and the explanation of two identifiers."""

from __future__ import annotations

from typing import Final

from strawberry import Parent

from identity_service.api.graphql.connections import page_size
from identity_service.api.graphql.context import Info, Scoped, current_view
from identity_service.api.graphql.fields import IdentifierInput
from identity_service.api.graphql.scoped import ScopedCustomer, ScopedIdentifier, scoped
from identity_service.domain.explain.health import Health
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.recorded import (
    DecidedLink,
    LinkDecision,
    OverConnectedComponent,
    RecordedEvent,
)
from identity_service.services.read.explanations import ExplainedPair
from identity_service.services.read.view import Missing
from identity_service.services.spaces.access import SpaceScope

MAX_LINKS: Final = 1_000
"""Most links of a customer in one answer."""


async def explain(
    root: Parent[SpaceScope],
    info: Info,
    a: IdentifierInput,
    b: IdentifierInput,
) -> Scoped[ExplainedPair] | Missing | Scoped[OverConnectedComponent]:
    view = current_view(info, root)
    answer = await info.context.services.explanations.explain(
        view, Identifier(a.type, a.value), Identifier(b.type, b.value)
    )
    if isinstance(answer, Missing):
        return answer
    if isinstance(answer, ExplainedPair):
        return Scoped(view, answer)
    return Scoped(view, answer)


def explained_a(root: Parent[Scoped[ExplainedPair]]) -> ScopedIdentifier:
    return root.beside(root.record.a)


def explained_b(root: Parent[Scoped[ExplainedPair]]) -> ScopedIdentifier:
    return root.beside(root.record.b)


def path(root: Parent[Scoped[ExplainedPair]]) -> list[Scoped[DecidedLink]]:
    return scoped(root.view, root.record.path)


def refusals(root: Parent[Scoped[ExplainedPair]]) -> list[Scoped[DecidedLink]]:
    return scoped(root.view, root.record.refusals)


def deciding_judgement(root: Parent[Scoped[ExplainedPair]]) -> Scoped[Judgement] | None:
    made = root.record.judgement
    return root.beside(made) if made else None


async def health(root: Parent[ScopedCustomer]) -> Health:
    return await root.view.health(root.record)


async def links(
    root: Parent[ScopedCustomer], first: int | None = MAX_LINKS
) -> list[Scoped[DecidedLink]]:
    most = page_size(first, MAX_LINKS, MAX_LINKS)
    return scoped(root.view, await root.view.links(root.record, most))


async def shared_devices(
    root: Parent[ScopedCustomer], first: int | None = 100
) -> list[ScopedIdentifier]:
    most = page_size(first, 100)
    return scoped(root.view, await root.view.shared_devices(root.record, most))


def link_a(root: Parent[Scoped[DecidedLink]]) -> ScopedIdentifier:
    return root.beside(root.record.a)


def link_b(root: Parent[Scoped[DecidedLink]]) -> ScopedIdentifier:
    return root.beside(root.record.b)


async def example_event(root: Parent[Scoped[DecidedLink]]) -> Scoped[RecordedEvent] | None:
    found = await root.view.example_event(root.record)
    return root.beside(found) if found else None


def link_decision(root: Parent[Scoped[DecidedLink]]) -> Scoped[LinkDecision]:
    return root.beside(root.record.decision)


def conflict(root: Parent[Scoped[LinkDecision]]) -> list[ScopedIdentifier]:
    return scoped(root.view, root.record.conflict)
