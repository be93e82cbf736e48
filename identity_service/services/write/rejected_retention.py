"""Rejected events are kept, and not for ever: of each space so many, so many bytes, so long.

What is beyond is deleted in the background, the oldest first: soon after more was written, and now
and then for what has only become old.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from identity_service.domain.ids import time_sortable
from identity_service.graph.rejected import KeptRejection, NewRejection, RejectedStore
from identity_service.services.kit.background import DueWork
from identity_service.services.kit.clock import Clock, Ids
from identity_service.services.limits import RejectedLimits
from identity_service.services.write.received import RejectedEvent

_PER_TRANSACTION: Final = 500


class RejectedRetention:
    """Keeps rejected events within the bounds of their spaces. To be closed."""

    def __init__(
        self, store: RejectedStore, clock: Clock, ids: Ids, limits: RejectedLimits
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._work = DueWork("rejected_retention", "rejected_retention_watch")
        self._written: Counter[str] = Counter()
        self._written_bytes: Counter[str] = Counter()

    async def keep(self, space: str, rejected: Sequence[RejectedEvent]) -> None:
        """Keep rejected events, each with the request that it came in."""
        for n in range(0, len(rejected), _PER_TRANSACTION):
            some = rejected[n : n + _PER_TRANSACTION]
            size = await self._store.write(
                space,
                [
                    NewRejection(self._ids("rej"), received.received_at, received.source, rejection)
                    for received, rejection in some
                ],
            )
            self._note(space, len(some), size)

    def look_after_all(self) -> None:
        """From now on, delete what has become too old in any space."""
        self._work.watch(self._look, self._limits.look_interval_s)

    async def done(self) -> None:
        """Return when nothing that this process wrote is beyond the bounds."""
        await self._work.done()

    async def close(self) -> None:
        """End after the transaction that runs; another process may go on."""
        await self._work.close()

    def _note(self, space: str, count: int, size: int) -> None:
        """A tenth of what is kept may be written before anybody looks how much it is."""
        seen = space in self._written
        self._written[space] += count
        self._written_bytes[space] += size
        limits = self._limits
        if (
            not seen
            or 10 * self._written[space] >= limits.events
            or 10 * self._written_bytes[space] >= limits.bytes
        ):
            self._written[space] = self._written_bytes[space] = 0
            self._due(space)

    def _due(self, space: str) -> None:
        self._work.due(space, partial(self._delete_beyond, space), space=space)

    async def _look(self) -> None:
        for space in await self._store.spaces():
            self._due(space)

    async def _delete_beyond(self, space: str) -> None:
        sizes = await self._store.sizes(space, self._limits.events + 1)
        newest = newest_beyond(sizes, self._limits, self._clock())
        deleted = _PER_TRANSACTION
        while newest is not None and deleted == _PER_TRANSACTION and not self._work.is_closing:
            deleted = await self._store.delete_older(space, newest, _PER_TRANSACTION)


def newest_beyond(kept: Iterable[KeptRejection], limits: RejectedLimits, now: int) -> str | None:
    """The id of the newest rejected event that may not stay; `kept` come newest first.

    How long one was kept is counted from when it was set aside, not from its receipt: what is sent
    again from an archive was received long ago.

    None: all may. All that are older go with it.
    """
    size, oldest = 0, time_sortable("rej", max(0, now - limits.age_ms), 0)
    for number, each in enumerate(kept, 1):
        size += each.bytes
        if number > limits.events or size > limits.bytes or each.id < oldest:
            return each.id
    return None
