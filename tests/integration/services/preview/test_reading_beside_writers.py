"""A space is read page by page for a preview, while others write into it."""

from __future__ import annotations

from typing import Any

import pytest

from identity_service.graph import snapshot
from identity_service.graph.database import Database, Row
from identity_service.graph.snapshot import READ_IDENTIFIERS, SnapshotReader
from identity_service.graph.statements import Statement
from tests.support.space import NewWorld, event


async def test_an_earlier_anchor_that_comes_after_its_page_was_read_is_left_out(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world()
    await space.send(event("m1", 1, "user_id:b"), event("m2", 2, "user_id:c"))
    read_one, pages = Database.read_one, list[Statement]()

    async def beside_a_writer(self: Database, asked: Statement, /, **parameters: Any) -> Row | None:
        row = await read_one(self, asked, **parameters)
        if asked == READ_IDENTIFIERS:
            pages.append(asked)
            if len(pages) == 1:
                await space.rows(
                    "MATCH (c:Customer)<-[:BELONGS_TO]-(:Identifier {key: $prefix + 'user_id:c'})"
                    " CREATE (c)-[:WAS_ANCHORED_AT {until: 1, rev: 1}]->(:Identifier {"
                    " space: $space, key: $prefix + 'user_id:a', type: 'user_id', value: 'a',"
                    " first_seen: 1, last_seen: 1})"
                )
        return row

    monkeypatch.setattr(snapshot, "IDENTIFIERS_AT_ONCE", 1)
    monkeypatch.setattr(Database, "read_one", beside_a_writer)
    read = await SnapshotReader(space.database).read(space.space, lambda _: None, with_claims=False)

    assert [each.value for each in read.identifiers] == ["b", "c"]
    assert len(read.register) == 2
    assert len(pages) > 2
