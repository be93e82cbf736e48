"""Connected components of evidence: what any decision about an identifier can rest on."""

from __future__ import annotations

from identity_service.domain.disjoint_sets import DisjointSets
from identity_service.domain.judgements import Verdict
from identity_service.domain.resolution.evidence import Evidence


def components(evidence: Evidence) -> list[int]:
    """By position: equal for two identifiers exactly if links or `same` judgements connect them."""
    connected = DisjointSets(range(len(evidence.identifiers)))
    connected.join_all((link.a, link.b) for link in evidence.links)
    if evidence.judgements:
        position = {identifier: i for i, identifier in enumerate(evidence.identifiers)}
        connected.join_all(
            (position[made.a], position[made.b])
            for made in evidence.judgements
            if made.verdict is Verdict.SAME and made.a in position and made.b in position
        )
    return connected.roots()
