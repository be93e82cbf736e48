"""A database as a source: a file that says which queries give which calls.

::

    source: crm                      # a source that there is; its events enter the spaces it feeds
    url_env: CRM_DATABASE_URL        # the variable that holds the address, with its password
    every: 5m
    calls:
      - identify: |
          SELECT id, email, plan, updated_at FROM users
          WHERE updated_at >= :since ORDER BY updated_at, id
        cursor: updated_at
        overlap: 10m
        key: id
        user_id: id
        traits: [email, plan]
      - track: Subscription Started
        query: SELECT …
        cursor: id
        key: id
        user_id: customer_id
        at: started_at
        properties: [plan, amount]

`identify` and `group` hold their query, `track` the name of the event beside a `query`. All other
values of a call name columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from identity_service.collect.polled import CallKind, PolledCall
from identity_service.collect.source_text import (
    Column,
    Columns,
    Duration,
    Strict,
    Variable,
    checked,
)
from identity_service.domain.policies.durations import parse_duration

DEFAULT_OVERLAP_MS: Final = 10 * 60 * 1000
DEFAULT_OVERLAP_ROWS: Final = 1_000
"""How far before the last cursor value a query begins, unless the file says so."""

SINCE: Final = re.compile(r"(?<![:\w\\]):since\b")
"""The parameter of a query that stands for where to begin."""

_ORDERED: Final = re.compile(r"\border\s+by\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A source that is read from a database every so often.

    `url_env` is the name of the variable that holds the address. No statement may take longer
    than `timeout_ms`.
    """

    name: str
    url_env: str
    every_ms: int
    timeout_ms: int
    calls: tuple[PolledCall, ...]


def sql_source(data: Any) -> SqlSource:
    """A source from the data of its file. Raises BadInput that names every mistake."""
    given = checked(_Source, data)
    calls: dict[str, PolledCall] = {}
    for call in given.calls:
        numbered = (f"{call.label} {number}" for number in count(2))
        label = next(each for each in chain([call.label], numbered) if each not in calls)
        calls[label] = call.as_call(label)
    every, timeout = given.every, given.timeout
    return SqlSource(given.source, given.url_env, every, timeout, tuple(calls.values()))


class _Call(Strict):
    identify: Column | None = None
    track: Column | None = None
    group: Column | None = None
    query: Column | None = None
    cursor: Column
    overlap: str | Annotated[int, Field(ge=0)] | None = None
    key: Annotated[Columns, Field(min_length=1, strict=False)]
    at: Column | None = None
    user_id: Column | None = None
    anonymous_id: Column | None = None
    group_id: Column | None = None
    identifiers: dict[str, Column] = Field(default_factory=dict)
    traits: Annotated[Columns, Field(strict=False)] = ()
    properties: Annotated[Columns, Field(strict=False)] = ()
    mirror: Literal["full"] | None = None

    @property
    def kind(self) -> CallKind:
        """Which of the three it is."""
        [kind] = [each for each in CallKind if getattr(self, each) is not None]
        return kind

    @property
    def label(self) -> str:
        """The kind, and of a track call the event."""
        return f"track {self.track}" if self.track else self.kind.value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for mistake in self._mistakes():
            raise ValueError(mistake)
        return self

    def _mistakes(self) -> Iterator[str]:
        kinds = [each for each in CallKind if getattr(self, each) is not None]
        if len(kinds) != 1:
            yield "a call is one of identify, track and group"
            return
        if (self.track is None) != (self.query is None):
            yield "track names the event and needs a query; identify and group hold theirs"
        if self.track is not None and self.traits:
            yield "a track call has properties, not traits"
        if self.track is None and self.properties:
            yield f"a call of {kinds[0]} has traits, not properties"
        if self.track is not None and self.mirror:
            yield "a track call has no mirror: what happened is not undone when its row goes"
        if self.group is not None and self.group_id is None:
            yield "a call of group needs the column group_id"
        if not (self.user_id or self.anonymous_id or self.identifiers):
            yield "it needs user_id, anonymous_id or identifiers: the columns that say who it is"
        if isinstance(self.overlap, str):
            parse_duration(self.overlap)

    def as_call(self, label: str) -> PolledCall:
        """The same, checked and under its label."""
        said = self.overlap
        of_time = parse_duration(said) if isinstance(said, str) else None
        of_rows = said if isinstance(said, int) else None
        if said == 0:  # nothing of either kind
            of_time = 0
        query = self.query or self.identify or self.group or ""
        return PolledCall(
            kind=self.kind,
            event=self.track,
            label=label,
            query=query,
            cursor=self.cursor,
            overlap_ms=DEFAULT_OVERLAP_MS if said is None else of_time,
            overlap_rows=DEFAULT_OVERLAP_ROWS if said is None else of_rows,
            key=self.key,
            at=self.at,
            user_id=self.user_id,
            anonymous_id=self.anonymous_id,
            group_id=self.group_id,
            identifiers=self.identifiers,
            carried=self.traits or self.properties,
            is_ordered=_ORDERED.search(query) is not None,
            is_mirrored=self.mirror is not None,
        )


class _Source(Strict):
    source: Column
    url_env: Variable
    every: Duration = parse_duration("5m")
    timeout: Duration = parse_duration("60s")
    calls: Annotated[tuple[_Call, ...], Field(min_length=1, strict=False)]
