"""Sends operations through a channel: in batches, side by side, no faster than it may.

A request that was refused as a whole is halved until the one that is refused is alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from identity_service.activation.exchange import (
    Done,
    Follow,
    Later,
    Never,
    NoAccess,
    Outcome,
    Outcomes,
    RefusedTogether,
    Request,
    Unknown,
)
from identity_service.activation.records import Operation
from identity_service.services.activation.channel import Channel
from identity_service.services.activation.rate import Breaker, Throttle
from identity_service.services.kit.clock import Clock

Pause: TypeAlias = Callable[[float], Awaitable[None]]

_WORST_FIRST: Final = (NoAccess, Never, RefusedTogether, Unknown, Later, Follow, Done)


class Sender:
    """One destination's, for as long as this process serves it."""

    def __init__(
        self, channel: Channel, requests_per_s: float | None, clock: Clock, pause: Pause
    ) -> None:
        self.breaker = Breaker()
        self._channel = channel
        self._clock = clock
        self._pause = pause
        self._throttle = Throttle(min(requests_per_s or 1e9, channel.pace.requests_per_s))
        self._connections = asyncio.Semaphore(channel.pace.connections)
        self._is_locked_out = False

    @property
    def most(self) -> int:
        """How many operations to send at a time."""
        return self._channel.pace.operations

    @property
    def is_held(self) -> bool:
        """Whether nothing is to be sent for now."""
        return self._clock() < self.breaker.held_until_ms

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    def unsendable(self, operations: Sequence[Operation]) -> dict[str, Outcome]:
        """Operations that could never be taken."""
        reasons = {each.id: self._channel.unsendable(each) for each in operations}
        return {id_: Never(reason) for id_, reason in reasons.items() if reason is not None}

    def requests(self, operations: Sequence[Operation]) -> list[Request]:
        """The requests that would be sent. Opens no connection."""
        unsendable = self.unsendable(operations)
        return list(self._channel.requests([o for o in operations if o.id not in unsendable]))

    async def send(self, operations: Sequence[Operation]) -> Outcomes:
        """What became of each operation; one that was not sent for now is not there.

        The outcomes are Done, Later, Never, Unknown and NoAccess.
        """
        self._is_locked_out = False
        return self.unsendable(operations) | await self._send_all(self.requests(operations))

    async def _send_all(self, requests: Sequence[Request]) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        for each in await asyncio.gather(*map(self._send, requests)):
            for id_, outcome in each.items():
                outcomes[id_] = _worse(outcomes.get(id_, outcome), outcome)
        return outcomes

    async def _send(self, request: Request) -> dict[str, Outcome]:
        """Send a request and all that it takes for its operations."""
        outcomes = await self._exchange(request)
        follow = [each.request for each in outcomes.values() if isinstance(each, Follow)]
        ended = {id_: each for id_, each in outcomes.items() if not isinstance(each, Follow)}
        if any(isinstance(each, RefusedTogether) for each in ended.values()):
            return await self._halve(request, ended)
        return ended | await self._send_all(follow)

    async def _halve(self, request: Request, refused: Outcomes) -> dict[str, Outcome]:
        operations = list({each.id: each for each in request.operations}.values())
        if len(operations) == 1:
            [alone] = operations
            return {alone.id: Never(_reason(refused[alone.id]))}
        middle = (len(operations) + 1) // 2
        half, other = operations[:middle], operations[middle:]
        first = await self._send_all(self._channel.requests(half))
        requests = list(self._channel.requests(other))
        is_taken = all(isinstance(first.get(each.id), Done) for each in half)
        if is_taken and len(other) > 1 and len(requests) == 1:
            # What is refused must be in the other half, which need not be sent to know it.
            return first | await self._halve(requests[0], refused)
        return first | await self._send_all(requests)

    async def _exchange(self, request: Request) -> Outcomes:
        async with self._connections:
            if not await self._may_send():
                return {}
            outcomes = await self._channel.exchange(request)
        self._learn(outcomes)
        return outcomes

    async def _may_send(self) -> bool:
        while not (self._is_locked_out or self.is_held):
            wait_s = self._throttle.wait_s(self._clock())
            if not wait_s:
                return True
            await self._pause(wait_s)
        return False

    def _learn(self, outcomes: Outcomes) -> None:
        """What the outcomes of a request say of the destination as a whole."""
        now = self._clock()
        match next(iter(outcomes.values()), None):
            case NoAccess():
                self._is_locked_out = True
            case Unknown():
                self.breaker.failed(now)
            case Later(of_all=True) as later:
                if later.too_much:
                    self._throttle.slow_down()
                if later.after_s is None:
                    self.breaker.failed(now)
                else:
                    self.breaker.hold(now, later.after_s)
            case _:
                self.breaker.succeeded()
                self._throttle.speed_up()


def _worse(a: Outcome, b: Outcome) -> Outcome:
    return min(a, b, key=lambda each: _WORST_FIRST.index(type(each)))


def _reason(outcome: Outcome) -> str:
    return "" if isinstance(outcome, Done | Follow) else outcome.reason
