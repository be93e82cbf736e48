"""Every decision on a link comes with a sentence that names what matters."""

from __future__ import annotations

import pytest

from identity_service.domain.explain.explanation import Decision, describe_decision
from identity_service.domain.identifiers import parse_identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.resolution.evidence import gather
from identity_service.domain.resolution.resolve import resolve


def decide(
    policy_text: str, *seen: str, link: str, apart: tuple[str, str] | None = None
) -> Decision:
    """The decision on the link `A B`, where each of `seen` is an event's identifiers."""
    judgements = []
    if apart:
        a, b = map(parse_identifier, apart)
        judgements = [Judgement("jdg_1", Verdict.APART, a, b, 0)]
    observations = [(at, map(parse_identifier, event.split())) for at, event in enumerate(seen)]
    evidence, policy = gather(observations, judgements), parse_policy(policy_text)
    a, b = sorted(map(parse_identifier, link.split()))
    number = next(
        n
        for n, found in enumerate(evidence.links)
        if sorted((evidence.identifiers[found.a], evidence.identifiers[found.b])) == [a, b]
    )
    return describe_decision(number, evidence, resolve(evidence, policy), policy)


PEOPLE = """
types:
  user_id: {priority: 1, kind: person, limit: 1}
  email: {priority: 2, kind: person, limit: 2}
  cookie: {priority: 9, kind: device, shared: SHARED}
"""


def policy(shared: str = "quarantine", more: str = "") -> str:
    return PEOPLE.replace("SHARED", shared + more)


def test_a_joined_link_says_how_often_it_was_seen() -> None:
    found = decide(policy(), "user_id:u cookie:c", "user_id:u cookie:c", link="user_id:u cookie:c")

    assert found == Decision(True, "One customer: they were seen together 2 times.")


def test_a_limit_names_the_type_and_the_values() -> None:
    found = decide(
        policy("merge"), "user_id:u cookie:c", "user_id:v cookie:c", link="user_id:v cookie:c"
    )

    assert found.reason == "LIMIT"
    assert found.type == "user_id"
    assert [i.value for i in found.conflict] == ["u", "v"]
    assert found.message == (
        "Kept apart: one customer may have 1 value of user_id, "
        "and here are user_id:u and user_id:v."
    )


def test_the_size_of_a_customer_is_named_as_a_limit() -> None:
    found = decide(
        policy("merge") + "max_identifiers: 2\n",
        "user_id:u cookie:c",
        "cookie:c cookie:d",
        link="cookie:c cookie:d",
    )

    assert (found.reason, found.type, found.conflict) == ("LIMIT", None, ())
    assert found.message == (
        "Kept apart: one customer may have 2 identifiers at most (`max_identifiers`), "
        "and together they would have more."
    )


def test_a_contested_device_is_named() -> None:
    found = decide(policy(), "user_id:u cookie:c", "user_id:v cookie:c", link="user_id:u cookie:c")

    assert found.reason == "QUARANTINE"
    assert found.message == "Kept apart: cookie:c belongs to several people, so to nobody."


def test_a_judgement_names_the_two() -> None:
    found = decide(
        policy(),
        "email:a user_id:u",
        link="email:a user_id:u",
        apart=("email:a", "user_id:u"),
    )

    assert found.reason == "APART"
    assert "email:a and user_id:u are two customers" in found.message


def test_a_visitor_is_told_from_the_owner() -> None:
    found = decide(
        policy("quarantine", ", dominance: 0.6"),
        *["email:a cookie:c"] * 3,
        "email:b cookie:c",
        link="email:b cookie:c",
    )

    assert found.reason == "VISITOR"
    assert found.message == (
        "Kept apart: cookie:c belongs to the person who uses it most, "
        "and email:b was only visiting."
    )


def test_an_isolated_device_names_its_type() -> None:
    found = decide(policy("isolate"), "user_id:u cookie:c", link="user_id:u cookie:c")

    assert found.reason == "ISOLATE"
    assert found.message == "Kept apart: the policy joins no person to a cookie."


def test_a_super_connector_is_named() -> None:
    found = decide(
        policy("merge", ", max_links: 2"),
        "cookie:c email:a",
        "cookie:c email:b",
        "cookie:c email:d",
        link="cookie:c email:a",
    )

    assert found.reason == "SUPER_CONNECTOR"
    assert found.message.startswith("Joins nothing: cookie:c has more links")


def test_a_type_without_a_rule_is_named() -> None:
    found = decide(policy(), "user_id:u badge:1", link="user_id:u badge:1")

    assert found.reason == "NOT_LISTED"
    assert found.message == "Joins nothing: the policy has no rule for badge."


@pytest.mark.parametrize("shared", ["merge", "first", "latest", "quarantine", "isolate"])
def test_no_sentence_is_empty(shared: str) -> None:
    for link in ("user_id:u cookie:c", "user_id:v cookie:c"):
        found = decide(policy(shared), "user_id:u cookie:c", "user_id:v cookie:c", link=link)
        assert found.message.endswith(".")


@pytest.mark.parametrize(
    ("sources", "named"),
    [
        (["page"], "source page saw them together, and by its word"),
        (["page", "app"], "sources app and page saw them together, and by their word"),
    ],
)
def test_an_unconfirmed_link_names_who_alone_says_so_and_what_would_confirm_it(
    sources: list[str], named: str
) -> None:
    user, mail = map(parse_identifier, ("user_id:u", "email:a"))
    evidence = gather([(at, (user, mail), frozenset({who})) for at, who in enumerate(sources)])
    rules = parse_policy(policy() + "limited_sources: [page, app]\n")

    found = describe_decision(0, evidence, resolve(evidence, rules), rules)

    assert (found.joined, found.reason) == (False, "UNCONFIRMED")
    assert found.message == (
        f"Kept apart: only the {named} alone the policy joins no two people (`limited_sources`); "
        "another source that sees them together would confirm it, or an event with a proof of the "
        "user id."
    )
