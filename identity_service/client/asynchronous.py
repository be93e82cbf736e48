"""The client for programs that do something else meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Self, TypeVar

import httpx2

from identity_service.client import questions
from identity_service.client.answers import Answered, read_answer
from identity_service.client.connection import PATH, Failure, headers_of, limits, timeouts
from identity_service.client.errors import TooLarge
from identity_service.client.following import SILENCE_S, STREAM, Following
from identity_service.client.generated.enums import Verdict
from identity_service.client.generated.fragments import Change, Viewer
from identity_service.client.questions import (
    PAGE,
    CustomerAnswer,
    JudgeAnswer,
    Lookup,
    Question,
)
from identity_service.client.retries import Retries

T = TypeVar("T")


class AsyncClient:
    """As `Client`, each method to be awaited, or gone through with `async for`."""

    def __init__(
        self,
        url: str,
        key: str,
        space: str,
        *,
        timeout_s: float = 15.0,
        connections: int = 8,
        retries: Retries | None = None,
    ) -> None:
        self._space = space
        self._retries = retries or Retries()
        self._http = httpx2.AsyncClient(
            base_url=url,
            headers=headers_of(key),
            timeout=timeouts(timeout_s),
            limits=limits(connections),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def viewer(self) -> Viewer | None:
        """Who the key is, and which spaces it enters."""
        return await self.ask(questions.who_am_i())

    async def customer(
        self,
        identifier: str | None = None,
        *,
        id: str | None = None,  # noqa: A002  (the name is the schema's)
        as_of: datetime | None = None,
    ) -> CustomerAnswer:
        """Who is this? By an identifier, or by a customer id, current or retired."""
        return await self.ask(questions.find_customer(self._space, identifier, id, as_of))

    async def customers(self, identifiers: Sequence[str]) -> AsyncGenerator[CustomerAnswer]:
        """The same of any number, in their order."""
        for batch in Lookup(self._space, identifiers, by_id=False).batches():
            async for each in self._looked_up(batch):
                yield each

    async def customers_by_id(self, ids: Sequence[str]) -> AsyncGenerator[CustomerAnswer]:
        """The same by customer ids, current or retired."""
        for batch in Lookup(self._space, ids, by_id=True).batches():
            async for each in self._looked_up(batch):
                yield each

    async def changes(
        self,
        *,
        customer: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncGenerator[Change]:
        """What happened, newest first, page by page; of one customer, in a span of time."""
        after: str | None = None
        while True:
            page = await self.ask(
                questions.list_changes(self._space, PAGE, after, customer, since, until)
            )
            for change in page.changes:
                yield change
            if page.next is None:
                return
            after = page.next

    async def follow(self, after: str | None = None) -> AsyncGenerator[Change]:
        """Every change after a cursor, for ever, each once; without one, those from now on.

        Goes on by itself when the connection or the service was gone. Keep the `cursor` of the
        last change that you have dealt with, and begin with it.
        """
        following = Following(self._space, after or await self._newest())
        while True:
            with suppress(httpx2.TransportError):
                async with aclosing(self._heard(following)) as heard:
                    async for change in heard:
                        yield change
            await asyncio.sleep(following.pause())

    async def judge(self, verdict: Verdict, a: str, b: str, reason: str) -> JudgeAnswer:
        """Say that two identifiers are one customer, or are not."""
        return await self.ask(questions.judge(self._space, verdict, a, b, reason))

    async def withdraw_judgement(self, id: str, reason: str) -> JudgeAnswer:  # noqa: A002  (likewise)
        """Take a judgement back."""
        return await self.ask(questions.withdraw_judgement(self._space, id, reason))

    async def ask(self, question: Question[T]) -> T:
        """The answer to a question. Raises ClientError."""
        failure = Failure(self._retries, question.repeatable)
        while True:
            try:
                answer = await self._http.post(PATH, json=question.asked)
            except httpx2.TransportError as error:
                await asyncio.sleep(failure.not_reached(error))
                continue
            meant = read_answer(answer.status_code, answer.headers, answer.content)
            if isinstance(meant, Answered):
                return question.read(meant.data)
            await asyncio.sleep(failure.not_now(meant))

    async def _newest(self) -> str | None:
        page = await self.ask(questions.list_changes(self._space, 1, None, None, None, None))
        return page.changes[0].cursor if page.changes else None

    async def _heard(self, following: Following) -> AsyncGenerator[Change]:
        async with self._http.stream(
            "POST", PATH, json=following.asked, headers=STREAM, timeout=timeouts(SILENCE_S)
        ) as answer:
            if not following.begins(answer.status_code, answer.headers):
                following.refused(answer.status_code, answer.headers, await answer.aread())
                return
            async for line in answer.aiter_lines():
                change = following.hear(line)
                if change is not None:
                    yield change

    async def _looked_up(self, lookup: Lookup) -> AsyncGenerator[CustomerAnswer]:
        try:
            found = await self.ask(lookup.question)
        except TooLarge:
            if len(lookup.asked) == 1:
                raise
            for half in lookup.halves():
                async for each in self._looked_up(half):
                    yield each
        else:
            for each in found:
                yield each
