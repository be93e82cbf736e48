"""mParticle's Profile API over HTTP: tokens, profiles by identity and by number, and who may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from identity_service.domain.ids import mpid_of
from identity_service.services.kit.clock import system_clock
from identity_service.services.kit.vault import Vault
from identity_service.services.spaces.access import hash_key
from tests.support.plain_http import NO_TLS
from tests.support.read_routes import apply_profiles
from tests.support.service import PATIENCE, RunningService, Space, create_space, running_service

pytestmark = pytest.mark.neo4j

OF_SPACE: Final = "MATCH (c:Customer {space: $space}) RETURN c.id AS id ORDER BY c.created_at"
CUSTOMERS: Final = "MATCH (c {space: $space}) WHERE c:Customer OR c:RetiredId RETURN c.id AS id"
DEVICE: Final = {"id": "phone-1", "type": "ios", "advertisingId": "ad-1", "adTrackingEnabled": True}


@dataclass(frozen=True)
class Profiles:
    """A space with a user, a token for it, and an id that is retired."""

    service: RunningService
    space: Space
    token: str
    retired: str

    def credentials(self, **other: Any) -> dict[str, Any]:
        return {
            "client_id": self.space.name,
            "client_secret": self.space.reader_key,
            "audience": "https://api.mparticle.com",
            "grant_type": "client_credentials",
        } | other

    def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        space: str | None = None,
        **request: Any,
    ) -> httpx.Response:
        """`path` follows the workspace, or is `resolve`."""
        where = f"1/2/{space or self.space.name}"
        path = f"resolve/{where}" if path == "resolve" else f"{where}/{path}"
        token = self.token if token is None else token
        return httpx.request(
            method,
            f"{self.service.url}/userprofile/v1/{path}",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=PATIENCE,
            **request,
            verify=NO_TLS,
        )

    def resolve(self, kind: str, value: str, **request: Any) -> httpx.Response:
        body = {
            "environment_type": "production",
            "identity": {"type": kind, "value": value},
        }
        return self.ask("POST", "resolve", json=body, **request)


@pytest.fixture(scope="module")
def profiles(service: RunningService) -> Profiles:
    space = create_space(service.settings)
    sent: list[dict[str, Any]] = [
        {"type": "track", "event": "Seen", "anonymousId": "cookie"},
        {
            "type": "identify",
            "userId": "12345",
            "traits": {"email": "ann@example.com", "age": 33, "vip": True, "tags": ["a", "b"]},
            "context": {"device": DEVICE},
        },
    ]
    for number, call in enumerate(sent, 1):
        _send(service, space, call, number)
    [retired, _] = [row["id"] for row in space.rows(OF_SPACE)]
    answer = service.post("/oauth/token", json=Profiles(service, space, "", "").credentials())
    assert answer.status_code == 200, answer.text
    found = Profiles(service, space, answer.json()["access_token"], retired)
    assert found.ask("GET", str(mpid_of(retired))).status_code == 404  # nobody asked for it yet
    found.resolve("anonymous_id", "cookie")
    _send(service, space, {"type": "track", "userId": "12345", "anonymousId": "cookie"}, 3)
    return found


def _send(service: RunningService, space: Space, call: dict[str, Any], number: int) -> None:
    call |= {"messageId": f"m{number}", "timestamp": f"2026-01-0{number}T00:00:00Z"}
    call.setdefault("event", "Seen")
    answer = service.post("/v1/batch", space.write_key, json={"batch": [call]})
    assert answer.status_code == 200, answer.text


def test_a_token_is_given_for_a_key_and_lasts_eight_hours(profiles: Profiles) -> None:
    answer = profiles.service.post("/oauth/token", json=profiles.credentials())

    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 28_800)
    assert profiles.space.reader_key not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert profiles.resolve("customer_id", "12345", token=body["access_token"]).is_success


@pytest.mark.parametrize(
    ("other", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "no-such-space"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_secret": 5}, 400, "invalid_request"),
        ({"client_id": None}, 400, "invalid_request"),
    ],
)
def test_no_token_is_given_for_anything_else(
    profiles: Profiles, other: dict[str, Any], status: int, error: str
) -> None:
    answer = profiles.service.post("/oauth/token", json=profiles.credentials(**other))

    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_key_of_another_space_or_that_only_sends_gets_no_token(
    profiles: Profiles, service: RunningService
) -> None:
    other = create_space(service.settings)

    for key in (other.reader_key, profiles.space.write_key):
        answer = service.post("/oauth/token", json=profiles.credentials(client_secret=key))
        assert answer.status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{" + b" " * 20_000 + b"}"])
def test_a_body_that_is_no_request_for_a_token_is_refused(profiles: Profiles, body: bytes) -> None:
    answer = profiles.service.post("/oauth/token", content=body)

    assert answer.status_code == (413 if len(body) > 16_384 else 400)


def test_a_profile_is_resolved_by_an_identity(profiles: Profiles) -> None:
    [customer] = [row["id"] for row in profiles.space.rows(OF_SPACE)]

    answer = profiles.resolve("customer_id", "12345")

    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "mpid": mpid_of(customer),
        "created_timestamp_ms": 1_767_225_600_000,
        "last_stored_timestamp_ms": 1_767_398_400_000,
        "is_opted_out": False,
        "limit_ad_tracking": False,
        "device_identities": [
            {"type": "anonymous_id", "encoding": "none", "value": "cookie"},
            {"type": "ios_idfv", "encoding": "none", "value": "phone-1"},
            {"type": "ios_advertising_id", "encoding": "none", "value": "ad-1"},
        ],
        "user_identities": [
            {"type": "customer_id", "encoding": "none", "value": "12345"},
            {"type": "email", "encoding": "none", "value": "ann@example.com"},
        ],
        "account_userattributes": None,
        "user_attributes": {
            "age": "33",
            "email": "ann@example.com",
            "tags": '["a", "b"]',
            "vip": "true",
        },
        "audience_memberships": [],
    }


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "ANN@example.com"),
        ("ios_idfv", "phone-1"),
        ("ios_advertising_id", "ad-1"),
        ("anonymous_id", "cookie"),
    ],
)
def test_every_identity_of_a_customer_finds_the_same_profile(
    profiles: Profiles, kind: str, value: str
) -> None:
    expected = profiles.resolve("customer_id", "12345").json()["mpid"]

    assert profiles.resolve(kind, value).json()["mpid"] == expected


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_profile_is_read_by_its_number(profiles: Profiles, method: str) -> None:
    resolved = profiles.resolve("customer_id", "12345").json()

    answer = profiles.ask(method, str(resolved["mpid"]))

    assert answer.status_code == 200
    assert answer.json() == resolved


def test_the_number_of_a_retired_id_finds_its_survivor(profiles: Profiles) -> None:
    survivor = profiles.resolve("customer_id", "12345").json()
    assert survivor["mpid"] != mpid_of(profiles.retired)

    answer = profiles.ask("GET", str(mpid_of(profiles.retired)))

    assert answer.json() == survivor


def test_only_the_fields_that_are_named_are_read(profiles: Profiles) -> None:
    answer = profiles.resolve(
        "customer_id", "12345", params={"fields": "user_identities, audience_memberships"}
    ).json()

    assert answer["device_identities"] is None
    assert answer["user_attributes"] is None
    assert len(answer["user_identities"]) == 2
    assert answer["audience_memberships"] == []


@pytest.mark.parametrize(
    "number", ["0", "-1", "x", "9223372036854775807", "9223372036854775808", "1" * 400, "٣"]
)
def test_a_number_that_nobody_has_is_not_found(profiles: Profiles, number: str) -> None:
    answer = profiles.ask("GET", number)

    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_an_identity_that_was_not_seen_is_not_found_and_makes_nobody(profiles: Profiles) -> None:
    before = sorted(row["id"] for row in profiles.space.rows(CUSTOMERS))

    answers = [profiles.resolve("customer_id", "nobody"), profiles.resolve("email", "no address")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert sorted(row["id"] for row in profiles.space.rows(CUSTOMERS)) == before


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"json": {"identity": {"type": "email"}}}, 400),
        ({"content": b"{"}, 400),
        ({"content": b" " * 20_000}, 413),
        ({"json": {}, "params": {"fields": "secrets"}}, 400),
    ],
)
def test_a_wrong_request_is_said_to_be_one(
    profiles: Profiles, request_: dict[str, Any], status: int
) -> None:
    assert profiles.ask("POST", "resolve", **request_).status_code == status


def test_nobody_reads_without_a_token_of_this_space(
    profiles: Profiles, service: RunningService
) -> None:
    other = create_space(service.settings)
    their = service.post(
        "/oauth/token",
        json=profiles.credentials(client_id=other.name, client_secret=other.reader_key),
    ).json()["access_token"]
    number = str(profiles.resolve("customer_id", "12345").json()["mpid"])

    answers = [
        profiles.resolve("customer_id", "12345", token=token)
        for token in ("", "wrong", profiles.space.reader_key, their)
    ]
    answers += [
        profiles.ask("GET", number, space=other.name),
        profiles.ask("GET", number, space="no-such-space"),
    ]

    assert [answer.status_code for answer in answers] == [401] * 6
    assert len({answer.text for answer in answers}) == 1
    assert profiles.ask("GET", number, token=their, space=other.name).status_code == 404


def test_a_token_ends_with_its_time_and_with_its_key(
    profiles: Profiles, service: RunningService
) -> None:
    vault = Vault(service.settings.secrets_key)
    hashed, now = hash_key(profiles.space.reader_key), system_clock()

    def status(text: str, owner: str = "access tokens/") -> int:
        token = vault.seal(text, owner)
        return profiles.resolve("customer_id", "12345", token=token).status_code

    assert status(f"{now + 60_000} {hashed}") == 200
    assert status(f"{now - 1} {hashed}") == 401
    assert status(f"{now + 60_000} {hash_key('revoked')}") == 401
    assert status(f"{now + 60_000} {hashed}", "a source") == 401


def test_without_a_key_for_secrets_there_are_no_tokens_and_the_answer_says_what_to_set(
    profiles: Profiles,
) -> None:
    settings = profiles.service.settings.model_copy(update={"secrets_key": None})
    with running_service(settings) as locked:
        answer = locked.post("/oauth/token", json=profiles.credentials())

    assert answer.status_code == 503
    assert "IDENTITY_SECRETS_KEY" in answer.text


def test_features_are_attributes_and_audiences_memberships(
    profiles: Profiles, service: RunningService
) -> None:
    space = create_space(service.settings)
    call = {"type": "track", "event": "Bought", "userId": "cid", "properties": {"total": 0.1}}
    for number in (1, 2, 3):
        _send(service, space, call, number)
    apply_profiles(service, space)
    body = profiles.credentials(client_id=space.name, client_secret=space.reader_key)
    token = service.post("/oauth/token", json=body).json()["access_token"]

    answer = profiles.resolve("customer_id", "cid", token=token, space=space.name).json()

    assert answer["user_attributes"] == {"orders": "3", "revenue": "0.3"}
    [member] = answer["audience_memberships"]
    assert (member["audience_name"], member["expiration_timestamp_ms"]) == ("buyers", None)
    assert 0 <= member["audience_id"] < 2**31
