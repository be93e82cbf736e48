"""Upstream notices, recorded as sources report them."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from identity_service.collect.content import digest_of
from identity_service.domain.upstream import Notice, NoticeKind
from identity_service.graph.upstream import UpstreamStore
from identity_service.services.kit.clock import Ids
from identity_service.services.spaces.access import Sender


class NoticeRecorder:
    """Records notices; what is known stays as it is, also when it was decided about."""

    def __init__(self, store: UpstreamStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def record(self, sender: Sender, notices: Sequence[Notice], received_at: int) -> None:
        """Record what a source reported in each of its spaces."""
        made = {_key_of(sender.source, each): each for each in notices}
        for scope in sender.scopes if made else ():
            await self._store.record(
                scope.space,
                sender.source,
                received_at,
                [(key, self._ids("ntc"), each) for key, each in made.items()],
            )


def _key_of(source: str, notice: Notice) -> str:
    """What tells a notice from others of a space.

    A merge is one however often it is reported; somebody may ask for the same again later.
    """
    is_merge = notice.kind is NoticeKind.MERGE
    parts = [source, notice.kind.value, [*map(str, notice.identifiers)]]
    return digest_of(orjson.dumps(parts if is_merge else [*parts, notice.message_id]))
