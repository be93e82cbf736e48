"""Each rule of the resolution function, and what it refuses, in its smallest example."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind, parse_identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Order, Policy, Rule, Sharing
from identity_service.domain.resolution.cases import check_case, load_case
from identity_service.domain.resolution.evidence import gather
from identity_service.domain.resolution.resolve import BoundaryState, resolve, strength, strongest
from tests.support.oracle import Answer, Refused, answer_of

CASES = sorted((Path(__file__).parents[3] / "cases").glob("*.yaml"))

PERSON, DEVICE = IdentifierKind.PERSON, IdentifierKind.DEVICE
USER = Rule(1, PERSON, limit=1, shared=Sharing.QUARANTINE)
MAIL = Rule(2, PERSON, shared=Sharing.QUARANTINE)
TABLET = Rule(3, DEVICE, shared=Sharing.QUARANTINE)
COOKIE = Rule(4, DEVICE)


def rules(**changed: Rule) -> Policy:
    return Policy({"user": USER, "mail": MAIL, "tablet": TABLET, "cookie": COOKIE} | changed)


def ids(text: str) -> tuple[Identifier, ...]:
    return tuple(parse_identifier(part) for part in text.split(", "))


def same(a: str, b: str, at: int = 0) -> Judgement:
    return Judgement(
        f"same {a} {b}", Verdict.SAME, parse_identifier(a), parse_identifier(b), made_at=at
    )


def apart(a: str, b: str, at: int = 0) -> Judgement:
    return Judgement(
        f"apart {a} {b}", Verdict.APART, parse_identifier(a), parse_identifier(b), made_at=at
    )


def decided(
    policy: Policy, *events: str | tuple[int, str], judged: tuple[Judgement, ...] = ()
) -> Answer:
    """Events happen at 1, 2, 3, … milliseconds, unless they say when."""
    timed = [e if isinstance(e, tuple) else (n, e) for n, e in enumerate(events, start=1)]
    evidence = gather([(at, ids(text)) for at, text in timed], judged)
    return answer_of(evidence, resolve(evidence, policy))


def customers(found: Answer) -> set[str]:
    return {" ".join(sorted(map(str, customer))) for customer in found.partition}


def refusal(found: Answer, a: str, b: str) -> Refused:
    pair = sorted(ids(f"{a}, {b}"))
    return found.refused[(pair[0], pair[1])]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_worked_case(path: Path) -> None:
    result = check_case(load_case(path))

    assert result.passed, result.message


def test_there_are_worked_cases() -> None:
    assert len(CASES) >= 35


# Super-connectors and types that are not listed


def test_an_identifier_with_more_links_than_its_type_allows_joins_nothing() -> None:
    found = decided(
        rules(cookie=Rule(4, DEVICE, max_links=1)), "user:u, cookie:c", "mail:m, cookie:c"
    )

    assert customers(found) == {"user:u", "mail:m", "cookie:c"}
    assert refusal(found, "user:u", "cookie:c") == Refused("SUPER_CONNECTOR")


def test_an_identifier_with_exactly_as_many_links_as_its_type_allows_joins() -> None:
    found = decided(rules(cookie=Rule(4, DEVICE, max_links=1)), "user:u, cookie:c")

    assert customers(found) == {"cookie:c user:u"}


def test_a_super_connector_joins_what_a_judgement_says_and_no_more() -> None:
    found = decided(
        rules(cookie=Rule(4, DEVICE, max_links=1)),
        "user:u, cookie:c",
        "mail:m, cookie:c",
        judged=(same("user:u", "cookie:c"),),
    )

    assert customers(found) == {"cookie:c user:u", "mail:m"}
    assert set(found.refused) == {ids("cookie:c, mail:m")}


def test_links_of_a_super_connector_make_nothing_contested() -> None:
    policy = rules(mail=Rule(2, PERSON, shared=Sharing.QUARANTINE, max_links=1))

    found = decided(policy, "mail:m, tablet:t", "mail:m, cookie:c", "user:u, tablet:t")

    assert found.contested == set()
    assert customers(found) == {"mail:m", "cookie:c", "tablet:t user:u"}


def test_a_type_that_is_not_listed_joins_nothing() -> None:
    found = decided(rules(), "user:u, fax:1")

    assert customers(found) == {"user:u", "fax:1"}
    assert refusal(found, "user:u", "fax:1") == Refused("NOT_LISTED")


def test_a_type_that_is_not_listed_takes_the_rule_other_where_there_is_one() -> None:
    policy = Policy({"user": USER}, other=Rule(9, DEVICE, limit=1))

    found = decided(policy, "user:u, fax:1", "user:u, fax:2", "user:u, pager:1")

    assert customers(found) == {"fax:1 pager:1 user:u", "fax:2"}


# Judgements


def test_a_judgement_joins_what_no_event_saw_together() -> None:
    found = decided(rules(), "user:u", "mail:m", judged=(same("user:u", "mail:m"),))

    assert customers(found) == {"mail:m user:u"}


def test_a_judgement_outranks_a_limit() -> None:
    found = decided(rules(), "user:u", "user:v", judged=(same("user:u", "user:v"),))

    assert customers(found) == {"user:u user:v"}


def test_a_customer_put_over_its_limit_still_takes_other_types() -> None:
    found = decided(
        rules(), "user:u", "user:v", "user:v, cookie:c", judged=(same("user:u", "user:v"),)
    )

    assert customers(found) == {"cookie:c user:u user:v"}


def test_a_customer_put_over_its_limit_takes_no_more_of_that_type() -> None:
    found = decided(
        rules(), "user:u, mail:m", "user:v", "user:w, cookie:c", "user:v, cookie:c",
        judged=(same("user:u", "user:v"),),
    )  # fmt: skip

    why = refusal(found, "user:v", "cookie:c")
    assert why == Refused("LIMIT", "user", frozenset(ids("user:u, user:v, user:w")))


def test_an_apart_outranks_a_same_whatever_came_first() -> None:
    said = (same("user:u", "mail:m", at=1), apart("user:u", "mail:m", at=2))

    found = decided(rules(), "user:u, mail:m", judged=said)

    assert customers(found) == {"user:u", "mail:m"}


def test_of_two_judgements_that_cannot_both_hold_the_earlier_does() -> None:
    said = (
        same("mail:m", "user:v", at=2),
        same("mail:m", "user:u", at=1),
        apart("user:u", "user:v"),
    )

    found = decided(rules(), "user:u", "user:v", "mail:m", judged=said)

    assert customers(found) == {"mail:m user:u", "user:v"}


def test_an_identifier_that_a_judgement_joined_is_not_contested() -> None:
    found = decided(
        rules(), "user:u, tablet:t", "user:v, tablet:t", judged=(same("user:u", "tablet:t"),)
    )

    assert found.contested == set()
    assert customers(found) == {"tablet:t user:u", "user:v"}


def test_a_refused_judgement_settles_nothing() -> None:
    said = (same("user:u", "tablet:t"), apart("user:u", "tablet:t"))

    found = decided(rules(), "user:u, tablet:t", "user:v, tablet:t", judged=said)

    assert found.contested == set(ids("tablet:t"))


def test_a_withdrawn_judgement_leaves_no_trace() -> None:
    events = ("user:u, cookie:c", "user:v, cookie:d", "cookie:c, cookie:d")
    before = decided(rules(), *events)
    during = decided(rules(), *events, judged=(same("user:u", "user:v"),))

    after = decided(rules(), *events)

    assert during.partition != before.partition
    assert after == before


# Order


def test_a_stronger_link_goes_first_however_late_it_was_seen() -> None:
    found = decided(rules(), "user:v, cookie:c", "mail:m, cookie:c", "user:u, mail:m")

    assert customers(found) == {"cookie:c user:v", "mail:m user:u"}


def test_inside_a_level_the_earlier_link_goes_first() -> None:
    found = decided(rules(), (2, "user:u, cookie:c"), (1, "user:v, cookie:c"))

    assert customers(found) == {"cookie:c user:v", "user:u"}


def test_of_links_seen_at_one_time_the_stronger_pair_goes_first() -> None:
    policy = rules(mail=Rule(2, PERSON, limit=1), user=Rule(1, PERSON, limit=1))

    found = decided(policy, "user:u, mail:m", (9, "mail:n, cookie:c"), (9, "user:u, cookie:c"))

    assert customers(found) == {"cookie:c mail:m user:u", "mail:n"}


def test_of_equal_links_the_first_in_text_order_goes_first() -> None:
    found = decided(rules(), (5, "user:v, cookie:c"), (5, "user:u, cookie:c"))

    assert customers(found) == {"cookie:c user:u", "user:v"}


def test_of_equal_links_of_several_identifiers_the_first_pair_in_text_order_goes_first() -> None:
    found = decided(
        rules(), (1, "cookie:c, cookie:d"), (5, "user:u, cookie:d"), (5, "user:v, cookie:c")
    )

    assert customers(found) == {"cookie:c cookie:d user:v", "user:u"}


def test_the_latest_link_of_a_type_that_follows_the_latest_goes_first() -> None:
    policy = rules(cookie=Rule(4, DEVICE, shared=Sharing.LATEST))

    found = decided(policy, "user:u, cookie:c", "user:v, cookie:c", "user:u, cookie:c")

    assert customers(found) == {"cookie:c user:u", "user:v"}


def test_by_time_an_early_weak_link_goes_before_a_late_strong_one() -> None:
    listed = {"user": Rule(1, PERSON, limit=1), "mail": Rule(2, PERSON), "cookie": COOKIE}
    policy = Policy(listed, order=Order.TIME)

    found = decided(policy, "user:v, cookie:c", "mail:m, cookie:c", "user:u, mail:m")

    assert customers(found) == {"cookie:c mail:m user:v", "user:u"}


def test_by_time_of_links_seen_at_once_the_stronger_pair_goes_first() -> None:
    listed = {"user": Rule(1, PERSON, limit=1), "mail": Rule(2, PERSON), "cookie": COOKIE}
    policy = Policy(listed, order=Order.TIME)

    found = decided(policy, "user:v, cookie:c", (5, "mail:m, cookie:c"), (5, "user:u, mail:m"))

    assert customers(found) == {"cookie:c user:v", "mail:m user:u"}


def test_links_are_taken_level_by_level() -> None:
    evidence = gather(
        [(1, ids("cookie:c, cookie:d")), (2, ids("user:u, cookie:c")), (3, ids("user:u, mail:m"))]
    )

    taken = resolve(evidence, rules()).taken

    assert [{evidence.identifiers[i] for i in evidence.links[k][:2]} for k in taken] == [
        set(ids("user:u, mail:m")),
        set(ids("cookie:c, cookie:d")),
        set(ids("user:u, cookie:c")),
    ]


# Limits


def test_a_limit_names_the_type_and_all_the_values() -> None:
    found = decided(rules(), "user:u, cookie:c", "user:v, cookie:c")

    why = refusal(found, "user:v", "cookie:c")
    assert why == Refused("LIMIT", "user", frozenset(ids("user:u, user:v")))


def test_of_several_limits_the_strongest_type_is_named() -> None:
    policy = rules(mail=Rule(2, PERSON, limit=1))

    found = decided(
        policy, "user:u, mail:m, cookie:c", "user:v, mail:n, cookie:d", "cookie:c, cookie:d"
    )

    assert refusal(found, "cookie:c", "cookie:d").type == "user"


def test_values_less_than_one_window_apart_count_together() -> None:
    policy = rules(cookie=Rule(4, DEVICE, limit=1, within=10))

    found = decided(policy, (0, "user:u, cookie:c"), (9, "user:u, cookie:d"))

    assert customers(found) == {"cookie:c user:u", "cookie:d"}


def test_values_exactly_one_window_apart_do_not_count_together() -> None:
    policy = rules(cookie=Rule(4, DEVICE, limit=1, within=10))

    found = decided(policy, (0, "user:u, cookie:c"), (10, "user:u, cookie:d"))

    assert customers(found) == {"cookie:c cookie:d user:u"}


# Apart


def test_an_apart_refuses_a_link_that_would_bring_the_two_together() -> None:
    found = decided(
        rules(), "user:u, mail:m", "mail:m, cookie:c", judged=(apart("user:u", "cookie:c"),)
    )

    assert customers(found) == {"mail:m user:u", "cookie:c"}
    why = refusal(found, "mail:m", "cookie:c")
    assert why == Refused("APART", values=frozenset(ids("user:u, cookie:c")))


# Contested


def test_an_identifier_of_two_persons_belongs_to_nobody() -> None:
    found = decided(rules(), "user:u, tablet:t", "user:v, tablet:t", "tablet:t, cookie:c")

    assert found.contested == set(ids("tablet:t"))
    assert customers(found) == {"user:u", "user:v", "cookie:c tablet:t"}
    assert refusal(found, "user:u", "tablet:t") == Refused("QUARANTINE")


def test_an_identifier_of_one_person_under_two_names_is_not_contested() -> None:
    found = decided(rules(), "user:u, tablet:t", "mail:m, tablet:t", "user:u, mail:m")

    assert found.contested == set()
    assert customers(found) == {"mail:m tablet:t user:u"}


def test_as_many_owners_as_a_rule_allows_are_brought_together() -> None:
    policy = rules(tablet=Rule(3, DEVICE, shared=Sharing.QUARANTINE, owners=2))

    found = decided(policy, "user:u, tablet:t", "mail:m, tablet:t")

    assert customers(found) == {"mail:m tablet:t user:u"}


def test_owners_who_could_not_be_one_customer_make_it_contested_at_any_number() -> None:
    policy = rules(tablet=Rule(3, DEVICE, shared=Sharing.QUARANTINE, owners=2))

    found = decided(policy, "user:u, tablet:t", "user:v, tablet:t")

    assert found.contested == set(ids("tablet:t"))


def test_owners_judged_apart_make_it_contested_at_any_number() -> None:
    policy = rules(tablet=Rule(3, DEVICE, shared=Sharing.QUARANTINE, owners=2))

    found = decided(
        policy, "user:u, tablet:t", "mail:m, tablet:t", judged=(apart("user:u", "mail:m"),)
    )

    assert found.contested == set(ids("tablet:t"))


# Given


DOMINANT = Rule(3, DEVICE, shared=Sharing.QUARANTINE, dominance=0.6)


def test_an_identifier_is_given_to_the_owner_with_its_share_of_the_sightings() -> None:
    found = decided(rules(tablet=DOMINANT), *["user:u, tablet:t"] * 3, *["user:v, tablet:t"] * 2)

    assert found.contested == set()
    assert found.owner_of_given == {ids("tablet:t")[0]: frozenset(ids("user:u, tablet:t"))}
    assert refusal(found, "user:v", "tablet:t").reason == "LIMIT"


def test_a_share_just_below_dominance_gives_nothing() -> None:
    found = decided(rules(tablet=DOMINANT), *["user:u, tablet:t"] * 4, *["user:v, tablet:t"] * 3)

    assert found.contested == set(ids("tablet:t"))


def test_one_sighting_gives_nothing_to_anybody() -> None:
    policy = rules(
        tablet=Rule(3, DEVICE, shared=Sharing.QUARANTINE, dominance=0.51, owners=1),
    )

    found = decided(policy, "user:u, tablet:t", "user:v, tablet:t")

    assert found.contested == set(ids("tablet:t"))


def test_a_given_identifier_joins_no_other_person_by_its_own_link() -> None:
    policy = rules(tablet=DOMINANT)

    found = decided(policy, *["user:u, tablet:t"] * 3, "mail:m, tablet:t")

    assert customers(found) == {"tablet:t user:u", "mail:m"}
    assert refusal(found, "mail:m", "tablet:t") == Refused("VISITOR")


def test_a_given_identifier_away_from_its_owner_meets_no_person() -> None:
    one_tablet = Rule(3, DEVICE, limit=1, shared=Sharing.QUARANTINE, dominance=0.6)
    policy = rules(user=Rule(1, PERSON), tablet=one_tablet, printer=Rule(5, DEVICE))

    found = decided(
        policy,
        "user:u, tablet:s",
        *["user:u, tablet:t"] * 3,
        "user:v, tablet:t",
        "tablet:t, cookie:c",
        "user:v, printer:p",
        "cookie:c, printer:p",
    )

    assert customers(found) == {"tablet:s user:u", "cookie:c tablet:t", "printer:p user:v"}
    assert refusal(found, "cookie:c", "printer:p") == Refused("VISITOR")


# Isolated


ALONE = Rule(3, DEVICE, shared=Sharing.ISOLATE)


def test_an_isolated_device_meets_devices_but_no_person() -> None:
    found = decided(rules(tablet=ALONE), "user:u, tablet:t", "tablet:t, cookie:c")

    assert customers(found) == {"user:u", "cookie:c tablet:t"}
    assert refusal(found, "user:u", "tablet:t") == Refused("ISOLATE")


def test_a_device_that_a_judgement_joined_is_not_isolated() -> None:
    found = decided(
        rules(tablet=ALONE),
        "user:u, tablet:t",
        "mail:m, tablet:t",
        judged=(same("user:u", "tablet:t"),),
    )

    assert customers(found) == {"mail:m tablet:t user:u"}


def test_a_person_is_not_isolated() -> None:
    found = decided(rules(mail=Rule(2, PERSON, shared=Sharing.ISOLATE)), "user:u, mail:m")

    assert customers(found) == {"mail:m user:u"}


# What lies outside, and the strongest identifier


def test_an_identifier_contested_outside_is_so_with_one_person_inside() -> None:
    evidence = gather([(1, ids("user:u, tablet:t"))])
    tablet = evidence.identifiers.index(ids("tablet:t")[0])

    found = resolve(evidence, rules(), BoundaryState(contested=frozenset({tablet})))

    assert found.contested == {tablet}
    assert len(found.clusters()) == 2


def test_a_super_connector_outside_joins_nothing_inside() -> None:
    evidence = gather([(1, ids("user:u, cookie:c"))])
    cookie = evidence.identifiers.index(ids("cookie:c")[0])

    found = resolve(evidence, rules(), BoundaryState(super_connectors=frozenset({cookie})))

    assert found.super_connectors == {cookie}
    assert len(found.clusters()) == 2


def test_the_strongest_identifier_has_the_lowest_number_and_comes_first_in_text_order() -> None:
    seen = ids("fax:1, cookie:c, mail:n, mail:m")

    in_order = sorted(seen, key=lambda identifier: strength(identifier, rules()))

    assert in_order == list(ids("mail:m, mail:n, cookie:c, fax:1"))


def test_an_event_belongs_to_the_strongest_of_its_identifiers() -> None:
    assert strongest(ids("cookie:c, user:u"), rules()) == ids("user:u")[0]
    assert strongest(ids("cookie:c, user:v, user:u"), rules()) == ids("user:u")[0]
    assert strongest(ids("fax:1"), rules()) == ids("fax:1")[0]
