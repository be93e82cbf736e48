# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""Why? The fields about links, what was decided on each, and what follows from that."""

from __future__ import annotations

from typing import Final

from graphql import OperationType
from strawberry import Parent

from identity_service.api.graphql.connections import page_size
from identity_service.api.graphql.context import Info, Scoped
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
from identity_service.services.read.current import Missing
from identity_service.services.read.explanations import ExplainedPair, Loaded
from identity_service.services.spaces.access import SpaceScope

MAX_LINKS: Final = 1_000


async def explain(
    root: Parent[SpaceScope],
    info: Info,
    a: IdentifierInput,
    b: IdentifierInput,
) -> Scoped[ExplainedPair] | Missing | Scoped[OverConnectedComponent]:
    answer = await info.context.services.explanations.explain(
        root, Identifier(a.type, a.value), Identifier(b.type, b.value), _loaded(info)
    )
    if isinstance(answer, Missing):
        return answer
    if isinstance(answer, ExplainedPair):
        return Scoped(root, answer)
    return Scoped(root, answer)


def explained_a(root: Parent[Scoped[ExplainedPair]]) -> ScopedIdentifier:
    return Scoped(root.scope, root.record.a)


def explained_b(root: Parent[Scoped[ExplainedPair]]) -> ScopedIdentifier:
    return Scoped(root.scope, root.record.b)


def path(root: Parent[Scoped[ExplainedPair]]) -> list[Scoped[DecidedLink]]:
    return [Scoped(root.scope, link) for link in root.record.path]


def refusals(root: Parent[Scoped[ExplainedPair]]) -> list[Scoped[DecidedLink]]:
    return [Scoped(root.scope, link) for link in root.record.refusals]


def deciding_judgement(root: Parent[Scoped[ExplainedPair]]) -> Scoped[Judgement] | None:
    made = root.record.judgement
    return Scoped(root.scope, made) if made else None


async def health(root: Parent[ScopedCustomer], info: Info) -> Health:
    if root.past:
        return root.past.health(root.record)
    return await info.context.services.explanations.health(root.scope, root.record, _loaded(info))


async def links(
    root: Parent[ScopedCustomer], info: Info, first: int | None = MAX_LINKS
) -> list[Scoped[DecidedLink]]:
    most = page_size(first, MAX_LINKS, MAX_LINKS)
    explanations = info.context.services.explanations
    found = (
        await root.past.links(root.scope, root.record, most)
        if root.past
        else await explanations.links(root.scope, root.record, most, _loaded(info))
    )
    return [root.beside(link) for link in found]


async def shared_devices(
    root: Parent[ScopedCustomer], info: Info, first: int | None = 100
) -> list[ScopedIdentifier]:
    most = page_size(first, 100)
    explanations = root.past or info.context.services.explanations
    found = await explanations.shared_devices(root.scope, root.record.customer_id, most)
    return scoped(root.scope, found, root.past)


def link_a(root: Parent[Scoped[DecidedLink]]) -> ScopedIdentifier:
    return root.beside(root.record.a)


def link_b(root: Parent[Scoped[DecidedLink]]) -> ScopedIdentifier:
    return root.beside(root.record.b)


async def example_event(
    root: Parent[Scoped[DecidedLink]], info: Info
) -> Scoped[RecordedEvent] | None:
    found = await info.context.services.explanations.example_event(root.record)
    if found is None or (root.past and not root.past.had_received(found)):
        return None
    return root.beside(found)


def link_decision(root: Parent[Scoped[DecidedLink]]) -> Scoped[LinkDecision]:
    return root.beside(root.record.decision)


def conflict(root: Parent[Scoped[LinkDecision]]) -> list[ScopedIdentifier]:
    return scoped(root.scope, root.record.conflict, root.past)


def _loaded(info: Info) -> Loaded:
    """What this request has loaded already: while it writes nothing, nothing is loaded twice."""
    reads = info.operation.operation is OperationType.QUERY
    return info.context.loaded if reads else Loaded()
