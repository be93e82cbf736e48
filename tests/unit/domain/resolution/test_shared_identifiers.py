"""Which shared identifiers are contested, and which are given to one of their owners."""

from __future__ import annotations

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Rule, Sharing
from identity_service.domain.resolution.clusters import Clusters, Ends
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.shared_identifiers import SharedIdentifiers

TABLET_RULE = Rule(9, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE)
RULES = {
    "login": Rule(1, IdentifierKind.PERSON),
    "phone": Rule(3, IdentifierKind.PERSON),
    "mail": Rule(5, IdentifierKind.PERSON),
    "tablet": TABLET_RULE,
    "fax": None,
}
TABLET, ANN, BEN, CAT, MAIL_OF_ANN, PHONE_OF_ANN, FAX, TABLET_2 = range(8)
IDENTIFIERS = [
    Identifier("tablet", "t"),
    *(Identifier("login", name) for name in ("ann", "ben", "cat")),
    Identifier("mail", "ann"),
    Identifier("phone", "ann"),
    Identifier("fax", "ann"),
    Identifier("tablet", "u"),
]


class Level:
    """A tablet that persons used so many times, and what is decided about it.

    `times_2`: how often they used a second one. `met`: person identifiers that were seen
    together, the weaker first.
    """

    def __init__(
        self,
        rule: Rule,
        times: dict[int, int],
        exempt: set[int] | None = None,
        met: tuple[tuple[int, int], ...] = (),
        times_2: dict[int, int] | None = None,
    ) -> None:
        uses = [Link(TABLET, person, 0, 0, often) for person, often in times.items()]
        uses += [Link(TABLET_2, person, 0, 0, often) for person, often in (times_2 or {}).items()]
        links = [*uses, *(Link(weaker, stronger, 0, 0, 1) for weaker, stronger in met)]
        evidence = Evidence(IDENTIFIERS, [0] * len(IDENTIFIERS), links)
        types = [identifier.type for identifier in IDENTIFIERS]
        self.clusters = Clusters(evidence, types, RULES)
        self.numbers = range(len(uses))
        meetings = enumerate(met, start=len(uses))
        levels = [(RULES[types[weaker]], [number]) for number, (weaker, _) in meetings]
        levels.append((rule, list(self.numbers)))
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


def test_a_neighbour_that_was_given_to_somebody_makes_no_owner() -> None:
    level = Level(TABLET_RULE, {ANN: 1, BEN: 1, MAIL_OF_ANN: 1})
    level.clusters.take([0], Ends([ANN], [BEN]), {})
    level.clusters.give(MAIL_OF_ANN, CAT)

    level.decide()

    assert level.shared.special == set()


def test_who_is_spoken_for_speaks_for_nobody() -> None:
    met = ((PHONE_OF_ANN, ANN), (MAIL_OF_ANN, PHONE_OF_ANN))
    level = Level(TABLET_RULE, {ANN: 1, MAIL_OF_ANN: 1, PHONE_OF_ANN: 1}, met=met)

    late = level.decide()

    assert level.shared.contested == {TABLET}
    assert late == [2]


def test_only_for_the_strongest_of_a_cluster_another_speaks() -> None:
    level = Level(TABLET_RULE, {ANN: 1, MAIL_OF_ANN: 1}, met=((MAIL_OF_ANN, ANN),))
    level.clusters.take([0], Ends([MAIL_OF_ANN], [PHONE_OF_ANN]), {})

    late = level.decide()

    assert level.shared.contested == {TABLET}
    assert late == []


def test_what_is_not_listed_is_weaker_than_everything_else_of_its_cluster() -> None:
    level = Level(TABLET_RULE, {ANN: 1, MAIL_OF_ANN: 1}, met=((MAIL_OF_ANN, ANN),))
    mail, fax = IDENTIFIERS[MAIL_OF_ANN], IDENTIFIERS[FAX]
    level.clusters.take_judgements([Judgement("j", Verdict.SAME, mail, fax, 0)])

    assert level.decide() == [1]


# Several identifiers of one level


def test_each_shared_identifier_is_decided_by_itself() -> None:
    two = Rule(9, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE, owners=2)
    level = Level(two, {ANN: 1, BEN: 1}, times_2={ANN: 1, BEN: 1, CAT: 1})

    level.decide()

    assert level.shared.contested == {TABLET_2}


def test_who_speaks_on_one_does_not_speak_on_another() -> None:
    times, times_2 = {ANN: 1, MAIL_OF_ANN: 1}, {BEN: 1, MAIL_OF_ANN: 1}
    level = Level(TABLET_RULE, times, met=((MAIL_OF_ANN, ANN),), times_2=times_2)

    late = level.decide()

    assert level.shared.contested == {TABLET_2}
    assert late == [1]


def test_late_links_of_every_identifier_come_late() -> None:
    times = {ANN: 1, MAIL_OF_ANN: 1}
    level = Level(TABLET_RULE, times, met=((MAIL_OF_ANN, ANN),), times_2=times)

    assert level.decide() == [1, 3]


def test_who_used_one_alone_does_not_matter_for_another() -> None:
    level = Level(TABLET_RULE, {ANN: 1}, times_2={ANN: 1, BEN: 1})

    level.decide()

    assert level.shared.contested == {TABLET_2}
