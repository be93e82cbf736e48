"""Very large events: what is taken of them, and that all that was taken can be read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from identity_service.collect.segment import MAX_EVENT_BYTES
from identity_service.graph.copies import CopyReader
from identity_service.graph.database import Database
from identity_service.graph.exports import ExportReader
from identity_service.graph.pages import PAGE_BYTES
from tests.support.plain_http import NO_TLS
from tests.support.service import RunningService, Space

MEGABYTE = 1024 * 1024
LARGE = 12
EVENTS = """
query ($space: String!, $asOf: DateTime, $after: String) {
  space(name: $space) {
    customer(identifier: {type: "user_id", value: "u"}, asOf: $asOf) {
      ... on Customer {
        traits { name }
        traitsOmitted
        events(first: 50, after: $after) {
          edges { node { messageId properties } } pageInfo { hasNextPage endCursor }
        }
      }
    }
  }
}
"""


def send(service: RunningService, space: Space, body: Mapping[str, Any]) -> httpx.Response:
    return service.post(
        "/v1/batch", space.write_key, content=gzip.compress(json.dumps(body).encode())
    )


def customer(
    service: RunningService, space: Space, as_of: str | None = None, after: str | None = None
) -> dict[str, Any]:
    answer = httpx.post(
        f"{service.url}/graphql",
        json={
            "query": EVENTS,
            "variables": {"space": space.name, "asOf": as_of, "after": after},
        },
        headers={"Authorization": f"Bearer {space.reader_key}"},
        timeout=60,
        verify=NO_TLS,
    ).json()
    assert "errors" not in answer, answer["errors"]
    return answer["data"]["space"]["customer"]


def rejected(space: Space) -> dict[str, str]:
    """By message id, why events were rejected."""
    rows = space.rows(
        "MATCH (r:RejectedEvent {space: $space}) RETURN r.message_id AS id, r.code AS code"
    )
    return {row["id"]: row["code"] for row in rows}


def track(message_id: str, **properties: str) -> dict[str, Any]:
    return {"type": "track", "event": "e", "userId": "u"} | {
        "messageId": message_id,
        "properties": properties,
    }


def test_an_event_that_is_too_large_is_rejected_and_its_batch_is_taken(
    service: RunningService, space: Space
) -> None:
    fits = track("fits", text="x" * (MAX_EVENT_BYTES - 1_000))
    large = track("large", text="x" * MAX_EVENT_BYTES)
    traits = {"type": "identify", "userId": "u", "messageId": "twice"} | {
        "traits": {"text": "x" * (MAX_EVENT_BYTES * 3 // 5)}
    }

    answer = send(service, space, {"batch": [large, track("small"), traits, fits]})

    assert answer.status_code == 200
    assert {event["message_id"] for event in space.events()} == {"small", "fits"}
    assert rejected(space) == {"large": "TOO_LARGE", "twice": "TOO_LARGE"}


def test_the_context_of_a_batch_counts_for_each_of_its_events(
    service: RunningService, space: Space
) -> None:
    context = {"text": "x" * MEGABYTE}

    answer = send(
        service,
        space,
        {"context": context, "batch": [track(f"m{n:03}") for n in range(200)]},
    )

    assert answer.status_code == 200
    taken = {event["message_id"] for event in space.events()}
    assert taken == {f"m{n:03}" for n in range(len(taken))}
    assert 120 < len(taken) < 128
    assert rejected(space) == {f"m{n:03}": "TOO_LARGE" for n in range(len(taken), 200)}


@pytest.fixture
async def large(service: RunningService, space: Space, database: Database) -> Database:
    """A customer of small events and of large ones, which came later."""
    small = [
        {"type": "identify", "userId": "u", "messageId": "first", "traits": {"plan": "pro"}},
        *(track(f"small{n}") for n in range(3)),
    ]
    assert send(service, space, {"batch": small}).status_code == 200
    for n in range(LARGE):
        junk = {"type": "identify", "userId": "u", "messageId": f"junk{n}"} | {
            "traits": {f"junk{n}": "x" * int(1.9 * MEGABYTE)}
        }
        group = {"type": "group", "userId": "u", "groupId": "acme", "messageId": f"group{n}"} | {
            "traits": {"text": f"{n}" + "x" * (3 * MEGABYTE)}
        }
        assert send(service, space, {"batch": [junk]}).status_code == 200
        assert send(service, space, {"batch": [group]}).status_code == 200
    assert rejected(space) == {}
    return database


async def test_large_events_leave_a_customer_and_its_space_readable(
    large: Database, service: RunningService, space: Space
) -> None:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")

    for as_of in (None, now):
        found = customer(service, space, as_of)
        assert {"name": "plan"} in found["traits"]
        assert found["traitsOmitted"] == LARGE + 1 - len(found["traits"])
        seen: list[str] = []
        pages = 0
        while True:
            nodes = [edge["node"] for edge in found["events"]["edges"]]
            assert sum(len(json.dumps(node)) for node in nodes) < PAGE_BYTES + 2 * MAX_EVENT_BYTES
            seen += [node["messageId"] for node in nodes]
            pages += 1
            if not found["events"]["pageInfo"]["hasNextPage"]:
                break
            found = customer(service, space, as_of, found["events"]["pageInfo"]["endCursor"])
        assert pages > 1
        assert len(seen) == len({*seen}) == 2 * LARGE + 4

    exported = [
        [properties["stored_bytes"] for properties, *_ in page]
        async for page in ExportReader(large).events(space.name, None)
    ]
    copied = [
        [properties["stored_bytes"] for _, properties, _ in page]
        async for page in CopyReader(large).events(space.name)
    ]
    for pages_read in (exported, copied):
        assert sum(map(len, pages_read)) == 2 * LARGE + 4
        assert all(sum(page) <= PAGE_BYTES for page in pages_read)
    sets = [len(page) async for page in CopyReader(large).account_traits(space.name)]
    assert sum(sets) == LARGE
    assert len(sets) > 1
