"""What is known of customers, for destinations: read by the services that answer queries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from identity_service.activation.definition import Definition, Origin
from identity_service.activation.desired import CustomerState
from identity_service.domain.profiles.consents import granted_since
from identity_service.domain.recorded import SettledCustomer
from identity_service.graph.destinations import CustomerFacts, DestinationStore
from identity_service.services.kit.clock import Clock
from identity_service.services.read.current import CurrentView
from identity_service.services.read.customers import Customers
from identity_service.services.spaces.access import SpaceScope

_NOTHING = CustomerFacts(None, (), ())


class CustomerStates:
    """Reads them, as far as a definition asks for them."""

    def __init__(self, customers: Customers, store: DestinationStore, clock: Clock) -> None:
        self._customers = customers
        self._store = store
        self._clock = clock

    async def read(
        self, scope: SpaceScope, definition: Definition, ids: Sequence[str]
    ) -> dict[str, CustomerState]:
        """The customers of ids, current or retired, by the id that was asked for.

        An id that nobody has any more is left out.
        """
        view, now = self._customers.current(scope), self._clock()
        found = await view.find_all_by_id(ids)
        of_id = {
            asked: each
            for asked, each in zip(ids, found, strict=True)
            if isinstance(each, SettledCustomer)
        }
        customers = list({each.customer_id: each for each in of_id.values()}.values())
        facts = await self._store.facts(
            scope.space,
            [each.customer_id for each in customers],
            consents=definition.consent is not None,
        )
        asks_for_traits = any(
            each.origin is Origin.TRAIT for each in definition.attributes.values()
        )
        states = await asyncio.gather(
            *(
                _state(
                    view, each, facts.get(each.customer_id, _NOTHING), now, traits=asks_for_traits
                )
                for each in customers
            )
        )
        by_id = {each.customer_id: each for each in states}
        return {asked: by_id[each.customer_id] for asked, each in of_id.items()}


async def _state(
    view: CurrentView, customer: SettledCustomer, facts: CustomerFacts, now: int, *, traits: bool
) -> CustomerState:
    known = await view.traits(customer) if traits else None
    oldest_first = sorted(customer.identifiers, key=lambda each: (each.first_seen, each.identifier))
    return CustomerState(
        customer_id=customer.customer_id,
        kind=customer.kind,
        retired_ids=list(await view.previous_ids(customer)),
        identifiers=[each.identifier for each in oldest_first if not each.super_connector],
        traits={each.name: each.value for each in known.items} if known else {},
        features=_values(facts.values_json),
        audiences=frozenset(facts.audiences),
        granted_since=granted_since(facts.decisions, now),
    )


def _values(text: str | None) -> Mapping[str, Any]:
    """The values of a profile: each is stored as `{"value": …}`, beside what was left out."""
    stored: dict[str, dict[str, Any]] = {} if text is None else orjson.loads(text)
    return {name: each.get("value") for name, each in stored.items()}
