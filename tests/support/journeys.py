"""Journeys in plain Python, from the definitions alone: what the Cypher has to agree with.

Works on what was sent and on the customers that `resolve` gives; knows nothing of the graph.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import median
from typing import Any

from identity_service.domain.events import Rejection, ReportedEvent
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, observe
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.resolve import resolve, strongest

Row = tuple[Any, ...]
PROFILES = """
features: {orders: {count: Ordered}}
audiences:
  buyers: {who: {did: Ordered}}
  big_accounts: {of: accounts, who: {did: Ordered}}
"""
"""A profiles text that segments name an audience and a feature of."""

DEFAULT_KINDS = ("ANONYMOUS", "KNOWN")
WEEK = 7 * 86_400_000
FIRST_MONDAY = 4 * 86_400_000


@dataclass(frozen=True)
class Done:
    """One event of a customer, as journeys see it."""

    at: int
    place: int
    message_id: str
    type: str
    step: str | None
    channel: str | None
    properties: Mapping[str, str]
    source: str
    account: str | None
    identifiers: tuple[str, ...]
    belongs_to: str

    @property
    def order(self) -> tuple[int, int, str]:
        """Where it stands among events that were received at one moment."""
        return self.at, self.place, self.message_id


@dataclass(frozen=True)
class Person:
    """A customer and its events, in order."""

    kind: str
    events: tuple[Done, ...]


def people(
    sent: Iterable[ReportedEvent],
    evidence: Evidence,
    policy: Policy,
    sources: Mapping[str, str] | None = None,
) -> list[Person]:
    """The customers of what was sent, as the pure function says.

    `sources` are those of events by message id, where they are not the shop's.
    """
    resolution = resolve(evidence, policy)
    values = ValueRules(policy)
    customer_of: dict[Any, int] = {}
    kinds: dict[int, str] = {}
    contested = {evidence.identifiers[i] for i in resolution.contested}
    for number, members in enumerate(resolution.clusters()):
        found = {evidence.identifiers[i] for i in members}
        customer_of |= dict.fromkeys(found, number)
        rules = [policy.rule_of(member.type) for member in found]
        if found & contested:
            kinds[number] = "QUARANTINED"
        elif any(rule and rule.kind is IdentifierKind.PERSON for rule in rules):
            kinds[number] = "KNOWN"
        else:
            kinds[number] = "ANONYMOUS"
    events: dict[int, list[Done]] = defaultdict(list)
    for each in sent:
        observed = observe(each, values, 0, "shop")
        assert not isinstance(observed, Rejection)
        owner = strongest(observed.identifiers, policy)
        source = (sources or {}).get(each.message_id, "shop")
        events[customer_of[owner]].append(done(each, source, observed.identifiers, owner))
    return [
        Person(kinds[number], tuple(sorted(had, key=lambda e: e.order)))
        for number, had in events.items()
    ]


def done(
    event: ReportedEvent, source: str, identifiers: Iterable[Identifier], owner: Identifier
) -> Done:
    """The event by the definitions, for worlds whose pages have names or paths."""
    step = None
    if event.type == "track":
        step = event.name
    elif event.type in ("page", "screen"):
        step = event.name or event.properties.get("path") or f"({event.type})"
    channel = event.properties.get("utm_source")
    if channel is None and event.name == "Email Session":
        channel = "email"
    said = {name: text(value) for name, value in event.properties.items()}
    names = tuple(sorted(map(str, identifiers)))
    return Done(
        event.at,
        event.place,
        event.message_id,
        event.type,
        step,
        channel,
        said,
        source,
        event.account_id,
        names,
        str(owner),
    )


def text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Asked:
    """The range and the segment of a question."""

    since: int = -(2**53)
    until: int = 2**53
    kinds: Sequence[str] = DEFAULT_KINDS
    did: str | None = None
    property: str | None = None
    value: str | None = None
    audience: str | None = None
    feature: str | None = None
    feature_value: str | None = None

    def given(self) -> dict[str, Any]:
        """As the service takes it."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def counted(self, everybody: Iterable[Person]) -> list[Person]:
        """The customers of the segment, each with the events of the range."""
        return [
            Person(person.kind, events)
            for person in everybody
            if person.kind in self.kinds
            and (events := tuple(e for e in person.events if self.since <= e.at < self.until))
            and (
                (self.did is None and self.property is None)
                or any(self._is_meant(event) for event in events)
            )
            and self._has_profile(person)
        ]

    def _is_meant(self, event: Done) -> bool:
        if self.did is not None and event.step != self.did:
            return False
        return self.property is None or event.properties.get(self.property) == self.value

    def _has_profile(self, person: Person) -> bool:
        """By `PROFILES`, whose audience is of known customers."""
        orders = sum(event.step == "Ordered" for event in person.events)
        is_in = person.kind == "KNOWN" and orders > 0
        has_value = self.feature_value is None or orders == float(self.feature_value)
        return (self.audience is None or is_in) and has_value


def walk(person: Person) -> list[Done]:
    return [event for event in person.events if event.step is not None]


def share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def most_first(rows: Iterable[Row], column: int) -> list[Row]:
    return sorted(rows, key=lambda row: (-row[column], *row))


def last_page_before(counted: Sequence[Person], event: str, first: int = 20) -> list[Row]:
    pages: Counter[str | None] = Counter()
    for person in counted:
        steps = walk(person)
        places = [n for n, step in enumerate(steps) if step.step == event]
        if places:
            seen = [e.step for e in steps[: places[0]] if e.type in ("page", "screen")]
            pages[seen[-1] if seen else None] += 1
    everybody = pages.total()
    rows = [(page, n, share(n, everybody)) for page, n in pages.items() if page is not None]
    return most_first(rows, 1)[:first]


def flows(
    counted: Sequence[Person],
    start_event: str | None = None,
    end_event: str | None = None,
    depth: int = 5,
    names: int = 20,
    first: int = 200,
) -> list[Row]:
    paths: list[tuple[int, list[str]]] = []
    for person in counted:
        steps = [str(event.step) for event in walk(person)]
        if start_event is not None:
            if start_event not in steps:
                continue
            steps = steps[steps.index(start_event) :]
        if end_event is not None:
            begin = 0 if start_event is None else 1
            if end_event not in steps[begin:]:
                continue
            steps = steps[: steps.index(end_event, begin) + 1]
        if start_event is None and end_event is not None:
            steps = steps[-depth - 1 :]
            paths.append((depth - len(steps) + 2, steps))
        else:
            paths.append((1, steps[: depth + 1]))
    times = Counter(step for _, path in paths for step in path)
    ends = {start_event, end_event}
    named = sorted(times, key=lambda step: (step not in ends, -times[step], step))[:names]
    counts: Counter[tuple[int, str, str]] = Counter()
    for place, path in paths:
        folded = [step if step in named else "(other)" for step in path]
        for n in range(len(folded) - 1):
            counts[place + n, folded[n], folded[n + 1]] += 1
    rows = most_first(((*key, n) for key, n in counts.items()), 3)[:first]
    return sorted(rows, key=lambda row: (row[0], -row[3], row[1], row[2]))


def reached(person: Person, steps: Sequence[str], within: int) -> list[Done]:
    """The events by which a customer went through the steps."""
    through: list[Done] = []
    for event in walk(person):
        if len(through) == len(steps) or event.step != steps[len(through)]:
            continue
        if not through or event.at - through[0].at <= within:
            through.append(event)
    return through


def funnel(counted: Sequence[Person], steps: Sequence[str], within: int) -> list[Row]:
    return _funnel([reached(person, steps, within) for person in counted], steps)


def _funnel(through: Sequence[Sequence[Done]], steps: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    began = sum(1 for each in through if each)
    for n, step in enumerate(steps):
        there = [each for each in through if len(each) > n]
        took = [(each[n].at - each[n - 1].at) / 1000 for each in there] if n else []
        rows.append((step, len(there), share(len(there), began), median(took) if took else None))
    return rows


def funnel_by(
    counted: Sequence[Person], steps: Sequence[str], within: int, by: str, first: int = 10
) -> list[Row]:
    split: dict[str, list[list[Done]]] = defaultdict(list)
    for person in counted:
        through = reached(person, steps, within)
        if through:
            told = [
                e.properties[by]
                for e in person.events
                if e.type == "identify" and by in e.properties
            ]
            value = through[0].properties.get(by, told[-1] if told else "(none)")
            split[value].append(through)
    ranked = sorted(split, key=lambda value: (-len(split[value]), value))
    folded: dict[str, list[list[Done]]] = defaultdict(list)
    for value in ranked:
        folded[value if value in ranked[:first] else "(other)"] += split[value]
    order = sorted(folded, key=lambda value: (-len(folded[value]), value))
    return [(value, *row) for value in order for row in _funnel(folded[value], steps)]


def correlation(counted: Sequence[Person], goal: str, first: int = 20) -> list[Row]:
    did = [{event.step for event in walk(person)} for person in counted]
    rows: list[Row] = []
    for step in sorted({str(s) for steps in did for s in steps} - {goal}):
        table = Counter((step in steps, goal in steps) for steps in did)
        both, event_only = table[True, True], table[True, False]
        goal_only, neither = table[False, True], table[False, False]
        root = sqrt(
            (both + event_only)
            * (goal_only + neither)
            * (both + goal_only)
            * (event_only + neither)
        )
        phi = (both * neither - event_only * goal_only) / root if root else 0.0
        rows.append((step, phi, both, event_only, goal_only, neither))
    return sorted(rows, key=lambda row: (-round(row[1], 9), row[0]))[:first]


def drop_off(counted: Sequence[Person], until: int, silent_for: int, first: int = 20) -> list[Row]:
    last = [walk(person)[-1] for person in counted if walk(person)]
    silent = Counter(event.step for event in last if event.at <= until - silent_for)
    rows = [(step, n, share(n, silent.total())) for step, n in silent.items()]
    return most_first(rows, 1)[:first]


def retention(
    counted: Sequence[Person],
    until: int,
    start_event: str | None = None,
    return_event: str | None = None,
    weeks: int = 12,
) -> list[Row]:
    cohorts: dict[int, list[set[int]]] = defaultdict(list)
    for person in counted:
        steps = walk(person)
        began = [week(e.at) for e in steps if start_event is None or e.step == start_event]
        if began:
            back = {week(e.at) for e in steps if return_event is None or e.step == return_event}
            cohorts[began[0]].append({0} | {each - began[0] for each in back})
    rows: list[Row] = []
    for cohort, members in sorted(cohorts.items()):
        monday = datetime(1970, 1, 5, tzinfo=UTC) + timedelta(weeks=cohort)
        for offset in range(min(weeks, week(until - 1) - cohort) + 1):
            there = sum(1 for each in members if offset in each)
            rows.append((monday.date().isoformat(), offset, there, share(there, len(members))))
    return rows


def week(at: int) -> int:
    return (at - FIRST_MONDAY) // WEEK


def time_to_convert(
    counted: Sequence[Person], start_event: str, goal: str, within: int
) -> list[Row]:
    through = [reached(person, (start_event, goal), within) for person in counted]
    took = [(each[1].at - each[0].at) / 1000 for each in through if len(each) == 2]
    began = sum(1 for each in through if each)
    hours, days = 3_600, 86_400
    edges = [0, 60, 600, hours, 6 * hours, *(n * days for n in (1, 3, 7, 14, 30, 90))]
    rows: list[Row] = []
    for n, edge in enumerate(edges):
        below = edges[n + 1] if n + 1 < len(edges) else None
        there = sum(1 for t in took if edge <= t and (below is None or t < below))
        rows.append((edge, below, there, share(there, began)))
    return rows


def attribution(
    everybody: Mapping[int, Person],
    counted: Mapping[int, Person],
    goal: str,
    within: int,
    session: int,
    half_life: int,
    first: int = 50,
) -> list[Row]:
    """`everybody` has all events of the customers that are counted, by the same numbers."""
    customers: Counter[str] = Counter()
    given: Mapping[str, list[float]] = defaultdict(lambda: [0.0] * 4)
    for number, person in counted.items():
        goals = [event for event in walk(person) if event.step == goal]
        if not goals:
            continue
        at = goals[0].order
        touches = _touches(everybody[number], at, within, session) or [("(direct)", at[0])]
        weights = [0.5 ** ((at[0] - began) / half_life) for _, began in touches]
        customers.update({channel for channel, _ in touches})
        for n, (channel, _) in enumerate(touches):
            shares = (
                float(n == 0),
                float(n == len(touches) - 1),
                1 / len(touches),
                weights[n] / sum(weights),
            )
            given[channel] = [a + b for a, b in zip(given[channel], shares, strict=True)]
    rows: list[Row] = [(channel, customers[channel], *given[channel]) for channel in given]
    return sorted(rows, key=lambda row: (-round(row[4], 9), row[0]))[:first]


def _touches(
    person: Person, converted: tuple[int, int, str], within: int, session: int
) -> list[tuple[str, int]]:
    touches: list[tuple[str, int]] = []
    seen_last = 0
    for event in person.events:
        if event.channel is None or event.order > converted:
            continue
        if event.at < converted[0] - within:
            continue
        again = bool(touches) and touches[-1][0] == event.channel
        if not again or event.at - seen_last > session:
            touches.append((event.channel, event.at))
        seen_last = event.at
    return touches
