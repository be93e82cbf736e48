"""Replay: the history of a source is sent into another space, oldest first.

Every event keeps its id, its times and its place, so that the space comes out as if it had been fed
from the beginning. How far a replay is stands in the graph: one that was stopped goes on there.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from identity_service.collect.segment import Collected
from identity_service.domain.events import ReportedEvent, UserProof
from identity_service.errors import BadInput, NotFound
from identity_service.graph.replays import HistoricalEvent, ReplayStore
from identity_service.services.spaces.access import (
    Access,
    Role,
    Sender,
    SpaceScope,
    forbidden,
    new_proof_secret,
)
from identity_service.services.write.intake import Ingest

_PER_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """How many events of a source were sent again, and how many it has."""

    sent: int
    total: int


class Replays:
    """Replays sources."""

    def __init__(self, store: ReplayStore, access: Access, ingest: Ingest) -> None:
        self._store = store
        self._access = access
        self._ingest = ingest

    async def replay(
        self, scope: SpaceScope, source: str, into: SpaceScope
    ) -> AsyncGenerator[ReplayProgress]:
        """Send what a source sent to one space into another; yields after every step.

        Judgements and retractions stay where they are: what they took out is sent too. Reading
        rules are not applied again. Raises Forbidden below ADMIN in either, BadInput for one and
        the same space, NotFound for a source that sent nothing, and what `Ingest.take` raises.
        """
        if not scope.allows(Role.ADMIN):
            raise forbidden(Role.ADMIN, scope.space)
        if scope.space == into.space:
            raise BadInput("A source is replayed into another space.")
        # Its own for each replay: with it, whatever was proven is proven again.
        secret = new_proof_secret()
        sender = replace(self._access.as_sender(into, source, None), proof_secret=secret)
        total = await self._store.count(scope.space, source)
        if not total:
            raise NotFound(f"Nothing was received from “{source}” in “{scope.space}”.")
        place, sent = await self._store.progress(scope.space, source, into.space)
        yield ReplayProgress(sent, total)
        while True:
            page = await self._store.events(scope.space, source, place, _PER_PAGE)
            if page.last is None:
                return
            await self._take(sender, secret, page.events)
            place, sent = page.last, sent + len(page.events)
            await self._store.record(scope.space, source, into.space, place, sent)
            yield ReplayProgress(sent, total)

    async def _take(self, sender: Sender, secret: str, events: Sequence[HistoricalEvent]) -> None:
        await asyncio.gather(
            *(
                self._ingest.take(
                    sender, Collected(tuple(_proven(each, secret) for each in group), ()), received
                )
                for received, group in groupby(events, key=_received)
            )
        )


def _received(each: HistoricalEvent) -> int:
    return each.received_at


def _proven(each: HistoricalEvent, secret: str) -> ReportedEvent:
    """The event; where it carried a valid proof, with one that is valid by this secret."""
    user_ids = [i.value for i in each.event.identifiers if i.type == "user_id"]
    if not each.proven or not user_ids:
        return each.event
    user_id = user_ids[0].encode("utf-8", "surrogatepass")
    made = hmac.new(secret.encode(), user_id, hashlib.sha256).hexdigest()
    return replace(each.event, proof=UserProof(user_ids[0], made))
