"""What Customer.io's Python SDK sent, replayed against the running service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.plain_http import NO_TLS
from tests.support.service import RunningService, Space

RECORDING = Path(__file__).parent / "recordings" / "others" / "customerio.json"


def requests() -> list[dict[str, Any]]:
    return json.loads(RECORDING.read_text())["requests"]


def send(service: RunningService, key: str, request: dict[str, Any]) -> httpx.Response:
    return httpx.request(
        request["method"],
        f"{service.url}{request['path']}",
        auth=(key, "api-key"),
        content=json.dumps(request["body"]) if request["body"] else b"",
        headers={"Content-Type": "application/json"},
        timeout=30,
        verify=NO_TLS,
    )


def test_the_recorded_journey_ends_as_one_customer(service: RunningService, space: Space) -> None:
    answers = [send(service, space.write_key, request) for request in requests()]

    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == {"success": True} for answer in answers)
    [journey] = [one for one in space.customers() if "user_id:u-1001" in one]
    assert journey >= {
        "user_id:u-1001",
        "email:ada.lovelace@example.com",
        "phone:+14155550123",
        "anonymous_id:3f1b0c52-7c5e-4f0e-9d59-3b6d6a0e11aa",
        "anonymous_id:9a7e21d4-58b1-4f6c-8c3b-51f0b7c2d0bb",
    }
    assert any(each.startswith("ios.push_token:") for each in journey)
    # An object is nobody.
    assert [rejection["code"] for rejection in space.rejections()] == ["NO_IDENTIFIER"]


def test_a_merge_joins_no_second_login_and_a_deletion_deletes_nothing(
    service: RunningService, space: Space
) -> None:
    for request in requests():
        send(service, space.write_key, request)

    people = [{i for i in one if i.startswith("user_id:")} for one in space.customers()]
    assert [logins for logins in people if len(logins) > 1] == []
    assert {"Person Deleted", "Person Suppressed"} <= {event["name"] for event in space.events()}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/api/v1/customers/u", 401),
        ("GET", "/api/v1/customers/u", 405),
        ("POST", "/api/v1/nothing", 404),
    ],
)
def test_an_unknown_key_and_an_unknown_route_are_refused(
    service: RunningService, method: str, path: str, status: int
) -> None:
    answer = httpx.request(
        method, f"{service.url}{path}", auth=("nobodys", ""), json={}, verify=NO_TLS
    )

    assert answer.status_code == status
    assert answer.json().keys() >= {"code", "message", "detail", "error"}
