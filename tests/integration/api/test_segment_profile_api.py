"""Segment's Profile API over HTTP: every route, its pages, its errors, and who may ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from tests.support.plain_http import NO_TLS
from tests.support.read_routes import apply_profiles
from tests.support.service import PATIENCE, RunningService, Space, create_space

pytestmark = pytest.mark.neo4j

ANN: Final = "user_id:ann"
ADDRESS: Final = "ann@example.com"
DAY: Final = "2026-01-0{}T10:00:00.000Z"


@dataclass(frozen=True)
class Profiles:
    """A space with a user of one account, whose first id is retired."""

    service: RunningService
    space: Space
    customer: str
    retired: str

    def ask(
        self,
        what: str,
        profile: str = ANN,
        collection: str = "users",
        key: str | None = None,
        space: str | None = None,
        **query: Any,
    ) -> httpx.Response:
        """What a tool of Segment's gets."""
        path = (
            f"/v1/spaces/{space or self.space.name}/collections/{collection}"
            f"/profiles/{quote(profile, safe='')}/{what}"
        )
        return httpx.get(
            f"{self.service.url}{path}",
            auth=(self.space.reader_key if key is None else key, ""),
            params=query,
            timeout=PATIENCE,
            verify=NO_TLS,
        )

    def read(self, what: str, profile: str = ANN, **asked: Any) -> Any:
        """The body of an answer that is 200."""
        answer = self.ask(what, profile, **asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def all_of(self, what: str, profile: str = ANN, **asked: Any) -> list[Any]:
        """The bodies of all pages of a list, each of which says where the next one begins."""
        pages = [self.read(what, profile, **asked)]
        while pages[-1]["cursor"]["has_more"]:
            pages.append(self.read(what, profile, next=pages[-1]["cursor"]["next"], **asked))
            assert len(pages) < 20
        return pages


@pytest.fixture(scope="module")
def profiles(service: RunningService) -> Profiles:
    space = create_space(service.settings)
    page = {"page": {"path": "/cart"}}
    sent: list[dict[str, Any]] = [
        {"type": "track", "event": "Seen", "anonymousId": "phone"},
        {
            "type": "identify",
            "userId": "ann",
            "anonymousId": "laptop",
            "traits": {"email": ADDRESS, "first_name": "Ann", "plan": "free", "age": 33},
        },
        {"type": "identify", "userId": "ann", "traits": {"plan": "pro"}},
        {"type": "group", "userId": "ann", "groupId": "acme", "traits": {"seats": 5}},
        {"type": "track", "event": "Bought", "userId": "ann", "properties": {"total": 9.5}},
        {
            "type": "track",
            "event": "Seen",
            "userId": "ann",
            "anonymousId": "phone",
            "context": page,
        },
        {"type": "group", "userId": "bob", "groupId": "acme", "traits": {"seats": 7}},
    ]
    retired = ""
    for number, call in enumerate(sent, 1):
        call |= {"messageId": f"m{number}", "timestamp": DAY.format(number)}
        answer = service.post("/v1/batch", space.write_key, json={"batch": [call]})
        assert answer.status_code == 200, answer.text
        if number == 1:
            [[retired]] = [list(row.values()) for row in space.rows(OF_IDENTIFIER)]
    [[customer]] = [list(row.values()) for row in space.rows(OF_ANN)]
    return Profiles(service, space, customer, retired)


OF_IDENTIFIER: Final = "MATCH (c:Customer {space: $space}) RETURN c.id"
OF_ANN: Final = (
    "MATCH (i:Identifier {key: $space + '/user_id:ann'})-[:BELONGS_TO]->(c:Customer) RETURN c.id"
)


def test_traits_are_values_by_name(profiles: Profiles) -> None:
    answer = profiles.read("traits")

    assert answer == {
        "traits": {"age": 33, "email": ADDRESS, "first_name": "Ann", "plan": "pro"},
        "cursor": {
            "url": f"/v1/spaces/{profiles.space.name}/collections/users/profiles"
            f"/{profiles.customer}/traits",
            "has_more": False,
            "next": "",
            "limit": 10,
        },
    }


def test_verbose_traits_have_their_source_and_time(profiles: Profiles) -> None:
    [source] = {row["s"] for row in profiles.space.rows(SOURCES)}

    traits = profiles.read("traits", verbose="true", include="plan, age,none")["traits"]

    assert traits == {
        "age": {"value": 33, "source_id": source, "updated_at": DAY.format(2)},
        "plan": {"value": "pro", "source_id": source, "updated_at": DAY.format(3)},
    }


SOURCES: Final = "MATCH (e:Event {space: $space}) RETURN DISTINCT e.source AS s"


def test_features_and_audiences_are_traits(service: RunningService) -> None:
    space = create_space(service.settings)
    call = {"type": "track", "event": "Bought", "userId": "ann", "properties": {"total": 0.1}}
    for number in (1, 2, 3):
        call |= {"messageId": f"m{number}", "timestamp": DAY.format(number)}
        assert service.post("/v1/batch", space.write_key, json={"batch": [call]}).is_success
    apply_profiles(service, space)
    profiles = Profiles(service, space, "", "")

    assert profiles.ask("traits").text.startswith(
        '{"traits":{"buyers":true,"orders":3,"revenue":0.3},"cursor":'
    )
    assert profiles.read("traits", **{"class": "audience"})["traits"] == {"buyers": True}
    assert profiles.read("traits", **{"class": "computed_trait"})["traits"] == {
        "orders": 3,
        "revenue": 0.3,
    }
    verbose = profiles.read("traits", include="orders", verbose="true")["traits"]["orders"]
    assert (verbose["value"], verbose["source_id"]) == (3, None)
    assert verbose["updated_at"] > DAY.format(3)


def test_without_a_profiles_text_nothing_is_computed(profiles: Profiles) -> None:
    assert profiles.read("traits", **{"class": "audience"})["traits"] == {}
    assert profiles.read("traits", **{"class": "computed_trait"})["traits"] == {}


@pytest.mark.parametrize("limit", [1, 3, 4])
def test_traits_are_read_page_by_page(profiles: Profiles, limit: int) -> None:
    pages = profiles.all_of("traits", limit=limit)

    assert {name: v for page in pages for name, v in page["traits"].items()} == profiles.read(
        "traits"
    )["traits"]
    assert [len(page["traits"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)


def test_external_ids_come_strongest_first_with_where_they_began(profiles: Profiles) -> None:
    [source] = {row["s"] for row in profiles.space.rows(SOURCES)}

    pages = profiles.all_of("external_ids", limit=3)

    found = [each for page in pages for each in page["data"]]
    assert [(each["type"], each["id"], each["first_message_id"]) for each in found] == [
        ("user_id", "ann", "m2"),
        ("email", ADDRESS, "m2"),
        ("anonymous_id", "laptop", "m2"),
        ("anonymous_id", "phone", "m1"),
    ]
    assert found[3] == {
        "source_id": source,
        "collection": "users",
        "id": "phone",
        "type": "anonymous_id",
        "created_at": DAY.format(1),
        "encoding": "none",
        "first_message_id": "m1",
    }
    assert [len(page["data"]) for page in pages] == [3, 1]


def test_external_ids_of_some_types_only(profiles: Profiles) -> None:
    found = profiles.read("external_ids", include="email,user_id", verbose="true")["data"]

    assert [each["type"] for each in found] == ["user_id", "email"]


def test_events_are_answered_with_their_identifiers_and_context(profiles: Profiles) -> None:
    [source] = {row["s"] for row in profiles.space.rows(SOURCES)}

    [latest] = profiles.read("events", limit=1)["data"]

    assert latest.pop("context")["page"] == {"path": "/cart"}
    assert latest == {
        "external_ids": [
            {"collection": "users", "type": "user_id", "id": "ann", "encoding": "none"},
            {"collection": "users", "type": "anonymous_id", "id": "phone", "encoding": "none"},
        ],
        "type": "track",
        "message_id": "m6",
        "source_id": source,
        "timestamp": DAY.format(6),
        "properties": {},
        "event": "Seen",
        "related": {"users": profiles.customer},
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["m6", "m5", "m4", "m3", "m2", "m1"]),
        ({"sort": "asc"}, ["m1", "m2", "m3", "m4", "m5", "m6"]),
        ({"include": "Seen"}, ["m6", "m1"]),
        ({"include": "Seen,Bought", "exclude": "Seen"}, ["m5"]),
        ({"exclude": "Seen"}, ["m5", "m4", "m3", "m2"]),
        ({"start": "2026-01-05"}, ["m6", "m5"]),
        ({"end": "2026-01-02T10:00:00Z"}, ["m1"]),
        ({"start": "2026-01-02T10:00:00Z", "end": "2026-01-03T10:00:00.001Z"}, ["m3", "m2"]),
    ],
)
def test_events_are_selected_by_name_and_time(
    profiles: Profiles, query: dict[str, str], found: list[str]
) -> None:
    pages = profiles.all_of("events", limit=2, **query)

    assert [each["message_id"] for page in pages for each in page["data"]] == found


def test_metadata_names_the_first_and_the_last_event(profiles: Profiles) -> None:
    [source] = {row["s"] for row in profiles.space.rows(SOURCES)}

    assert profiles.read("metadata", verbose="true") == {
        "metadata": {
            "created_at": DAY.format(1),
            "updated_at": DAY.format(6),
            "expires_at": None,
            "first_message_id": "m1",
            "first_source_id": source,
            "last_message_id": "m6",
            "last_source_id": source,
        }
    }


def test_a_user_is_linked_with_its_accounts_and_an_account_with_its_users(
    profiles: Profiles,
) -> None:
    [account] = profiles.read("links")["data"]
    users = profiles.all_of("links", "group_id:acme", collection="accounts", limit=1)

    [named] = account["external_ids"]
    assert account["to_collection"] == "accounts"
    assert (named["type"], named["id"], named["created_at"]) == ("group_id", "acme", DAY.format(4))
    linked = [each for page in users for each in page["data"]]
    assert {each["to_collection"] for each in linked} == {"users"}
    assert {each["external_ids"][0]["id"] for each in linked} == {"ann", "bob"}
    assert len(users) == 2


def test_an_account_is_read_by_its_group_id(profiles: Profiles) -> None:
    [source] = {row["s"] for row in profiles.space.rows(SOURCES)}

    def read(what: str, **query: Any) -> Any:
        return profiles.read(what, "group_id:acme", collection="accounts", **query)

    assert read("traits")["traits"] == {"seats": 7}
    assert read("traits", verbose="true")["traits"] == {
        "seats": {"value": 7, "source_id": source, "updated_at": DAY.format(7)}
    }
    assert [each["message_id"] for each in read("events")["data"]] == ["m7", "m4"]
    assert read("events", sort="asc")["data"][0]["related"] == {"accounts": "acme"}
    assert read("external_ids")["data"][0]["first_message_id"] == "m4"
    assert read("external_ids", include="user_id")["data"] == []
    assert read("metadata")["metadata"]["last_message_id"] == "m7"
    assert read("traits")["cursor"]["url"].endswith("/accounts/profiles/group_id:acme/traits")


@pytest.mark.parametrize(
    "named", ["retired", "customer", f"email:{ADDRESS}", "email: ANN@EXAMPLE.com"]
)
def test_a_profile_is_found_by_any_name_and_by_an_id_that_is_retired(
    profiles: Profiles, named: str
) -> None:
    profile = getattr(profiles, named, named)
    assert profiles.retired != profiles.customer

    answer = profiles.read("traits", profile)

    assert answer["traits"]["plan"] == "pro"
    assert f"/profiles/{profiles.customer}/traits" in answer["cursor"]["url"]


@pytest.mark.parametrize("what", ["traits", "external_ids", "events", "metadata", "links"])
@pytest.mark.parametrize(
    ("profile", "collection"),
    [
        ("user_id:nobody", "users"),
        ("cus_0", "users"),
        (":", "users"),
        ("user_id:", "users"),
        ("group_id:nobody", "accounts"),
        ("user_id:ann", "accounts"),
        ("user_id:a/traits", "users"),
    ],
)
def test_what_is_not_there_is_not_found(
    profiles: Profiles, what: str, profile: str, collection: str
) -> None:
    answer = profiles.ask(what, profile, collection=collection)

    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "not_found", "message": "Profile was not found."}}


@pytest.mark.parametrize(
    ("what", "query", "code"),
    [
        ("traits", {"limit": 201}, "validation_error"),
        ("traits", {"limit": 0}, "validation_error"),
        ("traits", {"class": "other"}, "validation_error"),
        ("traits", {"next": "?"}, "invalid_request_error"),
        ("external_ids", {"next": "x"}, "invalid_request_error"),
        ("events", {"next": "x"}, "invalid_request_error"),
        ("events", {"start": "yesterday"}, "invalid_request_error"),
        ("events", {"sort": "up"}, "validation_error"),
        ("links", {"next": "x"}, "invalid_request_error"),
    ],
)
def test_a_wrong_parameter_is_answered_in_their_words(
    profiles: Profiles, what: str, query: dict[str, Any], code: str
) -> None:
    answer = profiles.ask(what, **query)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


def test_a_collection_that_there_is_not_is_a_wrong_parameter(profiles: Profiles) -> None:
    answer = profiles.ask("traits", collection="pets")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "validation_error")


def test_every_answer_has_a_request_id_of_its_own(profiles: Profiles) -> None:
    answers = [
        profiles.ask("traits"),
        profiles.ask("traits", limit=0),
        profiles.ask("traits", key="wrong"),
        profiles.ask("traits", "user_id:nobody"),
    ]

    ids = [answer.headers["Request-Id"] for answer in answers]
    assert [answer.status_code for answer in answers] == [200, 400, 401, 404]
    assert len(set(ids)) == 4


def test_no_other_key_opens_the_space_and_all_look_alike(
    profiles: Profiles, service: RunningService
) -> None:
    other = create_space(service.settings)
    keys = ("", "wrong", profiles.space.write_key, other.reader_key, other.admin_key)

    answers = [profiles.ask("traits", key=key, limit=0) for key in keys]
    nowhere = profiles.ask("traits", space="no-such-space")
    elsewhere = profiles.ask("traits", space=other.name)

    for answer in (*answers, nowhere, elsewhere):
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "authentication_error"
    assert len({answer.text for answer in (*answers, nowhere, elsewhere)}) == 1


def test_another_space_does_not_know_the_profile(
    profiles: Profiles, service: RunningService
) -> None:
    other = create_space(service.settings)

    answers = [
        profiles.ask("traits", named, key=other.reader_key, space=other.name, collection=collection)
        for named, collection in (
            (ANN, "users"),
            (profiles.customer, "users"),
            (profiles.retired, "users"),
            ("group_id:acme", "accounts"),
        )
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


def test_an_admin_and_an_agent_may_read_too(profiles: Profiles) -> None:
    assert profiles.ask("traits", key=profiles.space.admin_key).status_code == 200
