"""What the graph holds of a space, as plain values that tests compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from neo4j import AsyncDriver

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.changes import Change, ChangeKind
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.resolve import resolve, strength
from identity_service.graph.keys import identifier_of

CUSTOMERS: LiteralString = """
MATCH (c:Customer {space: $space})
RETURN c.id, c.kind, c.created_at, c.rev, COLLECT { MATCH (c)<-[:BELONGS_TO]-(i) RETURN i.key },
  COLLECT { MATCH (c)-[:ANCHORED_AT]->(a) RETURN a.key }
"""

ANCHORS_LEFT: LiteralString = """
MATCH (c:Customer|RetiredId {space: $space})-[was:WAS_ANCHORED_AT]->(a)
WITH c, a ORDER BY was.until DESC, was.rev DESC
RETURN c.id, collect(a.key)
"""

RETIRED: LiteralString = """
MATCH (r:RetiredId {space: $space})
RETURN r.id, r.created_at, COLLECT { MATCH (r)-[:FORWARDS_TO]->(c) RETURN c.id },
  COLLECT { MATCH (r)-[:ANCHORED_AT]->(a) RETURN a.key }
"""

IDENTIFIERS: LiteralString = """
MATCH (i:Identifier) WHERE i.key STARTS WITH $prefix AND NOT i:Blocked
RETURN i.key, i.first_seen, i:Contested, i:SuperConnector, i:Unsettled,
  COUNT { (i)-[:BELONGS_TO]->() }
"""

BLOCKED: LiteralString = """
MATCH (i:Blocked) WHERE i.key STARTS WITH $prefix
RETURN i.key, COUNT { (i)-[:BELONGS_TO]->() }
"""

LINKS: LiteralString = """
MATCH (a:Identifier)-[l:OBSERVED_TOGETHER]->(b)
WHERE a.key STARTS WITH $prefix AND NOT a:Blocked AND NOT b:Blocked
RETURN a.key, b.key, l.first_seen, l.last_seen, l.times_seen
"""

CHANGES: LiteralString = """
MATCH (c:Change {space: $space})
RETURN c.kind, c.customer_id, c.other_customer_id, c.identifiers ORDER BY c.id
"""


@dataclass(frozen=True)
class SettledSpace:
    """The customers of a space, by id, and everything else that a settlement decides.

    `retired`: anchor, and the customers that the id forwards to (none or one). `blocked` and
    `settled_in`: to how many customers an identifier belongs.
    """

    customers: Mapping[str, frozenset[Identifier]]
    kinds: Mapping[str, str]
    revisions: Mapping[str, int]
    anchors: Mapping[str, Identifier]
    anchors_left: Mapping[str, list[Identifier]]
    retired: Mapping[str, tuple[Identifier, list[str]]]
    minted_at: Mapping[str, int]
    contested: frozenset[Identifier]
    super_connectors: frozenset[Identifier]
    unsettled: frozenset[Identifier]
    blocked: Mapping[Identifier, int]
    settled_in: Mapping[Identifier, int]
    first_seen: Mapping[Identifier, int]
    links: Mapping[tuple[Identifier, Identifier], tuple[int, int, int]]
    doubled_links: int
    changes: list[Change]

    @property
    def partition(self) -> frozenset[frozenset[Identifier]]:
        """Who is one customer."""
        return frozenset(self.customers.values())

    def customer_of(self, identifier: str) -> str:
        """The id of the customer that an identifier, `type:value`, belongs to."""
        (found,) = (c for c, members in self.customers.items() if identifier in map(str, members))
        return found


async def settled_space(driver: AsyncDriver, space: str) -> SettledSpace:
    """Read a whole space with statements of the tests' own."""

    async def rows(text: LiteralString) -> list[list[Any]]:
        result = await driver.execute_query(  # pyright: ignore[reportUnknownMemberType]
            text, space=space, prefix=f"{space}/"
        )
        return [list(record) for record in result.records]

    customers, retired = await rows(CUSTOMERS), await rows(RETIRED)
    identifiers, links = await rows(IDENTIFIERS), await rows(LINKS)
    pairs = [(identifier_of(a), identifier_of(b)) for a, b, *_ in links]
    return SettledSpace(
        customers={c: frozenset(map(identifier_of, keys)) for c, _, _, _, keys, _ in customers},
        kinds={c: kind for c, kind, *_ in customers},
        revisions={c: rev for c, _, _, rev, *_ in customers},
        anchors={c: identifier_of(anchor) for c, *_, (anchor,) in customers},
        anchors_left={
            c: [identifier_of(key) for key in keys] for c, keys in await rows(ANCHORS_LEFT)
        },
        retired={r: (identifier_of(anchor), to) for r, _, to, (anchor,) in retired},
        minted_at={c: at for c, _, at, *_ in customers} | {r: at for r, at, *_ in retired},
        contested=frozenset(identifier_of(key) for key, _, yes, *_ in identifiers if yes),
        super_connectors=frozenset(identifier_of(key) for key, _, _, yes, *_ in identifiers if yes),
        unsettled=frozenset(identifier_of(key) for key, *_, yes, _ in identifiers if yes),
        blocked={identifier_of(key): count for key, count in await rows(BLOCKED)},
        settled_in={identifier_of(key): count for key, *_, count in identifiers},
        first_seen={identifier_of(key): first for key, first, *_ in identifiers},
        links={pair: tuple(row[2:]) for pair, row in zip(pairs, links, strict=True)},
        doubled_links=len(pairs) - len(set(pairs)),
        changes=[
            Change(ChangeKind(kind), customer, other, tuple(map(identifier_of, keys)))
            for kind, customer, other, keys in await rows(CHANGES)
        ],
    )


def assert_settled(found: SettledSpace, evidence: Evidence, policy: Policy) -> None:
    """The space holds exactly what the pure function says of the evidence, with sound ids."""
    expected = resolve(evidence, policy)
    name = evidence.identifiers
    assert found.doubled_links == 0
    assert found.links == {
        (min(name[link.a], name[link.b]), max(name[link.a], name[link.b])): tuple(link[2:5])
        for link in evidence.links
    }
    assert found.doubled_links == 0
    assert found.first_seen == dict(zip(name, evidence.first_seen, strict=True))
    assert found.unsettled == frozenset()
    assert {i: count for i, count in found.settled_in.items() if count != 1} == {}
    assert {i: count for i, count in found.blocked.items() if count != 0} == {}
    assert found.contested == {name[i] for i in expected.contested}
    assert found.super_connectors == {name[i] for i in expected.super_connectors}
    assert found.partition == {
        frozenset(name[i] for i in members) for members in expected.clusters()
    }
    _assert_ids_are_sound(found, policy)


def _assert_ids_are_sound(found: SettledSpace, policy: Policy) -> None:
    """Every customer carries the strongest, then oldest id standing in it, the others forward."""
    register = stands_at(found)
    for customer, members in found.customers.items():
        anchored = [c for c, anchor in register.items() if anchor in members]
        assert customer == min(
            anchored, key=lambda c: (strength(register[c], policy)[0], found.minted_at[c], c)
        )
        assert found.kinds[customer] == _kind(members, found, policy)
    customer_of = {i: c for c, members in found.customers.items() for i in members}
    for retired, (_, forwards_to) in found.retired.items():
        gone = register[retired] in found.blocked or register[retired] not in found.first_seen
        assert forwards_to == ([] if gone else [customer_of[register[retired]]])


def stands_at(found: SettledSpace) -> dict[str, Identifier]:
    """Where each id stands: at its anchor, or where that is blocked, at one that it left.

    That is the last one that is not blocked and at which nobody younger was ever anchored.
    """
    register = {**found.anchors, **{r: anchor for r, (anchor, _) in found.retired.items()}}
    were_at: dict[Identifier, list[str]] = {}
    for each, anchor in register.items():
        for place in (anchor, *found.anchors_left.get(each, ())):
            were_at.setdefault(place, []).append(each)
    stands = dict(register)
    for each, anchor in register.items():
        left = found.anchors_left.get(each, ())
        free = [
            place
            for place in left
            if place not in found.blocked
            and max(were_at[place], key=lambda c: (found.minted_at[c], c)) == each
        ]
        if anchor in found.blocked and free:
            stands[each] = free[0]
    return stands


def assert_ledger_tells_all(found: SettledSpace) -> None:
    """Folding the changes from the beginning gives the customers that there are now."""
    alive: set[str] = set()
    belongs_to: dict[Identifier, str] = {}
    contested: set[Identifier] = set()
    for change in found.changes:
        match change.kind:
            case ChangeKind.CREATED:
                assert change.customer_id not in alive
                alive.add(change.customer_id)
            case ChangeKind.MERGED:
                alive = (alive | {change.customer_id}) - {change.other_id}
            case ChangeKind.SPLIT:
                assert change.other_id is not None
                alive.add(change.other_id)
            case ChangeKind.MOVED:
                pass
            case ChangeKind.QUARANTINED:
                contested.update(change.identifiers)
                continue
            case ChangeKind.RELEASED:
                contested.difference_update(change.identifiers)
                continue
            case ChangeKind.ERASED:
                raise AssertionError(f"Nothing was erased: {change}")
        receiver = change.other_id if change.kind is ChangeKind.SPLIT else change.customer_id
        assert receiver is not None
        belongs_to |= dict.fromkeys(change.identifiers, receiver)
    assert alive == set(found.customers)
    assert contested == found.contested
    assert {i: c for i, c in belongs_to.items() if i not in found.customers[c]} == {}


def _kind(members: frozenset[Identifier], found: SettledSpace, policy: Policy) -> str:
    if members & found.contested:
        return "QUARANTINED"
    rules = [policy.rule_of(member.type) for member in members]
    known = any(rule and rule.kind is IdentifierKind.PERSON for rule in rules)
    return "KNOWN" if known else "ANONYMOUS"
