"""What an answer means to a client, and when it comes back."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import httpx2
import pytest

from identity_service.client import (
    Busy,
    ClientError,
    Failed,
    NotAllowed,
    NotReached,
    Refused,
    Retries,
    TooLarge,
)
from identity_service.client.answers import Answered, NotNow, read_answer, retry_after
from identity_service.client.connection import Failure
from identity_service.client.following import Following

ID = {"x-request-id": "r-1"}


def error(code: str, **more: Any) -> bytes:
    given = {"message": "So it is.", "extensions": {"code": code, **more}}
    return json.dumps({"errors": [given]}).encode()


@pytest.mark.parametrize(
    ("status", "headers", "body", "after_s", "not_begun"),
    [
        (429, {"retry-after": "7"}, b'{"code": "OVERLOADED", "message": "Full."}', 7, True),
        (503, {"retry-after": "2"}, b'{"code": "UNAVAILABLE", "message": "Gone."}', 2, False),
        (502, {}, b"<html>proxy</html>", None, False),
        (504, {}, b"", None, False),
        (200, {}, error("OVERLOADED", retryAfter=3), 3, True),
        (200, {}, error("UNAVAILABLE"), None, False),
        (200, {}, error("OVERLOADED")[:-1] + b', "data": null}', None, False),
    ],
)
def test_some_answers_ask_to_come_back(
    status: int, headers: dict[str, str], body: bytes, after_s: float | None, not_begun: bool
) -> None:
    answer = read_answer(status, headers | ID, body)

    assert isinstance(answer, NotNow)
    assert (answer.error.after_s, answer.not_begun) == (after_s, not_begun)
    assert answer.error.request_id == "r-1"


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (200, error("BAD_INPUT"), Refused, "BAD_INPUT"),
        (200, error("TOO_LARGE"), TooLarge, "TOO_LARGE"),
        (413, error("TOO_LARGE"), TooLarge, "TOO_LARGE"),
        (200, error("FORBIDDEN"), NotAllowed, "FORBIDDEN"),
        (401, error("UNAUTHORISED"), NotAllowed, "UNAUTHORISED"),
        (404, b'{"code": "NOT_FOUND", "message": "No."}', Refused, "NOT_FOUND"),
        (200, error("INTERNAL"), Failed, None),
        (500, b"", Failed, None),
        (200, b"<html>a page</html>", Failed, None),
    ],
)
def test_others_are_errors(
    status: int, body: bytes, kind: type[ClientError], code: str | None
) -> None:
    with pytest.raises(kind) as raised:
        read_answer(status, ID, body)

    assert type(raised.value) is kind
    assert getattr(raised.value, "code", None) == code
    assert raised.value.request_id == "r-1"


def test_data_without_errors_is_the_answer() -> None:
    assert read_answer(200, {}, b'{"data": {"viewer": null}}') == Answered({"viewer": None})


def test_when_to_come_back_may_be_a_date() -> None:
    in_a_minute = formatdate(time.time() + 60, usegmt=True)

    assert 57 < (retry_after({"retry-after": in_a_minute}) or 0) <= 60
    assert retry_after({"retry-after": formatdate(0, usegmt=True)}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


def test_what_was_asked_for_is_waited_for_and_hardly_more() -> None:
    pauses = [Retries().pause(1, 7) for _ in range(100)]

    assert all(pause is not None and 7 <= pause <= 7.7 for pause in pauses)
    assert Retries(longest_wait_s=6).pause(1, 7) is None


def test_pauses_grow_up_to_a_bound_and_end() -> None:
    retries = Retries(most=9)
    pauses = [retries.pause(failures, None) for failures in range(1, 11)]

    bounds = [0.25, 0.5, 1, 2, 4, 8, 10, 10, 10]
    assert all(
        pause is not None and bound / 2 <= pause <= bound
        for pause, bound in zip(pauses, bounds, strict=False)
    )
    assert pauses[-1] is None


def test_what_changes_something_is_sent_again_only_where_nothing_was_done() -> None:
    sent, unsent = httpx2.ReadTimeout(""), httpx2.ConnectError("refused")
    begun, not_begun = (NotNow(Busy("Later.", 0), not_begun=each) for each in (False, True))

    assert Failure(Retries(), repeatable=False).not_now(not_begun) == 0
    assert Failure(Retries(), repeatable=False).not_reached(unsent) > 0
    assert Failure(Retries(), repeatable=True).not_now(begun) == 0
    assert Failure(Retries(), repeatable=True).not_reached(sent) > 0
    with pytest.raises(Busy):
        Failure(Retries(), repeatable=False).not_now(begun)
    with pytest.raises(NotReached, match="ReadTimeout"):
        Failure(Retries(), repeatable=False).not_reached(sent)


def test_one_who_follows_waits_as_long_as_a_stream_or_its_refusal_says() -> None:
    following = Following("shop", None)
    event = error("OVERLOADED", retryAfter=4).decode()

    following.refused(429, {"retry-after": "5"}, b"{}")
    first = following.pause()
    assert following.hear(f"data: {event}") is None
    second = following.pause()
    third = following.pause()

    assert (5 <= first <= 5.5, 4 <= second <= 4.4, 0.5 <= third <= 1) == (True, True, True)
    with pytest.raises(NotAllowed):
        following.hear(f"data: {error('FORBIDDEN').decode()}")
