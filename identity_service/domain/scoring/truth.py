"""Truth: whose some identifiers are, as labelled pairs or a simulation say."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from identity_service.domain.disjoint_sets import DisjointSets
from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.errors import BadInput

MAX_PAIRS: Final = 100_000
"""Most labelled pairs of one file."""

HEADER: Final = ("a", "b", "label")
"""The first line of a file of pairs, which may be left out."""

_SHOWN: Final = 10
"""Mistakes that one message names."""

_FORM: Final = "A line is TYPE:VALUE,TYPE:VALUE,same or TYPE:VALUE,TYPE:VALUE,different."


class Label(StrEnum):
    """What somebody knows of two identifiers."""

    SAME = "same"
    DIFFERENT = "different"


_LABELS: Final = frozenset(label.value for label in Label)


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two identifiers, as they are written, of the same person or of two; and on which line."""

    a: Identifier
    b: Identifier
    label: Label
    line: int


class PersonEvent(NamedTuple):
    """Events of a person that carry the same identifiers; `times` says how many."""

    person: str
    identifiers: Sequence[Identifier]
    times: int = 1


@dataclass(frozen=True, slots=True)
class Truth:
    """Who some identifiers belong to.

    `person_of` has identifiers of one person alone. `different` names, for each person, those who
    are somebody else; None: all others are.
    """

    person_of: Mapping[Identifier, str]
    different: Mapping[str, frozenset[str]] | None = None

    def differs(self, person: str, people: frozenset[str]) -> bool:
        """Whether one of these people is known to be somebody else than that person."""
        if self.different is None:
            return not people <= {person}
        return not self.different.get(person, frozenset()).isdisjoint(people)


def parse_pairs(text: str, *, name: str = "pairs") -> list[LabelledPair]:
    """The pairs of a file, in lines `TYPE:VALUE,TYPE:VALUE,same` or `…,different`.

    A value with a comma or a quote stands in double quotes, as CSV has it. Empty lines, lines that
    begin with `#`, and a first line `a,b,label` are passed over. Raises BadInput with the line of
    every mistake; `name` says in which file.
    """
    found: list[LabelledPair] = []
    mistakes: list[tuple[int, str]] = []
    for line, row in enumerate(text.splitlines(), 1):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        try:
            [fields] = csv.reader([row], strict=True, skipinitialspace=True)
            if found or mistakes or tuple(each.strip() for each in fields) != HEADER:
                found.append(_pair(fields, line))
        except (ValueError, csv.Error) as mistake:
            mistakes.append((line, str(mistake)))
    if not found and not mistakes:
        raise BadInput(f"{name} holds no pair.", remedy=_FORM)
    if len(found) > MAX_PAIRS:
        raise BadInput(f"{name} holds more than {MAX_PAIRS:,} pairs.", remedy="Take fewer.")
    if mistakes:
        raise _mistaken(name, mistakes)
    return found


def truth_of_pairs(
    pairs: Iterable[LabelledPair], values: ValueRules, *, name: str = "pairs"
) -> Truth:
    """What pairs say under the value rules of a policy; an identifier that it blocks is left out.

    A person is all identifiers that `same` connects, and is named by the first of them in text
    order. Raises BadInput where pairs contradict each other, with the line of each.
    """
    read = [(pair, values.identifier(pair.a), values.identifier(pair.b)) for pair in pairs]
    spelled = [
        (pair, a, b)
        for pair, a, b in read
        if not isinstance(a, WithheldValue) and not isinstance(b, WithheldValue)
    ]
    ends = {end for _, *both in read for end in both}
    identifiers = sorted(end for end in ends if not isinstance(end, WithheldValue))
    position = {identifier: i for i, identifier in enumerate(identifiers)}
    sets = DisjointSets(range(len(identifiers)))
    sets.join_all((position[a], position[b]) for pair, a, b in spelled if pair.label is Label.SAME)
    first: dict[int, str] = {}
    person_of = {
        identifier: first.setdefault(root, str(identifier))
        for identifier, root in zip(identifiers, sets.roots(), strict=True)
    }
    different: dict[str, set[str]] = {}
    contradictions: list[tuple[int, str]] = []
    for pair, a, b in spelled:
        if pair.label is Label.DIFFERENT:
            if person_of[a] == person_of[b]:
                said = f"{a} and {b} are different here, and the same by other lines"
                contradictions.append((pair.line, said))
            different.setdefault(person_of[a], set()).add(person_of[b])
            different.setdefault(person_of[b], set()).add(person_of[a])
    if contradictions:
        raise _mistaken(name, contradictions)
    return Truth(person_of, {person: frozenset(others) for person, others in different.items()})


def truth_of_events(events: Iterable[PersonEvent]) -> Truth:
    """What events of people who are all different say: who alone uses which identifier."""
    users: dict[Identifier, set[str]] = {}
    for event in events:
        for identifier in event.identifiers:
            users.setdefault(identifier, set()).add(event.person)
    return Truth({i: next(iter(people)) for i, people in users.items() if len(people) == 1})


def _pair(fields: Sequence[str], line: int) -> LabelledPair:
    if len(fields) != 3:
        msg = "it does not hold three values"
        raise ValueError(msg)
    a, b = (parse_identifier(text.strip()) for text in fields[:2])
    label = fields[2].strip().lower()
    if label not in _LABELS:
        msg = f"“{fields[2].strip()}” is neither same nor different"
        raise ValueError(msg)
    if a == b:
        msg = f"{a} stands on both sides"
        raise ValueError(msg)
    return LabelledPair(a, b, Label(label), line)


def _mistaken(name: str, mistakes: Sequence[tuple[int, str]]) -> BadInput:
    shown = "; ".join(f"line {line}: {what}" for line, what in mistakes[:_SHOWN])
    more = f"; and {len(mistakes) - _SHOWN:,} more" if len(mistakes) > _SHOWN else ""
    return BadInput(f"{name} has mistakes. {shown}{more}.", remedy=_FORM)
