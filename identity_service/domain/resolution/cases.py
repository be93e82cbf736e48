"""Case files: a policy's own tests, and the acceptance tests of the resolution function.

::

    id: tablet
    title: "two logins on one tablet"
    policy:                        # as in a policy text, `extends` and all
      extends: quarantine
    events:                        # happen at 1, 2, 3, … seconds, unless they say when
      - "user_id:u1, ios.id:t"
      - {at: 86400, ids: "user_id:u2, ios.id:t"}
    judgements:                    # optional; made at 1, 2, 3, … likewise
      - {same: ["user_id:u1", "ios.id:t"]}
      - {detach: "user_id:u2", event: 2}    # the second event is not of u2
    customers:
      - "user_id:u1, ios.id:t"
      - "user_id:u2"
    contested: []                  # optional; not checked where it is absent

Identifiers are normalised, and blocked, as in events.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.judgements import OF_TWO, Detachment, Judgement
from identity_service.domain.policies.parse import parse_policy_mapping
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.policies.yaml_text import read_yaml
from identity_service.domain.resolution.evidence import Evidence, attached, gather
from identity_service.domain.resolution.resolve import resolve
from identity_service.errors import BadInput, PolicyInvalid, Problem

MAX_CASE_BYTES = 1024 * 1024
MAX_SECONDS = 10**11

_REQUIRED = ("id", "title", "policy", "events", "customers")
_KEYS = (*_REQUIRED, "judgements", "contested")
_SHAPES = "{same: [ID, ID]}, {apart: [ID, ID]} or {detach: ID, event: NUMBER}"
_FORMAT = "The format is described in the documentation, on the page about policies."


class Sighting(NamedTuple):
    """One event of a case: when (milliseconds), and the identifiers that are not withheld.

    Its message id is its number: 1, 2, 3, …
    """

    at: int
    identifiers: tuple[Identifier, ...]
    message_id: str


@dataclass(frozen=True, slots=True)
class Case:
    """What happened, under which policy, and the customers that must come out.

    `contested` is None where the case does not say.
    """

    id: str
    title: str
    policy: Policy
    events: tuple[Sighting, ...]
    judgements: tuple[Judgement, ...]
    detachments: tuple[Detachment, ...]
    customers: frozenset[frozenset[Identifier]]
    contested: frozenset[Identifier] | None

    def evidence(self) -> Evidence:
        """What is resolved."""
        observations = (
            (event.at, attached(event.message_id, event.identifiers, self.detachments))
            for event in self.events
        )
        return gather(observations, self.judgements)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """Whether the policy does what its case expects; `message` shows the difference if not."""

    passed: bool
    message: str


def load_case(path: Path) -> Case:
    """Read a case file. Raises BadInput with every mistake, or when there is no such file."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as mistake:
        msg = f"The case {path} cannot be read: {mistake}."
        raise BadInput(msg, remedy="Name a case file, written in YAML.") from mistake
    return parse_case(text, name=str(path))


def parse_case(text: str, *, name: str = "case") -> Case:
    """Read the text of a case. Raises BadInput with every mistake; `name` says which case."""
    data, problems = read_yaml(text, name="case", max_bytes=MAX_CASE_BYTES)
    reading = _Reading(problems)
    case = reading.case(data) if data is not None or not problems else None
    if case is None or reading.problems:
        found = "; ".join(f"{problem.path}: {problem.message}" for problem in problems)
        msg = f"The case {name} has mistakes. {found}."
        raise BadInput(msg, remedy=_FORMAT)
    return case


def check_case(case: Case) -> CaseResult:
    """Resolve a case and hold the outcome against what it expects."""
    evidence = case.evidence()
    resolution = resolve(evidence, case.policy)
    customers = frozenset(
        frozenset(evidence.identifiers[position] for position in cluster)
        for cluster in resolution.clusters()
    )
    contested = frozenset(evidence.identifiers[position] for position in resolution.contested)
    lines = [
        *(f"  expected  {_listed(c)}" for c in _in_order(case.customers - customers)),
        *(f"  found     {_listed(c)}" for c in _in_order(customers - case.customers)),
    ]
    if case.contested is not None and case.contested != contested:
        lines.append(f"  expected contested  {_listed(case.contested)}")
        lines.append(f"  found contested     {_listed(contested)}")
    heading = f"{case.id} {case.title}"
    if lines:
        return CaseResult(passed=False, message="\n".join((f"failed: {heading}", *lines)))
    return CaseResult(passed=True, message=f"passed: {heading}")


def _carries(events: Iterable[Sighting], number: str, identifier: Identifier) -> bool:
    return any(e.message_id == number and identifier in e.identifiers for e in events)


def _in_order(customers: Iterable[frozenset[Identifier]]) -> list[frozenset[Identifier]]:
    return sorted(customers, key=sorted)


def _listed(identifiers: Iterable[Identifier]) -> str:
    return ", ".join(map(str, sorted(identifiers))) or "none"


@dataclass(slots=True)
class _Reading:
    """One pass over one case: what is wrong is collected, and reading goes on."""

    problems: list[Problem]
    values: ValueRules = field(default_factory=lambda: ValueRules(Policy(rules={})))

    def case(self, data: object) -> Case | None:
        if not isinstance(data, dict):
            self.note("case", f"is not a mapping with {', '.join(_REQUIRED)}")
            return None
        fields = cast("dict[str, Any]", data)
        for key in fields.keys() - set(_KEYS):
            self.note(key, f"there is no such key. Possible: {', '.join(_KEYS)}")
        missing = [key for key in _REQUIRED if fields.get(key) is None]
        for key in missing:
            self.note(key, "is missing")
        policy = Policy(rules={}) if "policy" in missing else self.policy(fields["policy"])
        self.values = ValueRules(policy)
        contested = fields.get("contested")
        events = self.events(fields.get("events"))
        judgements, detachments = self.judgements(fields.get("judgements"), events)
        return Case(
            id=str(fields.get("id")),
            title=str(fields.get("title")),
            policy=policy,
            events=events,
            judgements=judgements,
            detachments=detachments,
            customers=self.customers(fields.get("customers")),
            contested=None
            if contested is None
            else frozenset(self.named(self.items(contested, "contested"), "contested")),
        )

    def policy(self, data: object) -> Policy:
        try:
            return parse_policy_mapping(data)
        except PolicyInvalid as mistakes:
            for problem in mistakes.problems:
                inside = "" if problem.path == "policy" else f".{problem.path}"
                self.note(f"policy{inside}", problem.message)
            return Policy(rules={})

    def events(self, data: object) -> tuple[Sighting, ...]:
        found: list[Sighting] = []
        for position, event in enumerate(self.items(data, "events")):
            path = f"events.{position}"
            at, ids = self.event(event, position, path)
            identifiers, _ = self.values.let_through(self.raw(ids, path))
            if identifiers:
                found.append(Sighting(at, tuple(sorted(identifiers)), str(position + 1)))
        return tuple(found)

    def event(self, event: object, position: int, path: str) -> tuple[int, object]:
        """When an event happened, in milliseconds, and its identifiers as they stand there."""
        if not isinstance(event, dict):
            return (position + 1) * 1_000, event
        fields = cast("dict[str, Any]", event)
        for key in fields.keys() - {"at", "ids"}:
            self.note(f"{path}.{key}", "there is no such key. Possible: at, ids")
        return self.moment(fields, position, path), fields.get("ids")

    def moment(self, fields: dict[str, Any], position: int, path: str) -> int:
        """`at` in milliseconds; without it, the position counts as seconds."""
        at = fields.get("at", position + 1)
        if isinstance(at, bool) or not isinstance(at, int | float) or abs(at) > MAX_SECONDS:
            self.note(f"{path}.at", "is not a number of seconds")
            return 0
        return round(at * 1_000)

    def judgements(
        self, data: object, events: tuple[Sighting, ...]
    ) -> tuple[tuple[Judgement, ...], tuple[Detachment, ...]]:
        of_two: list[Judgement] = []
        of_events: list[Detachment] = []
        for position, item in enumerate(self.items(data, "judgements")):
            path = f"judgements.{position}"
            fields = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
            made, made_at = f"{position:06}", self.moment(fields, position, path)
            verdicts = [verdict for verdict in OF_TWO if fields.keys() - {"at"} == {verdict}]
            if verdicts:
                ends = self.named(self.items(fields[verdicts[0]], path), path)
                if len(set(ends)) == 2:
                    of_two.append(Judgement(made, verdicts[0], ends[0], ends[1], made_at))
                else:
                    self.note(path, "needs two different identifiers")
            elif fields.keys() - {"at"} == {"detach", "event"}:
                number = str(fields["event"])
                for identifier in self.known(self.raw(fields["detach"], path), path):
                    if not _carries(events, number, identifier):
                        self.note(path, f"event {number} does not carry {identifier}")
                    of_events.append(Detachment(made, identifier, number, made_at))
            else:
                self.note(path, f"is not {_SHAPES}")
        return tuple(of_two), tuple(of_events)

    def customers(self, data: object) -> frozenset[frozenset[Identifier]]:
        found: set[frozenset[Identifier]] = set()
        seen: set[Identifier] = set()
        for position, item in enumerate(self.items(data, "customers")):
            path = f"customers.{position}"
            customer = frozenset(self.known(self.raw(item, path), path))
            for twice in sorted(customer & seen):
                self.note(path, f"{twice} is another customer's already")
            seen |= customer
            found.add(customer)
        return frozenset(found)

    def named(self, items: list[object], path: str) -> list[Identifier]:
        """Identifiers that stand one to an item."""
        found: list[Identifier] = []
        for item in items:
            found.extend(self.known(self.raw(item, path), path))
        return found

    def raw(self, text: object, path: str) -> list[Identifier]:
        """The identifiers in `TYPE:VALUE, TYPE:VALUE`, as they stand there."""
        if not isinstance(text, str):
            self.note(path, 'is not text like "email:ann@example.com, user_id:u1"')
            return []
        found: list[Identifier] = []
        for part in text.split(","):
            try:
                found.append(parse_identifier(part.strip()))
            except ValueError as mistake:
                self.note(path, str(mistake))
        return found

    def known(self, raw: list[Identifier], path: str) -> list[Identifier]:
        """The identifiers in their one spelling; one that the policy withholds is a mistake."""
        found: list[Identifier] = []
        for identifier in map(self.values.identifier, raw):
            if isinstance(identifier, WithheldValue):
                self.note(path, f"{identifier.identifier} is {identifier.message}")
            else:
                found.append(identifier)
        return found

    def items(self, data: object, path: str) -> list[object]:
        if data is None:
            return []
        if not isinstance(data, list):
            self.note(path, "is not a list")
            return []
        return cast("list[object]", data)

    def note(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))
