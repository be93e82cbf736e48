"""Loading a subgraph until nothing that belongs to it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.id_register import standing
from identity_service.domain.resolution.subgraph import Subgraph
from identity_service.graph.evidence import EvidenceStore

MAX_TORN: Final = 3
"""How often a torn subgraph is loaded again at once. Its commit is seen in full by then."""


async def load_until_closed(
    store: EvidenceStore,
    space: str,
    policy: Policy,
    policy_version: int,
    *,
    starts: Iterable[Identifier],
    boundary: Iterable[Identifier],
    cross_boundary: bool,
    most: int,
    most_links: int,
    missing: Callable[[Subgraph], set[Identifier]],
) -> Subgraph | None:
    """Load what can be reached from `starts`, then also from what is `missing`, until nothing is.

    None: more than `most` identifiers or `most_links` links were met. The other arguments are those
    of `EvidenceStore.load_subgraph`. It may still be torn: a reader takes it as it is, and nobody
    writes by it.
    """
    walk_from = set(starts)
    torn = 0
    while True:
        subgraph = await store.load_subgraph(
            space,
            policy,
            policy_version,
            starts=walk_from,
            boundary=boundary,
            cross_boundary=cross_boundary,
            most=most,
            most_links=most_links,
        )
        if subgraph is None:
            return None
        if subgraph.torn and torn < MAX_TORN:
            torn += 1
            continue
        found = missing(subgraph) | subgraph.opened
        if not found:
            return subgraph
        walk_from |= found


def beyond_the_walk(subgraph: Subgraph, counts: Callable[[Identifier], bool]) -> set[Identifier]:
    """Identifiers that belong to the component although the walk may not have reached them.

    The walk ends at a super-connector, which a `same` judgement may join to others. It does not
    pass a blocked identifier either, which may be all that connects the identifiers of a customer
    that an older policy settled, or that one with the anchor to which its id falls back or
    returns. `counts` says what the policy lets through.
    """
    judged = {other for node in subgraph.boundary.values() for other in node.judged}
    return judged | subgraph.cut_off_by_block | _where_ids_move(subgraph, counts)


def _where_ids_move(subgraph: Subgraph, counts: Callable[[Identifier], bool]) -> set[Identifier]:
    """The other end of every id that moves: where it stands under the policy, or is alive now."""
    found: set[Identifier] = set()
    for stands in standing(subgraph.register, counts):
        member = subgraph.displaced.get(stands.id)
        if stands.id in subgraph.revisions:
            moves = member is not None or stands.anchor in stands.earlier
            if moves and counts(stands.anchor):
                found.add(stands.anchor)
        elif member is not None and stands.anchor in subgraph.nodes:
            found.add(member)
    return found
