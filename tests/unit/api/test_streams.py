"""Connections that stay open."""

from __future__ import annotations

from typing import cast

import pytest

from identity_service.api.graphql import streams
from identity_service.errors import StatementFailed
from identity_service.graph.access import AccessStore, StoredKey
from identity_service.graph.database import Database
from identity_service.services.spaces.access import Access


class DefectThenRevoked(AccessStore):
    """Keys in a graph that cannot be read at first; there are none in it."""

    def __init__(self) -> None:
        super().__init__(cast("Database", None))
        self.asked = 0

    async def find_key(self, key_hash: str) -> StoredKey | None:  # noqa: ARG002
        self.asked += 1
        if self.asked == 1:
            raise StatementFailed("A defect.")
        return None


async def test_a_connection_stays_open_when_its_key_could_not_be_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "KEY_CHECK_INTERVAL_S", 0)
    store = DefectThenRevoked()
    connections = streams.Streams(Access(store), 1)

    await connections.wait_while_valid("key")

    assert store.asked == 2
