"""Which events of a batch may change customers, and which of them belong together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from identity_service.domain.events import RejectionCode
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Blocked, Policy, Rule, Sharing
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.resolution.subgraph import NewEvidence, StoredIdentifier
from identity_service.graph.evidence import Known
from identity_service.graph.write_rows import NewEvent
from identity_service.services.spaces.policies import PolicyInForce
from identity_service.services.write.event_batch import (
    Unstored,
    connected_groups,
    decisive_observations,
)
from identity_service.services.write.received import Received, observe_all
from tests.support.space import event

POLICY = Policy(
    {
        "user": Rule(1, IdentifierKind.PERSON, limit=1),
        "mail": Rule(2, IdentifierKind.PERSON),
        "cookie": Rule(3, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE),
    },
    blocked=(Blocked(value="nobody"),),
)

ANN, PHONE = Identifier("user", "ann"), Identifier("cookie", "phone")

KNOWN = Known(
    events=frozenset(),
    reused=frozenset(),
    identifiers={
        ANN: StoredIdentifier(10, "c1", contested=False, super_connector=False),
        PHONE: StoredIdentifier(20, "c1", contested=False, super_connector=False),
    },
    links={(PHONE, ANN): 20},
    waiting=(),
    judgements_rev=0,
    blocked=frozenset(),
    corrections={},
    unseen=frozenset(),
    deferred=frozenset(),
)
"""Ann was seen at 10, and at 20 with her phone."""


def in_force(policy: Policy = POLICY) -> PolicyInForce:
    return PolicyInForce(1, policy, ValueRules(policy))


def decisive(at: int, *identifiers: str, policy: Policy = POLICY, known: Known = KNOWN) -> bool:
    """Whether one event may change customers."""
    received = Received("shop", 0, (event("m", at, *identifiers),))
    [observation], _ = observe_all([received], in_force(policy))
    new = NewEvent.of("s", observation, observation.identifiers[0], {})
    return decisive_observations(Unstored([new], NewEvidence(), known), policy) != []


def with_rule(rule: Rule) -> Policy:
    return replace(POLICY, rules={**POLICY.rules, "cookie": rule})


@pytest.mark.parametrize(
    ("at", "identifiers", "expected"),
    [
        (20, ("user:ann", "cookie:phone"), False),
        (99, ("user:ann", "cookie:phone"), False),
        (10, ("user:ann",), False),
        (9, ("user:ann",), True),
        (19, ("user:ann", "cookie:phone"), True),
        (99, ("user:bob",), True),
        (99, ("user:ann", "cookie:tablet"), True),
    ],
    ids=["again", "later", "alone", "earlier", "link earlier", "new identifier", "one new"],
)
def test_an_event_that_only_repeats_what_is_known_changes_no_customer(
    at: int, identifiers: tuple[str, ...], *, expected: bool
) -> None:
    assert decisive(at, *identifiers) is expected


def test_a_new_link_between_known_identifiers_may_change_customers() -> None:
    unlinked = replace(KNOWN, links={})

    assert decisive(99, "user:ann", "cookie:phone", known=unlinked)


def test_a_link_that_was_first_seen_later_may_change_customers() -> None:
    linked_later = replace(KNOWN, links={(PHONE, ANN): 50})

    assert decisive(49, "user:ann", "cookie:phone", known=linked_later)
    assert not decisive(50, "user:ann", "cookie:phone", known=linked_later)


@pytest.mark.parametrize(
    "rule",
    [
        Rule(3, IdentifierKind.DEVICE, shared=Sharing.LATEST),
        Rule(3, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE, dominance=0.8),
    ],
    ids=["latest", "dominance"],
)
def test_repetition_counts_where_a_rule_looks_at_it(rule: Rule) -> None:
    assert decisive(99, "user:ann", "cookie:phone", policy=with_rule(rule))
    assert not decisive(99, "cookie:phone", policy=with_rule(rule))


@pytest.mark.parametrize(
    ("claim", "source", "proven", "expected"),
    [
        ({"page"}, "shop", False, True),
        ({"page", "app"}, "page", True, True),
        ({"page"}, "app", False, False),
        ({"page", "till"}, "shop", True, False),
        ((), "shop", True, False),
    ],
    ids=["another source", "a proof", "limited too", "confirmed before", "proven before"],
)
def test_an_event_that_confirms_a_link_may_change_customers(
    claim: Iterable[str], source: str, *, proven: bool, expected: bool
) -> None:
    policy = replace(POLICY, limited_sources=frozenset({"page", "app"}))
    known = replace(KNOWN, claims={(PHONE, ANN): frozenset(claim)})
    again = event("m", 99, "user:ann", "cookie:phone")
    proofs = frozenset({again.identity} if proven else ())
    [observation], _ = observe_all([Received(source, 0, (again,), proven=proofs)], in_force(policy))
    new = NewEvent.of("s", observation, observation.identifiers[0], {})

    found = decisive_observations(Unstored([new], NewEvidence(), known), policy)

    assert (found != []) is expected


def test_a_proof_stays_with_its_event_when_a_batch_is_taken_apart() -> None:
    proven, other = event("m1", 1, "user:ann"), event("m2", 2, "user:bob")
    received = Received("page", 5, (proven, other), proven=frozenset({proven.identity}))
    observations, _ = observe_all([received], in_force())

    groups = connected_groups(observations)

    assert [(each.events, each.proven) for [each] in groups] == [
        ((proven,), frozenset({proven.identity})),
        ((other,), frozenset()),
    ]


def test_of_an_event_that_was_sent_several_times_the_first_counts() -> None:
    first, other = event("m1", 1, "user:ann"), event("m1", 1, "user:bob", digest="other")

    observations, rejected = observe_all(
        [Received("shop", 5, (first,)), Received("web", 6, (first, other))], in_force()
    )

    assert [(o.event, o.source, o.received_at) for o in observations] == [
        (first, "shop", 5),
        (other, "web", 6),
    ]
    assert rejected == []


def test_an_event_without_an_allowed_identifier_is_rejected_with_its_request() -> None:
    received = Received("shop", 5, (event("m1", 1, "user:nobody"), event("m2", 2, "user:ann")))

    observations, rejected = observe_all([received], in_force())

    assert [o.event.message_id for o in observations] == ["m2"]
    [(request, rejection)] = rejected
    assert request is received
    assert (rejection.code, rejection.message_id) == (RejectionCode.NO_IDENTIFIER, "m1")


def test_a_merge_call_does_not_join_two_accounts() -> None:
    merging = event("m1", 1, "user:ann", "user:bob", type="merge")

    [observation], _ = observe_all([Received("shop", 5, (merging,))], in_force())

    assert [i.type for i in observation.identifiers if i.type == "user"] == ["user"]


def test_events_are_in_one_group_exactly_if_identifiers_connect_them() -> None:
    events = (
        event("m1", 1, "user:ann", "cookie:phone"),
        event("m2", 2, "user:bob"),
        event("m3", 3, "cookie:phone", "cookie:tablet"),
        event("m4", 4, "cookie:tablet"),
    )
    observations, _ = observe_all([Received("shop", 5, events)], in_force())

    groups = connected_groups(observations)

    assert [[e.message_id for received in group for e in received.events] for group in groups] == [
        ["m1", "m3", "m4"],
        ["m2"],
    ]
    assert {(r.source, r.received_at) for group in groups for r in group} == {("shop", 5)}


def test_a_limited_source_cannot_have_been_first_long_ago() -> None:
    received_at = 100 * 86_400_000
    policy = replace(POLICY, limited_sources=frozenset({"page"}))
    sent = [event("old", 1, "user:ann"), event("new", received_at - 86_400_000, "user:ann")]

    of_page, _ = observe_all([Received("page", received_at, sent)], in_force(policy))
    of_shop, _ = observe_all([Received("shop", received_at, sent)], in_force(policy))

    assert [o.event.at for o in of_page] == [received_at, received_at - 86_400_000]
    assert [o.event.at for o in of_shop] == [1, received_at - 86_400_000]
