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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, count
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from identity_service.domain.policies.durations import DURATION_HELP, parse_duration
from identity_service.domain.policies.yaml_text import read_yaml
from identity_service.errors import BadInput, Problem

MAX_BYTES: Final = 256 * 1024
"""Longest file that is read."""

DEFAULT_OVERLAP_MS: Final = 10 * 60 * 1000
DEFAULT_OVERLAP_ROWS: Final = 1_000
"""How far before the last cursor value a query begins, unless the file says so."""

SINCE: Final = re.compile(r"(?<![:\w\\]):since\b")
"""The parameter of a query that stands for where to begin."""

_ORDERED: Final = re.compile(r"\border\s+by\b", re.IGNORECASE)


class CallKind(StrEnum):
    """The calls that a row can become."""

    IDENTIFY = "identify"
    TRACK = "track"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class SqlCall:
    """A query, and how one of its rows becomes a call; the other fields name columns.

    `label` tells the call from the others of its source; rows are known by it, and its cursor is
    stored under it. `overlap_ms` is for a cursor that is a time, `overlap_rows` for one that is
    an integer; the one that the file does not say has its default only if it says neither, else it
    is None. `carried` are the traits or properties. `is_mirrored`: once a day all rows are read,
    and those that are gone are reported.
    """

    kind: CallKind
    event: str | None
    label: str
    query: str
    cursor: str
    overlap_ms: int | None
    overlap_rows: int | None
    key: tuple[str, ...]
    at: str | None
    user_id: str | None
    anonymous_id: str | None
    group_id: str | None
    identifiers: Mapping[str, str]
    carried: tuple[str, ...]
    is_mirrored: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that the query has to give."""
        named = (self.cursor, self.at, self.user_id, self.anonymous_id, self.group_id)
        given = (*self.key, *self.identifiers.values(), *self.carried)
        return tuple(dict.fromkeys([*(each for each in named if each), *given]))

    @property
    def is_ordered(self) -> bool:
        """Whether the query says in which order its rows come."""
        return _ORDERED.search(self.query) is not None

    @property
    def has_since(self) -> bool:
        """Whether the query begins somewhere, so that not all rows are read each time."""
        return SINCE.search(self.query) is not None


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
    calls: tuple[SqlCall, ...]


def read_source(text: str) -> SqlSource:
    """A source from its file. Raises BadInput that names every mistake with its path."""
    data, problems = read_yaml(text, name="the file", max_bytes=MAX_BYTES)
    if problems:
        raise _mistaken(problems)
    try:
        given = _Source.model_validate(data)
    except ValidationError as error:
        raise _mistaken(_problems(error)) from None
    calls: dict[str, SqlCall] = {}
    for call in given.calls:
        numbered = (f"{call.label} {number}" for number in count(2))
        label = next(each for each in chain([call.label], numbered) if each not in calls)
        calls[label] = call.as_call(label)
    every, timeout = given.every, given.timeout
    return SqlSource(given.source, given.url_env, every, timeout, tuple(calls.values()))


def _duration(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"a duration is {DURATION_HELP}")
    return parse_duration(value)


def _columns(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Column = Annotated[str, Field(min_length=1)]
_Columns = Annotated[tuple[_Column, ...], BeforeValidator(_columns)]
_Duration = Annotated[int, BeforeValidator(_duration)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Call(_Strict):
    identify: _Column | None = None
    track: _Column | None = None
    group: _Column | None = None
    query: _Column | None = None
    cursor: _Column
    overlap: str | Annotated[int, Field(ge=0)] | None = None
    key: Annotated[_Columns, Field(min_length=1, strict=False)]
    at: _Column | None = None
    user_id: _Column | None = None
    anonymous_id: _Column | None = None
    group_id: _Column | None = None
    identifiers: dict[str, _Column] = Field(default_factory=dict)
    traits: Annotated[_Columns, Field(strict=False)] = ()
    properties: Annotated[_Columns, Field(strict=False)] = ()
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

    def as_call(self, label: str) -> SqlCall:
        """The same, checked and under its label."""
        said = self.overlap
        of_time = parse_duration(said) if isinstance(said, str) else None
        of_rows = said if isinstance(said, int) else None
        if said == 0:  # nothing of either kind
            of_time = 0
        return SqlCall(
            kind=self.kind,
            event=self.track,
            label=label,
            query=self.query or self.identify or self.group or "",
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
            is_mirrored=self.mirror is not None,
        )


class _Source(_Strict):
    source: Annotated[str, Field(min_length=1)]
    url_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    every: _Duration = parse_duration("5m")
    timeout: _Duration = parse_duration("60s")
    calls: Annotated[tuple[_Call, ...], Field(min_length=1, strict=False)]


def _problems(error: ValidationError) -> list[Problem]:
    """Never with what stands there: somebody may have put an address where a name belongs."""
    return [
        Problem(
            ".".join(map(str, cast("tuple[Any, ...]", mistake["loc"]))) or "the file",
            mistake["msg"].removeprefix("Value error, "),
        )
        for mistake in error.errors(include_input=False, include_url=False)
    ]


def _mistaken(problems: list[Problem]) -> BadInput:
    said = "; ".join(f"{problem.path}: {problem.message}" for problem in problems)
    return BadInput(
        f"It is no file of a SQL source: {said}.",
        remedy="The format is described in the documentation, on the page about databases.",
    )
