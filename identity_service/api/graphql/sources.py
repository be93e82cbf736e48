# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Sources: their types and fields, and what changes them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Annotated, TypeAlias

import strawberry
from strawberry import UNSET, Parent

from identity_service import errors
from identity_service.api.graphql.connections import (
    Connection,
    PageInfo,
    connection,
    decode_cursor,
    encode_cursor,
    page_size,
)
from identity_service.api.graphql.context import Info
from identity_service.api.graphql.refused import (
    Invalid,
    Overtaken,
    Refused,
    VersionConflict,
    refused,
)
from identity_service.api.graphql.scalars import Millis
from identity_service.api.graphql.types import by, shows
from identity_service.collect.webhooks.vendors import Vendor
from identity_service.domain import sources
from identity_service.domain.identifiers import Identifier
from identity_service.domain.recorded import Page
from identity_service.errors import FieldInvalid, ReadingRulesInvalid
from identity_service.services.preview import rule_previews
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.sources import RotatedKey


@strawberry.type(description="A write key that is good. The key itself is shown to nobody.")
class SourceKey:
    created_at: Millis
    good_until: Millis | None = strawberry.field(
        description="When it ends, since a newer one takes its place. Null for the newest."
    )


def _rejected(root: Parent[sources.SourceStatistics]) -> list[RejectedNumber]:
    return [RejectedNumber(code=code, events=number) for code, number in root.rejected.items()]


def _mean_lag(root: Parent[sources.SourceStatistics]) -> float | None:
    return None if root.mean_lag_ms is None else root.mean_lag_ms / 1_000


def _longest_lag(root: Parent[sources.SourceStatistics]) -> float | None:
    return None if root.longest_lag_ms is None else root.longest_lag_ms / 1_000


async def _statistics(
    root: Parent[sources.Source], info: Info, days: int = 30
) -> sources.SourceStatistics:
    return await info.context.services.sources.statistics(root, days)


def _vendor(root: Parent[sources.Source]) -> Vendor | None:
    return None if root.vendor is None else Vendor(root.vendor)


def _last_seen(root: Parent[sources.Source]) -> Millis | None:
    return None if root.last_seen is None else Millis(root.last_seen)


@strawberry.type
class RejectedNumber:
    code: str
    events: int


@strawberry.type(
    description="Events of a source: received = accepted + known + dropped + rejected."
)
class SourceStatistics:
    received: int
    accepted: int = strawberry.field(description="Stored as events.")
    known: int = strawberry.field(description="Stored before: its senders sent them again.")
    dropped: int = strawberry.field(description="By its reading rules.")
    rejected: list[RejectedNumber] = by(_rejected, description="By reason, if there are any.")
    collisions: int = strawberry.field(
        description="Of the accepted ones, those whose message id another event has."
    )
    mean_lag_seconds: float | None = by(
        _mean_lag, description="Of the accepted ones, from when they happened to their receipt."
    )
    longest_lag_seconds: float | None = by(_longest_lag)


async def _reading_rules(
    root: Parent[sources.Source], info: Info, first: int | None = 1
) -> Sequence[sources.RulesVersion]:
    return await info.context.services.sources.rules_of(root, page_size(first, 1, 100))


@strawberry.type
class ReadingRules:
    version: int
    text: str
    created_at: Millis
    author: str


@strawberry.type
@shows(sources.Source)
class Source:
    name: str
    spaces: list[str] = strawberry.field(
        description="That its events enter, as far as the key may know them."
    )
    feeds_other_spaces: bool = strawberry.field(
        description="Its events enter spaces that the key may not know."
    )
    region: str | None = strawberry.field(
        description="The country of the national phone numbers that it sends (ISO 3166)."
    )
    snowplow_app_id: str | None = strawberry.field(
        description="By which Snowplow's trackers name it (`aid`)."
    )
    created_at: Millis
    paused_at: Millis | None = strawberry.field(
        description="Since when its events are not taken: they are answered 503, for later."
    )
    paused_by: str | None
    events_per_s: float | None = strawberry.field(
        name="eventsPerSecond",
        description="The most that it may send to one process; beyond, it is answered 429.",
    )
    keys: list[SourceKey] = strawberry.field(
        description="Its write keys that are good, the oldest first."
    )
    vendor: Vendor | None = by(_vendor, description="Whose webhook feeds it, if one does.")
    last_seen_at: Millis | None = by(
        _last_seen, description="When something was received from it last, to a few seconds."
    )
    rules_version: int = strawberry.field(
        description="How often its reading rules were set; 0: it has none."
    )
    reading_rules: list[ReadingRules] = by(
        _reading_rules, description="Versions, newest first: the first one is in force."
    )
    statistics: SourceStatistics = by(
        _statistics,
        description=(
            "Of so many days, today's included, 90 at most, by UTC; to a few seconds. What it sent "
            "to `spaces`."
        ),
    )


@strawberry.type
class SourceEdge:
    cursor: str
    node: Source


@strawberry.type
class SourceConnection:
    edges: list[SourceEdge]
    page_info: PageInfo


@strawberry.type
@shows(RotatedKey)
class SourceKeyRotated:
    source: Source
    write_key: str = strawberry.field(description="The new key, which is shown only now.")


def _after(root: Parent[rule_previews.ReadEvent]) -> list[Identifier]:
    return list(root.identifiers)


@strawberry.type
class ReadIdentifier:
    type: str
    value: str


@strawberry.type(description="What rules make of an event, before the policy.")
class ReadEvent:
    name: str | None
    identifiers: list[ReadIdentifier] = by(_after)
    at: Millis


@strawberry.type
class ReadDifference:
    message_id: str
    before: ReadEvent | None = strawberry.field(description="Null where it is dropped.")
    after: ReadEvent | None


@strawberry.type
@shows(rule_previews.RulesPreview)
class RulesPreview:
    events: int = strawberry.field(description="That were read again, the newest of the source.")
    differences: list[ReadDifference] = strawberry.field(
        description="Those that are read differently, newest receipt first."
    )


PreviewReadingRulesResult: TypeAlias = Annotated[
    RulesPreview | Invalid, strawberry.union("PreviewReadingRulesResult")
]
SetReadingRulesResult: TypeAlias = Annotated[
    Source | Invalid | VersionConflict, strawberry.union("SetReadingRulesResult")
]
ChangeSourceResult: TypeAlias = Annotated[Source | Invalid, strawberry.union("ChangeSourceResult")]
RotateSourceKeyResult: TypeAlias = Annotated[
    SourceKeyRotated | Invalid, strawberry.union("RotateSourceKeyResult")
]


async def of_space(
    root: Parent[SpaceScope], info: Info, first: int | None = 50, after: str | None = UNSET
) -> Connection[sources.Source]:
    service = info.context.services.sources
    return _connection(await service.of_space(root, _name(after), page_size(first, 50)), after)


async def of_instance(
    info: Info, first: int | None = 50, after: str | None = UNSET
) -> Connection[sources.Source]:
    caller, service = info.context.caller, info.context.services.sources
    return _connection(await service.all(caller, _name(after), page_size(first, 50)), after)


async def pause_source(info: Info, space: str, source: str) -> sources.Source | Refused:
    service = info.context.services.sources
    return await _changed(service.pause(info.context.caller, space, source))


async def resume_source(info: Info, space: str, source: str) -> sources.Source | Refused:
    service = info.context.services.sources
    return await _changed(service.resume(info.context.caller, space, source))


async def limit_source(
    info: Info, space: str, source: str, events_per_second: float | None = UNSET
) -> sources.Source | Refused:
    service, limit = info.context.services.sources, events_per_second
    limit = None if limit is UNSET else limit
    return await _changed(service.limit(info.context.caller, space, source, limit))


async def rotate_source_key(
    info: Info, space: str, source: str, grace_seconds: int = 86_400
) -> RotatedKey | Refused:
    service = info.context.services.sources
    try:
        return await service.rotate_key(info.context.caller, space, source, grace_seconds)
    except FieldInvalid as error:
        return refused(error)


async def feed_spaces(
    info: Info, space: str, source: str, spaces: list[str]
) -> sources.Source | Refused:
    service = info.context.services.sources
    return await _changed(service.feed(info.context.caller, space, source, spaces))


async def set_reading_rules(
    info: Info, space: str, source: str, rules: str, expected_version: int
) -> sources.Source | Refused | Overtaken:
    caller, service = info.context.caller, info.context.services.sources
    try:
        return await service.set_rules(caller, space, source, rules, expected_version)
    except (FieldInvalid, ReadingRulesInvalid) as error:
        return refused(error)
    except errors.VersionConflict as error:
        return Overtaken(str(error), error.current_version)


async def preview_reading_rules(
    root: Parent[SpaceScope], info: Info, source: str, rules: str, first: int | None = 100
) -> rule_previews.RulesPreview | Refused:
    service = info.context.services.rule_previews
    try:
        most = page_size(first, 100, rule_previews.MAX_EVENTS)
        return await service.preview(root, source, rules, most)
    except (FieldInvalid, ReadingRulesInvalid) as error:
        return refused(error)


async def _changed(change: Awaitable[sources.Source]) -> sources.Source | Refused:
    try:
        return await change
    except FieldInvalid as error:
        return refused(error)


def _name(after: str | None) -> str:
    return decode_cursor("source", after, 1)[0] if after else ""


def _connection(page: Page[sources.Source], after: str | None) -> Connection[sources.Source]:
    return connection(
        page, after or None, lambda each: encode_cursor("source", each.name), lambda each: each
    )
