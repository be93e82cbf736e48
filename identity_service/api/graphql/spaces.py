# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""The fields of a space, and the way into one."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from strawberry import ID, UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    connection,
    decode_cursor,
    encode_cursor,
    number_in,
    page_size,
)
from identity_service.api.graphql.context import Info, Scoped, current_view, require
from identity_service.api.graphql.scalars import Millis, earliest, latest
from identity_service.api.graphql.scoped import ScopedCustomer, ScopedIdentifier, by_id, id_before
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import AnyJudgement, Detachment
from identity_service.domain.recorded import (
    PolicyVersion,
    RecordedEvent,
    RolloutProgress,
    SettledCustomer,
)
from identity_service.domain.retractions import RetractionProgress
from identity_service.graph.keys import identifier_key
from identity_service.graph.ledger import JudgementFilter
from identity_service.services.spaces.access import Role, SpaceScope

# The way in


async def space(info: Info, name: str) -> SpaceScope | None:
    return info.context.services.access.enter(info.context.caller, name)


async def spaces(info: Info) -> list[SpaceScope]:
    caller = info.context.caller
    if caller is None or caller.space is None:
        return []
    scope = info.context.services.access.enter(caller, caller.space)
    return [scope] if scope else []


# Space


def name(root: Parent[SpaceScope]) -> str:
    return root.space


async def policy(root: Parent[SpaceScope], info: Info) -> PolicyVersion:
    return await info.context.services.spaces.policy(root)


async def policies(
    root: Parent[SpaceScope], info: Info, first: int | None = 20, after: str | None = UNSET
) -> Connection[PolicyVersion]:
    cursor = after or None
    before = number_in(cursor, decode_cursor("policy", cursor, 1)[0]) if cursor else None
    page = await info.context.services.spaces.policies(root, page_size(first, 20), before)
    return connection(
        page, cursor, lambda policy: encode_cursor("policy", policy.version), lambda policy: policy
    )


async def settlement(root: Parent[SpaceScope], info: Info) -> RolloutProgress:
    return await info.context.services.spaces.rollout_progress(root)


async def follow_settlement(info: Info, space: str) -> AsyncGenerator[RolloutProgress]:
    services = info.context.services
    scope = require(info, space, Role.READER)
    async for progress in services.policy_rollout.progress(scope):
        yield progress


def statistics(root: Parent[SpaceScope]) -> SpaceScope:
    return root


async def count_customers(root: Parent[SpaceScope], info: Info) -> int:
    return (await info.context.services.spaces.count_customers(root)).customers


async def count_known(root: Parent[SpaceScope], info: Info) -> int:
    return (await info.context.services.spaces.count_customers(root)).known


async def count_anonymous(root: Parent[SpaceScope], info: Info) -> int:
    return (await info.context.services.spaces.count_customers(root)).anonymous


async def count_quarantined(root: Parent[SpaceScope], info: Info) -> int:
    return (await info.context.services.spaces.count_customers(root)).quarantined


async def count_identifiers(root: Parent[SpaceScope], info: Info) -> int:
    return await info.context.services.spaces.count_identifiers(root)


async def count_events(root: Parent[SpaceScope], info: Info) -> int:
    return await info.context.services.spaces.count_events(root)


async def count_links(root: Parent[SpaceScope], info: Info) -> int:
    return await info.context.services.spaces.count_links(root)


async def judgements(
    root: Parent[SpaceScope],
    info: Info,
    first: int | None = 50,
    after: str | None = UNSET,
    author: str | None = UNSET,
    customer: ID | None = UNSET,
    since: Millis | None = UNSET,
    until: Millis | None = UNSET,
) -> Connection[Scoped[AnyJudgement]]:
    service, view = info.context.services.ledger, current_view(info, root)
    which = JudgementFilter(author or None, earliest(since), latest(until))
    before, most = id_before("judgement", after), page_size(first, 50)
    if customer:
        found = await view.find_by_id(customer)
        about = found.customer_id if isinstance(found, SettledCustomer) else customer
        page = await service.judgements_of(root, about, which, before, most)
    else:
        page = await service.judgements(root, which, before, most)
    return by_id("judgement", view, page, after or None, lambda judgement: judgement.id)


async def customer_judgements(
    root: Parent[ScopedCustomer], info: Info, first: int | None = 50, after: str | None = UNSET
) -> Connection[Scoped[AnyJudgement]]:
    page = await root.view.judgements(
        root.record, id_before("judgement", after), page_size(first, 50)
    )
    view = current_view(info, root.scope)
    return by_id("judgement", view, page, after or None, lambda judgement: judgement.id)


# Judgement, Retraction


def judgement_a(root: Parent[Scoped[AnyJudgement]], info: Info) -> Scoped[Identifier]:
    return _judged(root, info, root.record.a)


def judgement_b(root: Parent[Scoped[AnyJudgement]], info: Info) -> Scoped[Identifier] | None:
    b = root.record.b
    return None if b is None else _judged(root, info, b)


async def judgement_event(
    root: Parent[Scoped[AnyJudgement]], info: Info
) -> Scoped[RecordedEvent] | None:
    made = root.record
    if not isinstance(made, Detachment):
        return None
    view = current_view(info, root.scope)
    event = await view.event_with(made.message_id, made.made_at)
    return None if event is None else Scoped(view, event)


async def judged_identifier(root: Parent[Scoped[Identifier]]) -> ScopedIdentifier | None:
    found = await root.view.identifiers([identifier_key(root.scope.space, root.record)])
    return root.beside(found[0]) if found else None


def _judged(root: Scoped[AnyJudgement], info: Info, identifier: Identifier) -> Scoped[Identifier]:
    # A judgement is shown with its identifiers as they are now, also in an answer as of a moment.
    return Scoped(current_view(info, root.scope), identifier)


def retraction_from(root: Parent[RetractionProgress]) -> Millis:
    return Millis(root.begin)
