"""Rows of a query as calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from identity_service.collect.content import digest_of
from identity_service.collect.cursors import read_cursor
from identity_service.collect.identifiers import external_ids
from identity_service.collect.polled import CallKind, PolledCall, PolledRow
from identity_service.collect.segment import read_stored_call
from identity_service.collect.values import json_value
from identity_service.domain.events import Rejection, ReportedEvent
from identity_service.domain.timestamps import iso
from identity_service.errors import BadInput

DELETED: Final = "Deleted"
"""The event of a row that is gone."""

_CARRIES: Final = {
    CallKind.IDENTIFY: "traits",
    CallKind.GROUP: "traits",
    CallKind.TRACK: "properties",
}


def read_row(
    source: str, call: PolledCall, row: Mapping[str, Any], received_at: int, number: int
) -> PolledRow:
    """What a row says, its values by column.

    It is known by source, call, key and cursor value, and but for a track call by its content: a
    row that is read again is the same event, and one that has changed is another. It happened at
    its `at`, else at a cursor that is a time, else at its receipt. Raises BadInput where a column
    is missing, or the cursor is none.
    """
    _check_columns(call, row)
    cursor = read_cursor(row[call.cursor])
    values = {name: json_value(row[name]) for name in call.columns}
    key = [values[name] for name in call.key]
    carried = {name: values[name] for name in call.carried if values[name] is not None}
    who = _who(call, values)
    content = None if call.kind is CallKind.TRACK else [carried, who]
    cursor_text = None if cursor is None else str(cursor)
    digest = digest_of(_json([source, call.label, key, cursor_text, content]))
    stated = None if call.at is None else values[call.at]
    if stated is None and cursor is not None and cursor.at is not None:
        stated = iso(cursor.at)
    sent = {
        "type": call.kind.value,
        "event": call.event,
        "timestamp": stated,
        _CARRIES[call.kind]: carried,
        **who,
    }
    one = _read(sent, digest, received_at, source, number)
    if isinstance(one, Rejection):
        shown = ", ".join(map(str, key))
        one = replace(one, message=f"{one.message} ({source}, {call.label}, key {shown})")
    return PolledRow(cursor, one, _json(key).decode(), who)


def gone_row(
    source: str, call: PolledCall, key: str, who: Mapping[str, Any], seen: int, received_at: int
) -> ReportedEvent | Rejection:
    """That a row of a mirrored call is gone, as an event `Deleted` of whoever it was.

    `key` and `who` are those of the row, which was there at `seen` for the last time.
    """
    digest = digest_of(_json([source, call.label, key, seen]))
    sent = {"type": "track", "event": DELETED, "properties": {"call": call.label}, **who}
    return _read(sent, digest, received_at, source, 0)


def _read(
    sent: Mapping[str, Any], digest: str, received_at: int, source: str, number: int
) -> ReportedEvent | Rejection:
    """A call that is known by a digest of what it was made of."""
    given = {name: each for name, each in sent.items() if each is not None}
    given["messageId"] = f"polled:{digest}"
    one = read_stored_call(given, b"", received_at, source, number)
    return one if isinstance(one, Rejection) else replace(one, digest=digest)


def _who(call: PolledCall, values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a call that say who it is."""
    fields = {"userId": call.user_id, "anonymousId": call.anonymous_id, "groupId": call.group_id}
    found = {
        field: values[column]
        for field, column in fields.items()
        if column is not None and values[column] is not None
    }
    external = external_ids((name, values[column]) for name, column in call.identifiers.items())
    return {**found, "context": {"externalIds": external}} if external else found


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _check_columns(call: PolledCall, row: Mapping[str, Any]) -> None:
    """Raise BadInput where a row lacks a column that the call names."""
    for column in call.columns:
        if column not in row:
            raise BadInput(
                f"The query of “{call.label}” gives no column “{column}”.",
                remedy=f"It gives {', '.join(row)}.",
            )
