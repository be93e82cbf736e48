"""The report of a preview: what another policy would change, in numbers and as differences.

A *difference* holds customers before and after that share identifiers, directly or through each
other, and are not the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from identity_service.domain.explain.explanation import Decision
from identity_service.domain.identifiers import Identifier
from identity_service.domain.recorded import Page, page_of
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.resolution.subgraph import NewEvidence

MAX_LISTED: Final = 10_000
"""Most differences of one kind that are listed; all are counted."""

MAX_DECIDING: Final = 50
"""Most deciding links of one difference."""

KINDS: Final = (
    ChangeKind.MERGED,
    ChangeKind.SPLIT,
    ChangeKind.MOVED,
    ChangeKind.QUARANTINED,
    ChangeKind.RELEASED,
    ChangeKind.CREATED,
)
"""The kinds of differences, in the order in which they are listed.

`MERGED`: several customers become one, or one is carried on under an id that retired earlier.
`SPLIT`: one becomes several, or loses identifiers that are blocked, which belong to nobody.
`MOVED`: several become several others. `QUARANTINED`, `RELEASED`: a customer of the same
identifiers, of which one becomes contested or none is any longer. `CREATED`: identifiers that
belonged to nobody become a customer, or join one.
"""


@dataclass(frozen=True, slots=True)
class DecidingLink:
    """A link that joins under one of the two policies only, and what the new one makes of it."""

    a: Identifier
    b: Identifier
    first_seen: int
    last_seen: int
    times_seen: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class CustomerDifference:
    """Customers that are not what they were.

    `before` and `after`: the identifiers of each customer, the strongest first under the new
    policy; customers by their strongest identifiers. `customer_ids`: the ids of those before,
    in that order, then of retired ones that live again; what would be minted has none yet.
    `deciding_links`: at most MAX_DECIDING, the strongest.
    """

    kind: ChangeKind
    before: tuple[tuple[Identifier, ...], ...]
    after: tuple[tuple[Identifier, ...], ...]
    customer_ids: tuple[str, ...]
    deciding_links: tuple[DecidingLink, ...]

    @property
    def place(self) -> Place:
        """What differences are listed by; no two have the same."""
        first = min(identifier for some in (*self.before, *self.after) for identifier in some)
        return (KINDS.index(self.kind), first)


Place = tuple[int, Identifier]
"""The place of the kind in KINDS, and the first identifier in text order."""


@dataclass(slots=True)
class PreviewSummary:
    """Numbers, all of them exact.

    `unchanged` customers have the same id, identifiers and kind; of `kind_changed` ones
    only the kind is another, because a type changed between person and device. `ledger` counts the
    changes that putting the policy in force will write, by kind. `identifiers_moved` belong to
    one customer and then to another; `identifiers_blocked` to one and then to nobody.
    `over_connected` counts components too large to be resolved; their customers stay, and
    count as unchanged. `remarked` are identifiers that become or cease to be super-connectors.
    `differences` counts all, by kind, also those that are not listed.
    """

    customers_before: int = 0
    customers_after: int = 0
    unchanged: int = 0
    kind_changed: int = 0
    ledger: Counter[ChangeKind] = field(default_factory=Counter[ChangeKind])
    identifiers_moved: int = 0
    identifiers_blocked: int = 0
    over_connected: int = 0
    remarked: int = 0
    differences: Counter[ChangeKind] = field(default_factory=Counter[ChangeKind])

    def add(self, other: PreviewSummary) -> None:
        """Add the numbers of other customers of the space."""
        self.customers_before += other.customers_before
        self.customers_after += other.customers_after
        self.unchanged += other.unchanged
        self.kind_changed += other.kind_changed
        self.ledger += other.ledger
        self.identifiers_moved += other.identifiers_moved
        self.identifiers_blocked += other.identifiers_blocked
        self.over_connected += other.over_connected
        self.remarked += other.remarked
        self.differences += other.differences


@dataclass(frozen=True, slots=True)
class Preview:
    """What a policy would change. `differences` by their places, at most MAX_LISTED of a kind.

    `reinstated` is what events would observe that was withheld from them.
    """

    summary: PreviewSummary
    differences: Sequence[CustomerDifference]
    reinstated: NewEvidence

    @property
    def changes_nothing(self) -> bool:
        """Whether everything stays as it is."""
        found = self.summary
        return not (found.differences or found.kind_changed or found.remarked or found.ledger)

    def found_before(self, earlier: Preview) -> Preview:
        """What an earlier reading of the same space found too."""
        both = [each for each in self.differences if each in earlier.differences]
        summary = replace(
            self.summary,
            kind_changed=min(self.summary.kind_changed, earlier.summary.kind_changed),
            remarked=min(self.summary.remarked, earlier.summary.remarked),
            ledger=self.summary.ledger & earlier.summary.ledger,
            differences=Counter(each.kind for each in both),
        )
        return replace(self, summary=summary, differences=both)

    def page(self, after: Place | None, first: int) -> Page[CustomerDifference]:
        """Differences that stand after a place, or from the beginning."""
        start = bisect_right(self.differences, after, key=lambda d: d.place) if after else 0
        return page_of(self.differences[start:], first)


class DifferenceList:
    """Gathers differences; keeps the first of every kind."""

    def __init__(self) -> None:
        self._found: dict[ChangeKind, list[CustomerDifference]] = {}

    def extend(self, found: Iterable[CustomerDifference]) -> None:
        """Add some more."""
        for each in found:
            kept = self._found.setdefault(each.kind, [])
            kept.append(each)
            if len(kept) > 2 * MAX_LISTED:
                self._found[each.kind] = _first(kept)

    def listed(self) -> list[CustomerDifference]:
        """Those that are listed, by their places."""
        kept: Mapping[ChangeKind, list[CustomerDifference]] = self._found
        return [each for kind in KINDS for each in _first(kept.get(kind, []))]


def _first(found: list[CustomerDifference]) -> list[CustomerDifference]:
    return sorted(found, key=lambda difference: difference.place)[:MAX_LISTED]
