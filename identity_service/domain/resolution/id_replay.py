"""The ids that customers have after each of several events and judgements, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.id_register import (
    RegisteredId,
    Settled,
    applied,
    change_set,
)
from identity_service.domain.resolution.resolve import resolve


def ids_in_turn(
    steps: Sequence[Evidence], policy: Policy
) -> Iterator[Mapping[Identifier, str | None]]:
    """By identifier, the id of its customer after each step.

    A step holds the evidence of the one before with something added or taken away. An id is the
    number of the step that minted it, 1, 2, 3, …, a hyphen and another number.
    """
    customer_of: Mapping[Identifier, str | None] = {}
    register: Sequence[RegisteredId] = ()
    for number, evidence in enumerate(steps, start=1):
        before = Settled(
            identifiers=evidence.identifiers,
            customer_of=[customer_of.get(identifier) for identifier in evidence.identifiers],
            contested=frozenset(),
            super_connectors=frozenset(),
            register=register,
            unseen=frozenset(customer_of) - set(evidence.identifiers),
        )
        new_ids = (f"{number}-{n}" for n in count())
        found = change_set(before, resolve(evidence, policy), policy, new_ids.__next__)
        after = applied(before, found, minted_at=number)
        customer_of = dict(zip(after.identifiers, after.customer_of, strict=True))
        register = after.register
        yield customer_of
