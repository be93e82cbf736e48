"""Traits that a search finds customers by."""

from __future__ import annotations

from identity_service.domain.profiles.definitions import Take, TraitRule
from identity_service.domain.profiles.searched import next_searched_at, searched_traits
from identity_service.domain.search import Clue
from tests.support.profile_evidence import NOW, reported

RULES = {
    "seat": TraitRule(search=True),
    "member": TraitRule(Take.FIRST, search=True),
    "plan": TraitRule(),
}


def test_they_are_the_texts_and_whole_numbers_that_the_rules_choose() -> None:
    said = {
        "plan": [reported("gold", 1)],
        "member": [reported("A-2", 1), reported("A-1", 3)],
        "seat": [reported(17, 1)],
    }

    assert searched_traits(RULES, said, NOW) == [Clue("seat", "17"), Clue("member", "A-1")]
    for none in (True, None, "", ["a"], {"b": "c"}):
        assert searched_traits(RULES, {"seat": [reported(none, 1)]}, NOW) == []


def test_what_is_dated_ahead_waits_until_then() -> None:
    said = {"seat": [reported("1", 2), reported("2", -1), reported("3", -2)]}

    assert searched_traits(RULES, said, NOW) == [Clue("seat", "1")]
    assert next_searched_at(RULES, said, NOW) == NOW + 1
    assert next_searched_at(RULES, {"plan": said["seat"]}, NOW) is None
