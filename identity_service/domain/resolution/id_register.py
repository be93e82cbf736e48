"""Customers: settled clusters with persistent ids.

Ids are a function of the partition and of a *register* of every id ever minted, each with
its *anchor*, one identifier. A cluster carries, of the ids anchored in it, the one with the
strongest anchor, then the oldest; the others forward to it. So an id stays through sign-up,
a known customer's id outlives an older anonymous one, and an id that a judgement retired
lives again when the judgement is withdrawn. An id whose anchor is blocked falls back to an
anchor that it left, and returns when the anchor is free again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.ids import MintId
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.changes import Change, Move, ledger
from identity_service.domain.resolution.resolve import Resolution, strength

NOT_STORED_YET: Final = 2**62
"""When ids are minted that are not stored yet, in milliseconds: after every one that is."""


class CustomerKind(StrEnum):
    """`QUARANTINED` holds a contested identifier, `KNOWN` a person, `ANONYMOUS` neither."""

    KNOWN = "KNOWN"
    ANONYMOUS = "ANONYMOUS"
    QUARANTINED = "QUARANTINED"


@dataclass(frozen=True, slots=True)
class RegisteredId:
    """An entry of the register.

    `kind` is None for a retired id, which then `forwards_to` another (None: to nobody, since
    its anchor is gone). `earlier` are the anchors that it left, the last one first, then those
    that were kept in reserve when its anchor was gone.
    """

    id: str
    minted_at: int
    anchor: Identifier
    kind: CustomerKind | None
    forwards_to: str | None = None
    earlier: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What is stored of some identifiers.

    `customer_of[i]` is the customer of the i-th identifier, None if it never had one;
    `register` holds every id that stands at one of the identifiers (`standing`). Ids that it holds
    besides have lost their anchor: it is blocked now, or no event carries it any more. The id of a
    customer then falls back to an identifier that is left of this customer; all others carry
    nothing, and forward to nobody. `unseen` are identifiers that no event carries any more.
    `returned` maps ids to the anchor that they left when no event carried it, and that events
    carry again.
    """

    identifiers: Sequence[Identifier]
    customer_of: Sequence[str | None]
    contested: frozenset[int]
    super_connectors: frozenset[int]
    register: Sequence[RegisteredId]
    unseen: frozenset[Identifier] = frozenset()
    returned: Mapping[str, Identifier] = field(default_factory=dict[str, Identifier])


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What has to be written so that the stored customers are the resolved ones.

    Positions refer to the identifiers of the evidence. `minted` and `revived`: id and kind;
    `retired`: id and who carries on (None: nobody), also for ids that were retired before and
    now forward to somebody else; `kinds`: customers whose kind changed; `anchors`: ids with a
    new anchor (also the first of a minted one); `unanchored`: of these, those that leave one that
    no event carries any more (True), or return to it (False); `moves`: position, old and new
    customer; `reserves`: ids whose anchor is gone, and where they stand until it is back.
    """

    minted: list[tuple[str, CustomerKind]] = field(default_factory=list[tuple[str, CustomerKind]])
    revived: list[tuple[str, CustomerKind]] = field(default_factory=list[tuple[str, CustomerKind]])
    retired: list[tuple[str, str | None]] = field(default_factory=list[tuple[str, str | None]])
    kinds: list[tuple[str, CustomerKind]] = field(default_factory=list[tuple[str, CustomerKind]])
    anchors: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    unanchored: dict[str, bool] = field(default_factory=dict[str, bool])
    moves: list[tuple[int, str | None, str]] = field(
        default_factory=list[tuple[int, str | None, str]]
    )
    contested: list[int] = field(default_factory=list[int])
    released: list[int] = field(default_factory=list[int])
    super_connectors: list[int] = field(default_factory=list[int])
    no_super_connectors: list[int] = field(default_factory=list[int])
    changes: list[Change] = field(default_factory=list[Change])
    reserves: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])


def standing(
    register: Sequence[RegisteredId], counts: Callable[[Identifier], bool]
) -> list[RegisteredId]:
    """The entries with the anchors at which they stand, where only some identifiers count.

    That is the anchor, or, where it does not count, the last one that the id left, that does, and
    at which no younger id was ever anchored: that one has taken it over. An id that stands nowhere
    keeps its anchor. `register` has to hold every id that was ever anchored at one of these.
    """
    astray = {entry.id for entry in register if entry.earlier and not counts(entry.anchor)}
    if not astray:
        return list(register)
    youngest: dict[Identifier, tuple[int, str]] = {}
    for entry in register:
        for anchor in (entry.anchor, *entry.earlier):
            age = (entry.minted_at, entry.id)
            youngest[anchor] = max(age, youngest.get(anchor, age))

    def stands(entry: RegisteredId) -> RegisteredId:
        if entry.id not in astray:
            return entry
        left = (i for i in entry.earlier if youngest[i] == (entry.minted_at, entry.id))
        fallback = next(filter(counts, left), None)
        return entry if fallback is None else replace(entry, anchor=fallback)

    return [stands(entry) for entry in register]


def change_set(before: Settled, after: Resolution, policy: Policy, mint: MintId) -> ChangeSet:
    """Compare what is stored with what was resolved, over the same identifiers."""
    identifiers = before.identifiers
    position_of = {identifier: i for i, identifier in enumerate(identifiers)}
    found = ChangeSet()
    anchored, fallen = _place_ids(before, after, policy, found)
    clusters = sorted(
        (min(strength(identifiers[i], policy) for i in members), members)
        for members in after.clusters()
    )
    successor: dict[str, str] = {}
    for (_, strongest), members in clusters:
        ids = anchored.get(after.cluster_of[members[0]])
        kind = kind_of(members, identifiers, after, policy)
        if ids:
            carrier = carrier_of(ids, policy)
            customer = carrier.id
            _carry_on(found, carrier, kind)
            anchor = _stronger_newcomer(carrier, members, before, policy)
            if anchor is not None:
                fallen.pop(customer, None)
                found.anchors.append((customer, anchor))
            for entry in ids:
                if entry is not carrier and (entry.kind or entry.forwards_to != customer):
                    found.retired.append((entry.id, customer))
                    if entry.kind:
                        successor[entry.id] = customer
        else:
            customer = mint()
            found.minted.append((customer, kind))
            found.anchors.append((customer, position_of[strongest]))
        found.moves.extend(
            (i, before.customer_of[i], customer)
            for i in members
            if before.customer_of[i] != customer
        )
    found.anchors.extend(fallen.items())
    found.contested.extend(sorted(after.contested - before.contested))
    found.released.extend(sorted(before.contested - after.contested))
    found.super_connectors.extend(sorted(after.super_connectors - before.super_connectors))
    found.no_super_connectors.extend(sorted(before.super_connectors - after.super_connectors))
    found.changes.extend(_changes(found, before, successor))
    return found


def _place_ids(
    before: Settled, after: Resolution, policy: Policy, found: ChangeSet
) -> tuple[dict[int, list[RegisteredId]], dict[str, int]]:
    """The ids by the cluster in which they stand, and the new anchors of those that lose theirs
    or get it back.
    """
    position_of = {identifier: i for i, identifier in enumerate(before.identifiers)}
    anchored: dict[int, list[RegisteredId]] = {}
    fallen: dict[str, int] = {}
    for entry in before.register:
        returned = before.returned.get(entry.id)
        if returned is not None and returned in position_of:
            entry = replace(entry, anchor=returned)
            fallen[entry.id] = position_of[returned]
            found.unanchored[entry.id] = False
        position = position_of.get(entry.anchor)
        if position is None:
            is_unseen = entry.anchor in before.unseen
            position = (_new_anchor if is_unseen else _reserve)(entry, before, policy)
            if position is not None and is_unseen:
                fallen[entry.id] = position
                found.unanchored[entry.id] = True
            elif position is not None:
                found.reserves.append((entry.id, position))
        if position is not None:
            if entry.anchor not in position_of:
                entry = replace(entry, anchor=before.identifiers[position])
            anchored.setdefault(after.cluster_of[position], []).append(entry)
        elif entry.kind or entry.forwards_to:
            found.retired.append((entry.id, None))
    return anchored, fallen


def applied(settled: Settled, found: ChangeSet, *, minted_at: int = NOT_STORED_YET) -> Settled:
    """What is settled once a change set was written. New ids were minted at `minted_at`."""
    customer_of = list(settled.customer_of)
    for i, _, customer in found.moves:
        customer_of[i] = customer
    kinds = dict([*found.minted, *found.revived, *found.kinds])
    retired = dict(found.retired)
    anchors = {
        customer: settled.identifiers[i] for customer, i in (*found.reserves, *found.anchors)
    }
    register = [_entry_after(entry, kinds, retired, anchors) for entry in settled.register]
    register += [RegisteredId(c, minted_at, anchors[c], kind) for c, kind in found.minted]
    return Settled(
        identifiers=settled.identifiers,
        customer_of=customer_of,
        contested=(settled.contested | set(found.contested)) - set(found.released),
        super_connectors=(settled.super_connectors | set(found.super_connectors))
        - set(found.no_super_connectors),
        register=register,
    )


def _entry_after(
    entry: RegisteredId,
    kinds: Mapping[str, CustomerKind],
    retired: Mapping[str, str | None],
    anchors: Mapping[str, Identifier],
) -> RegisteredId:
    if entry.id in anchors:
        left = (entry.anchor, *entry.earlier)
        entry = replace(entry, anchor=anchors[entry.id], earlier=left)
    if entry.id in retired:
        return replace(entry, kind=None, forwards_to=retired[entry.id])
    if entry.id in kinds:
        entry = replace(entry, kind=kinds[entry.id], forwards_to=None)
    return entry


def customers_after(before: Settled, after: Resolution, policy: Policy) -> list[str | None]:
    """By position, the customer whose id the cluster carries; None where none was minted yet."""
    # `str` mints empty ids, which stand for those that were not minted yet.
    found = change_set(before, after, policy, mint=str)
    customer_of = list(before.customer_of)
    for position, _, customer in found.moves:
        customer_of[position] = customer or None
    return customer_of


def _carry_on(found: ChangeSet, carrier: RegisteredId, kind: CustomerKind) -> None:
    if carrier.kind is None:
        found.revived.append((carrier.id, kind))
    elif carrier.kind is not kind:
        found.kinds.append((carrier.id, kind))


def _reserve(entry: RegisteredId, before: Settled, policy: Policy) -> int | None:
    """Where the id of a customer stands that stands at no anchor: in what is left of it.

    That is its strongest identifier at which no younger id is anchored.
    """
    taken = {
        other.anchor
        for other in before.register
        if (other.minted_at, other.id) > (entry.minted_at, entry.id)
    }
    left = [
        (strength(identifier, policy), position)
        for position, identifier in enumerate(before.identifiers)
        if before.customer_of[position] == entry.id and identifier not in taken
    ]
    return min(left)[1] if entry.kind and left else None


def _new_anchor(entry: RegisteredId, before: Settled, policy: Policy) -> int | None:
    """Where the id of a customer is anchored whose anchor no event carries any more.

    That is the anchor that it left last and still holds, else its strongest identifier.
    """
    if entry.kind is None:
        return None
    left = {before.identifiers[i]: i for i, c in enumerate(before.customer_of) if c == entry.id}
    for anchor in entry.earlier:
        if anchor in left:
            return left[anchor]
    return left[min(left, key=lambda i: strength(i, policy))] if left else None


def _stronger_newcomer(
    carrier: RegisteredId, members: Iterable[int], before: Settled, policy: Policy
) -> int | None:
    """Where the anchor moves to: a stronger identifier that had no customer yet (a sign-up)."""
    anchor, _ = strength(carrier.anchor, policy)
    newcomers = [
        (strength(before.identifiers[i], policy), i)
        for i in members
        if before.customer_of[i] is None
    ]
    if newcomers:
        (priority, _), position = min(newcomers)
        if priority < anchor:
            return position
    return None


def carrier_of(anchored: Iterable[RegisteredId], policy: Policy) -> RegisteredId:
    """Of the ids anchored in one cluster, at least one, the one that it carries."""
    return min(anchored, key=lambda e: (strength(e.anchor, policy)[0], e.minted_at, e.id))


def kind_of(
    members: Iterable[int], identifiers: Sequence[Identifier], resolved: Resolution, policy: Policy
) -> CustomerKind:
    """The kind of a cluster, named by the positions of its members."""
    kind = CustomerKind.ANONYMOUS
    for position in members:
        if position in resolved.contested:
            return CustomerKind.QUARANTINED
        rule = policy.rule_of(identifiers[position].type)
        if rule and rule.kind is IdentifierKind.PERSON:
            kind = CustomerKind.KNOWN
    return kind


def _changes(found: ChangeSet, before: Settled, successor: dict[str, str]) -> list[Change]:
    after = {position: customer for position, _, customer in found.moves}

    def by_customer(positions: Iterable[int]) -> dict[str, list[Identifier]]:
        grouped: dict[str, list[Identifier]] = {}
        for position in positions:
            customer = after.get(position) or before.customer_of[position]
            if customer:
                grouped.setdefault(customer, []).append(before.identifiers[position])
        return grouped

    return ledger(
        (Move(before.identifiers[i], old, new) for i, old, new in found.moves),
        minted=frozenset(customer for customer, _ in found.minted),
        revived=frozenset(customer for customer, _ in found.revived),
        successor=successor,
        contested=by_customer(found.contested),
        released=by_customer(found.released),
    )
