"""An answer that is too large ends at once, also where each entry of a list fails by itself."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
import strawberry

from identity_service.api.graphql import plain_lists
from identity_service.api.graphql.context import Context
from identity_service.api.graphql.execution import GraphQL
from identity_service.api.graphql.requests import Request
from identity_service.services.wiring import UseCases

READ: list[int] = []


@strawberry.type
class Inner:
    """What is below an entry."""

    number: int

    @strawberry.field
    def read(self) -> int:
        """Says that it was read."""
        READ.append(self.number)
        return self.number


@strawberry.type
class Entry:
    """One of many, which may fail by itself."""

    number: int

    @strawberry.field
    def some(self) -> list[Inner]:
        """Five."""
        return [Inner(number=self.number)] * 5

    @strawberry.field
    async def one(self) -> Inner:
        """One, when all lists are there."""
        await asyncio.sleep(0)
        return Inner(number=self.number)


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    def entries(self) -> list[Entry | None]:
        """Twenty."""
        return [Entry(number=number) for number in range(20)]


async def test_nothing_is_executed_once_an_answer_is_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plain_lists, "MAX_ITEMS", 30)
    graphql = GraphQL(strawberry.Schema(Query))
    READ.clear()

    answer = await graphql.run(
        Request("{ entries { some { number } one { read } } }", None, None),
        Context(cast("UseCases", None), None),
    )

    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["TOO_LARGE"]
    assert READ == []
