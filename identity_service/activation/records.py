"""The record of a customer at a destination, and what is to be done with it there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

UNIVERSAL_ID: Final = "universal_id"
"""The type of a record key that is the customer's own id."""


class RecordKey(NamedTuple):
    """What keys a record at a destination: a type of identifier, or `UNIVERSAL_ID`, and a value."""

    type: str
    value: str

    def __str__(self) -> str:
        return f"{self.type}:{self.value}"


def parse_record_key(text: str) -> RecordKey:
    """Read `TYPE:VALUE`, as `str` of a key writes it."""
    kind, _, value = text.partition(":")
    return RecordKey(kind, value)


@dataclass(frozen=True, slots=True)
class Record:
    """What a destination is to hold of a customer.

    `attributes` are named as the destination names them; one that is None is to be cleared there.
    `audiences`: whether the customer is in each that goes there, by the destination's name for it.
    """

    key: RecordKey
    customer_id: str
    attributes: Mapping[str, Any]
    audiences: Mapping[str, bool] = field(default_factory=dict[str, bool])

    @property
    def digest(self) -> str:
        """Equal exactly where the destination would hold the same: SHA-256, hexadecimal."""
        held = {name: value for name, value in self.attributes.items() if value is not None}
        body = [str(self.key), self.customer_id, held, self.audiences]
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def held(self) -> list[str]:
        """The names of the attributes that have a value."""
        return sorted(name for name, value in self.attributes.items() if value is not None)


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    """What a customer did, by the destination's name for it.

    `key` names it among all events, those with the same message id too. `at`: milliseconds since
    1970.
    """

    key: str
    message_id: str
    name: str
    at: int
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Action(StrEnum):
    """What is to be done with a record; EVENT: add something that its customer did."""

    UPSERT = "upsert"
    MERGE = "merge"
    ERASE = "erase"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do with one record.

    `id` is the same when it is sent again. `at`: when it was decided, in milliseconds
    since 1970. `into`: for MERGE, the record that the other one becomes part of. `event`: for
    EVENT, what was done; `record` then names the record only.
    """

    id: str
    action: Action
    record: Record
    at: int
    into: RecordKey | None = None
    event: OutgoingEvent | None = None


def operation(
    destination: str,
    action: Action,
    record: Record,
    at: int,
    *,
    into: RecordKey | None = None,
    after: int | None = None,
) -> Operation:
    """An operation with the id that follows from what it does.

    `after`: when the destination acknowledged the record last. Sent again, since nobody knows
    whether it arrived, it has the same id; sent anew, after something else was, it has not.
    """
    what = "\n".join((destination, action, record.digest, str(into), str(after)))
    return Operation(hashlib.sha256(what.encode()).hexdigest()[:32], action, record, at, into)


def event_operation(
    destination: str, event: OutgoingEvent, key: RecordKey, customer_id: str, at: int
) -> Operation:
    """An operation that adds an event to a record; the same event has one id, whoever has it."""
    what = f"{destination}\n{Action.EVENT}\n{event.key}"
    id_ = hashlib.sha256(what.encode()).hexdigest()[:32]
    return Operation(id_, Action.EVENT, Record(key, customer_id, {}), at, event=event)


def of_action(operations: Sequence[Operation], action: Action) -> list[Operation]:
    """Those that do this."""
    return [each for each in operations if each.action is action]
