"""What is to be sent for customers that are taken up together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from identity_service.activation.definition import Definition
from identity_service.activation.desired import (
    CustomerState,
    HeldRecord,
    Wanted,
    awaits_merge,
    live_key,
    wanted_changes,
)
from identity_service.activation.records import (
    UNIVERSAL_ID,
    Action,
    Operation,
    Record,
    RecordKey,
    operation,
    parse_record_key,
)
from identity_service.graph.destinations import StoredRecord

DEAD: Final = "dead"
ERASED: Final = "erased"
"""States of a record: it is not sent again as it is, and it was erased."""


@dataclass(slots=True)
class Plan:
    """Operations, and whom they are for.

    `customers` maps each customer that was taken up to the records whose operations it waits for.
    For those of `postponed` there is more to do later on. `states` are by the ids that were taken
    up. `live` has by customer the record that its events go to: it is held as it is to be as soon
    as its operation, if there is one, is done.
    """

    customers: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    operations: dict[str, Operation] = field(default_factory=dict[str, Operation])
    wanted: dict[str, Wanted] = field(default_factory=dict[str, Wanted])
    records: Mapping[str, StoredRecord] = field(default_factory=dict[str, StoredRecord])
    postponed: set[str] = field(default_factory=set[str])
    states: Mapping[str, CustomerState] = field(default_factory=dict[str, CustomerState])
    live: dict[str, RecordKey] = field(default_factory=dict[str, RecordKey])


def record_keys(states: Collection[CustomerState], definition: Definition) -> list[str]:
    """The keys of all records that customers may have."""
    keys = {
        str(RecordKey(*each))
        for state in states
        for each in state.identifiers
        if each.type in definition.key
    }
    keys |= {str(RecordKey(UNIVERSAL_ID, state.customer_id)) for state in states}
    return sorted(keys)


def make_plan(
    destination: str,
    definition: Definition,
    taken: Sequence[str],
    states: Mapping[str, CustomerState],
    records: Mapping[str, StoredRecord],
    at: int,
) -> Plan:
    """What is to be sent for the customers that were taken up.

    `states` are by the ids that were taken up, `records` by key. One record is in one operation:
    whoever needs a record that is in one already is postponed.
    """
    plan = Plan(customers={each: [] for each in taken}, records=records, states=states)
    planned: dict[str, list[str]] = {}
    for asked in taken:
        state = states.get(asked)
        customer = asked if state is None else state.customer_id
        if customer not in planned:
            owners = {customer, *(state.retired_ids if state else ())}
            own = [each for each in records.values() if each.customer_id in owners]
            planned[customer] = _plan_customer(
                plan, destination, definition, state, customer, own, at
            )
        plan.customers[asked] = planned[customer]
        if customer in plan.postponed:
            plan.postponed.add(asked)
    return plan


def _plan_customer(
    plan: Plan,
    destination: str,
    definition: Definition,
    state: CustomerState | None,
    customer: str,
    own: Sequence[StoredRecord],
    at: int,
) -> list[str]:
    forgotten = [each for each in own if each.erase]
    if forgotten:
        return _plan_erasures(plan, destination, forgotten, at)
    if state is None:
        return []
    of_key = {parse_record_key(each.record): each for each in (*own, *_of(state, plan.records))}
    held = {key: _held(each) for key, each in of_key.items()}
    owned = {key: held[key] for key in (parse_record_key(each.record) for each in own)}
    changes = wanted_changes(state, definition, held, owned)
    names: list[str] = []
    for change in changes:
        name, stored = str(change.record.key), of_key.get(change.record.key)
        if stored is not None and stored.erase:
            continue
        if stored and stored.state == DEAD and stored.wanted == change.record.digest:
            continue  # until it changes, or somebody has it sent again
        if name in plan.wanted:
            plan.postponed.add(customer)
            continue
        made = operation(
            destination,
            change.action,
            change.record,
            at,
            into=change.into,
            after=None if stored is None else stored.acknowledged_at,
        )
        plan.operations[name], plan.wanted[name] = made, change
        names.append(name)
    makes_records = any(plan.operations[name].action is Action.UPSERT for name in names)
    if makes_records and awaits_merge(state, definition, owned):
        plan.postponed.add(customer)
    live = live_key(state, definition, owned)
    is_wanted = any(change.record.key == live for change in changes)
    if live is not None and (str(live) in names or not is_wanted):
        plan.live[customer] = live
    return names


def _plan_erasures(
    plan: Plan, destination: str, forgotten: Sequence[StoredRecord], at: int
) -> list[str]:
    names: list[str] = []
    for each in forgotten:
        record = Record(parse_record_key(each.record), each.customer_id, {})
        is_refused = each.state == DEAD and each.wanted == record.digest
        # Whatever else its state is: the answer to what was sent before may have come since.
        if each.state == ERASED or is_refused or each.record in plan.wanted:
            continue
        plan.wanted[each.record] = Wanted(Action.ERASE, record)
        plan.operations[each.record] = operation(destination, Action.ERASE, record, at)
        names.append(each.record)
    return names


def _of(state: CustomerState, records: Mapping[str, StoredRecord]) -> list[StoredRecord]:
    """The records that are keyed by the customer's own identifiers, whoever's they were."""
    keys = [str(RecordKey(*each)) for each in state.identifiers]
    keys.append(str(RecordKey(UNIVERSAL_ID, state.customer_id)))
    return [records[key] for key in keys if key in records]


def _held(stored: StoredRecord) -> HeldRecord:
    return HeldRecord(
        parse_record_key(stored.record), stored.acknowledged, stored.names, stored.merged
    )
