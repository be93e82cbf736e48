"""What a change of policy can reach."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.change_scope import Reach, kept_by_events, reach
from identity_service.domain.policies.policy import Blocked, Normaliser, Policy, Rule
from identity_service.domain.resolution.resolve import strongest
from tests.support.worlds import IDENTIFIERS, in_many_worlds, policies

PERSON, DEVICE = IdentifierKind.PERSON, IdentifierKind.DEVICE

POLICY = Policy(
    {"user_id": Rule(1, PERSON, 1), "email": Rule(2, PERSON, 5), "cookie": Rule(5, DEVICE)},
    other=Rule(9, DEVICE),
)

NOTHING = Reach(values=False, customers=False, attribution=False)
CUSTOMERS = Reach(values=False, customers=True, attribution=False)
ORDER = Reach(values=False, customers=True, attribution=True)
EVERYTHING = Reach(values=True, customers=True, attribution=True)


def with_rule(kind: str, rule: Rule) -> Policy:
    return replace(POLICY, rules={**POLICY.rules, kind: rule})


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(POLICY, NOTHING, id="the same rules"),
        pytest.param(with_rule("email", Rule(2, PERSON, 3)), CUSTOMERS, id="a limit"),
        pytest.param(with_rule("email", Rule(3, PERSON, 5)), CUSTOMERS, id="the same order"),
        pytest.param(replace(POLICY, max_component=50), CUSTOMERS, id="the bound"),
        pytest.param(with_rule("email", Rule(7, PERSON, 5)), ORDER, id="another order"),
        pytest.param(with_rule("card", Rule(8, DEVICE)), ORDER, id="another type"),
        pytest.param(replace(POLICY, other=None), CUSTOMERS, id="no rule for others, still last"),
        pytest.param(
            replace(POLICY, other=Rule(4, DEVICE)), ORDER, id="others before a listed one"
        ),
        pytest.param(replace(POLICY, blocked=(Blocked(value="x"),)), EVERYTHING, id="a value"),
        pytest.param(
            with_rule("email", Rule(2, PERSON, 5, normalise=Normaliser.EMAIL)),
            EVERYTHING,
            id="a spelling",
        ),
        pytest.param(replace(POLICY, max_identifiers=50), CUSTOMERS, id="the size of a customer"),
        pytest.param(
            replace(POLICY, limited_sources=frozenset({"page"})), CUSTOMERS, id="limited sources"
        ),
        pytest.param(
            with_rule("email", Rule(2, PERSON, 5, per_event=1)),
            EVERYTHING,
            id="values on one event",
        ),
        pytest.param(
            replace(POLICY, other=Rule(9, DEVICE, format="[a-z]+")),
            EVERYTHING,
            id="a format of others",
        ),
    ],
)
def test_a_change_reaches_what_it_can_alter(after: Policy, expected: Reach) -> None:
    assert reach(POLICY, after) == expected
    assert reach(after, POLICY) == expected


def test_the_order_in_which_values_are_blocked_says_nothing() -> None:
    a, b = Blocked(value="a"), Blocked(pattern="b+", types=frozenset({"email"}))

    changed = reach(replace(POLICY, blocked=(a, b)), replace(POLICY, blocked=(b, a)))

    assert not changed.values


@in_many_worlds
@given(policies(), policies(), st.lists(st.sampled_from(IDENTIFIERS), min_size=1, unique=True))
def test_where_attribution_is_not_reached_every_event_belongs_to_what_it_did(
    before: Policy, after: Policy, observed: list[Identifier]
) -> None:
    by_owners = replace(
        before, rules={kind: replace(rule, owners=3) for kind, rule in before.rules.items()}
    )

    assert not reach(before, by_owners).attribution
    if not reach(before, after).attribution:
        assert strongest(observed, before) == strongest(observed, after)


def test_a_policy_that_allows_fewer_values_on_an_event_leaves_those_that_are_stored() -> None:
    two = with_rule("email", Rule(2, PERSON, 5, per_event=2))
    one = with_rule("email", Rule(2, PERSON, 5, per_event=1))
    others = replace(POLICY, other=Rule(9, DEVICE, per_event=3))

    assert [note.split()[0] for note in kept_by_events(POLICY, two)] == ["types.email.per_event"]
    assert [note.split()[0] for note in kept_by_events(two, one)] == ["types.email.per_event"]
    assert [note.split()[0] for note in kept_by_events(None, others)] == ["other.per_event"]
    assert kept_by_events(one, two) == kept_by_events(one, POLICY) == kept_by_events(one, one) == ()
