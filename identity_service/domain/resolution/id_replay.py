"""The ids that customers have after each of several events and judgements, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.id_register import (
    RegisteredId,
    Settled,
    change_set,
)
from identity_service.domain.resolution.resolve import resolve


def ids_in_turn(steps: Sequence[Evidence], policy: Policy) -> Iterator[Mapping[Identifier, str]]:
    """By identifier, the id of its customer after each step.

    A step holds the evidence of the one before with something added or taken away. An id is the
    number of the step that minted it, 1, 2, 3, …, a hyphen and another number.
    """
    customer_of: dict[Identifier, str] = {}
    register: dict[str, RegisteredId] = {}
    for number, evidence in enumerate(steps, start=1):
        identifiers = evidence.identifiers
        customer_of = {i: customer_of[i] for i in identifiers if i in customer_of}
        minted: list[str] = []

        def mint(number: int = number, minted: list[str] = minted) -> str:
            minted.append(f"{number}-{len(minted)}")
            return minted[-1]

        before = Settled(
            identifiers=identifiers,
            customer_of=[customer_of.get(identifier) for identifier in identifiers],
            contested=frozenset(),
            super_connectors=frozenset(),
            register=list(register.values()),
        )
        changes = change_set(before, resolve(evidence, policy), policy, mint)
        anchor_of = {customer: identifiers[position] for customer, position in changes.anchors}
        for customer, kind in changes.minted:
            register[customer] = RegisteredId(customer, number, anchor_of[customer], kind)
        for customer, kind in (*changes.revived, *changes.kinds):
            register[customer] = replace(register[customer], kind=kind, forwards_to=None)
        for customer, successor in changes.retired:
            register[customer] = replace(register[customer], kind=None, forwards_to=successor)
        for customer, anchor in anchor_of.items():
            register[customer] = replace(register[customer], anchor=anchor)
        for position, _, customer in changes.moves:
            customer_of[identifiers[position]] = customer
        yield dict(customer_of)
