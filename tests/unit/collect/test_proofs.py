"""Proofs of user ids: what counts as one, and that nobody reads it afterwards."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from identity_service.collect.proofs import is_proven
from identity_service.collect.segment import read_batch, read_call
from identity_service.domain.events import ReportedEvent

SECRET = "ids_proof_x"
NOW = 1_772_359_200_000


def proof(user_id: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def call(user_id: Any = "u-1", kind: str = "identify", **context: Any) -> ReportedEvent:
    sent = {"userId": user_id, "anonymousId": "a", "messageId": "m", "context": context}
    collected = read_call(kind, sent | {"traits": {"email": "a@example.com"}}, NOW, lambda: "new")
    [event] = collected.events
    return event


def test_the_hash_of_the_user_id_proves_an_event() -> None:
    # printf u-1 | openssl dgst -sha256 -hmac ids_proof_x
    made = "1b6194a289049aa2bebbf47609f6da21d9949321b0568ccc247dbbd0f48dcd69"

    assert is_proven(call(userHash=made), SECRET)


@pytest.mark.parametrize(
    ("event", "proven"),
    [
        (call(userHash=proof("u-1")), True),
        (call(user_hash=proof("u-1")), True),
        (call(userHash=proof("u-1").upper()), True),
        (call(userHash=f" {proof('u-1')}\n"), True),
        (call(user_id=17, userHash=proof("17")), True),
        (call(user_id="zoë", userHash=proof("zoë")), True),
        (call(userHash=proof("u-2")), False),
        (call(userHash=proof("u-1", "another")), False),
        (call(userHash=proof("u-1")[:-1]), False),
        (call(userHash=""), False),
        (call(userHash="é"), False),
        (call(userHash=17), False),
        (call(user_id=None, userHash=proof("a")), False),
        (call(), False),
    ],
)
def test_only_the_right_hash_proves(event: ReportedEvent, proven: bool) -> None:
    assert is_proven(event, SECRET) is proven


def test_nothing_is_proven_without_a_secret() -> None:
    assert not is_proven(call(userHash=proof("u-1")), None)


def test_an_event_that_names_two_users_proves_none() -> None:
    other = {"id": "u-2", "type": "user_id", "collection": "users", "encoding": "none"}

    assert not is_proven(call(userHash=proof("u-1"), externalIds=[other]), SECRET)
    assert not is_proven(call(userHash=proof("u-2"), externalIds=[other]), SECRET)


@pytest.mark.parametrize("key", ["userHash", "user_hash"])
def test_the_hash_is_kept_nowhere(key: str) -> None:
    event = call(locale="en", **{key: proof("u-1")})

    assert event.context == {"locale": "en", "userId": "u-1", "anonymousId": "a"}


def test_the_context_of_a_batch_proves_each_of_its_calls() -> None:
    body = {
        "batch": [{"type": "track", "event": "Paid", "userId": "u-1", "messageId": "m"}],
        "context": {"userHash": proof("u-1")},
    }

    [event] = read_batch(body, NOW, lambda: "new").events

    assert is_proven(event, SECRET)
    assert event.context == {"userId": "u-1"}


def test_the_hash_of_an_event_that_is_rejected_is_not_kept() -> None:
    sent = {"messageId": "m", "context": {"userHash": proof("u-1"), "locale": "en"}}

    [rejection] = read_call("track", sent, NOW, lambda: "new").rejections

    assert rejection.body == {"messageId": "m", "context": {"locale": "en"}}
