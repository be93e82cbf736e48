"""Requests that real SDKs sent, replayed against the running service as they were on the wire."""

from __future__ import annotations

import base64
import gzip
import json
import secrets
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.plain_http import NO_TLS
from tests.support.service import RunningService, Space

RECORDINGS = Path(__file__).parent / "recordings"
OF_THE_CONNECTION = {"host", "content-length", "connection", "accept-encoding"}


def recorded(client: str) -> list[dict[str, Any]]:
    """The calls of a recording, in order."""
    requests = json.loads((RECORDINGS / f"{client}.json").read_text())["requests"]
    return [one for one in requests if one["method"] == "POST"]


CLIENTS = sorted(path.stem for path in RECORDINGS.glob("*.json"))


def replay(service: RunningService, request: dict[str, Any], key: str, run: str) -> httpx.Response:
    """Send a recorded request with another write key, and message ids of this run."""
    return httpx.post(
        f"{service.url}{request['path']}",
        params=[(name, with_key(text, key)) for name, text in request["query"]],
        headers=[
            (name, f"{key}:secret" if name == "X-Write-Key" else with_key_inside(text, key))
            for name, text in request["headers"]
            if name.lower() not in OF_THE_CONNECTION
        ],
        content=body(request, key, run),
        timeout=30,
        verify=NO_TLS,
    )


def with_key(text: str, key: str) -> str:
    return key if text.startswith("WRITE_KEY") else text


def with_key_inside(header: str, key: str) -> str:
    scheme, _, credentials = header.partition(" ")
    if scheme != "Basic":
        return header
    user, _, password = base64.b64decode(credentials).decode().partition(":")
    replaced = f"{with_key(user, key)}:{password}"
    return f"Basic {base64.b64encode(replaced.encode()).decode()}"


def body(request: dict[str, Any], key: str, run: str) -> bytes:
    wire = base64.b64decode(request["wire_base64"]) if "wire_base64" in request else None
    sent = json.loads(gzip.decompress(wire)) if wire else request["body"]
    for call in sent.get("batch", [sent]):
        call["messageId"] = f"{run}-{call['messageId']}"
    for part in (sent, *sent.get("batch", [])):
        if "writeKey" in part and "***" not in part["writeKey"]:
            part["writeKey"] = key
    text = json.dumps(sent).encode()
    return gzip.compress(text) if wire else text


@pytest.mark.parametrize("client", CLIENTS)
def test_the_recorded_journey_ends_as_one_customer(
    service: RunningService, space: Space, client: str
) -> None:
    run = secrets.token_hex(4)

    for request in recorded(client):
        answer = replay(service, request, space.write_key, run)

        assert (answer.status_code, answer.json()) == (200, {"success": True})

    sent = [call for request in recorded(client) for call in calls(request)]
    assert {event["message_id"] for event in space.events()} == {
        f"{run}-{call['messageId']}" for call in sent
    }
    assert space.rejections() == []
    [journey] = [one for one in space.customers() if "user_id:u-1001" in one]
    assert journey >= {"user_id:u-1001", "email:ada.lovelace@example.com", "phone:+14155550123"}
    assert [one for one in space.customers() if any(i.startswith("email:") for i in one)] == [
        journey
    ]


def calls(request: dict[str, Any]) -> list[dict[str, Any]]:
    return request["body"].get("batch", [request["body"]])


@pytest.mark.parametrize("client", CLIENTS)
def test_an_accounts_traits_name_nobody(service: RunningService, space: Space, client: str) -> None:
    """The group's e-mail and phone come with every later call of Jitsu, as if they were hers."""
    run = secrets.token_hex(4)
    of_account = {"email": "office@acct-9.example", "phone": "+14155550100"}

    for request in recorded(client):
        for call in calls(request):
            if call["type"] == "group":
                call["traits"] |= of_account
            elif "/api/s/" in request["path"] and call.get("groupId"):
                call["context"]["traits"] |= of_account
        if "wire_base64" in request:
            packed = gzip.compress(json.dumps(request["body"]).encode())
            request["wire_base64"] = base64.b64encode(packed).decode()
        assert replay(service, request, space.write_key, run).status_code == 200

    named = set[str]().union(*space.customers())
    assert {"email:office@acct-9.example", "phone:+14155550100"}.isdisjoint(named)
    [journey] = [one for one in space.customers() if "user_id:u-1001" in one]
    assert "anonymous_id" in {one.partition(":")[0] for one in journey}
