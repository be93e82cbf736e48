"""Records all that the service answers about a space, now or as of a moment, as plain values."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.recorded import DecidedLink, SettledCustomer
from identity_service.graph.customers import EventWindow
from identity_service.graph.ledger import NEWEST_CHANGE
from identity_service.services.changes.ledger import Ledger
from identity_service.services.read.as_of.view import AsOf
from identity_service.services.read.current import Answer, Customers, Missing, MissingReason
from identity_service.services.read.explanations import Explanations, Loaded
from identity_service.services.read.inboxes import Inboxes
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
    told = _Told(scope, values, cases.customers, cases.explanations, cases.ledger, cases.inboxes)

    async def by_id(customer: str) -> Said:
        return await told.all_of(await cases.customers.find_by_id(scope, customer))

    async def by_identifier(identifier: Identifier) -> Said:
        return await told.all_of(await cases.customers.find(scope, identifier))

    return await _all(by_identifier, identifiers) | await _all(by_id, ids)


async def answers_as_of(
    cases: UseCases,
    scope: SpaceScope,
    values: ValueRules,
    identifiers: Iterable[Identifier],
    ids: Iterable[str],
    moment: int,
) -> dict[str, Said]:
    """The same as of a moment, each asked by itself."""

    async def past() -> tuple[AsOf, _Told]:
        found = await cases.history.as_of(scope, moment)
        assert isinstance(found, AsOf)
        return found, _Told(scope, values, found, found, found, found)

    async def by_id(customer: str) -> Said:
        as_of, told = await past()
        return await told.all_of(await as_of.find_by_id(scope, customer))

    async def by_identifier(identifier: Identifier) -> Said:
        as_of, told = await past()
        return await told.all_of(await as_of.find(scope, identifier))

    return await _all(by_identifier, identifiers) | await _all(by_id, ids)


T = TypeVar("T")


async def _all(ask: Callable[[T], Awaitable[Said]], asked: Iterable[T]) -> dict[str, Said]:
    every = list(asked)
    answers = await asyncio.gather(*map(ask, every))
    return dict(zip(map(str, every), answers, strict=True))


class _Told:
    def __init__(
        self,
        scope: SpaceScope,
        values: ValueRules,
        customers: Customers | AsOf,
        explanations: Explanations | AsOf,
        ledger: Ledger | AsOf,
        inboxes: Inboxes | AsOf,
    ) -> None:
        self._scope = scope
        self._values = values
        self._customers = customers
        self._explanations = explanations
        self._ledger = ledger
        self._inboxes = inboxes

    async def all_of(self, answer: Answer) -> Said:
        if isinstance(answer, Missing):
            not_yet = answer.reason is MissingReason.NOT_YET
            return {"reason": MissingReason.UNKNOWN if not_yet else answer.reason}
        if not isinstance(answer, SettledCustomer):
            return {"limit": answer.limit}
        scope, customer, ask = self._scope, answer.customer_id, self._customers
        newest = await self._events(customer)
        paid = EventWindow(["Paid"], 3, 9, newest_first=False, at=4, message_id="m5")
        some = await ask.events(scope, customer, paid, 3)
        why = self._explanations
        if isinstance(why, AsOf):
            links = await why.links(scope, answer, 1_000)
        else:
            links = await why.links(scope, answer, 1_000, Loaded())
        shared = await self._explanations.shared_devices(scope, customer, 100)
        neighbours = {i.identifier: i for link in links for i in (link.a, link.b)}.values()
        return {
            "id": customer,
            "redirected_from": answer.redirected_from,
            "kind": answer.kind,
            "policy_version": answer.policy_version,
            "seen": (answer.first_seen, answer.last_seen),
            "identifiers": (answer.identifier_count, list(answer.identifiers)),
            "previous_ids": list(await ask.previous_ids(scope, customer)),
            "traits": await ask.traits(scope, customer),
            "accounts": await ask.accounts(scope, customer),
            "events": (await ask.event_count(scope, customer), newest, some),
            "links": sorted(map(self._link, links), key=repr),
            "shared": shared,
            "neighbours": {
                str(i.identifier): (
                    await ask.link_count(scope, i),
                    await self._inboxes.links_over_time(scope, i, 100),
                    [c.customer_id for c in await self._inboxes.shared_by(scope, i, 100)],
                )
                for i in answer.identifiers
            },
            "changes": await self._ledger.changes_of(scope, customer, NEWEST_CHANGE, 100),
            "customers beside": {
                str(i.identifier): other and other.customer_id
                for i in neighbours
                for other in [await ask.customer_of(scope, i)]
            },
        }

    async def _events(self, customer: str) -> list[Any]:
        window = EventWindow(None, -FOREVER, FOREVER, newest_first=True, at=FOREVER, message_id="")
        page = await self._customers.events(self._scope, customer, window, 500)
        carried = await asyncio.gather(
            *(self._customers.event_identifiers(self._scope, event) for event in page.items)
        )
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
