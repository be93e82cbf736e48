"""The client for programs that wait for each answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
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


class Client:
    """Asks one space with one key, over connections that are kept. To be closed.

    Identifiers are written `TYPE:VALUE`. What a service refuses for now is asked again, as
    `retries` says; what is wrong raises a ClientError at once.
    """

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
        self._http = httpx2.Client(
            base_url=url,
            headers=headers_of(key),
            timeout=timeouts(timeout_s),
            limits=limits(connections),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def viewer(self) -> Viewer | None:
        """Who the key is, and which spaces it enters."""
        return self.ask(questions.who_am_i())

    def customer(
        self,
        identifier: str | None = None,
        *,
        id: str | None = None,  # noqa: A002  (the name is the schema's)
        as_of: datetime | None = None,
    ) -> CustomerAnswer:
        """Who is this? By an identifier, or by a customer id, current or retired."""
        return self.ask(questions.find_customer(self._space, identifier, id, as_of))

    def customers(self, identifiers: Sequence[str]) -> Iterator[CustomerAnswer]:
        """The same of any number, in their order."""
        for batch in Lookup(self._space, identifiers, by_id=False).batches():
            yield from self._looked_up(batch)

    def customers_by_id(self, ids: Sequence[str]) -> Iterator[CustomerAnswer]:
        """The same by customer ids, current or retired."""
        for batch in Lookup(self._space, ids, by_id=True).batches():
            yield from self._looked_up(batch)

    def changes(
        self,
        *,
        customer: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Change]:
        """What happened, newest first, page by page; of one customer, in a span of time."""
        after: str | None = None
        while True:
            page = self.ask(
                questions.list_changes(self._space, PAGE, after, customer, since, until)
            )
            yield from page.changes
            if page.next is None:
                return
            after = page.next

    def follow(self, after: str | None = None) -> Iterator[Change]:
        """Every change after a cursor, for ever, each once; without one, those from now on.

        Goes on by itself when the connection or the service was gone. Keep the `cursor` of the
        last change that you have dealt with, and begin with it.
        """
        following = Following(self._space, after or self._newest())
        while True:
            with suppress(httpx2.TransportError):
                yield from self._heard(following)
            time.sleep(following.pause())

    def judge(self, verdict: Verdict, a: str, b: str, reason: str) -> JudgeAnswer:
        """Say that two identifiers are one customer, or are not."""
        return self.ask(questions.judge(self._space, verdict, a, b, reason))

    def withdraw_judgement(self, id: str, reason: str) -> JudgeAnswer:  # noqa: A002  (likewise)
        """Take a judgement back."""
        return self.ask(questions.withdraw_judgement(self._space, id, reason))

    def ask(self, question: Question[T]) -> T:
        """The answer to a question. Raises ClientError."""
        failure = Failure(self._retries, question.repeatable)
        while True:
            try:
                answer = self._http.post(PATH, json=question.asked)
            except httpx2.TransportError as error:
                time.sleep(failure.not_reached(error))
                continue
            meant = read_answer(answer.status_code, answer.headers, answer.content)
            if isinstance(meant, Answered):
                return question.read(meant.data)
            time.sleep(failure.not_now(meant))

    def _newest(self) -> str | None:
        page = self.ask(questions.list_changes(self._space, 1, None, None, None, None))
        return page.changes[0].cursor if page.changes else None

    def _heard(self, following: Following) -> Iterator[Change]:
        with self._http.stream(
            "POST", PATH, json=following.asked, headers=STREAM, timeout=timeouts(SILENCE_S)
        ) as answer:
            if not following.begins(answer.status_code, answer.headers):
                following.refused(answer.status_code, answer.headers, answer.read())
                return
            for line in answer.iter_lines():
                change = following.hear(line)
                if change is not None:
                    yield change

    def _looked_up(self, lookup: Lookup) -> Iterator[CustomerAnswer]:
        try:
            found = self.ask(lookup.question)
        except TooLarge:
            if len(lookup.asked) == 1:
                raise
            for half in lookup.halves():
                yield from self._looked_up(half)
        else:
            yield from found
