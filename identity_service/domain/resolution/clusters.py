"""Clusters under construction: rule 4 (judgements) and rule 7 (when two may be joined)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import NamedTuple

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Rule, Sharing
from identity_service.domain.resolution.evidence import Evidence


class RefusalReason(StrEnum):
    """Why a link joins nothing. Where several apply, the first of `LIMIT` … is reported."""

    SUPER_CONNECTOR = "SUPER_CONNECTOR"
    NOT_LISTED = "NOT_LISTED"
    UNCONFIRMED = "UNCONFIRMED"
    LIMIT = "LIMIT"
    APART = "APART"
    QUARANTINE = "QUARANTINE"
    VISITOR = "VISITOR"
    ISOLATE = "ISOLATE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a link was refused.

    `type` and `conflict` (positions, in text order) speak with `LIMIT`: the strongest type
    that would exceed its limit, and its values on both sides; None and empty where it is the
    policy's `max_identifiers` that would be exceeded. With `APART`, `conflict` holds the two
    identifiers that were judged apart.
    """

    reason: RefusalReason
    type: str | None = None
    conflict: tuple[int, ...] = ()


class Ends(NamedTuple):
    """The ends of links, by the link's number; of equal strength, either way round."""

    weaker: Sequence[int]
    stronger: Sequence[int]


SUPER_CONNECTOR = Refusal(RefusalReason.SUPER_CONNECTOR)
NOT_LISTED = Refusal(RefusalReason.NOT_LISTED)
UNCONFIRMED = Refusal(RefusalReason.UNCONFIRMED)
_TOO_MANY_IDENTIFIERS = Refusal(RefusalReason.LIMIT)
_QUARANTINE = Refusal(RefusalReason.QUARANTINE)
_VISITOR = Refusal(RefusalReason.VISITOR)
_ISOLATE = Refusal(RefusalReason.ISOLATE)


# What a cluster holds, as bits of one number: most pairs of clusters can then be seen to have
# nothing against each other in one operation. Above these, one bit for each type with a limit,
# the strongest type lowest.
_PERSON, _CONTESTED, _ISOLATED, _APART, _GIVEN = 1, 2, 4, 8, 16
_CAUTION = _CONTESTED | _ISOLATED | _APART | _GIVEN
_FIRST_LIMITED = 32
_LIMITED = -_FIRST_LIMITED


class Clusters:
    """Disjoint sets of identifiers, with what rule 7 asks of each set.

    A cluster is named by its root, the position of one of its members; if any member's type
    has a limit, the root's does.
    """

    def __init__(
        self,
        evidence: Evidence,
        types: Sequence[str],
        rules: Mapping[str, Rule | None],
        max_identifiers: int | None = None,
    ) -> None:
        """`types` are those of the identifiers, by position; `rules` has each of them.

        `max_identifiers` is the most that links may bring together in one cluster.
        """
        self._types = types
        self._identifiers = evidence.identifiers
        self._first_seen = evidence.first_seen
        self._limited = _limited(rules)
        bits_of = _bits_by_type(rules, self._limited)
        everyone = range(len(evidence.identifiers))
        self._parent = list(everyone)
        # By root: how many identifiers the cluster holds, and how many it may.
        self._sizes = [1] * len(self._parent)
        self._max_size = max_identifiers or len(self._parent)
        # By root: what the cluster holds.
        self._bits = [bits_of[kind] for kind in types]
        # The members whose types have a limit, each naming the next one of its cluster in a
        # ring: two rings become one by exchanging one pair of neighbours.
        self._next = list(everyone)
        # By root: a member and the identifier that it was judged apart from; given members.
        self._apart: dict[int, list[tuple[int, int]]] = {}
        self._given: dict[int, list[int]] = {}
        self.owner_of: dict[int, int] = {}

    def find(self, position: int) -> int:
        """The root of the cluster that holds the identifier."""
        parent = self._parent
        while (up := parent[position]) != position:
            parent[position] = position = parent[up]
        return position

    def roots(self) -> list[int]:
        """By position, the root of every identifier's cluster."""
        roots = self._parent
        while (higher := [roots[root] for root in roots]) != roots:
            roots = higher
        return roots

    def take_judgements(self, judgements: Iterable[Judgement]) -> set[int]:
        """Join what was judged the same (rule 4). Returns the ends of accepted judgements.

        To be called before any link is taken: clusters then hold nothing but such ends.
        """
        made = sorted(judgements, key=lambda judgement: (judgement.made_at, judgement.id))
        if not made:
            return set()
        known = {identifier: i for i, identifier in enumerate(self._identifiers)}
        ends = [(j.verdict, known[j.a], known[j.b]) for j in made if j.a in known and j.b in known]
        for verdict, a, b in ends:
            if verdict is Verdict.APART:
                self._set_apart(a, b)
        accepted: set[int] = set()
        for verdict, a, b in ends:
            if verdict is Verdict.SAME:
                root_a, root_b = self.find(a), self.find(b)
                if root_a == root_b or not self._judged_apart(root_a, root_b):
                    self._join(root_a, root_b)
                    accepted |= {a, b}
        for position in accepted:
            self._bits[self.find(position)] &= ~_ISOLATED
        return accepted

    def mark_contested(self, position: int) -> None:
        """Say that an identifier that stands alone belongs to nobody."""
        self._bits[position] |= _CONTESTED

    def give(self, position: int, owner: int) -> None:
        """Say that an identifier that stands alone belongs to the cluster of `owner`."""
        self._bits[position] |= _GIVEN
        self._given[position] = [position]
        self.owner_of[position] = owner

    def take(self, numbers: Iterable[int], ends: Ends, refusals: dict[int, Refusal]) -> None:
        """Take links in this order: join the clusters of their ends, or note why not (rule 7)."""
        weaker, stronger = ends
        parent, bits = self._parent, self._bits
        sizes, max_size = self._sizes, self._max_size
        for number in numbers:
            root_a, root_b = weaker[number], stronger[number]
            # `find`, twice, in place: a call for each would cost as much as all the rest.
            while (up := parent[root_a]) != root_a:
                parent[root_a] = root_a = parent[up]
            while (up := parent[root_b]) != root_b:
                parent[root_b] = root_b = parent[up]
            if root_a == root_b:
                continue
            bits_a, bits_b = bits[root_a], bits[root_b]
            if (
                bits_a & bits_b & _LIMITED
                or (bits_a | bits_b) & _CAUTION
                or sizes[root_a] + sizes[root_b] > max_size
            ):
                refusal = self._refusal(weaker[number], stronger[number], root_a, root_b)
                if refusal:
                    refusals[number] = refusal
                    continue
            self._join(root_a, root_b)

    def persons_at(self, positions: Iterable[int]) -> list[int | None]:
        """The root of each identifier's cluster, or None where that holds no person."""
        parent, bits = self._parent, self._bits
        roots: list[int | None] = []
        for position in positions:
            root = position
            while (up := parent[root]) != root:
                parent[root] = root = parent[up]
            roots.append(root if bits[root] & _PERSON else None)
        return roots

    def could_be_one(self, roots: Collection[int]) -> bool:
        """Whether rules 7a and 7b would let all these clusters be one customer."""
        if any(self._judged_apart(a, b) for a, b in combinations(roots, 2)):
            return False
        if sum(self._sizes[root] for root in roots) > self._max_size:
            return False
        held = held_twice = 0
        for root in roots:
            held_twice |= held & self._bits[root]
            held |= self._bits[root]
        return self._over_limit(roots, held_twice) is None

    def _refusal(self, a: int, b: int, root_a: int, root_b: int) -> Refusal | None:
        bits_a, bits_b = self._bits[root_a], self._bits[root_b]
        over = self._over_limit((root_a, root_b), bits_a & bits_b)
        if over:
            kind, values = over
            return Refusal(RefusalReason.LIMIT, kind, self._in_text_order(values))
        if self._sizes[root_a] + self._sizes[root_b] > self._max_size:
            return _TOO_MANY_IDENTIFIERS
        pairs = self._judged_apart(root_a, root_b)
        if pairs:
            first = min(map(self._in_text_order, pairs), key=self._identifiers_at)
            return Refusal(RefusalReason.APART, conflict=first)
        # What the one side holds where the other side holds a person.
        meets_person = (bits_a if bits_b & _PERSON else 0) | (bits_b if bits_a & _PERSON else 0)
        if meets_person & _CONTESTED:
            return _QUARANTINE
        if self._visits(a, b, root_a, root_b):
            return _VISITOR
        if meets_person & _ISOLATED:
            return _ISOLATE
        return None

    def _over_limit(self, roots: Collection[int], types: int) -> tuple[str, list[int]] | None:
        """Rule 7a: of these types (bits), the strongest that the clusters would hold too much of.

        With all their values of it.
        """
        for number, (kind, rule) in enumerate(self._limited):
            if types & _FIRST_LIMITED << number:
                values = [value for root in roots for value in self._values(root, kind)]
                if self._exceeds(values, rule):
                    return kind, values
        return None

    def _values(self, root: int, kind: str) -> list[int]:
        """The cluster's members of one type, which has a limit and which it does hold."""
        types, following = self._types, self._next
        values: list[int] = []
        position = root
        while True:
            if types[position] == kind:
                values.append(position)
            position = following[position]
            if position == root:
                return values

    def _exceeds(self, values: Sequence[int], rule: Rule) -> bool:
        """Whether these values of one type are more than one customer may have."""
        if rule.limit is None or len(values) <= rule.limit:
            return False
        if rule.within is None:
            return True
        times = sorted(self._first_seen[i] for i in values)
        return any(
            last - first < rule.within
            for first, last in zip(times, times[rule.limit :], strict=False)
        )

    def _set_apart(self, a: int, b: int) -> None:
        for member, enemy in ((a, b), (b, a)):
            self._bits[member] |= _APART
            self._apart.setdefault(member, []).append((member, enemy))

    def _judged_apart(self, root_a: int, root_b: int) -> list[tuple[int, int]]:
        """The pairs judged apart that have one identifier in each cluster (rule 7b)."""
        apart = self._apart.get(root_a, ())
        return [pair for pair in apart if self.find(pair[1]) == root_b]

    def _visits(self, a: int, b: int, root_a: int, root_b: int) -> bool:
        """Rule 7d: a given identifier would meet a person who is not its owner."""
        bits = self._bits
        for position, other in ((a, root_b), (b, root_a)):
            owner = self.owner_of.get(position)
            if owner is not None and bits[other] & _PERSON and self.find(owner) != other:
                return True
        return any(
            self.find(self.owner_of[position]) not in (root, other)
            for root, other in ((root_a, root_b), (root_b, root_a))
            if bits[other] & _PERSON
            for position in self._given.get(root, ())
        )

    def _join(self, root_a: int, root_b: int) -> None:
        if root_a == root_b:
            return
        bits, following = self._bits, self._next
        root, other = root_b, root_a
        if bits[other] & _LIMITED:
            if bits[root] & _LIMITED:
                following[root], following[other] = following[other], following[root]
            else:
                root, other = other, root
        self._parent[other] = root
        self._sizes[root] += self._sizes[other]
        bits[root] |= bits[other]
        if bits[other] & _APART:
            self._apart.setdefault(root, []).extend(self._apart.pop(other))
        if bits[other] & _GIVEN:
            self._given.setdefault(root, []).extend(self._given.pop(other))

    def _identifiers_at(self, positions: Iterable[int]) -> list[Identifier]:
        return [self._identifiers[position] for position in positions]

    def _in_text_order(self, positions: Iterable[int]) -> tuple[int, ...]:
        return tuple(sorted(positions, key=self._identifiers.__getitem__))


def _limited(rules: Mapping[str, Rule | None]) -> list[tuple[str, Rule]]:
    """The types that have a limit, strongest first."""
    limited = [(kind, rule) for kind, rule in rules.items() if rule and rule.limit is not None]
    return sorted(limited, key=lambda item: (item[1].priority, item[0]))


def _bits_by_type(
    rules: Mapping[str, Rule | None], limited: Iterable[tuple[str, Rule]]
) -> dict[str, int]:
    """What a cluster of one identifier holds, by its type."""
    bits = {kind: _bits(rule) for kind, rule in rules.items()}
    for number, (kind, _) in enumerate(limited):
        bits[kind] |= _FIRST_LIMITED << number
    return bits


def _bits(rule: Rule | None) -> int:
    if rule is None:
        return 0
    if rule.kind is IdentifierKind.PERSON:
        return _PERSON
    return _ISOLATED if rule.shared is Sharing.ISOLATE else 0
