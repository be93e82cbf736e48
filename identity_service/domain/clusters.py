"""Clusters under construction: rule 4 (judgements) and rule 7 (when two may be joined)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from identity_service.domain.evidence import Evidence
from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policy import Policy, Rule, Sharing


class RefusalReason(StrEnum):
    """Why a link joins nothing. Where several apply, the first of `LIMIT` … is reported."""

    SUPER_CONNECTOR = "SUPER_CONNECTOR"
    NOT_LISTED = "NOT_LISTED"
    LIMIT = "LIMIT"
    APART = "APART"
    QUARANTINE = "QUARANTINE"
    VISITOR = "VISITOR"
    ISOLATE = "ISOLATE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a link was refused.

    `type` and `conflict` (positions, in text order) speak with `LIMIT`: the strongest type
    that would exceed its limit, and its values on both sides. With `APART`, `conflict` holds
    the two identifiers that were judged apart.
    """

    reason: RefusalReason
    type: str | None = None
    conflict: tuple[int, ...] = ()


SUPER_CONNECTOR = Refusal(RefusalReason.SUPER_CONNECTOR)
NOT_LISTED = Refusal(RefusalReason.NOT_LISTED)
_QUARANTINE = Refusal(RefusalReason.QUARANTINE)
_VISITOR = Refusal(RefusalReason.VISITOR)
_ISOLATE = Refusal(RefusalReason.ISOLATE)


# What a cluster holds, as bits of one number: most pairs of clusters can then be seen to have
# nothing against each other in one operation. Above these, one bit for each type with a limit.
_PERSON, _CONTESTED, _ISOLATED, _APART, _GIVEN = 1, 2, 4, 8, 16
_CAUTION = _CONTESTED | _ISOLATED | _APART | _GIVEN
_LIMITED = ~(_PERSON | _CAUTION)


class Clusters:
    """Disjoint sets of identifiers, with what rule 7 asks of each set.

    A cluster is named by its root, the position of one of its members.
    """

    def __init__(self, evidence: Evidence, policy: Policy) -> None:
        self.identifiers = evidence.identifiers
        self._first_seen = evidence.first_seen
        types = sorted({identifier.type for identifier in self.identifiers})
        rule_of = {kind: policy.rule_of(kind) for kind in types}
        bits = {kind: _bits(rule, 32 << i) for i, (kind, rule) in enumerate(rule_of.items())}
        self.rules: list[Rule | None] = [rule_of[i.type] for i in self.identifiers]
        self.owner_of: dict[int, int] = {}
        # By root: what the cluster holds, and the members whose type has a limit.
        self._bits = [bits[i.type] for i in self.identifiers]
        self._members: dict[int, list[int]] = {}
        self._parent = list(range(len(self.identifiers)))
        self._size = [1] * len(self.identifiers)
        # By root: a member and the identifier that it was judged apart from; given members.
        self._apart: dict[int, list[tuple[int, int]]] = {}
        self._given: dict[int, list[int]] = {}

    def find(self, position: int) -> int:
        """The root of the cluster that holds the identifier."""
        parent = self._parent
        while (up := parent[position]) != position:
            parent[position] = position = parent[up]
        return position

    def holds_person(self, root: int) -> bool:
        """Whether the cluster holds an identifier of kind `person`."""
        return bool(self._bits[root] & _PERSON)

    def take_judgements(self, judgements: Iterable[Judgement]) -> set[int]:
        """Join what was judged the same (rule 4). Returns the ends of accepted judgements.

        To be called before any link is taken: clusters then hold nothing but such ends.
        """
        made = sorted(judgements, key=lambda judgement: (judgement.made_at, judgement.id))
        if not made:
            return set()
        known = {identifier: i for i, identifier in enumerate(self.identifiers)}
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

    def take(self, a: int, b: int) -> Refusal | None:
        """Take a link: join the clusters of its ends, or say why not (rule 7)."""
        root_a, root_b = self.find(a), self.find(b)
        if root_a == root_b:
            return None
        bits_a, bits_b = self._bits[root_a], self._bits[root_b]
        if bits_a & bits_b & _LIMITED or (bits_a | bits_b) & _CAUTION:
            refusal = self._refusal(a, b, root_a, root_b)
            if refusal:
                return refusal
        self._join(root_a, root_b)
        return None

    def could_be_one(self, roots: Collection[int]) -> bool:
        """Whether rules 7a and 7b would let all these clusters be one customer."""
        if any(self._judged_apart(a, b) for a in roots for b in roots if a < b):
            return False
        together: dict[str, list[list[int]]] = {}
        for root in roots:
            for kind, members in self._members_by_type(root).items():
                together.setdefault(kind, []).append(members)
        return not any(
            self._exceeds([i for members in sides for i in members])
            for sides in together.values()
            if len(sides) > 1
        )

    def _refusal(self, a: int, b: int, root_a: int, root_b: int) -> Refusal | None:
        bits_a, bits_b = self._bits[root_a], self._bits[root_b]
        if bits_a & bits_b & _LIMITED and (refusal := self._over_limit(root_a, root_b)):
            return refusal
        if bits_a & bits_b & _APART and (pair := self._judged_apart(root_a, root_b)):
            return Refusal(RefusalReason.APART, conflict=self._in_text_order(pair))
        # What the one side holds where the other side holds a person.
        meets_person = (bits_a if bits_b & _PERSON else 0) | (bits_b if bits_a & _PERSON else 0)
        if meets_person & _CONTESTED:
            return _QUARANTINE
        if meets_person & _GIVEN and self._visits(a, b, root_a, root_b):
            return _VISITOR
        if meets_person & _ISOLATED:
            return _ISOLATE
        return None

    def _over_limit(self, root_a: int, root_b: int) -> Refusal | None:
        """Rule 7a: types that both sides hold, and together more of than their limit."""
        members_a, members_b = self._members_by_type(root_a), self._members_by_type(root_b)
        over = [
            (rule.priority, kind)
            for kind in members_a.keys() & members_b.keys()
            if (rule := self.rules[members_a[kind][0]])
            and self._exceeds(members_a[kind] + members_b[kind])
        ]
        if not over:
            return None
        _, kind = min(over)
        return Refusal(
            RefusalReason.LIMIT, kind, self._in_text_order(members_a[kind] + members_b[kind])
        )

    def _exceeds(self, members: Sequence[int]) -> bool:
        """Whether these identifiers of one type are more than one customer may have."""
        rule = self.rules[members[0]]
        if rule is None or rule.limit is None or len(members) <= rule.limit:
            return False
        if rule.within is None:
            return True
        times = sorted(self._first_seen[i] for i in members)
        return any(
            last - first < rule.within
            for first, last in zip(times, times[rule.limit :], strict=False)
        )

    def _set_apart(self, a: int, b: int) -> None:
        for member, enemy in ((a, b), (b, a)):
            self._bits[member] |= _APART
            self._apart.setdefault(member, []).append((member, enemy))

    def _judged_apart(self, root_a: int, root_b: int) -> tuple[int, int] | None:
        """Two identifiers judged apart, one in each cluster (rule 7b)."""
        for member, enemy in self._apart.get(root_a, ()):
            if self.find(enemy) == root_b:
                return member, enemy
        return None

    def _visits(self, a: int, b: int, root_a: int, root_b: int) -> bool:
        """Rule 7d: a given identifier would meet a person who is not its owner."""
        for position, other in ((a, root_b), (b, root_a)):
            owner = self.owner_of.get(position)
            if owner is not None and self.holds_person(other) and self.find(owner) != other:
                return True
        return any(
            self.find(self.owner_of[position]) not in (root, other)
            for root, other in ((root_a, root_b), (root_b, root_a))
            if self.holds_person(other)
            for position in self._given.get(root, ())
        )

    def _members_by_type(self, root: int) -> dict[str, list[int]]:
        """Members of the types that have a limit."""
        members: dict[str, list[int]] = {}
        for position in self._limited_members(root):
            members.setdefault(self.identifiers[position].type, []).append(position)
        return members

    def _limited_members(self, root: int) -> list[int]:
        members = self._members.get(root)
        if members is None:
            # Alone, or nobody's type has a limit.
            members = [root] if self._bits[root] & _LIMITED else []
        return members

    def _join(self, root_a: int, root_b: int) -> None:
        if root_a == root_b:
            return
        size = self._size
        if size[root_a] < size[root_b]:
            root_a, root_b = root_b, root_a
        bits = self._bits
        if bits[root_b] & _LIMITED:
            members = self._limited_members(root_a)
            members.extend(self._limited_members(root_b))
            self._members[root_a] = members
            self._members.pop(root_b, None)
        bits[root_a] |= bits[root_b]
        self._parent[root_b] = root_a
        size[root_a] += size[root_b]
        if root_b in self._apart:
            self._apart.setdefault(root_a, []).extend(self._apart.pop(root_b))
        if root_b in self._given:
            self._given.setdefault(root_a, []).extend(self._given.pop(root_b))

    def _in_text_order(self, positions: Iterable[int]) -> tuple[int, ...]:
        return tuple(sorted(positions, key=self.identifiers.__getitem__))


def _bits(rule: Rule | None, limit_bit: int) -> int:
    """What a cluster of one identifier under this rule holds."""
    if rule is None:
        return 0
    person = rule.kind is IdentifierKind.PERSON
    isolated = rule.shared is Sharing.ISOLATE and not person
    limited = rule.limit is not None
    return _PERSON * person | _ISOLATED * isolated | limit_bit * limited
