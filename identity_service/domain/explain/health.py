"""How well a customer holds together, in three numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from identity_service.domain.judgements import Verdict
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.resolve import Resolution


@dataclass(frozen=True, slots=True)
class Health:
    """What a look at a customer's evidence tells of how sure it is.

    `refused_links`: links between it and others. `bridges`: links and judgements inside it whose
    removal would split it. `largest_share_of_limit`: of its types with a limit, the one that is
    fullest: values over limit, 1 is full, more only where a judgement put it over; 0 without.
    """

    refused_links: int
    bridges: int
    largest_share_of_limit: float


def health(
    member: int,
    evidence: Evidence,
    resolution: Resolution,
    policy: Policy,
    degree_of: Mapping[int, int] | None = None,
) -> Health:
    """The health of the customer that holds `member` (a position in the evidence).

    `degree_of` tells how many links identifiers have whose links lie partly outside the
    evidence; all of those that are not inside the customer are refused.
    """
    cluster_of = resolution.cluster_of
    cluster = cluster_of[member]
    degree_of = degree_of or {}
    inside: list[tuple[int, int]] = []
    refused = sum(degree_of.values())
    for number, link in enumerate(evidence.links):
        held = (cluster_of[link.a] == cluster) + (cluster_of[link.b] == cluster)
        if held == 2 and number not in resolution.overruled:
            inside.append((link.a, link.b))
        if held == 1 and link.a not in degree_of and link.b not in degree_of:
            refused += 1
        elif held == 2:
            refused -= (link.a in degree_of) + (link.b in degree_of)
    members = [i for i, its in enumerate(cluster_of) if its == cluster]
    return Health(
        refused_links=refused,
        bridges=count_bridges(members, [*inside, *_judged(set(members), evidence)]),
        largest_share_of_limit=_largest_share(members, evidence, policy),
    )


def _judged(members: Collection[int], evidence: Evidence) -> Iterable[tuple[int, int]]:
    if not evidence.judgements:
        return
    position_of = {evidence.identifiers[i]: i for i in members}
    for made in evidence.judgements:
        if made.verdict is Verdict.SAME and made.a in position_of and made.b in position_of:
            yield position_of[made.a], position_of[made.b]


def count_bridges(nodes: Iterable[int], edges: Sequence[tuple[int, int]]) -> int:
    """How many edges are the only way between their ends. Two edges of one pair are two ways.

    Tarjan's algorithm, without recursion: a customer may be one long chain.
    """
    neighbours: dict[int, list[tuple[int, int]]] = {node: [] for node in nodes}
    for number, (a, b) in enumerate(edges):
        neighbours[a].append((b, number))
        neighbours[b].append((a, number))
    found: dict[int, int] = {}
    lowest: dict[int, int] = {}
    bridges = 0
    for start in neighbours:
        if start in found:
            continue
        found[start] = lowest[start] = len(found)
        # A node, the edge by which it was reached, and the neighbours that are left to look at.
        stack = [(start, -1, iter(neighbours[start]))]
        while stack:
            node, came_by, left = stack[-1]
            for other, edge in left:
                if other not in found:
                    found[other] = lowest[other] = len(found)
                    stack.append((other, edge, iter(neighbours[other])))
                    break
                if edge != came_by:
                    lowest[node] = min(lowest[node], found[other])
            else:
                stack.pop()
                if stack:
                    parent = stack[-1][0]
                    lowest[parent] = min(lowest[parent], lowest[node])
                    bridges += lowest[node] > found[parent]
    return bridges


def _largest_share(members: Iterable[int], evidence: Evidence, policy: Policy) -> float:
    times_of: dict[str, list[int]] = {}
    for i in members:
        times_of.setdefault(evidence.identifiers[i].type, []).append(evidence.first_seen[i])
    shares = [0.0]
    for kind, times in times_of.items():
        rule = policy.rule_of(kind)
        if rule and rule.limit is not None:
            values = len(times) if rule.within is None else _most_within(times, rule.within)
            shares.append(values / rule.limit)
    return max(shares)


def _most_within(times: Iterable[int], window: int) -> int:
    """The most of these moments that lie inside one window; its two ends are not both inside."""
    ordered = sorted(times)
    most = first = 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most
