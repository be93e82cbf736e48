# ruff: noqa: D101, D103  (the schema's descriptions say what a type and a field is)
"""Journeys: the types of their rows, and the fields that run them.

The fields of a type stand in the order of the journey's columns.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any, Final, cast

import strawberry
from strawberry import UNSET, Parent

from identity_service.api.graphql.context import Info
from identity_service.api.graphql.fields import IdentifierInput
from identity_service.api.graphql.scalars import Millis
from identity_service.domain.identifiers import parse_identifier
from identity_service.domain.journeys.journeys import JOURNEYS
from identity_service.domain.journeys.parameters import Kind, Parameter
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.domain.timestamps import read_moment
from identity_service.services.spaces.access import SpaceScope


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
    at: Millis
    event: str
    source: str
    identifiers: list[PathIdentifier]


@strawberry.type
class PathIdentifier:
    type: str
    value: str


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
        "Which customers count: of some kinds (known and anonymous ones by default), "
        "who in the time range did a step, or had an event with a property of a value; who now are "
        "in an audience, or have a feature of a value (as text). Profiles are as computed last."
    ),
)
class Segment:
    kinds: list[CustomerKind] | None = UNSET
    did: str | None = UNSET
    property: str | None = UNSET
    value: str | None = UNSET
    audience: str | None = UNSET
    feature: str | None = UNSET
    feature_value: str | None = UNSET


TAKEN: Final[Mapping[Kind, Any]] = {
    Kind.TEXT: str,
    Kind.TEXTS: list[str],
    Kind.PROPERTY: str,
    Kind.MOMENT: Millis,
    Kind.DURATION: str,
    Kind.COUNT: int,
    Kind.IDENTIFIER: IdentifierInput,
}
"""The types of arguments, by what a parameter takes; kinds of customers are of the segment."""

DESCRIBED: Final = {
    "since": "The first moment that counts.",
    "until": "The moment before which events count; now without it.",
    "changed_since": "The first moment of a change, by our clock.",
}
IN_SEGMENT: Final = frozenset(field.name for field in fields(cast("Any", Segment)))


def _path_step(
    session: int, at: str, event: str, source: str, identifiers: Sequence[str]
) -> PathStep:
    carried = [parse_identifier(each) for each in identifiers]
    return PathStep(
        session=session,
        at=Millis(read_moment(at)),
        event=event,
        source=source,
        identifiers=[PathIdentifier(type=each.type, value=each.value) for each in carried],
    )


def _question(name: str, row: type[Any], shown: Callable[..., Any] | None = None) -> Any:
    """The field of a journey: its parameters are the arguments, its rows objects of a type.

    `shown` makes one of the values of a row, by their names; without it, they are its fields.
    """
    make = shown or row
    journey = JOURNEYS[name]
    columns = [field.name for field in fields(cast("Any", row))]

    async def answer(
        root: SpaceScope, info: Info, segment: Segment | None = None, **given: Any
    ) -> list[Any]:
        given |= vars(segment) if segment else {}
        values = {key: _plain(value) for key, value in given.items() if value is not UNSET}
        figure = await info.context.services.journeys.run(root, name, values)
        return [make(**dict(zip(columns, values, strict=True))) for values in figure.rows]

    counted = strawberry.argument(description="Which customers count.")
    taken = [
        _taken("root", Parent[SpaceScope]),
        _taken("info", Info),
        *(_argument(each) for each in journey.parameters if each.name not in IN_SEGMENT),
        _taken("segment", Annotated[Segment | None, counted], UNSET),
    ]
    cast("Any", answer).__signature__ = inspect.Signature(taken)
    return strawberry.field(resolver=answer, description=journey.question)


def _argument(parameter: Parameter) -> inspect.Parameter:
    kind = TAKEN[parameter.kind]
    described = strawberry.argument(description=_description(parameter))
    if parameter.required:
        return _taken(parameter.name, Annotated[kind, described])
    default = UNSET if parameter.default is None else parameter.default
    return _taken(parameter.name, Annotated[kind | None, described], default)


def _description(parameter: Parameter) -> str:
    meaning = parameter.meaning
    sentence = DESCRIBED.get(parameter.name) or f"{meaning[0].upper()}{meaning[1:]}."
    return f"{sentence} A time such as `30d`." if parameter.kind is Kind.DURATION else sentence


def _taken(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, annotation=annotation, default=default)


def _plain(given: Any) -> Any:
    """An argument as journeys read it."""
    return f"{given.type}:{given.value}" if isinstance(given, IdentifierInput) else given


@strawberry.type(
    description=(
        "Journeys over resolved customers. Each is a file under cypher/journeys, and each answers "
        "here, on the command line and in Python alike."
    )
)
class Journeys:
    last_page_before: list[PageShare] = _question("last_page_before", PageShare)
    flows: list[Flow] = _question("flows", Flow)
    funnel: list[FunnelStep] = _question("funnel", FunnelStep)
    funnel_by: list[SplitFunnelStep] = _question("funnel_by", SplitFunnelStep)
    correlation: list[Correlation] = _question("correlation", Correlation)
    drop_off: list[EventShare] = _question("drop_off", EventShare)
    retention: list[Retention] = _question("retention", Retention)
    time_to_convert: list[ConversionTime] = _question("time_to_convert", ConversionTime)
    attribution: list[Attribution] = _question("attribution", Attribution)
    customer_path: list[PathStep] = _question("customer_path", PathStep, _path_step)
    hidden_by_quarantine: list[HiddenStep] = _question("hidden_by_quarantine", HiddenStep)
    cross_app_users: list[CrossAppUsers] = _question("cross_app_users", CrossAppUsers)
    accounts: list[AccountFit] = _question("accounts", AccountFit)
    newsletter_to_customer: list[ChannelConversion] = _question(
        "newsletter_to_customer", ChannelConversion
    )
    changed_identities: list[ChangedIdentities] = _question("changed_identities", ChangedIdentities)


def journeys(root: Parent[SpaceScope]) -> SpaceScope:
    return root
