"""What Snowplow's Python tracker sent, replayed against the running service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.plain_http import NO_TLS
from tests.support.service import RunningService, Space

RECORDING = Path(__file__).parent / "recordings" / "others" / "snowplow-tracker.json"


def send(service: RunningService, key: str, request: dict[str, Any]) -> httpx.Response:
    return httpx.request(
        request["method"],
        f"{service.url}{request['path']}",
        params=[*request["query"], ("writeKey", key)],
        content=json.dumps(request["body"]) if request["body"] else b"",
        timeout=30,
        verify=NO_TLS,
    )


@pytest.mark.parametrize(
    ("method", "answered"), [("POST", "application/json"), ("GET", "image/gif")]
)
def test_the_recorded_journey_ends_as_one_customer(
    service: RunningService, space: Space, method: str, answered: str
) -> None:
    requests = json.loads(RECORDING.read_text())["requests"]

    answers = [
        send(service, space.write_key, each) for each in requests if each["method"] == method
    ]

    assert {(a.status_code, a.headers["Content-Type"]) for a in answers} == {(200, answered)}
    assert space.rejections() == []
    [journey] = [one for one in space.customers() if "user_id:u-1001" in one]
    assert journey == {
        "user_id:u-1001",
        "anonymous_id:3f1b0c52-7c5e-4f0e-9d59-3b6d6a0e11aa",
        "anonymous_id:9a7e21d4-58b1-4f6c-8c3b-51f0b7c2d0bb",
        "network_userid:c2b7a0c6-4c06-4b64-8f6e-0b3b0b8d1f00",
        "ios.id:B5372DB0-C21E-11E4-8DFC-AA07A5B093DB",
        "ios.idfa:7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB",
    }


def test_without_a_key_nothing_is_taken(service: RunningService) -> None:
    posted = service.post("/com.snowplowanalytics.snowplow/tp2", json={"data": []})
    got = service.get("/i?e=pv&uid=u")

    assert [posted.status_code, got.status_code] == [401, 401]
