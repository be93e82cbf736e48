"""Policy rollouts that stop where a test wants them to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from identity_service.graph.rollouts import RolloutStore
from identity_service.services.write.policy_rollout import PolicyRollout


@dataclass
class Gate:
    """Where a rollout stops until it may go on."""

    steps: int = 0
    """How many steps were made since."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)


def stop_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> Gate:
    """A rollout stops once, after so many steps."""
    gate, record = Gate(), RolloutStore.record

    async def recorded(self: RolloutStore, *args: Any, **options: Any) -> bool:
        still_ours = await record(self, *args, **options)
        gate.steps += 1
        if gate.steps == steps:
            gate.reached.set()
            await gate.may_go_on.wait()
        return still_ours

    monkeypatch.setattr(RolloutStore, "record", recorded)
    return gate


async def close_at(gate: Gate, rollout: PolicyRollout) -> None:
    """Close the rollouts of a service, of which one stands at the gate and goes on then."""
    closing = asyncio.create_task(rollout.close())
    await asyncio.sleep(0)  # it begins
    gate.may_go_on.set()
    await closing
