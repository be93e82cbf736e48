"""The evidence of customers that profiles are computed from, put together from what is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeVar

import orjson

from identity_service.domain.profiles.consents import consents
from identity_service.domain.profiles.occurrences import AccountEvidence, CustomerEvidence
from identity_service.domain.profiles.reported import reported_values
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.domain.traits import AccountSet, account_traits
from identity_service.errors import TooLarge
from identity_service.graph.customers import MAX_TRAIT_SETS
from identity_service.graph.history import HistoryReader
from identity_service.graph.keys import account_key
from identity_service.graph.ledger import MOST
from identity_service.graph.profile_events import AccountMembers, ProfileEventReader
from identity_service.graph.profile_evidence import CustomerHead, ProfileEvidenceReader

T = TypeVar("T")

MAX_EVENTS: Final = 200_000
"""Most events that one reading takes, of all its customers together."""

MAX_MEMBERS: Final = 1_000
"""Most members of an account whose evidence is read."""


@dataclass(frozen=True, slots=True)
class HistoricalEvidence:
    """A customer of a moment: the types of its identifiers, and the keys of its events."""

    customer_id: str
    kind: CustomerKind
    identifier_types: Collection[str]
    event_keys: Sequence[str]


class ProfileEvidence:
    """Reads evidence. Every method raises TooLarge beyond `MAX_EVENTS`."""

    def __init__(
        self, current: ProfileEvidenceReader, by_key: ProfileEventReader, history: HistoryReader
    ) -> None:
        self._current = current
        self._by_key = by_key
        self._history = history

    async def of_customers(
        self,
        space: str,
        customers: Sequence[str],
        limited_sources: Collection[str],
        now: int,
        *,
        with_accounts: bool,
    ) -> dict[str, CustomerEvidence]:
        """Customers of a space, by id; those that are not there are left out.

        `with_accounts`: each with the accounts that its events name, and the evidence of all of
        their members.
        """
        heads = (await self._current.heads(space, customers)).customers
        return await self.of_heads(
            space, heads.values(), limited_sources, now, with_accounts=with_accounts
        )

    async def of_heads(
        self,
        space: str,
        heads: Collection[CustomerHead],
        limited_sources: Collection[str],
        now: int,
        *,
        with_accounts: bool,
    ) -> dict[str, CustomerEvidence]:
        """As `of_customers`, of customers of which the rest was read before."""
        if sum(head.events for head in heads) > MAX_EVENTS:
            raise TooLarge(
                f"More than {MAX_EVENTS:,} events would have to be read.",
                remedy="Ask for fewer customers at a time.",
            )
        found = await self._current.evidence(space, heads, limited_sources, now)
        if not with_accounts:
            return found
        named = named_accounts(found.values())
        accounts = await self.of_accounts(space, named, limited_sources, now, found)
        return {
            id_: replace(
                each, accounts=[accounts[name] for name in accounts_of(each) if name in accounts]
            )
            for id_, each in found.items()
        }

    async def fellow_members(self, space: str, accounts: Collection[str]) -> set[str]:
        """Ids of customers that belong to accounts, at most `MAX_MEMBERS` of each."""
        if not accounts:
            return set()
        keys = [account_key(space, id_) for id_ in sorted(accounts)]
        found = await self._by_key.members(keys, MAX_MEMBERS)
        return {customer for account in found.values() for customer in account.customers}

    async def of_moment(
        self, customer: HistoricalEvidence, limited_sources: Collection[str], as_of: int
    ) -> CustomerEvidence:
        """A customer of a moment, without its accounts."""
        read = await self._by_key.events(customer.event_keys, sorted(limited_sources))
        named = {each.account for each in read if each.context_json and each.account}
        said = await self._history.accounts(sorted(named), as_of, MAX_TRAIT_SETS) if named else {}
        described = {key: [text for _, text in each.traits] for key, each in said.items()}
        events = [each.event for each in read]
        return CustomerEvidence(
            customer_id=customer.customer_id,
            kind=customer.kind,
            events=events,
            traits=reported_values(read, described),
            identifier_types=customer.identifier_types,
            consents=consents(events, as_of),
        )

    async def of_accounts(
        self,
        space: str,
        ids: Collection[str],
        limited_sources: Collection[str],
        now: int,
        customers: Mapping[str, CustomerEvidence] = MappingProxyType({}),
    ) -> dict[str, AccountEvidence]:
        """Accounts of a space, by id, with the evidence of all members.

        `customers`: what is known of some of these already. Raises TooLarge beyond `MAX_MEMBERS`.
        """
        accounts = await self.members(space, ids)
        return await self.of_members(space, accounts, limited_sources, now, customers)

    async def members(self, space: str, ids: Collection[str]) -> dict[str, AccountMembers]:
        """Accounts by their keys, with all members. Raises TooLarge beyond `MAX_MEMBERS`."""
        keys = [account_key(space, id_) for id_ in sorted(ids)]
        if not keys:
            return {}
        accounts = await self._by_key.members(keys, MAX_MEMBERS + 1)
        if any(len(each.customers) > MAX_MEMBERS for each in accounts.values()):
            raise TooLarge(f"An account has more than {MAX_MEMBERS:,} members.")
        return accounts

    async def of_members(
        self,
        space: str,
        accounts: Mapping[str, AccountMembers],
        limited_sources: Collection[str],
        now: int,
        customers: Mapping[str, CustomerEvidence] = MappingProxyType({}),
    ) -> dict[str, AccountEvidence]:
        """As `of_accounts`, of accounts whose members were read before."""
        if not accounts:
            return {}
        others = {id_ for each in accounts.values() for id_ in each.customers} - customers.keys()
        members = {
            **customers,
            **await self.of_customers(
                space, sorted(others), limited_sources, now, with_accounts=False
            ),
        }
        said = await self._history.accounts(sorted(accounts), MOST, MAX_TRAIT_SETS)
        traits = {
            key: {
                trait.name: trait.value
                for trait in account_traits(
                    AccountSet(reported, orjson.loads(text)) for reported, text in each.traits
                )
            }
            for key, each in said.items()
        }
        return {
            each.account_id: _account(
                each.account_id,
                [members[id_] for id_ in each.customers if id_ in members],
                traits.get(key, {}),
            )
            for key, each in accounts.items()
        }


def accounts_of(customer: CustomerEvidence) -> list[str]:
    """The accounts that the events of a customer name, in order."""
    return sorted({event.account_id for event in customer.events if event.account_id is not None})


def named_accounts(customers: Iterable[CustomerEvidence]) -> set[str]:
    """The accounts that the events of any of these customers name."""
    return {name for each in customers for name in accounts_of(each)}


async def read_in_parts(
    read: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]], ids: Sequence[str]
) -> tuple[Mapping[str, T], int]:
    """What is read of each, in halves where it is too much; and of how many it is that alone."""
    try:
        return await read(ids), 0
    except TooLarge:
        if len(ids) == 1:
            return {}, 1
    middle = len(ids) // 2
    one, other = await read_in_parts(read, ids[:middle]), await read_in_parts(read, ids[middle:])
    return {**one[0], **other[0]}, one[1] + other[1]


def _account(
    account_id: str, members: Sequence[CustomerEvidence], traits: Mapping[str, Any]
) -> AccountEvidence:
    events = {
        each.customer_id: [event for event in each.events if event.account_id == account_id]
        for each in members
    }
    return AccountEvidence(account_id, events, traits, members)
