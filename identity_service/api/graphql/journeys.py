# ruff: noqa: D101, D103  (the schema's descriptions say what a type and a field is)
"""Journeys: the types of their rows, and the fields that run them.

The fields of a type stand in the order of the journey's columns.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, TypeVar, cast

import strawberry
from strawberry import UNSET, Parent

from identity_service.api.graphql.context import Info
from identity_service.api.graphql.fields import IdentifierInput
from identity_service.api.graphql.scalars import Millis
from identity_service.domain.customers import CustomerKind
from identity_service.domain.journeys import JOURNEYS
from identity_service.services.access import SpaceScope

T = TypeVar("T")


@strawberry.type
class PageShare:
    page: str
    customers: int
    share: float


@strawberry.type
class Flow:
    step: int
    from_: str = strawberry.field(name="from")
    to: str
    customers: int


@strawberry.type
class FunnelStep:
    event: str
    customers: int
    share: float
    median_seconds: float | None


@strawberry.type
class SplitFunnelStep:
    value: str
    event: str
    customers: int
    share: float
    median_seconds: float | None


@strawberry.type
class Correlation:
    event: str
    phi: float
    both: int
    event_only: int
    goal_only: int
    neither: int


@strawberry.type
class EventShare:
    event: str
    customers: int
    share: float


@strawberry.type
class Retention:
    cohort: str
    week: int
    customers: int
    share: float


@strawberry.type
class ConversionTime:
    from_seconds: int
    to_seconds: int | None
    customers: int
    share: float


@strawberry.type
class Attribution:
    channel: str
    customers: int
    first_touch: float
    last_touch: float
    linear: float
    time_decay: float


@strawberry.type
class PathStep:
    session: int
    at: str
    event: str
    source: str
    identifiers: str


@strawberry.type
class HiddenStep:
    identifier: str
    event: str
    events: int
    share: float


@strawberry.type
class CrossAppUsers:
    source: str
    other_source: str
    customers: int
    share: float


@strawberry.type
class AccountFit:
    account: str
    customers: int
    events: int


@strawberry.type
class ChannelConversion:
    channel: str
    subscribers: int
    customers: int
    share: float
    median_seconds: float | None


@strawberry.type
class ChangedIdentities:
    kind: str
    customers: int
    customers_with_step: int
    events: int
    share: float


@strawberry.input(
    name="CustomerSegment",
    description=(
        "Which customers count: of some kinds (known and anonymous ones unless told otherwise), "
        "who in the time range did a step, or had an event with a property of a value."
    ),
)
class Segment:
    kinds: list[CustomerKind] | None = UNSET
    did: str | None = UNSET
    property: str | None = UNSET
    value: str | None = UNSET


Since = Annotated[Millis | None, strawberry.argument(description="The first moment that counts.")]
Until = Annotated[
    Millis | None,
    strawberry.argument(description="The moment before which events count; now without it."),
]
ChangedSince = Annotated[
    Millis, strawberry.argument(description="The first moment of a change, by our clock.")
]
Counted = Annotated[Segment | None, strawberry.argument(description="Which customers count.")]


async def _run(
    info: Info,
    scope: SpaceScope,
    name: str,
    row: type[T],
    segment: Segment | None,
    **given: Any,
) -> list[T]:
    given |= vars(segment) if segment else {}
    told = {key: value for key, value in given.items() if value is not UNSET}
    figure = await info.context.services.journeys.run(scope, name, told)
    names = [field.name for field in fields(cast("Any", row))]
    return [row(**dict(zip(names, values, strict=True))) for values in figure.rows]


async def last_page_before(
    root: Parent[SpaceScope],
    info: Info,
    event: str,
    since: Since = UNSET,
    until: Until = UNSET,
    first: int | None = 20,
    segment: Counted = UNSET,
) -> list[PageShare]:
    return await _run(
        info,
        root,
        "last_page_before",
        PageShare,
        segment,
        event=event,
        since=since,
        until=until,
        first=first,
    )


async def flows(
    root: Parent[SpaceScope],
    info: Info,
    start_event: str | None = UNSET,
    end_event: str | None = UNSET,
    depth: int | None = 5,
    since: Since = UNSET,
    until: Until = UNSET,
    first: int | None = 200,
    names: int | None = 20,
    segment: Counted = UNSET,
) -> list[Flow]:
    return await _run(
        info,
        root,
        "flows",
        Flow,
        segment,
        start_event=start_event,
        end_event=end_event,
        depth=depth,
        since=since,
        until=until,
        first=first,
        names=names,
    )


async def funnel(
    root: Parent[SpaceScope],
    info: Info,
    steps: list[str],
    within: str | None = "30d",
    since: Since = UNSET,
    until: Until = UNSET,
    segment: Counted = UNSET,
) -> list[FunnelStep]:
    return await _run(
        info,
        root,
        "funnel",
        FunnelStep,
        segment,
        steps=steps,
        within=within,
        since=since,
        until=until,
    )


async def funnel_by(
    root: Parent[SpaceScope],
    info: Info,
    steps: list[str],
    by: str,
    within: str | None = "30d",
    since: Since = UNSET,
    until: Until = UNSET,
    first: int | None = 10,
    segment: Counted = UNSET,
) -> list[SplitFunnelStep]:
    return await _run(
        info,
        root,
        "funnel_by",
        SplitFunnelStep,
        segment,
        steps=steps,
        by=by,
        within=within,
        since=since,
        until=until,
        first=first,
    )


async def correlation(
    root: Parent[SpaceScope],
    info: Info,
    goal: str,
    since: Since = UNSET,
    until: Until = UNSET,
    first: int | None = 20,
    segment: Counted = UNSET,
) -> list[Correlation]:
    return await _run(
        info,
        root,
        "correlation",
        Correlation,
        segment,
        goal=goal,
        since=since,
        until=until,
        first=first,
    )


async def drop_off(
    root: Parent[SpaceScope],
    info: Info,
    silent_for: str | None = "30d",
    first: int | None = 20,
    since: Since = UNSET,
    until: Until = UNSET,
    segment: Counted = UNSET,
) -> list[EventShare]:
    return await _run(
        info,
        root,
        "drop_off",
        EventShare,
        segment,
        silent_for=silent_for,
        first=first,
        since=since,
        until=until,
    )


async def retention(
    root: Parent[SpaceScope],
    info: Info,
    start_event: str | None = UNSET,
    return_event: str | None = UNSET,
    weeks: int | None = 12,
    since: Since = UNSET,
    until: Until = UNSET,
    first: int | None = 1_000,
    segment: Counted = UNSET,
) -> list[Retention]:
    return await _run(
        info,
        root,
        "retention",
        Retention,
        segment,
        start_event=start_event,
        return_event=return_event,
        weeks=weeks,
        since=since,
        until=until,
        first=first,
    )


async def time_to_convert(
    root: Parent[SpaceScope],
    info: Info,
    start_event: str,
    goal: str,
    within: str | None = "90d",
    since: Since = UNSET,
    until: Until = UNSET,
    segment: Counted = UNSET,
) -> list[ConversionTime]:
    return await _run(
        info,
        root,
        "time_to_convert",
        ConversionTime,
        segment,
        start_event=start_event,
        goal=goal,
        within=within,
        since=since,
        until=until,
    )


async def attribution(
    root: Parent[SpaceScope],
    info: Info,
    goal: str,
    within: str | None = "30d",
    session: str | None = "30m",
    half_life: str | None = "7d",
    since: Since = UNSET,
    until: Until = UNSET,
    first: int | None = 50,
    segment: Counted = UNSET,
) -> list[Attribution]:
    return await _run(
        info,
        root,
        "attribution",
        Attribution,
        segment,
        goal=goal,
        within=within,
        session=session,
        half_life=half_life,
        since=since,
        until=until,
        first=first,
    )


async def customer_path(
    root: Parent[SpaceScope],
    info: Info,
    identifier: IdentifierInput,
    session: str | None = "30m",
    first: int | None = 200,
    since: Since = UNSET,
    until: Until = UNSET,
    segment: Counted = UNSET,
) -> list[PathStep]:
    return await _run(
        info,
        root,
        "customer_path",
        PathStep,
        segment,
        identifier=f"{identifier.type}:{identifier.value}",
        session=session,
        first=first,
        since=since,
        until=until,
    )


async def hidden_by_quarantine(
    root: Parent[SpaceScope],
    info: Info,
    first: int | None = 50,
    since: Since = UNSET,
    until: Until = UNSET,
    segment: Counted = UNSET,
) -> list[HiddenStep]:
    return await _run(
        info,
        root,
        "hidden_by_quarantine",
        HiddenStep,
        segment,
        first=first,
        since=since,
        until=until,
    )


async def cross_app_users(
    root: Parent[SpaceScope],
    info: Info,
    first: int | None = 50,
    since: Since = UNSET,
    until: Until = UNSET,
    segment: Counted = UNSET,
) -> list[CrossAppUsers]:
    return await _run(
        info,
        root,
        "cross_app_users",
        CrossAppUsers,
        segment,
        first=first,
        since=since,
        until=until,
    )


async def accounts(
    root: Parent[SpaceScope],
    info: Info,
    steps: list[str],
    first: int | None = 50,
    since: Since = UNSET,
    until: Until = UNSET,
    segment: Counted = UNSET,
) -> list[AccountFit]:
    return await _run(
        info,
        root,
        "accounts",
        AccountFit,
        segment,
        steps=steps,
        first=first,
        since=since,
        until=until,
    )


async def newsletter_to_customer(
    root: Parent[SpaceScope],
    info: Info,
    subscribed: str,
    goal: str,
    within: str | None = "90d",
    first: int | None = 50,
    since: Since = UNSET,
    until: Until = UNSET,
    segment: Counted = UNSET,
) -> list[ChannelConversion]:
    return await _run(
        info,
        root,
        "newsletter_to_customer",
        ChannelConversion,
        segment,
        subscribed=subscribed,
        goal=goal,
        within=within,
        first=first,
        since=since,
        until=until,
    )


async def changed_identities(
    root: Parent[SpaceScope],
    info: Info,
    changed_since: ChangedSince,
    event: str,
    since: Since = UNSET,
    until: Until = UNSET,
    segment: Counted = UNSET,
) -> list[ChangedIdentities]:
    return await _run(
        info,
        root,
        "changed_identities",
        ChangedIdentities,
        segment,
        changed_since=changed_since,
        event=event,
        since=since,
        until=until,
    )


def _question(name: str, resolver: Any) -> Any:
    return strawberry.field(resolver=resolver, description=JOURNEYS[name].question)


@strawberry.type(
    description=(
        "Journeys over resolved customers. Each is a file under cypher/journeys, and each answers "
        "here, on the command line and in Python alike."
    )
)
class Journeys:
    last_page_before: list[PageShare] = _question("last_page_before", last_page_before)
    flows: list[Flow] = _question("flows", flows)
    funnel: list[FunnelStep] = _question("funnel", funnel)
    funnel_by: list[SplitFunnelStep] = _question("funnel_by", funnel_by)
    correlation: list[Correlation] = _question("correlation", correlation)
    drop_off: list[EventShare] = _question("drop_off", drop_off)
    retention: list[Retention] = _question("retention", retention)
    time_to_convert: list[ConversionTime] = _question("time_to_convert", time_to_convert)
    attribution: list[Attribution] = _question("attribution", attribution)
    customer_path: list[PathStep] = _question("customer_path", customer_path)
    hidden_by_quarantine: list[HiddenStep] = _question("hidden_by_quarantine", hidden_by_quarantine)
    cross_app_users: list[CrossAppUsers] = _question("cross_app_users", cross_app_users)
    accounts: list[AccountFit] = _question("accounts", accounts)
    newsletter_to_customer: list[ChannelConversion] = _question(
        "newsletter_to_customer", newsletter_to_customer
    )
    changed_identities: list[ChangedIdentities] = _question(
        "changed_identities", changed_identities
    )


def journeys(root: Parent[SpaceScope]) -> SpaceScope:
    return root
