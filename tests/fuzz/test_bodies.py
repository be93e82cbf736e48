"""Whatever bytes a sender sends: they are read, or refused by an error of ours."""

from __future__ import annotations

from itertools import count
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.collect.body import (
    MAX_UNKNOWN_BYTES,
    beginning,
    decode_body,
)
from identity_service.collect.keys import first_key_in, keys_outside
from identity_service.errors import BadInput
from tests.fuzz.bodies import FOUND_FAULTS, KINDS, Sent, requests
from tests.support.worlds import in_many_worlds


def assert_read_or_refused(sent: Sent) -> None:
    ids = map(str, count())
    try:
        body = decode_body(sent.body)
        collected = sent.read(body, lambda: next(ids))
    except BadInput:  # TooLarge too
        return
    key = keys_outside({}, b"").write_key(body)
    assert key is None or key.isascii()
    calls: list[Any] = [body] if sent.route in KINDS else cast("dict[str, Any]", body)["batch"]
    assert len(collected.events) + len(collected.rejections) == len(calls)
    for event in collected.events:
        assert event.identifiers
        orjson.dumps([event.message_id, event.name, event.account_id])
        orjson.dumps([event.properties, event.context, event.traits, event.account_traits])
    for rejection in collected.rejections:
        orjson.dumps([rejection.message, rejection.message_id, rejection.body])


@in_many_worlds
@given(requests())
def test_a_mutated_request_is_read_or_refused(sent: Sent) -> None:
    assert_read_or_refused(sent)


@pytest.mark.parametrize("name", FOUND_FAULTS)
@pytest.mark.parametrize("route", ["batch", "track", "identify"])
def test_what_once_found_a_fault_is_read_or_refused(route: str, name: str) -> None:
    assert_read_or_refused(Sent(route, FOUND_FAULTS[name]))


@in_many_worlds
@given(requests(), st.integers(0, 200))
def test_the_beginning_of_any_body_names_a_key_or_none(sent: Sent, cut: int) -> None:
    for raw in (sent.body, sent.body[:cut]):
        try:
            begun = beginning(raw)
        except BadInput:
            continue
        assert len(begun) <= MAX_UNKNOWN_BYTES + 1
        key = first_key_in(begun)
        assert key is None or key.encode() in begun
