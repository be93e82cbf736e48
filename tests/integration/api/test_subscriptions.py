"""Changes are followed over WebSocket and server-sent events: each once, in order, and resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from identity_service.api.graphql import sse, streams, websocket
from identity_service.api.graphql.connections import encode_cursor
from identity_service.settings import Settings
from tests.support.following import (
    BEGINNING,
    CHANGES,
    Client,
    changes_of,
    client,
    event_stream,
    told,
    users,
    visit,
)
from tests.support.plain_http import NO_TLS
from tests.support.service import RunningService, Space, create_space, running_service
from tests.support.space import event
from tests.support.waiting import wait_until
from tests.support.writing import write_in_a_process

pytestmark = pytest.mark.neo4j

FORBIDDEN = "FORBIDDEN"


@pytest.fixture
def followed(service: RunningService, space: Space) -> Generator[Client]:
    """A client that follows the space."""
    with client(service, space.reader_key) as connected:
        connected.follow(space)
        yield connected


def close_code(connected: Client) -> int:
    """With what the service closes the connection."""
    with pytest.raises(ConnectionClosed) as closed:
        _read_all(connected)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def _read_all(connected: Client) -> None:
    while True:
        connected.receive()


def codes(errors: Sequence[Mapping[str, Any]]) -> list[str]:
    return [error["extensions"]["code"] for error in errors]


# What is told


def test_what_is_committed_is_told_once_and_in_order(
    service: RunningService, space: Space, followed: Client
) -> None:
    visit(service, space, "ann")
    visit(service, space, "bob", "cid")

    assert sorted(told(followed.changes(3))) == ["ann", "bob", "cid"]
    found = space.rows(
        "MATCH (c:Change {space: $space}) RETURN c.position AS position ORDER BY position"
    )
    assert [row["position"] for row in found] == [1, 2, 3]


def test_without_a_cursor_only_what_is_committed_from_then_on_is_told(
    service: RunningService, space: Space
) -> None:
    visit(service, space, *users("before", 3))

    with client(service, space.reader_key) as connected, ThreadPoolExecutor(1) as listening:
        connected.subscribe("changes", CHANGES, space=space.name)
        heard = listening.submit(connected.changes, 1)
        # It begins at some moment, and does not say when.
        for user in users("later", 1_000):
            visit(service, space, user)
            if heard.done():
                break

    [first] = told(heard.result())
    assert first.startswith("later")


def test_a_merge_is_told_as_a_merge_and_never_as_a_deletion(
    service: RunningService, space: Space, followed: Client
) -> None:
    for told_together in (
        {"userId": "u"},
        {"anonymousId": "a"},
        {"userId": "u", "anonymousId": "a"},
    ):
        service.post("/v1/track", key=space.write_key, json={"event": "e", **told_together})

    first, second, merged = followed.changes(3)

    assert [c["kind"] for c in (first, second, merged)] == ["CREATED", "CREATED", "MERGED"]
    assert merged["customerId"] == first["customerId"]
    assert merged["otherCustomerId"] == second["customerId"]


def test_only_the_kinds_asked_for_are_told(service: RunningService, space: Space) -> None:
    visit(service, space, "u", *users("before", 5))
    service.post("/v1/track", key=space.write_key, json={"event": "e", "anonymousId": "a"})
    merge = {"event": "e", "userId": "u", "anonymousId": "a"}

    with event_stream(
        service, space.reader_key, last_event_id=BEGINNING, space=space.name, kinds=["MERGED"]
    ) as events:
        service.post("/v1/track", key=space.write_key, json=merge)
        visit(service, space, "after")
        service.post("/v1/track", key=space.write_key, json={"event": "e", "anonymousId": "b"})
        service.post("/v1/track", key=space.write_key, json={**merge, "anonymousId": "b"})

        told_kinds = [change["kind"] for change in changes_of(events, 2)]

    assert told_kinds == ["MERGED", "MERGED"]


def test_a_list_and_a_subscription_take_each_others_cursors(
    service: RunningService, space: Space
) -> None:
    visit(service, space, "first")
    query = '{ space(name: "%s") { changes(first: 1) { edges { cursor node { cursor } } } } }'
    answer = service.post(
        "/graphql",
        json={"query": query % space.name},
        headers={"Authorization": f"Bearer {space.reader_key}"},
    ).json()
    [edge] = answer["data"]["space"]["changes"]["edges"]
    visit(service, space, "second")

    with client(service, space.reader_key) as connected:
        connected.subscribe("1", CHANGES, space=space.name, after=edge["cursor"])

        assert edge["node"]["cursor"] == edge["cursor"]
        assert told(connected.changes(1)) == ["second"]


# Going on


def test_a_client_goes_on_where_it_was_when_the_service_comes_back(
    service: RunningService, space: Space, database_settings: Settings
) -> None:
    with (
        ExitStack() as stack,
        running_service(database_settings) as own,
    ):
        events = stack.enter_context(
            event_stream(own, space.reader_key, last_event_id=BEGINNING, space=space.name)
        )
        visit(service, space, *users("before", 3))
        before = changes_of(events, 3)
        cursor = before[-1]["cursor"]
    visit(service, space, *users("between", 3))

    with running_service(database_settings) as own:
        with event_stream(own, space.reader_key, last_event_id=cursor, space=space.name) as events:
            visit(service, space, *users("after", 3))
            rest = changes_of(events, 6)
        with client(own, space.reader_key) as connected:
            connected.subscribe("1", CHANGES, space=space.name, after=cursor)
            same = connected.changes(6)

    assert set(told(rest[:3])) == set(users("between", 3))
    assert set(told(rest[3:])) == set(users("after", 3))
    assert same == rest


async def test_nothing_is_missed_or_told_twice_while_two_processes_write(
    service: RunningService, space: Space, database_settings: Settings
) -> None:
    assert database_settings.neo4j_uri
    events = [event(f"m{n}", n, f"user_id:u{n % 40}", f"anonymous_id:a{n % 60}") for n in range(60)]

    with client(service, space.reader_key) as connected:
        connected.follow(space)
        await asyncio.gather(
            write_in_a_process(database_settings, space.write_key, events[::2]),
            write_in_a_process(database_settings, space.write_key, events[1::2]),
        )
        stored = space.rows(
            "MATCH (c:Change {space: $space}) RETURN c.position AS position ORDER BY position"
        )
        received = await asyncio.to_thread(connected.changes, len(stored))

    assert [row["position"] for row in stored] == list(range(1, len(stored) + 1))
    assert [change["cursor"] for change in received] == [
        encode_cursor("change", row["position"]) for row in stored
    ]


# Who may, and how many


@pytest.mark.parametrize("who", ["nobody", "a write key", "another space"])
def test_who_may_not_hears_the_same_whether_the_space_exists_or_not(
    service: RunningService, space: Space, who: str
) -> None:
    other = create_space(service.settings)
    keys = {
        "nobody": None,
        "a write key": space.write_key,
        "another space": other.reader_key,
    }
    key = keys[who]

    heard: list[str] = []
    for name in (space.name, "there-is-none"):
        with event_stream(service, key, space=name) as events:
            told_first, completed = next(events), next(events)
        assert told_first.answer is not None
        assert codes(told_first.answer["errors"]) == [FORBIDDEN]
        assert completed.event == "complete"
        with client(service) as connected:
            connected.init(key)
            connected.subscribe("1", CHANGES, space=name)
            message = connected.receive()
        assert (message["type"], message["id"]) == ("error", "1")
        assert message["payload"] == told_first.answer["errors"]
        heard.append(message["payload"][0]["message"].replace(name, "…"))

    assert heard[0] == heard[1]


def test_a_key_that_is_none_opens_nothing(service: RunningService, space: Space) -> None:
    key = "ids_reader_wrong"
    asked = {"query": CHANGES, "variables": {"space": space.name}}
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}

    streamed = service.post("/graphql", json=asked, headers=headers)
    with client(service) as connected:
        connected.send(type="connection_init", payload={"Authorization": f"Bearer {key}"})
        code = close_code(connected)

    assert streamed.status_code == 401
    assert codes(streamed.json()["errors"]) == ["UNAUTHORISED"]
    assert code == websocket.FORBIDDEN


def test_a_key_in_the_header_is_as_good_as_one_in_the_first_message(
    service: RunningService, space: Space
) -> None:
    with connect(
        f"ws://{service.address}/graphql",
        subprotocols=["graphql-transport-ws"],  # pyright: ignore[reportArgumentType]
        additional_headers={"Authorization": f"Bearer {space.reader_key}"},
    ) as socket:
        connected = Client(socket)
        connected.init(None)
        connected.subscribe("1", "{ spaces { name } }")

        answer = connected.receive()["payload"]

    assert answer["data"] == {"spaces": [{"name": space.name}]}


def test_a_key_that_is_revoked_ends_what_it_opened(service: RunningService, space: Space) -> None:
    def ask(query: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {space.admin_key}"}
        return service.post("/graphql", json={"query": query}, headers=headers)

    made = ask(
        f'mutation {{ createKey(space: "{space.name}", role: READER, name: "guest")'
        " { ... on KeyCreated { key } } }"
    ).json()
    key = made["data"]["createKey"]["key"]
    with client(service, key) as connected, event_stream(service, key, space=space.name) as events:
        connected.follow(space)

        ask(
            f'mutation {{ revokeKey(space: "{space.name}", name: "guest")'
            " { ... on KeyRevoked { name } } }"
        )

        assert close_code(connected) == websocket.FORBIDDEN
        last, completed = next(events), next(events)
        assert last.answer is not None
        assert codes(last.answer["errors"]) == [FORBIDDEN]
        assert completed.event == "complete"


def test_connections_are_bounded_and_one_that_breaks_gives_its_place_back(
    space: Space, database_settings: Settings
) -> None:
    with running_service(database_settings.model_copy(update={"max_streams": 1})) as own:
        with client(own, space.reader_key) as connected:
            connected.follow(space)
            refused = own.post(
                "/graphql",
                json={"query": CHANGES, "variables": {"space": space.name}},
                headers={
                    "Accept": "text/event-stream",
                    "Authorization": f"Bearer {space.reader_key}",
                },
            )
            with client(own) as late:
                late.send(
                    type="connection_init", payload={"authorization": f"Bearer {space.reader_key}"}
                )
                code = close_code(late)
            connected.socket.socket.close()  # without a word, as a network does

        def has_room() -> bool:
            with client(own) as again:
                again.send(
                    type="connection_init", payload={"authorization": f"Bearer {space.reader_key}"}
                )
                try:
                    return again.receive() == {"type": "connection_ack"}
                except ConnectionClosed:
                    return False

        wait_until(has_room)

    assert refused.status_code == 429
    assert refused.headers["Retry-After"]
    assert code == websocket.TRY_AGAIN_LATER


@pytest.mark.parametrize("who", ["nobody", "a write key"])
def test_who_has_no_key_to_ask_with_takes_no_place(
    space: Space, database_settings: Settings, who: str
) -> None:
    key = {"nobody": None, "a write key": space.write_key}[who]
    with (
        running_service(database_settings.model_copy(update={"max_streams": 1})) as own,
        client(own) as stranger,
    ):
        stranger.init(key)

        with client(own, space.reader_key) as connected:
            connected.subscribe("1", "{ spaces { name } }")
            answer = connected.receive()["payload"]

    assert answer["data"] == {"spaces": [{"name": space.name}]}


def test_of_too_many_without_a_key_the_oldest_goes(
    service: RunningService, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_STRANGERS", 2)

    with (
        client(service) as oldest,
        client(service) as silent,
        client(service, space.reader_key) as known,
    ):
        code = close_code(oldest)
        for connected in (silent, known):
            connected.send(type="ping")
        pongs = [silent.receive(), known.receive()]

    assert code == websocket.TRY_AGAIN_LATER
    assert pongs == [{"type": "pong"}] * 2


def test_operations_of_one_connection_are_bounded(service: RunningService, space: Space) -> None:
    with client(service, space.reader_key) as connected:
        for number in range(websocket.MAX_OPERATIONS + 1):
            connected.subscribe(str(number), CHANGES, space=space.name)

        refused = connected.receive()

    assert refused["id"] == str(websocket.MAX_OPERATIONS)
    assert codes(refused["payload"]) == ["OVERLOADED"]


# The protocols


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["{"], websocket.BAD_MESSAGE),
        (["[]"], websocket.BAD_MESSAGE),
        (['{"type": "start"}'], websocket.BAD_MESSAGE),
        (['{"type": "connection_init", "payload": 5}'], websocket.BAD_MESSAGE),
        (['{"type": "subscribe", "id": "1", "payload": {}}'], websocket.NOT_INITIALISED),
        (['{"type": "connection_init"}'] * 2, websocket.INITIALISED_TWICE),
        (
            ['{"type": "connection_init"}', '{"type": "subscribe", "payload": {"query": "{ a }"}}'],
            websocket.BAD_MESSAGE,
        ),
        (
            ['{"type": "connection_init"}', '{"type": "subscribe", "id": "1", "payload": {}}'],
            websocket.BAD_MESSAGE,
        ),
    ],
)
def test_who_breaks_the_protocol_is_told_how(
    service: RunningService, messages: list[str], code: int
) -> None:
    with client(service) as connected:
        for message in messages:
            connected.socket.send(message)

        assert close_code(connected) == code


def test_an_id_that_is_in_use_is_not_taken_twice(service: RunningService, space: Space) -> None:
    with client(service, space.reader_key) as connected:
        for _ in range(2):
            connected.subscribe("1", CHANGES, space=space.name)

        assert close_code(connected) == websocket.ID_IN_USE


def test_who_offers_no_protocol_that_we_speak_is_told_so(service: RunningService) -> None:
    with connect(f"ws://{service.address}/graphql") as socket:
        assert close_code(Client(socket)) == websocket.WRONG_PROTOCOL


def test_who_never_says_who_it_is_is_sent_away(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "INIT_TIMEOUT_S", 0.05)

    with client(service) as connected:
        assert close_code(connected) == websocket.INIT_TIMEOUT


def test_a_ping_is_answered_also_before_anything_else(service: RunningService) -> None:
    with client(service) as connected:
        connected.send(type="ping")

        assert connected.receive() == {"type": "pong"}


def test_a_client_ends_an_operation_and_may_use_its_id_again(
    service: RunningService, space: Space, followed: Client
) -> None:
    followed.send(type="complete", id="changes")
    followed.subscribe("changes", "{ __typename }")

    assert followed.receive()["payload"]["data"] == {"__typename": "Query"}
    assert followed.receive() == {"type": "complete", "id": "changes"}
    visit(service, space, "unheard")
    followed.send(type="ping")
    assert followed.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    "query",
    [
        "subscription {",
        "subscription { nothing }",
        "subscription($space: String!) {"  # noqa: ISC004
        " a: changes(space: $space) { id } b: changes(space: $space) { id } }",
        CHANGES,
    ],
)
def test_a_subscription_that_is_wrong_is_answered_as_a_query_that_is(
    service: RunningService, space: Space, query: str
) -> None:
    wrong = {"space": space.name, "after": "no cursor"}
    with client(service, space.reader_key) as connected:
        connected.subscribe("1", query, **wrong)

        message = connected.receive()

    assert (message["type"], message["id"]) == ("error", "1")
    assert set(codes(message["payload"])) == {"BAD_INPUT"}


def test_a_cursor_that_the_space_has_not_reached_is_none_of_its_cursors(
    service: RunningService, space: Space
) -> None:
    beyond = "Y2hhbmdlfDU="  # change|5

    with event_stream(service, space.reader_key, space=space.name, after=beyond) as events:
        first = next(events)

    assert first.answer is not None
    assert codes(first.answer["errors"]) == ["BAD_INPUT"]


def test_a_subscription_in_the_address_is_taken_and_a_mutation_is_not(
    service: RunningService, space: Space
) -> None:
    visit(service, space, "ann")
    headers = {
        "Accept": "text/event-stream",
        "Authorization": f"Bearer {space.reader_key}",
        "Last-Event-ID": BEGINNING,
    }
    asked = {"query": CHANGES, "variables": f'{{"space": "{space.name}"}}'}
    with httpx.stream(
        "GET", f"{service.url}/graphql", params=asked, headers=headers, verify=NO_TLS
    ) as response:
        lines = response.iter_lines()
        data = next(line for line in lines if line.startswith("data:"))

    refused = service.get("/graphql", params={"query": "mutation { __typename }"}, headers=headers)

    assert '"ann"' in data
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")


def test_silence_is_filled_with_comments(
    service: RunningService, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_S", 0.05)
    with httpx.stream(
        "POST",
        f"{service.url}/graphql",
        json={"query": CHANGES, "variables": {"space": space.name}},
        headers={
            "Accept": "text/event-stream",
            "Authorization": f"Bearer {space.reader_key}",
        },
        verify=NO_TLS,
    ) as response:
        lines = response.iter_lines()

        assert [line for line in (next(lines) for _ in range(6)) if line] == [":"] * 3


def test_a_subscription_by_a_plain_request_is_told_where_to_go(
    service: RunningService, space: Space
) -> None:
    answer = service.post(
        "/graphql",
        json={"query": CHANGES, "variables": {"space": space.name}},
        headers={"Authorization": f"Bearer {space.reader_key}"},
    ).json()

    assert codes(answer["errors"]) == ["BAD_INPUT"]
    assert "text/event-stream" in answer["errors"][0]["message"]
