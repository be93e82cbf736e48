"""A part of a space as a snapshot: what was loaded around some identifiers."""

from __future__ import annotations

from collections import Counter

from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.evidence import Link
from identity_service.domain.resolution.subgraph import Subgraph


def snapshot_of(subgraph: Subgraph) -> Snapshot:
    """A subgraph that ends at super-connectors only, as a snapshot."""
    snapshot = Snapshot()
    position = {identifier: i for i, identifier in enumerate(sorted(subgraph.nodes))}
    for identifier in position:
        node = subgraph.nodes[identifier]
        snapshot.identifiers.append(identifier)
        snapshot.first_seen.append(node.first_seen)
        snapshot.customer_of.append(node.customer)
    snapshot.contested = {position[i] for i, node in subgraph.nodes.items() if node.contested}
    snapshot.super_connectors = {
        position[i] for i, node in subgraph.nodes.items() if node.super_connector
    }
    for (a, b), seen in subgraph.links.items():
        if a in position and b in position:
            snapshot.links.append(Link(position[a], position[b], *seen))
    here = Counter((*snapshot.links.a, *snapshot.links.b))
    snapshot.links_beyond = {
        position[identifier]: node.degree - here[position[identifier]]
        for identifier, node in subgraph.boundary.items()
        if identifier not in subgraph.interior
    }
    snapshot.judgements = subgraph.judgements
    for entry in subgraph.register:
        if entry.anchor in position:
            snapshot.register.append(entry)
            snapshot.anchors.append(position[entry.anchor])
    return snapshot
