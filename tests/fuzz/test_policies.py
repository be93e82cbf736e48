"""Whatever text somebody puts in as a policy: it is one, or every mistake has its place."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.block_value import with_blocked
from identity_service.domain.policies.parse import parse_policy, parse_stored_policy
from identity_service.domain.policies.policy import Blocked, Policy
from identity_service.errors import PolicyInvalid, Problem
from tests.fuzz.policies import HARD_TO_READ, mutated, texts
from tests.support.worlds import in_many_worlds

TABLET = Identifier("anonymous_id", "tablet")
MOST_SECONDS = 2.0
"""Of the processor, for a text of some thousand characters: a hundred times what one takes."""


def assert_policy_or_mistakes(text: str) -> None:
    begun = time.thread_time()
    read = policy_or_mistakes(text)
    taken = time.thread_time() - begun

    if isinstance(read, Policy):
        assert read == parse_stored_policy(text)
    else:
        assert all(problem.message for problem in read)
    assert taken < MOST_SECONDS


def policy_or_mistakes(text: str) -> Policy | tuple[Problem, ...]:
    try:
        return parse_policy(text)
    except PolicyInvalid as error:
        return error.problems


@in_many_worlds
@given(texts)
def test_any_text_is_a_policy_or_a_list_of_mistakes(text: str) -> None:
    assert_policy_or_mistakes(text)


@pytest.mark.parametrize("name", HARD_TO_READ)
def test_what_is_hard_to_read_is_a_policy_or_a_list_of_mistakes(name: str) -> None:
    assert_policy_or_mistakes(HARD_TO_READ[name])


@in_many_worlds
@given(mutated())
def test_a_value_more_is_blocked_in_any_policy_and_nothing_else_changes(text: str) -> None:
    try:
        before = parse_policy(text)
    except PolicyInvalid:
        return

    after = parse_policy(with_blocked(text, TABLET))

    entry = Blocked(value=TABLET.value, types=frozenset({TABLET.type}))
    assert replace(after, blocked=()) == replace(before, blocked=())
    assert set(after.blocked) == {*before.blocked, entry}
