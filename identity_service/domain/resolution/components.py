"""Connected components of evidence: what any decision about an identifier can rest on."""

from __future__ import annotations

from identity_service.domain.judgements import Verdict
from identity_service.domain.resolution.evidence import Evidence


def components(evidence: Evidence) -> list[int]:
    """By position: equal for two identifiers exactly if links or `same` judgements connect them."""
    parent = list(range(len(evidence.identifiers)))

    def find(position: int) -> int:
        while parent[position] != position:
            parent[position] = position = parent[parent[position]]
        return position

    for link in evidence.links:
        parent[find(link.a)] = find(link.b)
    if evidence.judgements:
        known = {identifier: i for i, identifier in enumerate(evidence.identifiers)}
        for judgement in evidence.judgements:
            a, b = known.get(judgement.a), known.get(judgement.b)
            if judgement.verdict is Verdict.SAME and a is not None and b is not None:
                parent[find(a)] = find(b)
    return [find(position) for position in range(len(parent))]
