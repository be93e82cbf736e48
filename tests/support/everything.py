"""All that a space holds and that what counts as evidence decides (rule 0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from identity_service.domain.resolution.evidence import attached
from identity_service.domain.resolution.resolve import strength
from identity_service.graph.keys import identifier_of
from tests.support.space import World

EVENTS = """
MATCH (e:Event {space: $space})
RETURN e.message_id, COLLECT { MATCH (e)-[:OBSERVED]->(i) RETURN i.key ORDER BY i.key },
  COLLECT { MATCH (e)-[:ATTRIBUTED_TO]->(i) RETURN i.key }
ORDER BY e.message_id
"""

SEEN = """
MATCH (i:Identifier {space: $space})
RETURN i.key, i.first_seen, i.last_seen ORDER BY i.key
"""

LINKS = """
MATCH (a:Identifier {space: $space})-[l:OBSERVED_TOGETHER]->(b)
RETURN a.key, b.key, l.first_seen, l.last_seen, l.times_seen,
  COLLECT { UNWIND l.sources AS s RETURN s ORDER BY s }
ORDER BY a.key, b.key
"""


async def all_of(space: World) -> Mapping[str, Any]:
    """Everything that a judgement may change and its withdrawal must restore."""
    found = await space.check()
    await check_events(space)
    return {
        "customers": found.customers,
        "kinds": found.kinds,
        "anchors": found.anchors,
        "contested": found.contested,
        "super_connectors": found.super_connectors,
        "events": await space.rows(EVENTS),
        "seen": await space.rows(SEEN),
        "links": await space.rows(LINKS),
    }


async def check_events(space: World) -> None:
    """Each event carries what was not taken from it, and is the strongest's."""
    made = list(space.detached.values())
    carried = {
        message_id: ()
        if space.is_retracted(message_id)
        else attached(message_id, sent.identifiers, made)
        for message_id, sent in space.sent.items()
    }
    for message_id, observed, attributed in await space.rows(EVENTS):
        left = carried[message_id]
        assert {identifier_of(key) for key in observed} == set(left)
        strongest = sorted(left, key=lambda i: strength(i, space.policy))[:1]
        assert [identifier_of(key) for key in attributed] == strongest
    for key, first_seen, last_seen in await space.rows(SEEN):
        times = [space.sent[m].at for m, left in carried.items() if identifier_of(key) in left]
        assert (first_seen, last_seen) == (min(times), max(times))
