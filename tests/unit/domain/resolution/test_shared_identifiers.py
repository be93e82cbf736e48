"""Which shared identifiers are contested, and which are given to one of their owners."""

from __future__ import annotations

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Rule, Sharing
from identity_service.domain.resolution.clusters import Clusters, Ends
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.shared_identifiers import SharedIdentifiers

TABLET_RULE = Rule(2, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE)
RULES = {"mail": Rule(1, IdentifierKind.PERSON), "tablet": TABLET_RULE}
TABLET, ANN, BEN, CAT = 0, 1, 2, 3
EVIDENCE = Evidence(
    [Identifier("tablet", "t"), *(Identifier("mail", name) for name in ("ann", "ben", "cat"))],
    [0] * 4,
    [],
)


class Level:
    """A tablet that persons used so many times, and what is decided about it."""

    def __init__(self, rule: Rule, times: dict[int, int], exempt: set[int] | None = None) -> None:
        self.links = [Link(TABLET, person, 0, 0, often) for person, often in times.items()]
        types = [identifier.type for identifier in EVIDENCE.identifiers]
        self.clusters = Clusters(EVIDENCE, types, RULES)
        ends = Ends([link.a for link in self.links], [link.b for link in self.links])
        self.shared = SharedIdentifiers(self.clusters, self.links, ends, exempt or set())
        self.rule = rule

    def decide(self) -> None:
        self.shared.decide(self.rule, range(len(self.links)))

    @property
    def owner(self) -> int | None:
        return self.clusters.owner_of.get(TABLET)


def dominance(share: float) -> Rule:
    return Rule(2, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE, dominance=share)


def test_one_owner_makes_nothing_contested() -> None:
    level = Level(TABLET_RULE, {ANN: 3})

    level.decide()

    assert level.shared.contested == level.shared.special == set()


def test_two_owners_make_an_identifier_contested() -> None:
    level = Level(TABLET_RULE, {ANN: 3, BEN: 1})

    level.decide()

    assert level.shared.contested == level.shared.special == {TABLET}
    assert level.owner is None


def test_an_end_of_an_accepted_judgement_is_never_contested() -> None:
    level = Level(TABLET_RULE, {ANN: 3, BEN: 1}, exempt={TABLET})

    level.decide()

    assert level.shared.special == set()


def test_as_many_owners_as_the_rule_allows_are_left_to_be_joined() -> None:
    two = Rule(2, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE, owners=2)
    allowed, too_many = Level(two, {ANN: 1, BEN: 1}), Level(two, {ANN: 1, BEN: 1, CAT: 1})

    allowed.decide()
    too_many.decide()

    assert allowed.shared.special == set()
    assert too_many.shared.contested == {TABLET}


@pytest.mark.parametrize(
    ("share", "times", "owner"),
    [
        (0.6, {ANN: 3, BEN: 2}, ANN),
        (0.6, {ANN: 2, BEN: 3}, BEN),
        (0.6, {ANN: 4, BEN: 3}, None),
        (0.55, {ANN: 45, BEN: 55}, BEN),
        (0.6, {ANN: 3, BEN: 1, CAT: 1}, ANN),
    ],
)
def test_dominance_gives_an_identifier_to_the_owner_with_its_share_of_the_sightings(
    share: float, times: dict[int, int], owner: int | None
) -> None:
    level = Level(dominance(share), times)

    level.decide()

    assert level.owner == owner
    assert level.shared.contested == (set() if owner else {TABLET})
    assert level.shared.special == {TABLET}


def test_what_is_contested_outside_is_not_given() -> None:
    level = Level(dominance(0.6), {ANN: 9, BEN: 1})
    level.shared.contest(TABLET)

    level.decide()

    assert level.owner is None
    assert level.shared.contested == {TABLET}


def test_of_several_links_to_one_owner_the_one_with_most_sightings_counts() -> None:
    level = Level(dominance(0.6), {ANN: 3, BEN: 2, CAT: 1})
    level.clusters.take([0], Ends([ANN], [CAT]), {})

    level.decide()

    assert level.owner == level.clusters.find(ANN)
