"""What answers say of requests, and how operations become batches."""

from __future__ import annotations

import orjson
import pytest

from identity_service.activation.destinations.webhook import signature_headers
from identity_service.activation.exchange import (
    Answer,
    Done,
    Later,
    Never,
    NoAccess,
    Outcome,
    RefusedTogether,
    batches,
    by_status,
    failed_at,
    json_request,
    waiting_time,
)
from tests.support.activation import upsert

NOW_S = 1_700_000_000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:25 GMT"}, 5),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"x-ratelimit-retry-after": "7"}, 7),
        ({"x-ratelimit-reset": "1700000009"}, 9),
        ({"x-ratelimit-reset": "1699999990"}, 0),
        ({"x-ratelimit-reset": "12"}, 12),
        ({"retry-after": "3", "x-ratelimit-reset": "12"}, 3),
    ],
)
def test_an_answer_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert waiting_time(Answer(429, headers), NOW_S) == seconds


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Done()),
        (204, Done()),
        (302, Never("302: redirects are not followed")),
        (400, RefusedTogether("400 why")),
        (401, NoAccess("401 why")),
        (403, NoAccess("403 why")),
        (408, Later("408 why", of_all=True)),
        (413, RefusedTogether("413 why")),
        (422, RefusedTogether("422 why")),
        (429, Later("429 why", of_all=True, too_much=True)),
        (500, Later("500 why", of_all=True)),
        (503, Later("503 why", of_all=True)),
    ],
)
def test_a_status_says_what_became_of_a_request(status: int, outcome: Outcome) -> None:
    assert by_status(Answer(status, body=b" why\n")) == outcome


def test_what_failed_is_named_by_its_place_and_a_place_that_is_none_says_nothing() -> None:
    operations = [upsert(f"user_id:u{n}") for n in range(3)]
    request = json_request("https://example.com", {}, operations)

    outcomes = failed_at(request, [(1, "bad"), (7, "nobody"), (-1, "nobody")])

    assert [outcomes[each.id] for each in operations] == [Done(), Never("bad"), Done()]


def test_batches_pass_neither_bound_and_keep_the_order() -> None:
    items = [(upsert(f"user_id:u{n}"), {"n": "x" * (n % 7)}) for n in range(50)]

    found = list(batches(items, 8, 60))

    assert [item for batch in found for item in batch] == items
    assert max(len(batch) for batch in found) <= 8
    assert all(sum(len(orjson.dumps(i)) + 1 for _, i in batch) <= 60 for batch in found)
    assert [len(batch) for batch in batches([(upsert("user_id:u"), "x" * 99)], 8, 60)] == [1]


def test_a_call_is_signed_as_the_published_vector_of_standard_webhooks() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    message_id = "msg_p5jXN8AQM9LWM0D4loKWxJek"

    headers = signature_headers([secret], message_id, 1614265330, b'{"test": 2432232314}')

    assert headers == {
        "webhook-id": message_id,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_secret_is_changed_a_call_is_signed_with_both() -> None:
    secrets = ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "another"]

    both = signature_headers(secrets, "msg_1", NOW_S, b'{"a": 1}')
    each = [signature_headers([secret], "msg_1", NOW_S, b'{"a": 1}') for secret in secrets]

    assert both["webhook-signature"].split() == [one["webhook-signature"] for one in each]
