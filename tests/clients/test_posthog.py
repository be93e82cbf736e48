"""What PostHog's Python SDK sent, replayed against the running service."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from identity_service.settings import Settings
from tests.support.plain_http import NO_TLS
from tests.support.service import RunningService, Space, create_space, running_service

RECORDING = Path(__file__).parent / "recordings" / "others" / "posthog.json"
PLAIN, PACKED, NEWER = "plain", "gzip", "v1"
BROWSER = "3f1b0c52-7c5e-4f0e-9d59-3b6d6a0e11aa"
PHONE = "9a7e21d4-58b1-4f6c-8c3b-51f0b7c2d0bb"


def requests(mode: str) -> list[dict[str, Any]]:
    """The SDK went through the same journey three times."""
    recorded = json.loads(RECORDING.read_text())["requests"]
    return [each for each in recorded if mode_of(each) == mode]


def mode_of(request: dict[str, Any]) -> str:
    if request["path"] != "/batch/":
        return NEWER
    return PACKED if request["content_encoding"] else PLAIN


def send(service: RunningService, key: str, request: dict[str, Any]) -> httpx.Response:
    body = request["body"] | ({"api_key": key} if "api_key" in request["body"] else {})
    content = json.dumps(body).encode()
    headers = dict(request["headers"])
    kept = {
        name: headers[name] for name in headers if name.startswith(("PostHog-", "Content-Type"))
    }
    if "Authorization" in headers:
        kept["Authorization"] = f"Bearer {key}"
    # Without the header that says so: what it is shows by its first bytes.
    packed = gzip.compress(content) if request["content_encoding"] else content
    return httpx.post(
        f"{service.url}{request['path']}", content=packed, headers=kept, timeout=30, verify=NO_TLS
    )


@pytest.mark.parametrize("mode", [PLAIN, PACKED, NEWER])
def test_the_recorded_journey_ends_as_one_customer(
    service: RunningService, space: Space, mode: str
) -> None:
    answers = [send(service, space.write_key, request) for request in requests(mode)]

    assert {answer.status_code for answer in answers} == {200}
    assert space.rejections() == []
    assert space.customers() == [
        {
            "user_id:u-1001",
            "email:ada.lovelace@example.com",
            f"anonymous_id:{BROWSER}",
            f"anonymous_id:{PHONE}",
            "anonymous_id:legacy-77",
        }
    ]
    assert [event["type"] for event in space.events()] == [
        *("page", "page", "identify", "track", "screen", "identify", "track", "identify"),
        *("track", "alias", "group", "track"),
    ]


def test_the_newer_route_answers_as_posthog_does(service: RunningService, space: Space) -> None:
    for request in requests(NEWER):
        answer = send(service, space.write_key, request)

        assert answer.json() == json.loads(request["response"]["body"])


def test_sent_again_nothing_counts_twice(service: RunningService, space: Space) -> None:
    journey = requests(PLAIN)

    for request in [*journey, *journey]:
        send(service, space.write_key, request)

    assert len(space.events()) == sum(len(request["body"]["batch"]) for request in journey)


def of_browser(name: str, distinct_id: str, device: str, **properties: Any) -> dict[str, Any]:
    """An event as PostHog's browser SDK sends it."""
    is_identified = not distinct_id.startswith("a-")
    return {
        "event": name,
        "properties": {
            "distinct_id": distinct_id,
            "$device_id": device,
            "$is_identified": is_identified,
            "$process_person_profile": is_identified,
            "$lib": "web",
            **properties,
        },
        "offset": 100,
    }


@pytest.mark.parametrize("path", ["/e/", "/i/v0/e/", "/e", "/capture/"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_people_who_share_a_browser_stay_apart_with_a_reset_and_without(
    service: RunningService, space: Space, path: str, pack: Callable[[bytes], bytes]
) -> None:
    session = [
        of_browser("$pageview", "a-1", "a-1"),
        of_browser("$identify", "u-1001", "a-1", **{"$anon_distinct_id": "a-1"}),
        of_browser("order", "u-1001", "a-1"),
        # No reset: the second one is only said to be somebody.
        of_browser("$set", "u-2002", "a-1"),
        of_browser("order", "u-2002", "a-1"),
        # A reset.
        of_browser("$pageview", "a-2", "a-1"),
        of_browser("$identify", "u-3003", "a-1", **{"$anon_distinct_id": "a-2"}),
        of_browser("order", "u-3003", "a-1"),
    ]
    for n, event in enumerate(session):
        event["uuid"] = f"m-{n}"
        event["properties"]["token"] = space.write_key
        answer = service.post(path, content=pack(json.dumps([event]).encode()))
        assert (answer.status_code, answer.json()) == (200, {"success": True})

    logins = [{i for i in one if i.startswith("user_id:")} for one in space.customers()]
    assert sorted(map(sorted, filter(None, logins))) == [
        ["user_id:u-1001"],
        ["user_id:u-2002"],
        ["user_id:u-3003"],
    ]
    [third] = [one for one in space.customers() if "user_id:u-3003" in one]
    assert "anonymous_id:a-2" in third


def test_who_asks_for_flags_gets_none(service: RunningService, space: Space) -> None:
    answer = service.post("/flags/?v=2", json={"token": space.write_key, "distinct_id": "u"})

    assert (answer.status_code, answer.json()["flags"]) == (200, {})
    assert space.events() == []


@pytest.mark.parametrize("path", ["/batch/", "/flags/", "/i/v1/analytics/events"])
def test_an_unknown_key_is_refused(service: RunningService, path: str) -> None:
    answer = service.post(path, json={"api_key": "nobodys", "batch": []})

    assert answer.status_code == 401
    assert answer.json().keys() >= {"code", "message", "detail", "error"}


def test_who_sends_too_much_by_the_newer_route_hears_it_in_a_way_that_loses_nothing(
    database_settings: Settings,
) -> None:
    space = create_space(database_settings)
    limits = {"write_key_rate": 0.01, "write_key_burst": 1}
    body = {"api_key": space.write_key, "batch": [{"event": "e", "distinct_id": "u", "uuid": "m"}]}

    with running_service(database_settings.model_copy(update=limits)) as service:
        first, newer = [
            service.post("/i/v1/analytics/events", space.write_key, json=body) for _ in range(2)
        ]
        older = service.post("/batch/", json=body)

    assert [first.status_code, newer.status_code, older.status_code] == [200, 503, 429]
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in (newer, older))
