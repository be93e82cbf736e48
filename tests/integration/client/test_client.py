"""Both clients ask a real service: look up, judge, follow over a restart, and are refused."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from threading import Thread

import pytest

from identity_service.client import (
    AsyncClient,
    Change,
    ChangeKind,
    Client,
    Customer,
    Invalid,
    InvalidCode,
    Judged,
    NotAllowed,
    NotFound,
    Refused,
    Verdict,
)
from identity_service.settings import Settings
from tests.support.following import users, visit
from tests.support.service import RunningService, Space, running_service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.neo4j


@pytest.fixture
def client(service: RunningService, space: Space) -> Iterator[Client]:
    with Client(service.url, space.admin_key, space.name) as client:
        yield client


def ids_of(answers: Sequence[object]) -> list[str | None]:
    return [each.customer_id if isinstance(each, Customer) else None for each in answers]


def test_customers_are_found_one_and_many_in_the_order_asked(
    service: RunningService, space: Space, client: Client
) -> None:
    visit(service, space, "ann", "bob")

    ann = client.customer("user_id:ann")
    nobody = client.customer("user_id:nobody")
    assert isinstance(ann, Customer)
    assert isinstance(nobody, NotFound)
    many = ["user_id:bob", *(f"user_id:{each}" for each in users("u", 1_200)), "user_id:ann"]
    found = ids_of(list(client.customers(many)))
    asked = [ann.customer_id, "cus_none", str(found[0])]
    by_id = ids_of(list(client.customers_by_id(asked)))

    assert len(found) == len(many)
    assert found[1:-1] == [None] * 1_200
    assert found[-1] == ann.customer_id
    assert by_id == [ann.customer_id, None, found[0]]
    assert [(each.type_, each.value) for each in ann.identifiers] == [("user_id", "ann")]
    assert ids_of([client.customer(id=ann.customer_id)]) == [ann.customer_id]


def test_more_than_one_request_can_carry_is_asked_in_halves(client: Client) -> None:
    long = [f"user_id:{n:04}{'x' * 1_010}" for n in range(1_000)]

    found = list(client.customers(long))

    assert len(found) == 1_000
    assert all(isinstance(each, NotFound) for each in found)


def test_a_judgement_is_made_withdrawn_and_listed(
    service: RunningService, space: Space, client: Client
) -> None:
    visit(service, space, "ann", "bob")

    made = client.judge(Verdict.SAME, "user_id:ann", "user_id:bob", "she said so")
    assert isinstance(made, Judged)
    gone = client.withdraw_judgement(made.judgement.id, "she did not")
    again = client.withdraw_judgement(made.judgement.id, "she did not")
    kinds = [change.kind for change in client.changes()]

    assert isinstance(gone, Judged)
    assert isinstance(again, Invalid)
    assert again.code is InvalidCode.DONE_BEFORE
    assert kinds[:2] == [ChangeKind.SPLIT, ChangeKind.MERGED]
    assert set(kinds[2:]) == {ChangeKind.CREATED}


def test_what_is_wrong_is_said_at_once(service: RunningService, space: Space) -> None:
    def asked(key: str, name: str, ask: Callable[[Client], object]) -> None:
        with Client(service.url, key, name) as client:
            ask(client)

    with pytest.raises(NotAllowed) as unknown:
        asked("ids_reader_none", space.name, lambda client: client.viewer())
    with pytest.raises(NotAllowed):
        asked(space.reader_key, "another", lambda client: client.customer("user_id:ann"))
    with pytest.raises(NotAllowed):
        asked(
            space.reader_key,
            space.name,
            lambda client: client.judge(Verdict.SAME, "user_id:a", "user_id:b", "x"),
        )
    with pytest.raises(Refused):
        asked(space.reader_key, space.name, lambda client: client.customer("ann"))
    assert unknown.value.code == "UNAUTHORISED"
    assert unknown.value.request_id


def test_who_follows_misses_nothing_when_the_service_is_restarted(
    service: RunningService, space: Space, database_settings: Settings
) -> None:
    visit(service, space, "the-first")
    waiting: list[Change] = []
    async_waiting: list[Change] = []

    def follow(url: str) -> None:
        with Client(url, space.reader_key, space.name) as client:
            for change in client.follow():
                waiting.append(change)
                if change.identifiers[0].value == "while-it-was-away":
                    return

    async def follow_beside(url: str) -> None:
        async with (
            AsyncClient(url, space.reader_key, space.name) as client,
            aclosing(client.follow()) as followed,
        ):
            async for change in followed:
                async_waiting.append(change)
                if change.identifiers[0].value == "while-it-was-away":
                    return

    with running_service(database_settings) as first:
        port = int(first.url.rpartition(":")[2])
        threads = [
            Thread(target=follow, args=[first.url]),
            Thread(target=lambda: asyncio.run(follow_beside(first.url))),
        ]
        for thread in threads:
            thread.start()
        # Nobody can see when they have begun, so something happens until both have heard of it.

        def both_heard() -> bool:
            visit(service, space, f"before-{secrets.token_hex(4)}")
            return bool(waiting and async_waiting)

        wait_until(both_heard)
    visit(service, space, "while-it-was-away")
    with running_service(database_settings, port):
        for thread in threads:
            thread.join(60)

    for heard in (waiting, async_waiting):
        names = [change.identifiers[0].value for change in heard]
        assert names[-1] == "while-it-was-away"
        assert len(set(names)) == len(names)
    assert [change.cursor for change in waiting[-2:]] == [
        change.cursor for change in async_waiting[-2:]
    ]


async def test_the_client_that_does_something_else_meanwhile_answers_alike(
    service: RunningService, space: Space, client: Client
) -> None:
    visit(service, space, "ann", "bob")
    asked = ["user_id:bob", "user_id:nobody", "user_id:ann"]

    async with AsyncClient(service.url, space.admin_key, space.name) as beside:
        viewer = await beside.viewer()
        ann = await beside.customer("user_id:ann")
        many = [each async for each in beside.customers(asked)]
        by_id = [each async for each in beside.customers_by_id([*filter(None, ids_of(many))])]
        changes = [each async for each in beside.changes()]
        made = await beside.judge(Verdict.SAME, "user_id:ann", "user_id:bob", "she said so")
        assert isinstance(made, Judged)
        await beside.withdraw_judgement(made.judgement.id, "she did not")

    assert viewer is not None
    assert (viewer.name, viewer.spaces[0].name) == ("admin", space.name)
    assert ids_of(many) == ids_of(list(client.customers(asked)))
    assert ids_of([ann]) == ids_of(by_id[1:])
    assert changes == list(client.changes())[-len(changes) :]
