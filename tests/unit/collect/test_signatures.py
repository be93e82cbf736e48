"""Signatures of webhooks: the vendors' vectors, and every way to be refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from identity_service.collect.signatures import (
    MAX_BODY,
    REPLAY_WINDOW,
    Scheme,
    SignedRequest,
    verify,
)
from identity_service.errors import TooLarge, Unauthorised

BODY = (
    b'{"id":"evt_1","type":"customer.updated",'
    b'"data":{"object":{"id":"cus_1","email":"Ann@Example.com"}}}'
)
NOW = 1_700_000_000_000
URL = "https://cdp.example.com/hooks/hubspot?source=crm"


@dataclass(frozen=True)
class Vector:
    """A request as its vendor signs it. `at`: the signed time, in milliseconds."""

    scheme: Scheme
    secret: str
    headers: dict[str, str]
    at: int | None = None
    signs_address: bool = False


VECTORS = [
    Vector(
        Scheme.STRIPE,
        "whsec_test_secret",
        {
            "stripe-signature": "t=1700000000,"
            "v1=3a030207f8ad57e8c5ef1a3e10b505e7f545107e8a59d42bae4ba80ed5847e0d,v0=00"
        },
        NOW,
    ),
    Vector(
        Scheme.SHOPIFY,
        "shpss_secret",
        {"x-shopify-hmac-sha256": "DG0yP8kawCPR5/9zu0RS+tJY0G3lkzGN+mtL/GOoVPg="},
    ),
    Vector(
        Scheme.ZENDESK,
        "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==",
        {
            "x-zendesk-webhook-signature": "zjuPHwoc3pTJ4r5clHoxNV9LhXtfNE1Bv01qhQEr9qk=",
            "x-zendesk-webhook-signature-timestamp": "2026-01-01T00:00:00Z",
        },
        1_767_225_600_000,
    ),
    Vector(
        Scheme.HUBSPOT_V3,
        "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
        {
            "x-hubspot-signature-v3": "G6VIITOnpVgJJQ7KX6fLcYhsgVQJwy8TdPl4XJ1imW8=",
            "x-hubspot-request-timestamp": "1700000000000",
        },
        NOW,
        signs_address=True,
    ),
    Vector(
        Scheme.HUBSPOT_V1,
        "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
        {"x-hubspot-signature": "492ae46d8e97dbb4993daaf3ca348ca6170a71c8c35266f4278da0e8d00216a9"},
    ),
    Vector(
        Scheme.CUSTOMERIO,
        "cio_signing_key",
        {
            "x-cio-signature": "4f7cfb639aa21906a650d32f6c5c6c9aa09d15b8f69ddb0a584f5f19cea6e377",
            "x-cio-timestamp": "1700000000",
        },
        NOW,
    ),
    Vector(
        Scheme.MAILCHIMP,
        "mc_secret",
        {
            "x-mailchimp-signature": "t=1700000000, "
            "v1=f9cb7a9045e637fae6579983cbab1496d9a81c75100beca34fa20c6073756cf1"
        },
        NOW,
    ),
    Vector(
        Scheme.SEGMENT, "seg_secret", {"x-signature": "3baf81f1246b19ca0d62929a7eae1b10606e7880"}
    ),
    Vector(
        Scheme.INTERCOM,
        "ic_secret",
        {"x-hub-signature": "sha1=220b5c7f1705349d82cb381e5c0b606722d46929"},
    ),
    Vector(
        Scheme.AUTHORIZATION, "Basic b3VyOnNlY3JldA==", {"authorization": "Basic b3VyOnNlY3JldA=="}
    ),
]
TIMED = [vector for vector in VECTORS if vector.at is not None]
HASHED = [vector for vector in VECTORS if vector.scheme is not Scheme.AUTHORIZATION]


def name(vector: Vector) -> str:
    return vector.scheme


def request_of(vector: Vector, **changed: Any) -> SignedRequest:
    return replace(SignedRequest("POST", URL, vector.headers, BODY), **changed)


def check(vector: Vector, secrets: list[str] | None = None, late: int = 0, **changed: Any) -> None:
    now = (vector.at or NOW) + late
    verify(vector.scheme, request_of(vector, **changed), secrets or [vector.secret], now)


def refused(vector: Vector, secrets: list[str] | None = None, late: int = 0, **changed: Any) -> str:
    with pytest.raises(Unauthorised) as caught:
        check(vector, secrets, late, **changed)
    return str(caught.value)


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_what_the_vendor_signs_is_taken(vector: Vector) -> None:
    check(vector)


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        # HubSpot's documentation: an empty GET, and a POST.
        (b"", "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"),
        (
            b'{"example_field":"example_value"}',
            "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",
        ),
    ],
)
def test_both_examples_of_hubspots_documentation_come_out(body: bytes, signature: str) -> None:
    method = "POST" if body else "GET"
    request = SignedRequest(
        method, "https://www.example.com/webhook_uri", {"x-hubspot-signature": signature}, body
    )

    verify(Scheme.HUBSPOT_V2, request, ["yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"], NOW)


@pytest.mark.parametrize("vector", HASHED, ids=name)
def test_one_byte_changed_in_the_body_is_refused(vector: Vector) -> None:
    assert "not valid" in refused(vector, body=BODY.replace(b"evt_1", b"evt_2"))


@pytest.mark.parametrize("vector", [v for v in VECTORS if v.signs_address], ids=name)
@pytest.mark.parametrize("changed", [{"url": URL.replace("crm", "crn")}, {"method": "PUT"}])
def test_another_address_or_method_is_refused(vector: Vector, changed: dict[str, Any]) -> None:
    assert "not valid" in refused(vector, **changed)


@pytest.mark.parametrize("vector", TIMED, ids=name)
def test_another_time_than_the_signed_one_is_refused(vector: Vector) -> None:
    later = {"1700000000": "1700000001", "00:00:00Z": "00:00:01Z"}
    headers = dict(vector.headers)
    for old, new in later.items():
        headers = {key: value.replace(old, new) for key, value in headers.items()}
    assert headers != vector.headers

    assert "not valid" in refused(vector, headers=headers)


@pytest.mark.parametrize("vector", TIMED, ids=name)
@pytest.mark.parametrize("sign", [1, -1], ids=["old", "future"])
def test_a_time_outside_the_window_is_refused(vector: Vector, sign: int) -> None:
    check(vector, late=sign * REPLAY_WINDOW)

    assert "300 s from now" in refused(vector, late=sign * (REPLAY_WINDOW + 1))


@pytest.mark.parametrize("vector", TIMED, ids=name)
@pytest.mark.parametrize("time", ["", "soon", "-1", "1e9", "٣", "9" * 40])
def test_a_time_that_is_none_is_refused(vector: Vector, time: str) -> None:
    spelled = {"1700000000000": time, "1700000000": time, "2026-01-01T00:00:00Z": time}
    headers = {
        key: next((text.replace(old, new) for old, new in spelled.items() if old in text), text)
        for key, text in vector.headers.items()
    }

    assert "There is no time" in refused(vector, headers=headers)


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_each_of_two_secrets_is_taken_while_one_is_rotated(vector: Vector) -> None:
    check(vector, ["another", vector.secret])
    check(vector, [vector.secret, "another"])

    assert "not valid" in refused(vector, ["another"])


def test_stripe_signs_with_both_of_its_secrets_while_one_rolls() -> None:
    [vector] = [each for each in VECTORS if each.scheme is Scheme.STRIPE]
    signature = vector.headers["stripe-signature"]
    both = {"stripe-signature": signature.replace(",v1=", f",v1={'0' * 64},v1=")}

    check(vector, headers=both)


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_a_request_without_a_signature_is_refused(vector: Vector) -> None:
    assert "There is no signature" in refused(vector, headers={})


@pytest.mark.parametrize("vector", HASHED, ids=name)
@pytest.mark.parametrize("sent", ["", "zz", "ü", "t=1", "v1=", "sha1=", "=,=", "00" * 500])
def test_what_is_no_signature_is_refused(vector: Vector, sent: str) -> None:
    header = next(iter(vector.headers))

    refused(vector, headers={**vector.headers, header: sent})


HEXADECIMAL = [each for each in HASHED if "=" not in next(iter(each.headers.values()))[-1:]]


@pytest.mark.parametrize("vector", HEXADECIMAL, ids=name)
def test_hexadecimal_digits_may_be_in_upper_case(vector: Vector) -> None:
    header, sent = next(iter(vector.headers.items()))
    before, equals, digits = sent.partition("sha1=")
    shouted = before + equals + digits.upper() if equals else sent.upper()
    shouted = shouted.replace("T=", "t=").replace("V1=", "v1=").replace("V0=", "v0=")
    assert shouted != sent

    check(vector, headers={**vector.headers, header: shouted})


def test_the_other_header_of_shopify_is_read_too() -> None:
    [vector] = [each for each in VECTORS if each.scheme is Scheme.SHOPIFY]

    check(vector, headers={"shopify-hmac-sha256": vector.headers["x-shopify-hmac-sha256"]})


def test_hubspot_signs_the_address_with_some_of_its_signs_decoded() -> None:
    [vector] = [each for each in VECTORS if each.scheme is Scheme.HUBSPOT_V3]

    check(vector, url="https%3A//cdp.example.com/hooks%2fhubspot%3Fsource=crm")


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_a_body_beyond_the_bound_is_not_hashed(vector: Vector) -> None:
    with pytest.raises(TooLarge):
        check(vector, body=b" " * (MAX_BODY + 1))
