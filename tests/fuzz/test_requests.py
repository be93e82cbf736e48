"""Mutated requests to the running service: answered plainly, and what is good in them kept once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncGenerator
from itertools import count

import httpx
import pytest
from hypothesis import given

from identity_service.collect.body import decode_body
from identity_service.domain.events import Observation
from identity_service.domain.policies.parse import DEFAULT_POLICY_TEXT, parse_policy
from identity_service.domain.policies.value_rules import ValueRules, observe
from identity_service.graph.database import Database
from tests.fuzz.bodies import FOUND_FAULTS, NOW, Sent, requests
from tests.support.graphql import GraphQLWorld
from tests.support.plain_http import NO_TLS
from tests.support.service import RunningService
from tests.support.statements import reading
from tests.support.worlds import in_some_worlds

EVENTS = reading("MATCH (e:Event {space: $space}) RETURN e.message_id AS message_id")
MADE_ID = re.compile(r"msg_[0-9a-f]{32}")
VALUES = ValueRules(parse_policy(DEFAULT_POLICY_TEXT))


@pytest.fixture(scope="module")
async def sender(service: RunningService) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=30, verify=NO_TLS) as client:
        yield client


@in_some_worlds(25)
@given(requests())
async def test_a_mutated_request_has_a_plain_answer_and_what_is_good_in_it_is_kept_once(
    world: GraphQLWorld, database: Database, sender: httpx.AsyncClient, sent: Sent
) -> None:
    await assert_answered_and_kept(world, database, sender, sent)


@pytest.mark.parametrize("name", FOUND_FAULTS)
async def test_what_once_found_a_fault_has_a_plain_answer(
    world: GraphQLWorld, database: Database, sender: httpx.AsyncClient, name: str
) -> None:
    for route in ("batch", "identify"):
        sent = Sent(route, FOUND_FAULTS[name])
        await assert_answered_and_kept(world, database, sender, sent)


async def assert_answered_and_kept(
    world: GraphQLWorld, database: Database, sender: httpx.AsyncClient, sent: Sent
) -> None:
    space = await world.create_space()

    answers = [
        await sender.post(f"/v1/{sent.route}", content=sent.body, auth=(space.write_key, ""))
        for _ in range(2)
    ]
    unknown = await sender.post(f"/v1/{sent.route}", content=sent.body)

    for answer in (*answers, unknown):
        assert_plain(answer)
    assert [answer.status_code for answer in answers] == [answers[0].status_code] * 2
    assert unknown.status_code != 200
    rows = await database.read_all(EVENTS, space=space.name)
    kept = Counter(named(row["message_id"]) for row in rows)
    assert kept == (good_events(sent) if answers[0].status_code == 200 else Counter())


def assert_plain(answer: httpx.Response) -> None:
    if answer.status_code == 200:
        assert answer.json() == {"success": True}
        return
    problem = answer.json()
    assert answer.status_code in {400, 401, 413}, problem
    assert problem.keys() == {"code", "message", "detail", "error"}
    assert all(isinstance(text, str) and text for text in problem.values())


def good_events(sent: Sent) -> Counter[str]:
    """How often each message id is kept of a request that is sent twice.

    An event that neither has an id nor a time of its own is another one each time.
    """
    ids = map("msg_{:032x}".format, count())
    found = sent.read(decode_body(sent.body), lambda: next(ids)).events
    good = {
        event.identity
        for event in found
        if isinstance(observe(event, VALUES, NOW, "source"), Observation)
    }
    kept = Counter(named(message_id) for message_id, _ in good)
    kept["made"] *= 2
    return +kept


def named(message_id: str) -> str:
    return "made" if MADE_ID.fullmatch(message_id) else message_id
