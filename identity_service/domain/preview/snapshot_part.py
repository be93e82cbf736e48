"""A part of a space as a snapshot: what was loaded around some identifiers."""

from __future__ import annotations

from collections import Counter

from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.evidence import Link
from identity_service.domain.resolution.subgraph import Region


def snapshot_of(region: Region) -> Snapshot:
    """A region that ends at super-connectors only, as a snapshot."""
    snapshot = Snapshot()
    position = {identifier: i for i, identifier in enumerate(sorted(region.nodes))}
    for identifier in position:
        node = region.nodes[identifier]
        snapshot.identifiers.append(identifier)
        snapshot.first_seen.append(node.first_seen)
        snapshot.customer_of.append(node.customer)
    snapshot.contested = {position[i] for i, node in region.nodes.items() if node.contested}
    snapshot.super_connectors = {
        position[i] for i, node in region.nodes.items() if node.super_connector
    }
    for (a, b), seen in region.links.items():
        if a in position and b in position:
            snapshot.links.append(Link(position[a], position[b], *seen))
    here = Counter((*snapshot.links.a, *snapshot.links.b))
    snapshot.links_beyond = {
        position[identifier]: edge.degree - here[position[identifier]]
        for identifier, edge in region.edges.items()
        if identifier not in region.near
    }
    snapshot.judgements = region.judgements
    for entry in region.register:
        if entry.anchor in position:
            snapshot.register.append(entry)
            snapshot.anchors.append(position[entry.anchor])
    return snapshot
