"""Random worlds for property tests: small, dense, and under every kind of policy.

All plain data: events are (time in milliseconds, identifiers), as `gather` takes them. Few
values and few moments, so that identifiers meet often and times are often equal.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import OF_TWO, Judgement
from identity_service.domain.policies.policy import Order, Policy, Rule, Sharing
from identity_service.domain.resolution.evidence import Claim, Evidence, gather

Event = tuple[int, tuple[Identifier, ...]]

settings.register_profile("default", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=10_000, deadline=None)
settings.register_profile(
    "mutants",
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
)
in_many_worlds = settings(settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "default")))
"""For property tests: a modest number of examples, or with HYPOTHESIS_PROFILE=thorough many.

`make mutants` runs each test hundreds of times: with the same few examples, not made smaller.
"""


def number_of_worlds(usual: int) -> int:
    """How many random worlds a test on a real server tries: IDENTITY_TEST_WORLDS, or so many."""
    return int(os.environ.get("IDENTITY_TEST_WORLDS", usual))


def in_some_worlds(usual: int) -> settings:
    """For property tests on a real server: the same few worlds, or IDENTITY_TEST_WORLDS others."""
    return settings(
        max_examples=number_of_worlds(usual),
        deadline=None,
        derandomize="IDENTITY_TEST_WORLDS" not in os.environ,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


dice = st.integers(0, 2**32).map(Random)
"""A source of random numbers for a test's own choices.

Not `st.randoms`: that goes on drawing while the test runs, and Hypothesis ends a test that drew
too much by an exception that a coroutine does not survive.
"""

TYPES = ("account", "mail", "phone", "cookie", "tablet", "card", "fax")
"""The last two are listed by no policy: they take the rule `other`, or none."""

LISTED = TYPES[:-2]
LAST_MOMENT = 12

IDENTIFIERS = tuple(
    Identifier(kind, value)
    for kind, values in zip(TYPES, ("123", "12", "12", "123", "12", "12", "1"), strict=True)
    for value in values
)
UNSEEN = Identifier("account", "never seen")


class World(NamedTuple):
    """What happened, what people said of it, and what to decide by."""

    events: list[Event]
    judgements: list[Judgement]
    policy: Policy

    def evidence(self) -> Evidence:
        """The world as the resolution function takes it."""
        return gather(self.events, self.judgements)


@st.composite
def events(draw: st.DrawFn, max_size: int = 16) -> list[Event]:
    """Events of mostly two identifiers, in any order of time, some of them several times."""
    happened: list[Event] = []
    for _ in range(draw(st.integers(1, max_size))):
        size = draw(st.sampled_from([2, 2, 2, 2, 3, 4, 1]))
        chosen = tuple(dict.fromkeys(draw(st.sampled_from(IDENTIFIERS)) for _ in range(size)))
        moments = draw(st.sampled_from([1, 1, 2, 3]))
        happened += [(draw(st.integers(0, LAST_MOMENT)), chosen) for _ in range(moments)]
    return happened


PERSONAL = (IdentifierKind.PERSON,) * 4 + (IdentifierKind.DEVICE,)
PHYSICAL = (IdentifierKind.DEVICE,) * 4 + (IdentifierKind.PERSON,)
KINDS = (PERSONAL, PERSONAL, PERSONAL, PHYSICAL, PHYSICAL, PHYSICAL)

ANY_SHARING = (*Sharing, *[Sharing.QUARANTINE] * 4)
SHARING_BY_TIME = (Sharing.MERGE, Sharing.FIRST, Sharing.ISOLATE)


def rules(
    priority: int, kinds: Sequence[IdentifierKind], sharings: Sequence[Sharing]
) -> st.SearchStrategy[Rule]:
    """Any rule of one priority."""
    return st.builds(
        Rule,
        priority=st.just(priority),
        kind=st.sampled_from(kinds),
        limit=st.sampled_from([None, 1, 1, 2, 3]),
        within=st.sampled_from([None, None, 1, 3, 6]),
        shared=st.sampled_from(sharings),
        owners=st.sampled_from([1, 1, 2, 3]),
        dominance=st.sampled_from([None, 0.51, 0.6, 0.75]),
        max_links=st.sampled_from([None, None, None, None, 3, 5]),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy over `LISTED`, more often than not with a rule for the other types.

    Mostly such as people write: strong persons, weak devices, by priority, with quarantine.
    """
    order = draw(st.sampled_from([Order.PRIORITY, Order.PRIORITY, Order.PRIORITY, Order.TIME]))
    sharings = SHARING_BY_TIME if order is Order.TIME else ANY_SHARING
    usual = range(1, len(LISTED) + 2)
    priorities = draw(st.one_of(st.just(usual), st.permutations(usual)))
    *listed, other = [
        draw(rules(priority, kinds, sharings))
        for priority, kinds in zip(priorities, KINDS, strict=True)
    ]
    with_other = draw(st.sampled_from([True, True, True, False]))
    return Policy(
        dict(zip(LISTED, listed, strict=True)),
        order=order,
        other=other if with_other else None,
        max_identifiers=draw(st.sampled_from([None, None, None, 2, 3, 5])),
    )


def unprotected() -> st.SearchStrategy[Policy]:
    """Policies that refuse nothing, so that customers are the connected components."""
    priorities = st.permutations(range(1, len(LISTED) + 2))
    kinds = st.lists(
        st.sampled_from(IdentifierKind), min_size=len(LISTED) + 1, max_size=len(LISTED) + 1
    )

    def policy(order: Order, priorities: list[int], kinds: list[IdentifierKind]) -> Policy:
        *listed, other = [
            Rule(priority, kind, shared=Sharing.MERGE)
            for priority, kind in zip(priorities, kinds, strict=True)
        ]
        return Policy(dict(zip(LISTED, listed, strict=True)), order=order, other=other)

    return st.builds(policy, st.sampled_from(Order), priorities, kinds)


LIMITED = frozenset({"page", "app"})
"""Sources that a policy of a test may limit."""

CLAIMS: tuple[Claim, ...] = (*[frozenset({source}) for source in (*LIMITED, "shop")], frozenset())
"""By whose word alone an event of a test says something; by nobody's: it was proven."""


@st.composite
def judgements(draw: st.DrawFn, max_size: int = 5) -> list[Judgement]:
    """Judgements that may contradict each other, or speak of what was never seen."""
    ends = st.lists(st.sampled_from((*IDENTIFIERS, UNSEEN)), min_size=2, max_size=2, unique=True)
    said = draw(
        st.lists(st.tuples(st.sampled_from(OF_TWO), ends, st.integers(0, 3)), max_size=max_size)
    )
    return [
        Judgement(f"j{number}", verdict, a, b, made_at)
        for number, (verdict, (a, b), made_at) in enumerate(said)
    ]


def worlds() -> st.SearchStrategy[World]:
    """Any events, judgements and policy."""
    return st.builds(World, events(), judgements(), policies())
