"""What a destination is to hold of a customer: a pure function of what is known of it.

A customer has one record. Which one stays the same for as long as the customer has the identifier
that keys it, or none of a type that comes before. Its other records, those of customers that were
merged into it and those with a key that it had before, are marked: they carry the customer's id,
say that they are merged, and are in no audience.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from identity_service.activation.definition import Attribute, Definition, Merge, Origin
from identity_service.activation.records import UNIVERSAL_ID, Action, Record, RecordKey
from identity_service.domain.identifiers import Identifier
from identity_service.domain.resolution.id_register import CustomerKind

ALWAYS: Final = -(2**53)
NEVER: Final = 2**53
"""Before and after every time that an event can have."""


@dataclass(frozen=True, slots=True)
class CustomerState:
    """What is known of a customer.

    `identifiers` are the oldest first. `granted_since`: the purposes for which the person has given
    consent, each with the time since when.
    """

    customer_id: str
    kind: CustomerKind
    retired_ids: Sequence[str]
    identifiers: Sequence[Identifier]
    traits: Mapping[str, Any] = field(default_factory=dict[str, Any])
    features: Mapping[str, Any] = field(default_factory=dict[str, Any])
    audiences: frozenset[str] = frozenset()
    granted_since: Mapping[str, int] = field(default_factory=dict[str, int])


def record_key(
    state: CustomerState, definition: Definition, held: Collection[RecordKey]
) -> RecordKey | None:
    """What keys the customer's record; None where it has no identifier that could.

    Of several values of one type, the one under which the destination already holds a record of
    the customer (`held`), else the oldest.
    """
    for kind in definition.key:
        if kind == UNIVERSAL_ID:
            return RecordKey(UNIVERSAL_ID, state.customer_id)
        keys = [RecordKey(*each) for each in state.identifiers if each.type == kind]
        if keys:
            return next((key for key in keys if key in held), keys[0])
    return None


def live_key(
    state: CustomerState, definition: Definition, held: Collection[RecordKey]
) -> RecordKey | None:
    """What keys the customer's record; None where there is none, or it may not go there."""
    return record_key(state, definition, held) if may_go(state, definition) else None


def desired_record(state: CustomerState, definition: Definition, key: RecordKey) -> Record:
    """The customer's own record."""
    attributes: dict[str, Any] = {
        name: _value(state, attribute) for name, attribute in definition.attributes.items()
    }
    names = definition.names
    attributes[names.universal_id] = state.customer_id
    attributes[names.retired_ids] = list(state.retired_ids) or None
    attributes[names.merged_into] = None
    audiences = {
        called: name in state.audiences for name, called in sorted(definition.audiences.items())
    }
    return Record(key, state.customer_id, attributes, audiences)


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """What a destination holds by what it answered last.

    `digest` is that of the record, None where nothing was acknowledged; `names` are those of the
    attributes that it has a value of. `merged`: the vendor made it part of another one.
    """

    key: RecordKey
    digest: str | None = None
    names: Sequence[str] = ()
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record that is not held as it is to be, and what brings that about."""

    action: Action
    record: Record
    into: RecordKey | None = None


def wanted_changes(
    state: CustomerState,
    definition: Definition,
    held: Mapping[RecordKey, HeldRecord],
    own: Collection[RecordKey],
) -> list[Wanted]:
    """What is to be done for a customer.

    `held` are the records that are keyed by its identifiers, and those that were written for it or
    for ids that it had before (`own`). The vendor's own merge comes only once the record that
    survives is held as it is to be.
    """
    live = live_key(state, definition, own)
    wanted: list[Wanted] = []
    if live is not None:
        record = _with_clearings(desired_record(state, definition, live), held.get(live))
        if differs(record, held.get(live)):
            wanted.append(Wanted(Action.UPSERT, record))
    is_settled = not wanted
    for key in own:
        if key == live or held[key].digest is None or not belongs_to(key, state):
            continue
        if live is None:
            record = withheld_record(key, state.customer_id, definition)
        else:
            record = marked_record(key, state.customer_id, definition)
        if not differs(record, held[key]):
            continue
        if live is None or definition.merge is Merge.MARK:
            wanted.append(Wanted(Action.UPSERT, record))
        elif is_settled:
            wanted.append(Wanted(Action.MERGE, record, live))
    return wanted


def awaits_merge(
    state: CustomerState, definition: Definition, own: Mapping[RecordKey, HeldRecord]
) -> bool:
    """Whether the vendor is to merge records of the customer, now or later."""
    live = record_key(state, definition, own)
    return definition.merge is Merge.VENDOR and any(
        key != live and each.digest is not None and belongs_to(key, state) and not each.merged
        for key, each in own.items()
    )


def differs(record: Record, held: HeldRecord | None) -> bool:
    """Whether a record is not what the destination acknowledged last."""
    return held is None or held.digest != record.digest


def names_after(wanted: Wanted, held: HeldRecord | None) -> list[str]:
    """The attributes that have a value once what is wanted is done."""
    cleared = {name for name, value in wanted.record.attributes.items() if value is None}
    before = set(held.names) if held else set[str]()
    return sorted((before - cleared) | set(wanted.record.held))


def _with_clearings(record: Record, held: HeldRecord | None) -> Record:
    """The record without attributes that have no value, but for those to be cleared."""
    attributes = {name: value for name, value in record.attributes.items() if value is not None}
    cleared = {} if held is None else {n: None for n in held.names if n not in attributes}
    return replace(record, attributes=attributes | cleared)


def marked_record(key: RecordKey, survivor: str, definition: Definition) -> Record:
    """A record of the customer's beside its own one: it is merged, and in no audience."""
    names = definition.names
    attributes = {names.universal_id: survivor, names.merged_into: survivor}
    return Record(key, survivor, attributes, _in_none(definition))


def withheld_record(key: RecordKey, customer_id: str, definition: Definition) -> Record:
    """The record of a customer that may go there no more: in no audience, and left as it is."""
    return Record(
        key, customer_id, {definition.names.universal_id: customer_id}, _in_none(definition)
    )


def may_go(state: CustomerState, definition: Definition) -> bool:
    """Whether it is a person or a visitor, who granted what the destination asks for, if anything.

    A device that several people share is neither.
    """
    if state.kind is CustomerKind.QUARANTINED:
        return False
    return definition.consent is None or definition.consent in state.granted_since


def events_since(state: CustomerState, definition: Definition) -> int:
    """From when on its events may go there; `NEVER` where it may not go there itself."""
    if not may_go(state, definition):
        return NEVER
    return ALWAYS if definition.consent is None else state.granted_since[definition.consent]


def belongs_to(key: RecordKey, state: CustomerState) -> bool:
    """Whether a record's key is the customer's: its id, one that it had, or an identifier of it."""
    if key.type == UNIVERSAL_ID:
        return key.value == state.customer_id or key.value in state.retired_ids
    return Identifier(key.type, key.value) in state.identifiers


def _in_none(definition: Definition) -> dict[str, bool]:
    return dict.fromkeys(sorted(definition.audiences.values()), False)


def _value(state: CustomerState, attribute: Attribute) -> Any:
    match attribute.origin:
        case Origin.TRAIT:
            return state.traits.get(attribute.name)
        case Origin.FEATURE:
            return state.features.get(attribute.name)
        case Origin.IDENTIFIER:
            values = _values(state, attribute.name)
            return values[0] if values else None
        case Origin.IDENTIFIERS:
            return _values(state, attribute.name) or None


def _values(state: CustomerState, kind: str) -> list[str]:
    return [each.value for each in state.identifiers if each.type == kind]
