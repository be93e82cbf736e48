"""Rows of Segment's and RudderStack's warehouse tables, as the calls that they were.

| table | call |
| --- | --- |
| `identifies` | identify; each column that is not named below is a trait |
| `tracks` | track without properties |
| `event`: one table for each event | track, with its properties |
| `pages`, `screens` | page, screen |
| `groups` | group |
| `aliases` | alias |
| `users` | identify of the newest traits of `id`, a user id |

Both write names in snake case and `context.device.id` as `context_device_id`. A row is known by its
`id` alone, the message id: the same event stands in `tracks` and in the table of its name, so the
latter has to be read first. A row of `users` has none, and is known by what it says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import PurePath
from typing import Any, Final

import orjson

from identity_service.collect.body import decode_json
from identity_service.collect.content import digest_of
from identity_service.collect.segment import read_stored_call
from identity_service.collect.values import json_value
from identity_service.domain.events import Rejection, ReportedEvent
from identity_service.errors import BadInput


class Table(StrEnum):
    """What the rows of a table are."""

    IDENTIFIES = "identifies"
    TRACKS = "tracks"
    EVENT = "event"
    PAGES = "pages"
    SCREENS = "screens"
    GROUPS = "groups"
    ALIASES = "aliases"
    USERS = "users"


_KINDS: Final = {
    Table.IDENTIFIES: "identify",
    Table.TRACKS: "track",
    Table.EVENT: "track",
    Table.PAGES: "page",
    Table.SCREENS: "screen",
    Table.GROUPS: "group",
    Table.ALIASES: "alias",
    Table.USERS: "identify",
}

_FIELDS: Final = {
    "id": "messageId",
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "previous_id": "previousId",
    "group_id": "groupId",
    "timestamp": "timestamp",
    "original_timestamp": "originalTimestamp",
    "sent_at": "sentAt",
    "received_at": "receivedAt",
    "channel": "channel",
}
"""Columns of every table that are fields of the call."""

_OF_THE_WAREHOUSE: Final = frozenset({"uuid", "uuid_ts", "loaded_at"})
"""Columns of every table that say how a row came there."""

_CONTEXT: Final = "context_"
_CONTEXT_OBJECTS: Final = (
    *("app", "campaign", "device", "library", "location", "network"),
    *("os", "page", "referrer", "screen", "traits"),
)
_CONTEXT_NAMES: Final = {
    "user_agent": "userAgent",
    "group_id": "groupId",
    "external_ids": "externalIds",
    "external_id": "externalIds",
}
_DEVICE_NAMES: Final = {
    "advertising_id": "advertisingId",
    "ad_tracking_enabled": "adTrackingEnabled",
}
_TRUE: Final = frozenset({"true", "t", "1"})

_NUMBERED: Final = re.compile(r"(?:[-_.]?(?:part[-_]?)?\d+)+$")
_NAMES_NO_TABLE: Final = frozenset({"", "part", "data", "export", "file", "rows"})


def table_of(path: PurePath) -> Table:
    """Which table a file holds, by its name or, where that only counts, its folder's.

    `identifies.csv`, `identifies_0001.parquet` and `identifies/day=1/part-00000.parquet` are of
    `identifies`. What is none of the tables that there always are is one of an event.
    """
    for part in reversed(path.parts):
        name = part.lower().partition(".")[0]
        bare = _NUMBERED.sub("", name).lstrip("_")
        if "=" not in name and not name.startswith("part-") and bare not in _NAMES_NO_TABLE:
            return Table(bare) if bare in _KINDS else Table.EVENT
    return Table.EVENT


def check_columns(table: Table, columns: Collection[str]) -> None:
    """Raise BadInput where a file cannot hold that table, since a column is missing."""
    needed = {Table.USERS: ("id",), Table.EVENT: ("event", "event_text")}.get(
        table, ("user_id", "anonymous_id")
    )
    if not any(column in columns for column in needed):
        raise BadInput(
            f"It has no column “{'” or “'.join(needed)}”, as the table “{table}” would.",
            remedy="Say with --table what it holds.",
        )


def read_row(
    row: Mapping[str, Any], table: Table, received_at: int, file: str, number: int
) -> ReportedEvent | Rejection:
    """One row, its values by column. Raises nothing; read as `read_stored_call` says."""
    values = {
        name: value
        for name, raw in row.items()
        if (value := json_value(raw)) is not None and value != ""
    }
    kept = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    if table is Table.USERS:
        values["user_id"] = values.pop("id", None)
        when = values.get("received_at")
        said = {name: each for name, each in values.items() if name not in _OF_THE_WAREHOUSE}
        values["id"] = f"users:{digest_of(orjson.dumps(said, option=orjson.OPT_SORT_KEYS))}"
        values.setdefault("timestamp", when)
    one = read_stored_call(_call(values, table), kept, received_at, file, number)
    if isinstance(one, Rejection) or "id" not in values:
        return one
    return replace(one, digest=digest_of(f"{one.type}\t{one.message_id}".encode()))


def _call(values: Mapping[str, Any], table: Table) -> dict[str, Any]:
    kind = _KINDS[table]
    call: dict[str, Any] = {"type": kind}
    carried: dict[str, Any] = {}
    context: dict[str, Any] = {}
    for name, value in values.items():
        if field := _FIELDS.get(name):
            call[field] = value
        elif name in _OF_THE_WAREHOUSE:
            call[name] = value
        elif name.startswith(_CONTEXT):
            _add_to_context(context, name.removeprefix(_CONTEXT), value)
        else:
            carried[name] = value
    if kind == "track":
        slug = carried.pop("event", None)
        call["event"] = carried.pop("event_text", None) or slug
    elif kind in ("page", "screen"):
        call["name"] = carried.get("name")
    if "timestamp" not in call and "originalTimestamp" not in call:
        call["timestamp"] = call.get("receivedAt")
    call["context"] = context
    call["traits" if kind in ("identify", "group") else "properties"] = carried
    return call


def _add_to_context(context: dict[str, Any], name: str, value: Any) -> None:
    for group in _CONTEXT_OBJECTS:
        if name.startswith(f"{group}_"):
            inner = name.removeprefix(f"{group}_")
            if group == "device":
                inner = _DEVICE_NAMES.get(inner, inner)
                value = _truth(value) if inner == "adTrackingEnabled" else value
            outer = context.setdefault(group, {})
            if isinstance(outer, dict):
                outer[inner] = value
                return
    name = _CONTEXT_NAMES.get(name, name)
    context[name] = _listed(value) if name == "externalIds" else value


def _truth(value: Any) -> Any:
    """Whether it is true, also as the text that CSV has for it."""
    return value.lower() in _TRUE if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """A list that stands in its column as JSON text."""
    try:
        return decode_json(value.encode()) if isinstance(value, str) else value
    except BadInput:
        return value
