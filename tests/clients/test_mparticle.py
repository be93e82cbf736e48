"""What mParticle's Python SDK sent, replayed against the running service."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tests.support.plain_http import NO_TLS
from tests.support.service import RunningService, Space

RECORDING = Path(__file__).parent / "recordings" / "others" / "mparticle.json"


def requests() -> list[dict[str, Any]]:
    return json.loads(RECORDING.read_text())["requests"]


def replay(service: RunningService, key: str) -> list[httpx.Response]:
    return [
        httpx.post(
            f"{service.url}{request['path']}",
            auth=(key, "secret"),
            content=json.dumps(request["body"]),
            headers={"Content-Type": "application/json"},
            timeout=30,
            verify=NO_TLS,
        )
        for request in requests()
    ]


def test_the_recorded_journey_ends_as_one_customer(service: RunningService, space: Space) -> None:
    answers = replay(service, space.write_key)

    assert {answer.status_code for answer in answers} == {200}
    [journey] = [one for one in space.customers() if "user_id:u-1001" in one]
    assert journey == {
        "user_id:u-1001",
        "email:ada.lovelace@example.com",
        "phone:+14155550123",
        "other:3f1b0c52-7c5e-4f0e-9d59-3b6d6a0e11aa",
        "ios.idfa:7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB",
        "mpid:-5384384720837470000",
        "microsoft:acct-9",
    }
    # The SDK put the name of a screen where its time belongs.
    assert [rejection["code"] for rejection in space.rejections()] == ["INVALID_TIME"]


def test_sent_again_nothing_counts_twice_that_has_a_time(
    service: RunningService, space: Space
) -> None:
    replay(service, space.write_key)
    replay(service, space.write_key)

    counts = Counter(event["name"] for event in space.events())
    without_time = {"session_start", "purchase"}
    assert {name for name, number in counts.items() if number > 1} == without_time
    assert "signed up" in counts


def test_an_unknown_key_is_refused_and_a_body_of_the_other_route_too(
    service: RunningService, space: Space
) -> None:
    unknown = service.post("/v2/events", "nobodys", json={"events": []})
    list_for_one = service.post("/v2/events", space.write_key, json=[{"events": []}])
    one_for_list = service.post("/v2/bulkevents", space.write_key, json={"events": []})

    assert [unknown.status_code, list_for_one.status_code, one_for_list.status_code] == [
        401,
        400,
        400,
    ]
