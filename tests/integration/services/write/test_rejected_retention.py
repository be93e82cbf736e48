"""Rejected events stay within the bounds of their space."""

from __future__ import annotations

import pytest

from identity_service.domain.events import Rejection, RejectionCode
from identity_service.services.kit.clock import system_clock
from identity_service.services.limits import Limits, RejectedLimits
from tests.support.space import NewWorld, World
from tests.support.waiting import until

DAY = 86_400_000


class Time:
    """A clock that stands still until it is moved; not into the past, where others delete."""

    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> int:
        return self.now


def rejections(first: int, last: int, size: int = 10) -> list[Rejection]:
    return [
        Rejection(RejectionCode.NO_IDENTIFIER, "It has none.", f"m{n}", "x" * size)
        for n in range(first, last + 1)
    ]


async def kept(space: World) -> list[str]:
    """The message ids that are kept, oldest first, once all that is beyond is deleted."""
    await space.use_cases.rejected_retention.done()
    rows = await space.rows(
        "MATCH (r:RejectedEvent {space: $space}) RETURN r.message_id ORDER BY r.id"
    )
    return [row[0] for row in rows]


async def test_the_newest_are_kept_of_more_than_one_transaction_deletes(world: NewWorld) -> None:
    space = await world(limits=Limits(rejected=RejectedLimits(events=3)))

    await space.send(rejections=rejections(1, 1_210))

    assert await kept(space) == ["m1208", "m1209", "m1210"]


async def test_as_many_are_kept_as_fit_in_bytes(world: NewWorld) -> None:
    space = await world(limits=Limits(rejected=RejectedLimits(bytes=2_500)))

    await space.send(rejections=rejections(1, 5, size=1_000))

    assert await kept(space) == ["m4", "m5"]


async def test_old_ones_are_deleted_without_new_ones(world: NewWorld) -> None:
    clock = Time()
    limits = Limits(rejected=RejectedLimits(age_ms=30 * DAY))
    space = await world(limits=limits, clock=clock)
    await space.send(rejections=rejections(1, 1))
    clock.now += 20 * DAY
    await space.send(rejections=rejections(2, 2))
    young = await kept(space)

    clock.now += 11 * DAY
    space.use_cases.rejected_retention.look_after_all()

    assert young == ["m1", "m2"]
    await _until_kept(space, ["m2"])
    await space.use_cases.close()


async def _until_kept(space: World, expected: list[str]) -> None:
    async def holds() -> bool:
        return await kept(space) == expected

    await until(holds)


@pytest.mark.parametrize("times", [1, 2])
async def test_one_that_is_sent_again_and_again_is_kept_once(world: NewWorld, times: int) -> None:
    space = await world()

    for _ in range(times):
        await space.send(rejections=rejections(1, 2))

    assert await kept(space) == ["m1", "m2"]
