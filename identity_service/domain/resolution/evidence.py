"""Evidence: what was seen, as the resolution function takes it.

Identifiers are named by their position, so that a whole space fits in lists of integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Detachment, Judgement

Claim = frozenset[str]
"""The sources whose word alone a link rests on: all that saw it, or none once one proved it.

It is left empty too where nobody asks for it, since no source is limited.
"""

NO_CLAIM: Claim = frozenset()


class Link(NamedTuple):
    """Two identifiers (by position) seen in one event. Times in milliseconds since 1970."""

    a: int
    b: int
    first_seen: int
    last_seen: int
    times_seen: int
    claim: Claim = NO_CLAIM


class SeenPair(NamedTuple):
    """A link, as `Link` has it, of identifiers by name. Whose claim it is plays no part."""

    a: Identifier
    b: Identifier
    first_seen: int
    last_seen: int
    times_seen: int


def common_claim(a: Claim, b: Claim) -> Claim:
    """The claim of a link that two parts of the evidence saw: none if either has none."""
    return a | b if a and b else NO_CLAIM


@dataclass(frozen=True, slots=True)
class Evidence:
    """Distinct identifiers, when each was first seen, and their links.

    `links` holds each pair once. `judgements` are those in force; one about an identifier
    that was not seen waits.
    """

    identifiers: Sequence[Identifier]
    first_seen: Sequence[int]
    links: Sequence[Link]
    judgements: Sequence[Judgement] = ()


def union(first: Evidence, second: Evidence, between: Iterable[SeenPair] = ()) -> Evidence:
    """Two parts of the evidence of one space as one; they may overlap. `between` adds links."""
    first_seen = dict(zip(second.identifiers, second.first_seen, strict=True))
    first_seen |= dict(zip(first.identifiers, first.first_seen, strict=True))
    position = {identifier: i for i, identifier in enumerate(first_seen)}
    links: dict[tuple[int, int], Link] = {}
    for part in (second, first):
        for link in part.links:
            a, b = sorted(position[part.identifiers[end]] for end in (link.a, link.b))
            links[a, b] = link._replace(a=a, b=b)
    for pair in between:
        a, b = sorted((position[pair.a], position[pair.b]))
        links[a, b] = Link(a, b, *pair[2:])
    judgements = {made.id: made for made in (*first.judgements, *second.judgements)}
    return Evidence(
        identifiers=list(first_seen),
        first_seen=list(first_seen.values()),
        links=list(links.values()),
        judgements=list(judgements.values()),
    )


def attached(
    message_id: str, identifiers: Iterable[Identifier], detachments: Iterable[Detachment]
) -> tuple[Identifier, ...]:
    """What of an event counts as evidence (rule 0): its identifiers without those detached.

    `detachments` are those in force.
    """
    detached = {made.a for made in detachments if made.message_id == message_id}
    return tuple(identifier for identifier in identifiers if identifier not in detached)


Seen = tuple[int, Iterable[Identifier]] | tuple[int, Iterable[Identifier], Claim]
"""An observation: its time in milliseconds, its identifiers, and whose claim it is, if one."""


def gather(observations: Iterable[Seen], judgements: Sequence[Judgement] = ()) -> Evidence:
    """The evidence of many observations, in any order."""
    first_seen: dict[Identifier, int] = {}
    links: dict[tuple[Identifier, Identifier], tuple[int, int, int, Claim]] = {}
    for at, identifiers, *claimed in observations:
        claim = claimed[0] if claimed else NO_CLAIM
        distinct = sorted(set(identifiers))
        for identifier in distinct:
            first_seen[identifier] = min(at, first_seen.get(identifier, at))
        for pair in combinations(distinct, 2):
            first, last, times, before = links.get(pair, (at, at, 0, claim))
            links[pair] = (
                min(at, first),
                max(at, last),
                times + 1,
                common_claim(before, claim),
            )
    position = {identifier: i for i, identifier in enumerate(first_seen)}
    return Evidence(
        identifiers=list(first_seen),
        first_seen=list(first_seen.values()),
        links=[Link(position[a], position[b], *seen) for (a, b), seen in links.items()],
        judgements=judgements,
    )
