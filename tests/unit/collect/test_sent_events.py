"""A stored event names whom it named when it was read, before any rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from identity_service.collect.segment import read_batch
from identity_service.collect.sent_events import as_sent

CALLS: tuple[dict[str, Any], ...] = (
    {"type": "track", "event": "Paid", "userId": "u", "anonymousId": "a"},
    {"type": "track", "event": "Paid", "userId": "a", "anonymousId": "a"},
    {"type": "identify", "userId": "u", "traits": {"email": "a@x.org", "phone": "+31612345678"}},
    {"type": "identify", "userId": "u", "context": {"traits": {"email": "b@x.org"}}},
    {"type": "alias", "userId": "u", "previousId": "p"},
    {"type": "group", "userId": "u", "groupId": "g", "traits": {"email": "info@g.example"}}
    | {"context": {"traits": {"email": "info@g.example"}}},
    {"type": "page", "name": "Home", "anonymousId": "a@x.org"},
    {"type": "screen", "anonymousId": "a"}
    | {"context": {"device": {"id": "d", "type": "ios", "token": "t"}}},
    {"type": "merge", "mergeProperties": [{"type": "user_id", "value": "u"}]},
)


@pytest.mark.parametrize("call", CALLS)
def test_identifiers_are_read_again_from_what_is_kept(call: dict[str, Any]) -> None:
    [event] = read_batch({"batch": [{"messageId": "m", **call}]}, 1_700_000_000_000, str).events

    assert as_sent(replace(event, identifiers=())) == event


def test_one_that_names_nobody_has_none() -> None:
    call = {"type": "track", "messageId": "m", "userId": "u"}
    [event] = read_batch({"batch": [call]}, 1_700_000_000_000, str).events

    assert as_sent(replace(event, context={})).identifiers == ()
