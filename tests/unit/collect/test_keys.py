from __future__ import annotations

import base64
from urllib.parse import urlencode

import pytest

from identity_service.collect.keys import WRITE_KEY, first_key_in, keys_outside, last_key_in


def write_key(headers: dict[str, str], query: dict[str, str], body: object) -> str | None:
    raw = {name.encode(): text.encode() for name, text in headers.items()}
    return keys_outside(raw, urlencode(query).encode()).write_key(body)


def basic(credentials: str) -> str:
    return "Basic " + base64.b64encode(credentials.encode()).decode()


def test_the_key_is_taken_in_the_order_of_preference() -> None:
    headers = {"authorization": basic("basic:"), "x-write-key": "header"}
    body = {"writeKey": "body"}
    query = {"writeKey": "query"}

    assert write_key(headers, query, body) == "basic"
    del headers["authorization"]
    assert write_key(headers, query, body) == "body"
    assert write_key(headers, query, {}) == "query"
    assert write_key(headers, {}, {}) == "header"


def test_a_bearer_token_comes_last() -> None:
    headers = {"authorization": "Bearer bearer"}

    assert write_key(headers | {"x-write-key": "header"}, {}, None) == "header"
    assert write_key(headers, {}, None) == "bearer"


@pytest.mark.parametrize(
    "authorization", [basic("key_-9:"), basic("key_-9"), "basic  " + basic("key_-9:pw")[6:]]
)
def test_a_basic_user_is_read_with_or_without_a_password(authorization: str) -> None:
    assert write_key({"authorization": authorization}, {}, None) == "key_-9"


def test_a_secret_after_a_colon_is_no_part_of_the_key() -> None:
    assert write_key({"x-write-key": "KEYID:SECRET"}, {}, None) == "KEYID"
    assert write_key({"x-write-key": "KEYID"}, {}, None) == "KEYID"


def test_a_masked_key_in_the_body_is_passed_over() -> None:
    assert write_key({"x-write-key": "KEYID:SECRET"}, {}, {"writeKey": "KEYID:***"}) == "KEYID"


@pytest.mark.parametrize("body", [None, [], "writeKey", {"writeKey": 7}, {"writeKey": ["k"]}])
def test_a_body_without_a_textual_key_brings_none(body: object) -> None:
    assert write_key({}, {}, body) is None


@pytest.mark.parametrize("key", ["", "a b", "clé", "a\n", "a/b", "k" * 257, "k\x00"])
def test_what_is_not_made_of_letters_digits_underscores_and_hyphens_is_no_key(key: str) -> None:
    assert write_key({"authorization": basic(f"{key}:")}, {"writeKey": key}, {}) is None


@pytest.mark.parametrize("credentials", ["", "%%%", "a", "/w==", "ä"])
def test_broken_basic_credentials_bring_no_key(credentials: str) -> None:
    assert write_key({"authorization": f"Basic {credentials}"}, {}, None) is None


@pytest.mark.parametrize(
    ("authorization", "outranks"),
    [(basic("key:secret"), True), (basic("not a key:"), False), ("Bearer key", False), ("", False)],
)
def test_only_a_basic_user_that_is_a_key_outranks_the_body(
    authorization: str, outranks: bool
) -> None:
    keys = keys_outside({b"authorization": authorization.encode()}, b"")

    assert keys.basic == ("key" if outranks else None)
    assert keys.write_key({"writeKey": "inside"}) == ("key" if outranks else "inside")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b'{"writeKey":"k_-9","batch":[{"writeKey":"other"', "k_-9"),
        (b'{"batch":[],\n "writeKey" : \t"k"}', "k"),
        (b'{"writeKey":"KEY:***"}', None),
        (b'{"writeKey":7}', None),
        (b'{"writekey":"k"}', None),
        (b"", None),
    ],
)
def test_the_key_in_a_body_is_found_before_it_is_decoded(text: bytes, key: str | None) -> None:
    assert first_key_in(text) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b'{"batch":[{"writeKey":"a"}],"writeKey": "b"}', "b"),
        (b'ey":"a"},"writeKey":"b","x":1}', "b"),
        (b'{"writeKey":"no key"}', None),
        (b"", None),
    ],
)
def test_the_last_key_is_found_in_the_end_of_a_body(text: bytes, key: str | None) -> None:
    assert last_key_in(text, WRITE_KEY) == key
