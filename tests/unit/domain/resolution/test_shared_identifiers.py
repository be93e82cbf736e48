"""Which shared identifiers are contested, and which are given to one of their owners."""

from __future__ import annotations

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Rule, Sharing
from identity_service.domain.resolution.clusters import Clusters, Ends
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.shared_identifiers import SharedIdentifiers

TABLET_RULE = Rule(9, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE)
LOGIN, MAIL = Rule(1, IdentifierKind.PERSON), Rule(5, IdentifierKind.PERSON)
RULES = {"login": LOGIN, "mail": MAIL, "tablet": TABLET_RULE}
TABLET, ANN, BEN, CAT, MAIL_OF_ANN = 0, 1, 2, 3, 4
IDENTIFIERS = [
    Identifier("tablet", "t"),
    *(Identifier("login", name) for name in ("ann", "ben", "cat")),
    Identifier("mail", "ann"),
]


class Level:
    """A tablet that persons used so many times, and what is decided about it.

    `met`: person identifiers that were seen together, the weaker first.
    """

    def __init__(
        self,
        rule: Rule,
        times: dict[int, int],
        exempt: set[int] | None = None,
        met: tuple[tuple[int, int], ...] = (),
    ) -> None:
        uses = [Link(TABLET, person, 0, 0, often) for person, often in times.items()]
        links = [*uses, *(Link(weaker, stronger, 0, 0, 1) for weaker, stronger in met)]
        evidence = Evidence(IDENTIFIERS, [0] * len(IDENTIFIERS), links)
        types = [identifier.type for identifier in IDENTIFIERS]
        self.clusters = Clusters(evidence, types, RULES)
        self.numbers = range(len(uses))
        levels = [(MAIL, range(len(uses), len(links))), (rule, self.numbers)]
        ends = Ends([link.a for link in links], [link.b for link in links])
        self.shared = SharedIdentifiers(
            self.clusters, evidence, RULES, levels, ends, exempt or set()
        )
        self.rule = rule

    def decide(self) -> list[int]:
        return self.shared.decide(self.rule, self.numbers)

    @property
    def owner(self) -> int | None:
        return self.clusters.owner_of.get(TABLET)


def dominance(share: float) -> Rule:
    return Rule(9, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE, dominance=share)


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
    two = Rule(9, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE, owners=2)
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


def test_a_neighbour_that_another_speaks_for_makes_no_owner_and_its_link_comes_late() -> None:
    level = Level(TABLET_RULE, {ANN: 1, MAIL_OF_ANN: 1}, met=((MAIL_OF_ANN, ANN),))

    late = level.decide()

    assert level.shared.special == set()
    assert late == [1]


def test_who_was_not_seen_with_a_stronger_neighbour_speaks_for_itself() -> None:
    never_met = Level(TABLET_RULE, {ANN: 1, MAIL_OF_ANN: 1})
    elsewhere = Level(TABLET_RULE, {BEN: 1, MAIL_OF_ANN: 1}, met=((MAIL_OF_ANN, ANN),))

    assert (never_met.decide(), elsewhere.decide()) == ([], [])
    assert never_met.shared.contested == elsewhere.shared.contested == {TABLET}


def test_a_neighbour_adds_no_sightings_where_another_speaks_for_it() -> None:
    times = {ANN: 3, BEN: 2, MAIL_OF_ANN: 9}
    level = Level(dominance(0.6), times, met=((MAIL_OF_ANN, BEN),))

    level.decide()

    assert level.owner == ANN


def test_one_person_speaks_for_an_address_and_another_is_still_another() -> None:
    level = Level(TABLET_RULE, {ANN: 1, BEN: 1, MAIL_OF_ANN: 1}, met=((MAIL_OF_ANN, ANN),))

    late = level.decide()

    assert level.shared.contested == {TABLET}
    assert late == [2]
