"""Events of customers, sent to the records that a destination holds of them.

The events of one record go one after the other, in the order in which they happened; those of many
records side by side. A destination that knows an event again by its id is sent one whose answer was
lost once more. For any other, it is written before the send that nobody knows what becomes of the
event: it is sent at most once, unless a person has it sent again.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from identity_service.activation.definition import Definition, TakesEvents
from identity_service.activation.desired import NEVER, events_since
from identity_service.activation.exchange import (
    Done,
    Later,
    Never,
    NoAccess,
    Outcome,
    Outcomes,
    Request,
    Unknown,
)
from identity_service.activation.records import (
    Action,
    Operation,
    OutgoingEvent,
    RecordKey,
    event_operation,
)
from identity_service.activation.vendors import DestinationVendor, rules_of
from identity_service.graph.destinations import StoredDestination
from identity_service.graph.outgoing_events import OutgoingEvents, WaitingEvent
from identity_service.observability import DESTINATION_OPERATIONS
from identity_service.services.activation.channel import hidden, shown_json
from identity_service.services.activation.look_report import LookReport
from identity_service.services.activation.plans import Plan
from identity_service.services.activation.rate import backoff_s, next_attempt
from identity_service.services.activation.sender import Sender
from identity_service.services.kit.clock import Clock
from identity_service.services.limits import ActivationLimits
from identity_service.services.read.current import MAX_LOOKED_UP


class EventState(StrEnum):
    """What became of an event; UNKNOWN: nobody knows whether the destination took it."""

    SENT = "sent"
    WAITING = "waiting"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EventPlan:
    """Events that are to be sent, each with the operation that adds it, in order.

    `waiting` has them by the ids of the operations. `dropped` waited, and are not to be sent any
    more. `more`: customers of whom there may be others.
    """

    operations: Sequence[Operation] = ()
    waiting: Mapping[str, WaitingEvent] = field(default_factory=dict[str, WaitingEvent])
    dropped: Sequence[str] = ()
    more: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """Sends the events that a destination asks for."""

    destination: StoredDestination
    definition: Definition
    secrets: Mapping[str, str] = field(repr=False)
    sender: Sender
    store: OutgoingEvents
    clock: Clock
    limits: ActivationLimits
    draw: random.Random

    @property
    def is_sent_once(self) -> bool:
        """Whether the vendor does not know an event that comes twice."""
        return rules_of(DestinationVendor(self.destination.vendor)).events is TakesEvents.WITHOUT_ID

    async def plan(self, plan: Plan, held: Mapping[str, RecordKey]) -> EventPlan:
        """The events that are to go to records that are held, by customer.

        Of customers who may not go there, those that waited are dropped.
        """
        if not self.definition.events:
            return EventPlan()
        states = {each.customer_id: each for each in plan.states.values()}
        since = {id_: events_since(each, self.definition) for id_, each in states.items()}
        owners = {
            owner: since[id_]
            for id_, each in states.items()
            if id_ in held or since[id_] == NEVER
            for owner in (id_, *each.retired_ids)
        }
        most = min(self.sender.most, MAX_LOOKED_UP)
        waiting, dropped = await self.store.waiting(
            self.destination.key,
            {id_: since[id_] for id_ in held},
            owners,
            {name: self.destination.events_since[name] for name in self.definition.events},
            most,
        )
        made = [(self._operation(each, held[each.customer_id]), each) for each in waiting]
        return EventPlan(
            [operation for operation, _ in made],
            {operation.id: each for operation, each in made},
            dropped,
            more=list(held) if len(waiting) == most else (),
        )

    async def send(self, plan: EventPlan, report: LookReport) -> dict[str, int]:
        """Send events and record what came of them; when their customers are due again."""
        key = self.destination.key
        if plan.dropped:
            await self.store.drop(key, plan.dropped)
        again: dict[str, int] = {}
        unsendable = self.sender.unsendable(plan.operations)
        left = _in_turns(plan.operations)
        refused = [each for each in left if each.id in unsendable]
        await self._record(plan, refused, unsendable, report, again)
        left = [each for each in left if each.id not in unsendable]
        while left and not (report.refused or self.sender.is_held):
            turn = _side_by_side(self.sender.requests(left))
            claimed = await self._claimed(plan, turn)
            outcomes = await self.sender.send(claimed)
            await self._record(plan, claimed, outcomes, report, again)
            ids = {each.id for each in turn}
            stopped = {
                each.record.key
                for each in turn
                if not isinstance(outcomes.get(each.id), Done | Never)
            }
            left = [each for each in left if each.id not in ids and each.record.key not in stopped]
        report.not_sent += len(left)
        report.is_full |= bool(plan.more)
        rest = {*plan.more, *(each.record.customer_id for each in left)}
        return dict.fromkeys(rest - again.keys(), self._next_look) | again

    @property
    def _next_look(self) -> int:
        return max(self.clock(), self.sender.breaker.held_until_ms)

    def _operation(self, waiting: WaitingEvent, key: RecordKey) -> Operation:
        event = OutgoingEvent(
            waiting.event,
            waiting.message_id,
            self.definition.events[waiting.name],
            waiting.at,
            orjson.loads(waiting.properties_json),
        )
        return event_operation(
            str(self.destination.key), event, key, waiting.customer_id, self.clock()
        )

    async def _claimed(
        self, plan: EventPlan, operations: Sequence[Operation]
    ) -> Sequence[Operation]:
        """The operations that may be sent; each that is sent once is `unknown` from here on."""
        if not self.is_sent_once:
            return operations
        waiting = {each.id: plan.waiting[each.id] for each in operations}
        claimed = await self.store.claim(
            self.destination.key,
            [(str(each.record.key), waiting[each.id]) for each in operations],
        )
        return [each for each in operations if waiting[each.id].event in claimed]

    async def _record(
        self,
        plan: EventPlan,
        operations: Sequence[Operation],
        outcomes: Outcomes,
        report: LookReport,
        again: dict[str, int],
    ) -> None:
        """Record what came of operations, in the graph, the report and for whom is due `again`."""
        changes: dict[str, tuple[str, Mapping[str, Any]]] = {}
        for each in operations:
            waiting = plan.waiting[each.id]
            change, due = self._result(each, waiting, outcomes.get(each.id), report)
            if due is not None:
                customer = each.record.customer_id
                again[customer] = min(due, again.get(customer, due))
            if change is not None:
                change |= {"message_id": waiting.message_id, "customer_id": waiting.customer_id}
                changes[waiting.event] = (str(each.record.key), change)
        if changes:
            await self.store.write(self.destination.key, changes)

    def _result(
        self,
        made: Operation,
        waiting: WaitingEvent,
        outcome: Outcome | None,
        report: LookReport,
    ) -> tuple[dict[str, Any] | None, int | None]:
        """What to record of an event, and when its customer is due again for it."""
        now = self.clock()
        match outcome:
            case Done():
                report.done += 1
                self._count("done")
                cleared = dict.fromkeys(("attempt", "since", "request", "answer"))
                return {"state": EventState.SENT, "sent_at": now, **cleared}, None
            case Never():
                return self._dead(made, outcome.reason, report), None
            case Unknown() if self.is_sent_once:
                report.unknown += 1
                self._count("unknown")
                lost = {"state": EventState.UNKNOWN, **self._said(made, outcome.reason)}
                return lost, now + round(backoff_s(1, self.draw) * 1_000)
            case Later() | Unknown():
                attempt, since = waiting.attempt or 0, waiting.since
                again = next_attempt(
                    outcome, attempt, since, now, self.limits.give_up_ms, self.draw
                )
                if again is None:
                    return self._dead(made, outcome.reason, report), None
                report.later += 1
                self._count("later")
                change = {"attempt": again.number, "since": again.since}
                return {
                    "state": EventState.WAITING,
                    "answer": hidden(outcome.reason, self.secrets),
                    **change,
                }, again.due
            case NoAccess():
                report.refused = hidden(outcome.reason, self.secrets)
            case _:
                pass
        report.not_sent += 1
        return {"state": EventState.WAITING} if self.is_sent_once else None, self._next_look

    def _dead(self, made: Operation, reason: str, report: LookReport) -> dict[str, Any]:
        report.dead += 1
        self._count("dead")
        return {"state": EventState.DEAD, **self._said(made, reason)}

    def _said(self, made: Operation, reason: str) -> dict[str, Any]:
        return {
            "request": shown_json(self.sender.requests([made]), self.secrets),
            "answer": hidden(reason, self.secrets),
        }

    def _count(self, outcome: str) -> None:
        key = self.destination.key
        DESTINATION_OPERATIONS.labels(key.space, key.name, Action.EVENT.value, outcome).inc()


def _in_turns(operations: Sequence[Operation]) -> list[Operation]:
    """The first of each record, then the second of each, and so on."""
    turns: dict[RecordKey, int] = {}
    placed: list[tuple[int, Operation]] = []
    for each in operations:
        turns[each.record.key] = turn = turns.get(each.record.key, -1) + 1
        placed.append((turn, each))
    return [each for _, each in sorted(placed, key=lambda place: place[0])]


def _side_by_side(requests: Sequence[Request]) -> list[Operation]:
    """The operations of the first requests of which no two are about the same record."""
    operations: list[Operation] = []
    seen: set[RecordKey] = set()
    for request in requests:
        keys = {each.record.key for each in request.operations}
        if keys & seen:
            break
        seen |= keys
        operations += request.operations
    return operations
