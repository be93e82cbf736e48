"""Which rule a type has, and what may be the name of a type."""

from __future__ import annotations

import pytest

from identity_service.domain.identifiers import MAX_TYPE_LENGTH, IdentifierKind
from identity_service.domain.policies.policy import Policy, Rule, is_type_name

LISTED, OTHER = Rule(1, IdentifierKind.PERSON), Rule(2, IdentifierKind.DEVICE)


def test_a_type_has_its_own_rule_else_the_rule_other() -> None:
    policy = Policy({"mail": LISTED}, other=OTHER)

    assert policy.rule_of("mail") is LISTED
    assert policy.rule_of("fax") is OTHER
    assert Policy({"mail": LISTED}).rule_of("fax") is None


@pytest.mark.parametrize("name", ["a", "ios.id", "user_id", "A-1", "x" * MAX_TYPE_LENGTH])
def test_letters_digits_underscores_hyphens_and_dots_name_a_type(name: str) -> None:
    assert is_type_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "é", "a\n", "x" * (MAX_TYPE_LENGTH + 1)])
def test_anything_else_names_no_type(name: str) -> None:
    assert not is_type_name(name)
