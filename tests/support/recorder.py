"""Records all that the service answers about a space, now or as of a moment, as plain values."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from identity_service.domain.events import EventOrder
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.recorded import DecidedLink, SettledCustomer
from identity_service.graph.customers import NEWEST, EventWindow
from identity_service.graph.keys import identifier_key
from identity_service.graph.ledger import NEWEST_CHANGE
from identity_service.services.read.as_of.view import AsOfView
from identity_service.services.read.view import (
    CustomerAnswer,
    CustomerView,
    Missing,
    MissingReason,
)
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.wiring import UseCases

FOREVER = 2**62

Said = Mapping[str, Any]


async def answers_now(
    cases: UseCases,
    scope: SpaceScope,
    values: ValueRules,
    identifiers: Iterable[Identifier],
    ids: Iterable[str],
) -> dict[str, Said]:
    """By what was asked: everything that is answered at this moment."""

    async def current() -> CustomerView:
        return cases.customers.current(scope)

    return await _answers(current, values, identifiers, ids)


async def answers_as_of(
    cases: UseCases,
    scope: SpaceScope,
    values: ValueRules,
    identifiers: Iterable[Identifier],
    ids: Iterable[str],
    as_of: int,
) -> dict[str, Said]:
    """The same as of a moment, each asked by itself."""

    async def then() -> CustomerView:
        view = await cases.customers.as_of(scope, as_of)
        assert isinstance(view, AsOfView)
        return view

    return await _answers(then, values, identifiers, ids)


async def _answers(
    open_view: Callable[[], Awaitable[CustomerView]],
    values: ValueRules,
    identifiers: Iterable[Identifier],
    ids: Iterable[str],
) -> dict[str, Said]:
    async def by_id(customer_id: str) -> Said:
        view = await open_view()
        return await _Recording(view, values).all_of(await view.find_by_id(customer_id))

    async def by_identifier(identifier: Identifier) -> Said:
        view = await open_view()
        return await _Recording(view, values).all_of(await view.find(identifier))

    return await _all(by_identifier, identifiers) | await _all(by_id, ids)


T = TypeVar("T")


async def _all(ask: Callable[[T], Awaitable[Said]], asked: Iterable[T]) -> dict[str, Said]:
    every = list(asked)
    answers = await asyncio.gather(*map(ask, every))
    return dict(zip(map(str, every), answers, strict=True))


class _Recording:
    def __init__(self, view: CustomerView, values: ValueRules) -> None:
        self._view = view
        self._values = values

    async def all_of(self, answer: CustomerAnswer) -> Said:
        if isinstance(answer, Missing):
            not_yet = answer.reason is MissingReason.NOT_YET
            return {"reason": MissingReason.UNKNOWN if not_yet else answer.reason}
        if not isinstance(answer, SettledCustomer):
            return {"limit": answer.limit}
        view, customer = self._view, answer
        newest = await self._events(customer)
        paid = EventWindow(["Paid"], 3, 9, newest_first=False, after=EventOrder(4, 2**53, 0, ""))
        some = await view.events(customer, paid, 3)
        links = await view.links(customer, 1_000)
        neighbours = {i.identifier: i for link in links for i in (link.a, link.b)}.values()
        keys = [identifier_key(view.scope.space, i.identifier) for i in customer.identifiers]
        return {
            "id": customer.customer_id,
            "redirected_from": customer.redirected_from,
            "kind": customer.kind,
            "policy_version": customer.policy_version,
            "seen": (customer.first_seen, customer.last_seen),
            "identifiers": (customer.identifier_count, list(customer.identifiers)),
            "identifiers by key": await view.identifiers(keys),
            "previous_ids": list(await view.previous_ids(customer)),
            "traits": await view.traits(customer),
            "accounts": await view.accounts(customer),
            "events": (await view.event_count(customer), newest, some),
            "links": sorted(map(self._link, links), key=repr),
            "shared": await view.shared_devices(customer, 100),
            "health": await self._health(customer),
            "neighbours": {
                str(i.identifier): (
                    await view.link_count(i),
                    await view.links_over_time(i, 100),
                    [c.customer_id for c in await view.shared_by(i, 100)],
                )
                for i in customer.identifiers
            },
            "changes": await view.changes(customer, NEWEST_CHANGE, 100),
            "customers beside": {
                str(i.identifier): other and other.customer_id
                for i in neighbours
                for other in [await view.customer_of(i)]
            },
        }

    async def _health(self, customer: SettledCustomer) -> Any:
        """As of a moment only some links of a super-connector count for the health."""
        if any(identifier.super_connector for identifier in customer.identifiers):
            return None
        return await self._view.health(customer)

    async def _events(self, customer: SettledCustomer) -> list[Any]:
        window = EventWindow(None, -FOREVER, FOREVER, newest_first=True, after=NEWEST)
        page = await self._view.events(customer, window, 500)
        carried = await asyncio.gather(*map(self._view.event_identifiers, page.items))
        return [
            (event, [i for i in identifiers if self._counts(i.identifier)])
            for event, identifiers in zip(page.items, carried, strict=True)
        ]

    def _counts(self, identifier: Identifier) -> bool:
        """Whether it is let through: the present also shows of an event what is blocked."""
        return not isinstance(self._values.identifier(identifier), WithheldValue)

    def _link(self, link: DecidedLink) -> Any:
        conflict = sorted(link.decision.conflict)
        decision = (link.decision.joined, link.decision.reason, link.decision.type, conflict)
        times = (link.first_seen, link.last_seen, link.times_seen, sorted(link.sources))
        return (link.a, link.b, times, decision, link.decision.message)
