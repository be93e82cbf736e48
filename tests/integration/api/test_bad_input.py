"""Input that is wrong in every way that the world has found: answered plainly, never with a trace.

A request that cannot be read is refused with what to do; an event that cannot be taken is kept as
a rejected event with its reason, and its sender hears success.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from tests.support.plain_http import NO_TLS
from tests.support.service import RunningService, Space

TRACK: dict[str, Any] = {"userId": "u-1", "event": "x"}
BOMB = gzip.compress(b" " * (65 * 1024 * 1024))
LISTS = gzip.compress(b'{"batch":[' + b"[]," * 22_000_000 + b"0]}")
NANS = gzip.compress(b'{"batch":[' + b"NaN," * 15_000_000 + b"0]}")

# The body of a request to /v1/track, the answer's status and code, and words of its remedy.
UNREADABLE: dict[str, tuple[bytes, int, str, str]] = {
    "malformed JSON": (b'{"userId": "u-1",}', 400, "BAD_INPUT", "Send a JSON object."),
    "JSON cut short": (b'{"userId": "u-1"', 400, "BAD_INPUT", "Send a JSON object."),
    "nothing": (b"", 400, "BAD_INPUT", "Send a JSON object."),
    "a list": (b"[]", 400, "BAD_INPUT", "Send a JSON object."),
    "a number": (b"7", 400, "BAD_INPUT", "Send a JSON object."),
    "null": (b"null", 400, "BAD_INPUT", "Send a JSON object."),
    "invalid UTF-8": (b'{"userId": "\xff\xfe"}', 400, "BAD_INPUT", "UTF-8"),
    "a null byte in the JSON": (b'{"userId": "u\x00"}', 400, "BAD_INPUT", "Send a JSON object."),
    "a form": (b"userId=u-1&event=x", 400, "BAD_INPUT", "Send a JSON object."),
    "nesting without end": (b"[" * 100_000, 400, "BAD_INPUT", "Send"),
    "gzip cut short": (gzip.compress(b'{"userId": "u-1"}')[:-4], 400, "BAD_INPUT", "gzip"),
    "a zip bomb": (BOMB, 413, "TOO_LARGE", "Send smaller batches."),
    "too much": (b" " * (10 * 1024 * 1024 + 1), 413, "TOO_LARGE", "Send smaller batches."),
    "64 kB of gzip that make 22 million lists": (LISTS, 413, "TOO_LARGE", "Send smaller batches."),
    "gzip of many NaN": (NANS, 413, "TOO_LARGE", "Send smaller batches."),
}

# The event, the code of its rejection, and words of its message.
REJECTED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no identifier": ({"event": "x"}, "NO_IDENTIFIER", "names nobody"),
    "only a blocked identifier": ({"userId": "null"}, "NO_IDENTIFIER", "blocked"),
    "an identifier of 1 MB": ({"userId": "u" * 1024 * 1024}, "IDENTIFIER_TOO_LONG", "1,024"),
    "an identifier that is an object": (
        {"userId": {"a": 1}},
        "NO_IDENTIFIER",
        "userId is an object",
    ),
    "a null byte in an identifier": ({"userId": "u\x00"}, "INVALID_IDENTIFIER", "U+0000"),
    "a time that is none": ({**TRACK, "timestamp": "tomorrow"}, "INVALID_TIME", "ISO 8601"),
    "the year 10000": ({**TRACK, "timestamp": "10000-01-01T00:00:00Z"}, "INVALID_TIME", "ISO 8601"),
    "fifty-one identifiers": (
        {
            **TRACK,
            "context": {
                "externalIds": [
                    {"id": str(n), "type": "crm", "collection": "users", "encoding": "none"}
                    for n in range(1, 51)
                ]
            },
        },
        "TOO_MANY_IDENTIFIERS",
        "50",
    ),
}

# An event that is good although it looks odd, and an identifier that it must leave in the graph.
ODD_BUT_GOOD: dict[str, tuple[bytes, str]] = {
    "the year 9999": (b'{"userId": "u-1", "timestamp": "9999-12-31T23:59:59Z"}', "u-1"),
    "a surrogate pair": (b'{"userId": "u-\\ud83d\\ude00"}', "u-😀"),
    "half a surrogate pair in a property": (
        b'{"userId": "u-1", "properties": {"a": "\\ud83d"}}',
        "u-1",
    ),
    "a null byte in a property": (b'{"userId": "u-1", "properties": {"a": "\\u0000"}}', "u-1"),
    "a number beyond every type": (b'{"userId": "u-1", "properties": {"a": 1e999}}', "u-1"),
    "quotes and Cypher": (b'{"userId": "\'}) DETACH DELETE n //"}', "'}) DETACH DELETE n //"),
}


def assert_is_a_problem(answer: httpx.Response, status: int, code: str, remedy: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert problem.keys() == {"code", "message", "detail", "error"}
    assert all(isinstance(text, str) and text for text in problem.values())
    assert remedy in problem["message"]
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_request_that_cannot_be_read_is_refused_with_what_to_do(
    service: RunningService, space: Space, name: str
) -> None:
    body, status, code, remedy = UNREADABLE[name]

    answer = service.post("/v1/track", space.write_key, content=body)

    assert_is_a_problem(answer, status, code, remedy)
    assert space.events() == []


@pytest.mark.parametrize("name", REJECTED)
def test_an_event_that_cannot_be_taken_is_kept_with_its_reason(
    service: RunningService, space: Space, name: str
) -> None:
    event, code, words = REJECTED[name]

    answer = service.post("/v1/track", space.write_key, content=json.dumps(event))

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert space.events() == []
    [rejection] = space.rejections()
    assert rejection["code"] == code
    assert words in rejection["message"]
    assert rejection["body"]
    assert "Traceback" not in rejection["message"]


@pytest.mark.parametrize("name", ODD_BUT_GOOD)
def test_an_event_that_only_looks_odd_is_taken(
    service: RunningService, space: Space, name: str
) -> None:
    body, user = ODD_BUT_GOOD[name]

    answer = service.post("/v1/track", space.write_key, content=body)

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert space.customers() == [{f"user_id:{user}"}]
    assert space.rejections() == []


def test_a_hundred_thousand_identifiers_on_one_event_are_refused_quickly(
    service: RunningService, space: Space
) -> None:
    named = ",".join(f'{{"id":"{n}","type":"crm"}}' for n in range(100_000))
    body = gzip.compress(
        f'{{"userId":"u-1","context":{{"externalIds":[{named}]}}}}'.encode(), compresslevel=1
    )

    answer = service.post("/v1/track", space.write_key, content=body)

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert space.events() == []
    [rejection] = space.rejections()
    assert rejection["code"] == "TOO_MANY_IDENTIFIERS"
    assert len(rejection["body"]) < 100_000


def test_an_event_of_the_year_9999_happened_when_it_was_received(
    service: RunningService, space: Space
) -> None:
    event = {**TRACK, "timestamp": "9999-12-31T23:59:59.999Z"}

    service.post("/v1/track", space.write_key, json=event)

    [times] = space.rows(
        "MATCH (e:Event {space: $space}) RETURN e.at AS at, e.received_at AS received_at"
    )
    assert times["at"] == times["received_at"]


@pytest.mark.parametrize("path", ["/v1/trackk", "/v1/", "/v1/track/", "/v2/track", "/", "/v1/%00"])
def test_a_wrong_route_is_a_404_that_points_to_the_documentation(
    service: RunningService, space: Space, path: str
) -> None:
    answer = service.post(path, space.write_key, json=TRACK)

    assert_is_a_problem(answer, 404, "NOT_FOUND", "documentation")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/track"), ("DELETE", "/v1/batch"), ("POST", "/healthz")]
)
def test_a_method_that_is_not_allowed_is_a_405_that_names_those_that_are(
    service: RunningService, method: str, path: str
) -> None:
    answer = httpx.request(method, f"{service.url}{path}", verify=NO_TLS)

    assert_is_a_problem(answer, 405, "METHOD_NOT_ALLOWED", "Allow")
    assert answer.headers["allow"]


@pytest.mark.parametrize("key", ["unknown", "ids_write_unknown", "ü", "a b", "x" * 5_000])
def test_a_wrong_key_is_a_401_that_says_where_a_key_may_stand(
    service: RunningService, space: Space, key: str
) -> None:
    answer = service.post("/v1/track", params={"writeKey": key}, json=TRACK)

    assert_is_a_problem(answer, 401, "UNAUTHORISED", "Basic")
    assert key not in answer.text
    assert space.events() == []
