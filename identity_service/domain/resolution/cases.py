"""Case files: a policy's own tests, and the acceptance tests of the resolution function.

::

    id: tablet
    title: "two logins on one tablet"
    policy:                        # as in a policy text, `extends` and all
      extends: quarantine
    events:                        # happen at 1, 2, 3, … seconds, unless they say when
      - "user_id:u1, ios.id:t"
      - {at: 86400, ids: "user_id:u2, ios.id:t", belongs: "user_id:u2"}
      - {source: website, ids: "user_id:u2, email:b@c.d", proof: true}
    judgements:                    # optional; made at 1, 2, 3, … likewise
      - {same: ["user_id:u1", "ios.id:t"]}
      - {detach: "user_id:u2", event: 2}    # the second event is not of u2
    customers:
      - "user_id:u1, ios.id:t"
      - {ids: "user_id:u2", kind: KNOWN, id: 2}
    contested: []                  # optional; not checked where it is absent

Identifiers are normalised, and blocked, as in events. `belongs` names an identifier of the
customer that the event belongs to. `kind` is that of the customer, and `id` says which id it has:
that of the customer to whom the event of this number (1, 2, 3, …) brought one, when events are
settled one by one in the order of the file, and judgements after them. `source` is the sender of
an event, and `proof` says that it proves its user id: both matter where the policy limits sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.judgements import OF_TWO, Detachment, Judgement
from identity_service.domain.policies.parse import parse_policy_mapping
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.policies.yaml_text import read_yaml
from identity_service.domain.resolution.evidence import (
    NO_CLAIM,
    Claim,
    Evidence,
    attached,
    gather,
)
from identity_service.domain.resolution.id_register import CustomerKind, kind_of
from identity_service.domain.resolution.id_replay import ids_in_turn
from identity_service.domain.resolution.resolve import resolve, strongest
from identity_service.errors import BadInput, PolicyInvalid, Problem

MAX_CASE_BYTES = 1024 * 1024
MAX_SECONDS = 10**11

_REQUIRED = ("id", "title", "policy", "events", "customers")
_KEYS = (*_REQUIRED, "judgements", "contested")
_SHAPES = "{same: [ID, ID]}, {apart: [ID, ID]} or {detach: ID, event: NUMBER}"
_FORMAT = "The format is described in the documentation, on the page about policies."


class Sighting(NamedTuple):
    """One event of a case: when (milliseconds), and the identifiers that are not withheld.

    Its message id is its number: 1, 2, 3, … `belongs` is an identifier of the customer that it
    must belong to, None where the case does not say. `claim`: its source, none where the case names
    none, or where the event proves its user id.
    """

    at: int
    identifiers: tuple[Identifier, ...]
    message_id: str
    belongs: Identifier | None = None
    claim: Claim = NO_CLAIM


@dataclass(frozen=True, slots=True)
class ExpectedCustomer:
    """What else a case says of a customer; None where it does not.

    `id_of` is the number of the event that brought its id.
    """

    kind: CustomerKind | None = None
    id_of: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What happened, under which policy, and the customers that must come out.

    `customers` has what else is expected of each, by its identifiers. `contested` is None where
    the case does not say.
    """

    id: str
    title: str
    policy: Policy
    events: tuple[Sighting, ...]
    judgements: tuple[Judgement, ...]
    detachments: tuple[Detachment, ...]
    customers: Mapping[frozenset[Identifier], ExpectedCustomer]
    contested: frozenset[Identifier] | None

    def evidence(self) -> Evidence:
        """What is resolved."""
        return self._evidence_of(self.events, self.judgements, self.detachments)

    def evidence_in_turn(self) -> list[Evidence]:
        """What is known after each event, and then after each judgement."""
        made = sorted((*self.judgements, *self.detachments), key=lambda each: each.id)
        events = [self.events[: number + 1] for number in range(len(self.events))]
        judgements = [made[: number + 1] for number in range(len(made))]
        return [
            *(self._evidence_of(some, (), ()) for some in events),
            *(
                self._evidence_of(
                    self.events,
                    [each for each in some if isinstance(each, Judgement)],
                    [each for each in some if isinstance(each, Detachment)],
                )
                for some in judgements
            ),
        ]

    def _evidence_of(
        self,
        events: Iterable[Sighting],
        judgements: Sequence[Judgement],
        detachments: Sequence[Detachment],
    ) -> Evidence:
        observations = (
            (event.at, attached(event.message_id, event.identifiers, detachments), event.claim)
            for event in events
        )
        return gather(observations, judgements)


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
    customers = {
        frozenset(evidence.identifiers[position] for position in cluster): kind_of(
            cluster, evidence.identifiers, resolution, case.policy
        )
        for cluster in resolution.clusters()
    }
    contested = frozenset(evidence.identifiers[position] for position in resolution.contested)
    lines = [
        *(f"  expected  {_listed(c)}" for c in _in_order(case.customers.keys() - customers.keys())),
        *(f"  found     {_listed(c)}" for c in _in_order(customers.keys() - case.customers.keys())),
    ]
    if case.contested is not None and case.contested != contested:
        lines.append(f"  expected contested  {_listed(case.contested)}")
        lines.append(f"  found contested     {_listed(contested)}")
    lines += [*_wrong_kinds(case, customers), *_wrong_ids(case), *_wrong_owners(case, customers)]
    heading = f"{case.id} {case.title}"
    if lines:
        return CaseResult(passed=False, message="\n".join((f"failed: {heading}", *lines)))
    return CaseResult(passed=True, message=f"passed: {heading}")


def _carries(events: Iterable[Sighting], number: str, identifier: Identifier) -> bool:
    return any(e.message_id == number and identifier in e.identifiers for e in events)


def _wrong_kinds(case: Case, found: Mapping[frozenset[Identifier], CustomerKind]) -> Iterator[str]:
    for customer in _in_order(case.customers.keys() & found.keys()):
        kind = case.customers[customer].kind
        if kind not in (None, found[customer]):
            yield f"  expected kind {kind}  {_listed(customer)}"
            yield f"  found kind {found[customer]}  {_listed(customer)}"


def _wrong_ids(case: Case) -> Iterator[str]:
    expected = {
        customer: said.id_of for customer, said in case.customers.items() if said.id_of is not None
    }
    if not expected:
        return
    turns = list(ids_in_turn(case.evidence_in_turn(), case.policy))
    brought = {
        event.message_id: ids[strongest(event.identifiers, case.policy)]
        for event, ids in zip(case.events, turns, strict=False)
    }
    for customer in _in_order(expected):
        number = expected[customer]
        now = turns[-1].get(min(customer))
        if now is None or brought[str(number)] == now:
            continue
        others = [number for number, id_then in brought.items() if id_then == now]
        yield f"  expected the id of event {number}  {_listed(customer)}"
        yield f"  found {_id_in_words(others)}  {_listed(customer)}"


def _id_in_words(events: Sequence[str]) -> str:
    """An id, by the first event whose customer had it."""
    return f"the id of event {events[0]}" if events else "an id that a judgement brought"


def _wrong_owners(case: Case, customers: Iterable[frozenset[Identifier]]) -> Iterator[str]:
    """Events that belong to somebody else (rule 8)."""
    customer_of = {identifier: customer for customer in customers for identifier in customer}
    for event in case.events:
        if event.belongs is None:
            continue
        left = attached(event.message_id, event.identifiers, case.detachments)
        owner = customer_of[strongest(left, case.policy)] if left else frozenset[Identifier]()
        if event.belongs not in owner:
            yield f"  expected event {event.message_id} of  {event.belongs}"
            yield f"  found event {event.message_id} of     {_listed(owner)}"


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
            customers=self.customers(fields.get("customers"), events),
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
            at, ids, belongs, claim = self.event(event, position, path)
            identifiers, _ = self.values.let_through(self.raw(ids, path))
            if identifiers:
                who = tuple(sorted(identifiers))
                found.append(Sighting(at, who, str(position + 1), belongs, claim))
            elif belongs:
                self.note(f"{path}.belongs", "is of an event that the policy rejects")
        return tuple(found)

    def event(
        self, event: object, position: int, path: str
    ) -> tuple[int, object, Identifier | None, Claim]:
        """When an event happened, in milliseconds, its identifiers as they stand there, whose.

        And by whose word alone.
        """
        if not isinstance(event, dict):
            return (position + 1) * 1_000, event, None, NO_CLAIM
        fields = cast("dict[str, Any]", event)
        self.only(fields, ("at", "ids", "belongs", "source", "proof"), path)
        owner = None
        if fields.get("belongs") is not None:
            where = f"{path}.belongs"
            belongs = self.known(self.raw(fields["belongs"], where), where)
            if len(belongs) > 1:
                self.note(where, "names several: one identifier of the customer is enough")
            owner = belongs[0] if belongs else None
        claim = self.claim(fields, path)
        return self.moment(fields, position, path), fields.get("ids"), owner, claim

    def claim(self, fields: dict[str, Any], path: str) -> Claim:
        source, proof = fields.get("source"), fields.get("proof", False)
        if not isinstance(proof, bool):
            self.note(f"{path}.proof", "is not true or false")
        if source is None:
            return NO_CLAIM
        if not isinstance(source, str):
            self.note(f"{path}.source", "is not the name of a source")
            return NO_CLAIM
        return NO_CLAIM if proof is True else frozenset({source})

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

    def customers(
        self, data: object, events: Sequence[Sighting]
    ) -> dict[frozenset[Identifier], ExpectedCustomer]:
        found: dict[frozenset[Identifier], ExpectedCustomer] = {}
        seen: set[Identifier] = set()
        for position, item in enumerate(self.items(data, "customers")):
            path = f"customers.{position}"
            expected = ExpectedCustomer()
            if isinstance(item, dict):
                fields = cast("dict[str, Any]", item)
                expected = self.expected(fields, events, path)
                item = fields.get("ids")
            customer = frozenset(self.known(self.raw(item, path), path))
            for twice in sorted(customer & seen):
                self.note(path, f"{twice} is another customer's already")
            seen |= customer
            found[customer] = expected
        return found

    def expected(
        self, fields: dict[str, Any], events: Sequence[Sighting], path: str
    ) -> ExpectedCustomer:
        """What `{ids: …, kind: …, id: …}` says besides the identifiers."""
        self.only(fields, ("ids", "kind", "id"), path)
        said, id_of = fields.get("kind"), fields.get("id")
        kind = CustomerKind.__members__.get(str(said))
        if said is not None and kind is None:
            self.note(f"{path}.kind", f"is none of {', '.join(CustomerKind)}")
        if id_of is not None and str(id_of) not in {event.message_id for event in events}:
            self.note(f"{path}.id", "is not the number of an event: 1 is the first")
        return ExpectedCustomer(kind, id_of)

    def only(self, fields: Mapping[str, Any], keys: Sequence[str], path: str) -> None:
        """Name every key that does not belong there."""
        for key in fields.keys() - set(keys):
            self.note(f"{path}.{key}", f"there is no such key. Possible: {', '.join(keys)}")

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
