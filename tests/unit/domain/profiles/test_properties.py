"""Random evidence: the order of arrival, what time alone changes, and an independent reading.

Everything happens on a grid of half seconds, so that events, ends of windows and whole units meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any, Final, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.events import EventOrder
from identity_service.domain.profiles.evaluate import evaluate
from identity_service.domain.profiles.occurrences import ProfileEvent
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.domain.profiles.values import json_text
from tests.support.profile_evidence import customer, stored
from tests.support.worlds import in_many_worlds

GRID: Final = 500
LAST: Final = 30

TEXT: Final = """
features:
  count: {count: A}
  recent: {count: A, within: 3s}
  earlier: {count: any, between: [5s, 2.5s]}
  since: {count: A, since: '1970-01-01T00:00:04Z'}
  sum: {sum: n, of: [A, B], within: 4s}
  average: {average: n, of: any}
  min: {min: n, of: any, within: 2s}
  median: {median: n, of: any}
  first: {first: x, of: A}
  last: {last: x, of: [A, C], within: 3.5s}
  frequent: {most_frequent: x, of: any, at_least: 2}
  list: {list: x, of: any, limit: 2, order: last}
  distinct: {distinct: x, of: A, within: 5s}
  big: {count: any, where: {any: [{n: {gte: 2}}, {x: p}]}, within: 3s}
  sessions: {sessions: any, pause: 1s, within: 6s}
  idle: {since_last: any, unit: s}
  age: {since_first: A, unit: s, within: 8s}
  net: {minus: [sum, recent]}
  doubled: {multiply: [idle, 2]}
audiences:
  twice: {who: {did: A, within: 3s, times: {gte: 2}}}
  never: {who: {did: A, within: 4s, times: 0}}
  then: {who: {did: A, within: 6s, then: {did: B, within: 1.5s}}}
  then_not: {who: {did: A, within: 6s, then_not: {did: B, within: 2s}}}
  same: {who: {did: A, then_not: {did: B, within: 2s, same: x}}}
  idle: {who: {not: {did: any, within: 2.5s}}}
  mixed: {who: {all: [{in: then_not}, {any: [{feature: count, gte: 2}, {feature: last, is: p}]}]}}
  fresh: {who: {feature: last_a, in_last: 2s}}
  idle_long: {who: {any: [{feature: idle, is: 2}, {feature: idle, gt: 3.5}]}}
  aged: {who: {all: [{feature: age, gte: 3}, {feature: age, not: 5}]}}
  idle_twice: {who: {feature: doubled, in: [4, 6]}}
"""
PROFILES: Final = parse_profiles(TEXT.replace("  net:", "  last_a: {last_at: A}\n  net:"))


class Happened(NamedTuple):
    """An event of a random world, in the words of an independent reading."""

    at: int
    step: str
    n: Decimal | None
    x: str | None
    place: int


happenings = st.lists(
    st.builds(
        Happened,
        st.integers(0, LAST).map(lambda n: n * GRID),
        st.sampled_from("ABC"),
        st.sampled_from([None, Decimal(1), Decimal("0.1"), Decimal("2.50"), Decimal(-3)]),
        st.sampled_from([None, "p", "q", "r"]),
        st.integers(0, 2),
    ),
    max_size=9,
)


def events_of(world: Sequence[Happened]) -> list[ProfileEvent]:
    return [
        ProfileEvent(
            EventOrder(each.at, 0, each.place, f"{number}"),
            f"{number}",
            "track",
            each.step,
            each.step,
            json_text({"n": each.n, "x": each.x}),
        )
        for number, each in enumerate(world)
    ]


def in_order(world: Sequence[Happened], now: int) -> list[Happened]:
    numbered = [(e.at, e.place, f"{n}", e) for n, e in enumerate(world) if e.at <= now]
    return [entry[-1] for entry in sorted(numbered, key=lambda entry: entry[:3])]


@in_many_worlds
@given(world=happenings, now=st.integers(0, 2 * LAST), seed=st.integers(0, 99))
def test_the_order_of_arrival_and_repeats_do_not_matter(
    world: list[Happened], now: int, seed: int
) -> None:
    events = events_of(world)
    expected = stored(evaluate(PROFILES, customer(*events), now * GRID))
    for turn in range(5):
        shuffled = events + events[:turn]
        Random(seed + turn).shuffle(shuffled)  # noqa: S311

        assert stored(evaluate(PROFILES, customer(*shuffled), now * GRID)) == expected


@in_many_worlds
@given(world=happenings, begin=st.integers(0, LAST))
def test_nothing_changes_before_the_next_moment_and_none_is_missed(
    world: list[Happened], begin: int
) -> None:
    events = events_of(world)
    now = begin * GRID
    found = evaluate(PROFILES, customer(*events), now)
    until = computed = now
    for at in range(now, 2 * LAST * GRID, GRID // 2):
        if found.next_at is not None and at >= found.next_at:
            assert found.next_at > until
            until = found.next_at
            found = evaluate(PROFILES, customer(*events), until)
            computed = until
        here = evaluate(PROFILES, customer(*events), at)

        assert here.audiences == found.audiences
        still = {name for name, each in found.features.items() if each.ticks is None}
        assert {n: here.features[n] for n in still} == {n: found.features[n] for n in still}
        assert found.ticks_at is None or found.ticks_at > computed
        if found.ticks_at is None or at < found.ticks_at:
            assert here.features == found.features


@in_many_worlds
@given(world=happenings, now=st.integers(0, 2 * LAST), millisecond=st.sampled_from([-1, 0, 1]))
def test_an_independent_reading_comes_to_the_same(
    world: list[Happened], now: int, millisecond: int
) -> None:
    at = now * GRID + millisecond
    found = evaluate(PROFILES, customer(*events_of(world)), at)
    seen = in_order(world, at)

    for name, read in READINGS.items():
        assert (name, found.features[name].value) == (name, read(seen, at))
    assert {name for name, holds in AUDIENCES.items() if holds(seen, at)} == found.audiences


def _within(seen: Sequence[Happened], now: int, oldest: float, newest: float = 0) -> list[Happened]:
    return [e for e in seen if now - oldest * 1_000 < e.at <= now - newest * 1_000]


def _of(seen: Sequence[Happened], *steps: str) -> list[Happened]:
    return [each for each in seen if each.step in steps]


def _numbers(seen: Sequence[Happened]) -> list[Fraction]:
    return [Fraction(each.n) for each in seen if each.n is not None]


def _decimal(number: Fraction | int) -> Any:
    """To 28 digits, half even."""
    if number == int(number):
        return int(number)
    scale = 0
    while abs(number) * 10**scale < 10**27:
        scale += 1
    return Decimal(round(number * 10**scale)).scaleb(-scale, None).normalize()


def _average(numbers: Sequence[Fraction]) -> Any:
    return _decimal(sum(numbers, Fraction(0)) / len(numbers)) if numbers else None


def _median(numbers: Sequence[Fraction]) -> Any:
    ordered = sorted(numbers)
    half = len(ordered) // 2
    return _average(ordered[half : half + 1] if len(ordered) % 2 else ordered[half - 1 : half + 1])


def _frequent(values: Sequence[str]) -> str | None:
    enough = [value for value in values if values.count(value) >= 2]
    return min(enough, key=lambda value: (-enough.count(value), value)) if enough else None


def _latest(values: Sequence[str]) -> list[str]:
    found: list[str] = []
    for value in reversed(values):
        if value not in found:
            found.append(value)
    return found


def _sessions(seen: Sequence[Happened]) -> int:
    times = [each.at for each in seen]
    return sum(n == 0 or times[n] - times[n - 1] > 1_000 for n in range(len(times)))


def _values(seen: Sequence[Happened]) -> list[str]:
    return [each.x for each in seen if each.x is not None]


def _sum(seen: Sequence[Happened], now: int) -> Any:
    return _decimal(sum(_numbers(_of(_within(seen, now, 4), "A", "B")), Fraction(0)))


def _units(seen: Sequence[Happened], now: int, position: int) -> int | None:
    return (now - seen[position].at) // 1_000 if seen else None


READINGS: Final[dict[str, Callable[[Sequence[Happened], int], Any]]] = {
    "count": lambda seen, _: len(_of(seen, "A")),
    "recent": lambda seen, now: len(_of(_within(seen, now, 3), "A")),
    "earlier": lambda seen, now: len(_within(seen, now, 5, 2.5)),
    "since": lambda seen, _: len([each for each in _of(seen, "A") if each.at >= 4_000]),
    "sum": _sum,
    "average": lambda seen, _: _average(_numbers(seen)),
    "min": lambda seen, now: _average(sorted(_numbers(_within(seen, now, 2)))[:1]),
    "median": lambda seen, _: _median(_numbers(seen)),
    "first": lambda seen, _: next(iter(_values(_of(seen, "A"))), None),
    "last": lambda seen, now: next(
        iter(reversed(_values(_of(_within(seen, now, 3.5), "A", "C")))), None
    ),
    "frequent": lambda seen, _: _frequent(_values(seen)),
    "list": lambda seen, _: _latest(_values(seen))[:2],
    "distinct": lambda seen, now: len(set(_values(_of(_within(seen, now, 5), "A")))),
    "big": lambda seen, now: sum(
        (e.n is not None and e.n >= 2) or e.x == "p" for e in _within(seen, now, 3)
    ),
    "sessions": lambda seen, now: _sessions(_within(seen, now, 6)),
    "idle": lambda seen, now: _units(seen, now, -1),
    "age": lambda seen, now: _units(_of(_within(seen, now, 8), "A"), now, 0),
    "doubled": lambda seen, now: None if (idle := _units(seen, now, -1)) is None else 2 * idle,
    "net": lambda seen, now: _decimal(
        Fraction(_sum(seen, now)) - len(_of(_within(seen, now, 3), "A"))
    ),
}


def _followed(one: Happened, seen: Sequence[Happened], within: int, *, same: bool = False) -> bool:
    return any(
        one.at < other.at <= one.at + within
        and (not same or (one.x is not None and one.x == other.x))
        for other in _of(seen, "B")
    )


def _then_not(seen: Sequence[Happened], now: int) -> bool:
    return any(
        one.at + 2_000 <= now and not _followed(one, seen, 2_000)
        for one in _of(_within(seen, now, 6), "A")
    )


def _idle(seen: Sequence[Happened], now: int) -> int:
    units = _units(seen, now, -1)
    return -1 if units is None else units


AUDIENCES: Final[dict[str, Callable[[Sequence[Happened], int], bool]]] = {
    "twice": lambda seen, now: len(_of(_within(seen, now, 3), "A")) >= 2,
    "never": lambda seen, now: not _of(_within(seen, now, 4), "A"),
    "then": lambda seen, now: any(
        _followed(one, seen, 1_500) for one in _of(_within(seen, now, 6), "A")
    ),
    "then_not": _then_not,
    "same": lambda seen, now: any(
        one.at + 2_000 <= now and not _followed(one, seen, 2_000, same=True)
        for one in _of(seen, "A")
    ),
    "idle": lambda seen, now: not _within(seen, now, 2.5),
    "mixed": lambda seen, now: (
        _then_not(seen, now)
        and (
            len(_of(seen, "A")) >= 2
            or next(iter(reversed(_values(_of(_within(seen, now, 3.5), "A", "C")))), None) == "p"
        )
    ),
    "fresh": lambda seen, now: any(now - 2_000 < one.at for one in _of(seen, "A")[-1:]),
    "idle_long": lambda seen, now: _idle(seen, now) == 2 or _idle(seen, now) > 3,
    "aged": lambda seen, now: (
        (age := _units(_of(_within(seen, now, 8), "A"), now, 0)) is not None
        and age >= 3
        and age != 5
    ),
    "idle_twice": lambda seen, now: _idle(seen, now) in {2, 3},
}


def test_every_audience_is_read_independently() -> None:
    assert AUDIENCES.keys() == PROFILES.audiences.keys()
    assert READINGS.keys() | {"last_a"} == PROFILES.features.keys()


def test_the_order_of_a_hundred_thousand_amounts_does_not_change_their_sum() -> None:
    dice = Random(7)  # noqa: S311
    ten_thousandths = [dice.randrange(-(10**9), 10**9) for _ in range(100_000)]
    events = [
        ProfileEvent(EventOrder(1, 0, n, f"{n}"), f"{n}", "track", "A", "A", f'{{"n":{amount}e-4}}')
        for n, amount in enumerate(ten_thousandths)
    ]
    profiles = parse_profiles("features: {sum: {sum: n, of: A}}")

    one = evaluate(profiles, customer(*events), 1).features["sum"].value
    dice.shuffle(events)
    other = evaluate(profiles, customer(*events), 1).features["sum"].value

    assert one == other == Decimal(sum(ten_thousandths)).scaleb(-4)
