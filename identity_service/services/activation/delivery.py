"""One destination as this process serves it: its customers that are due, looked at once."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from identity_service.activation.definition import Definition
from identity_service.activation.desired import HeldRecord, Wanted, names_after
from identity_service.activation.exchange import (
    Done,
    Later,
    Never,
    NoAccess,
    Outcome,
    Outcomes,
    Unknown,
)
from identity_service.activation.records import Action, Operation, RecordKey
from identity_service.graph.destinations import DestinationStore, StoredDestination, StoredRecord
from identity_service.observability import DESTINATION_OPERATIONS
from identity_service.services.activation.channel import hidden, shown, shown_json
from identity_service.services.activation.customer_states import CustomerStates
from identity_service.services.activation.event_delivery import EventDelivery
from identity_service.services.activation.look_report import LookReport
from identity_service.services.activation.plans import DEAD, ERASED, Plan, make_plan, record_keys
from identity_service.services.activation.rate import next_attempt
from identity_service.services.activation.sender import Sender
from identity_service.services.kit.clock import Clock
from identity_service.services.limits import ActivationLimits
from identity_service.services.read.current import MAX_LOOKED_UP
from identity_service.services.spaces.access import SpaceScope

MERGE_WAIT_MS: Final = 5_000
"""A vendor may lose a merge right after it made the record that survives."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A destination with the way to it."""

    destination: StoredDestination
    definition: Definition
    secrets: Mapping[str, str] = field(repr=False)
    scope: SpaceScope
    sender: Sender
    events: EventDelivery
    store: DestinationStore
    states: CustomerStates
    clock: Clock
    limits: ActivationLimits
    draw: random.Random

    def is_of(self, destination: StoredDestination) -> bool:
        """Whether nothing about the destination has changed that it is served by."""
        mine = self.destination
        return (mine.vendor, mine.definition, mine.events_since, mine.secrets) == (
            destination.vendor,
            destination.definition,
            destination.events_since,
            destination.secrets,
        )

    async def look(self) -> LookReport:
        """Take up customers that are due, send what differs, and record what came of it."""
        if self.sender.is_held:
            return LookReport(not_sent=1)
        now, key = self.clock(), self.destination.key
        until = now + self.limits.lease_ms
        most = min(self.sender.most, MAX_LOOKED_UP)
        taken = await self.store.take(key, now, until, most)
        if not taken:
            return LookReport()
        plan = await self.plan(taken)
        if new := _new_records(plan):
            # An erasure that is ordered before the answer comes must find them.
            await self.store.write_outcomes(key, until, new, {})
        outcomes = await self.sender.send(list(plan.operations.values()))
        report = LookReport(len(taken), is_full=len(taken) >= most)
        records, due = self._results(plan, outcomes, report)
        events = await self.events.plan(plan, _held_after(plan, outcomes))
        if events.operations or events.dropped:
            await self.store.write_outcomes(key, until, records, {})
            due = _earlier(due, await self.events.send(events, report), plan)
            records = {}
        await self.store.write_outcomes(key, until, records, due)
        return report

    async def plan(self, taken: Sequence[str]) -> Plan:
        """What is to be sent for customers."""
        key = self.destination.key
        states = await self.states.read(self.scope, self.definition, taken)
        customers = {each.customer_id for each in states.values()}
        owners = {retired for each in states.values() for retired in each.retired_ids}
        records = await self.store.records(
            key,
            sorted({*taken, *customers, *owners}),
            record_keys(list(states.values()), self.definition),
        )
        return make_plan(str(key), self.definition, taken, states, records, self.clock())

    async def preview(self, plan: Plan) -> list[dict[str, Any]]:
        """The requests of a plan, and those for events then, as people read them.

        Opens no connection.
        """
        events = await self.events.plan(plan, plan.live)
        requests = [
            *self.sender.requests(list(plan.operations.values())),
            *self.sender.requests(events.operations),
        ]
        return [shown(each, self.secrets) for each in requests]

    def _results(
        self, plan: Plan, outcomes: Outcomes, report: LookReport
    ) -> tuple[dict[str, dict[str, Any]], dict[str, int | None]]:
        """What to record of each record, and when each customer is due again."""
        records: dict[str, dict[str, Any]] = {}
        due_of: dict[str, int | None] = {}
        for name, made in plan.operations.items():
            wanted, stored = plan.wanted[name], plan.records.get(name)
            outcome = outcomes.get(made.id)
            result, due = self._result(made, wanted, stored, outcome, report)
            due_of[name] = due
            if result is not None:
                records[name] = result
        now = self.clock()
        waits: dict[str, int | None] = {}
        for customer, names in plan.customers.items():
            dues = [due for name in names if (due := due_of[name]) is not None]
            if customer in plan.postponed:
                dues.append(now + MERGE_WAIT_MS)
            waits[customer] = min(dues) if dues else None
        return records, waits

    def _result(
        self,
        made: Operation,
        wanted: Wanted,
        stored: StoredRecord | None,
        outcome: Outcome | None,
        report: LookReport,
    ) -> tuple[dict[str, Any] | None, int | None]:
        now = self.clock()
        match outcome:
            case Done():
                report.done += 1
                self._count(made, "done")
                return self._done(wanted, stored, now), None
            case Never():
                return self._dead(made, stored, outcome.reason, report), None
            case Later() | Unknown():
                attempt, since = (stored.attempt, stored.since) if stored else (0, None)
                again = next_attempt(
                    outcome, attempt, since, now, self.limits.give_up_ms, self.draw
                )
                if again is None:
                    return self._dead(made, stored, outcome.reason, report), None
                report.later += 1
                self._count(made, "later")
                result = self._failed(made, stored, outcome.reason)
                return result | {"attempt": again.number, "since": again.since}, again.due
            case NoAccess():
                report.refused = hidden(outcome.reason, self.secrets)
                report.not_sent += 1
                return None, now
            case _:
                report.not_sent += 1
                return None, max(now, self.sender.breaker.held_until_ms)

    def _done(self, wanted: Wanted, stored: StoredRecord | None, now: int) -> dict[str, Any]:
        is_erased = wanted.action is Action.ERASE
        held = None if stored is None else HeldRecord(wanted.record.key, names=stored.names)
        result: dict[str, Any] = {
            "customer_id": wanted.record.customer_id,
            "state": ERASED if is_erased else "held",
            "acknowledged": None if is_erased else wanted.record.digest,
            "acknowledged_at": now,
            "names": [] if is_erased else names_after(wanted, held),
            "merged": wanted.action is Action.MERGE,
        }
        result |= dict.fromkeys(("wanted", "attempt", "since", "request", "answer"))
        if stored is not None and stored.merged and wanted.action is Action.UPSERT:
            result["note"] = (
                "The destination had merged this record into another, which cannot be taken back"
                " there: it was made anew."
            )
        return result

    def _failed(self, made: Operation, stored: StoredRecord | None, reason: str) -> dict[str, Any]:
        is_new = stored is None
        return {
            "customer_id": made.record.customer_id if is_new else stored.customer_id,
            "state": "erasing" if made.action is Action.ERASE else "waiting",
            "wanted": made.record.digest,
            "answer": hidden(reason, self.secrets),
        }

    def _dead(
        self, made: Operation, stored: StoredRecord | None, reason: str, report: LookReport
    ) -> dict[str, Any]:
        report.dead += 1
        self._count(made, "dead")
        return self._failed(made, stored, reason) | {
            "state": DEAD,
            "request": shown_json(self.sender.requests([made]), self.secrets),
        }

    def _count(self, made: Operation, outcome: str) -> None:
        key = self.destination.key
        DESTINATION_OPERATIONS.labels(key.space, key.name, made.action.value, outcome).inc()


def _held_after(plan: Plan, outcomes: Outcomes) -> dict[str, RecordKey]:
    """By customer, the record that is held as it is to be, now that the operations are sent."""
    taken = {
        str(made.record.key)
        for made in plan.operations.values()
        if isinstance(outcomes.get(made.id), Done)
    }
    return {
        customer: key
        for customer, key in plan.live.items()
        if str(key) in taken or str(key) not in plan.operations
    }


def _earlier(
    due: Mapping[str, int | None], by_customer: Mapping[str, int], plan: Plan
) -> dict[str, int | None]:
    """When those that were taken up are due, where customers may also be due for events."""
    earliest: dict[str, int | None] = {}
    for asked, at in due.items():
        state = plan.states.get(asked)
        again = by_customer.get(state.customer_id) if state else None
        dues = [each for each in (at, again) if each is not None]
        earliest[asked] = min(dues) if dues else None
    return earliest


def _new_records(plan: Plan) -> dict[str, dict[str, Any]]:
    """The records that a plan is the first to send, as they are before any answer."""
    return {
        name: {"customer_id": made.record.customer_id, "state": "waiting"}
        for name, made in plan.operations.items()
        if name not in plan.records
    }
