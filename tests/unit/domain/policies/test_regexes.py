"""Regular expressions that a policy's author writes."""

from __future__ import annotations

import pytest

from identity_service.domain.policies.regexes import MAX_PATTERN_LENGTH, compile_regex


def test_an_expression_matches_whole_texts() -> None:
    regex = compile_regex("a+")

    assert regex.fullmatch("aaa")
    assert not regex.fullmatch("aab")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [("(", "missing"), ("(?=a)b", "invalid perl operator"), (r"(a)\1", "escape")],
)
def test_what_re2_does_not_know_is_refused_with_its_reason(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"no look-around, no back-references.*{reason}"):
        compile_regex(pattern)


def test_an_expression_may_be_as_long_as_the_bound() -> None:
    longest = "a" * MAX_PATTERN_LENGTH

    assert compile_regex(longest).fullmatch(longest)
    with pytest.raises(ValueError, match="1001 characters are too many: at most 1000"):
        compile_regex(longest + "a")
