"""A batch of customers, computed and written.

Very many events are computed in parts, or later. Nothing is written by a process that another one
has taken over from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

import structlog

from identity_service.domain.profiles.occurrences import CustomerEvidence
from identity_service.errors import TooLarge
from identity_service.graph.profile_evidence import (
    CustomerHead,
    Heads,
    ProfileEvidenceReader,
    StoredProfile,
)
from identity_service.graph.profile_writes import NamedAccount, ProfilesWrite
from identity_service.graph.profiles import ProfileStore
from identity_service.observability import (
    PROFILES_COMPUTED,
    PROFILES_POSTPONED,
    PROFILES_TOO_LARGE,
)
from identity_service.services.kit.clock import Clock
from identity_service.services.limits import ProfileLimits
from identity_service.services.profiles.computation import Batch, compute
from identity_service.services.profiles.membership_changes import changes_of_customers
from identity_service.services.read.profile_evidence import ProfileEvidence, accounts_of
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies
from identity_service.services.spaces.profile_texts import ProfilesInForce

_log = structlog.get_logger(__name__)


class TakenOver(Exception):
    """Another process computes the profiles of this space now."""


def put_off(events: int, evaluated_at: int | None, now: int, limits: ProfileLimits) -> int | None:
    """When what has so many events may be computed again, if that is not now.

    `evaluated_at`: when it was computed last, None: never.
    """
    if events <= limits.large_events or evaluated_at is None:
        return None
    again = evaluated_at + limits.large_interval_ms
    return again if now < again <= now + limits.large_interval_ms else None


class Batches:
    """Computes batches of customers and writes what differs."""

    def __init__(
        self,
        policies: Policies,
        reader: ProfileEvidenceReader,
        evidence: ProfileEvidence,
        store: ProfileStore,
        clock: Clock,
        limits: ProfileLimits,
    ) -> None:
        self._policies = policies
        self._reader = reader
        self._evidence = evidence
        self._store = store
        self._clock = clock
        self._limits = limits

    async def compute(
        self,
        scope: SpaceScope,
        in_force: ProfilesInForce,
        batch: Batch,
        *,
        outdated_only: bool = False,
    ) -> set[str]:
        """Compute customers; those of which all is written, or that need nothing.

        `outdated_only`: those that were not computed by the version in force. Raises TakenOver.
        """
        heads = await self._reader.heads(scope.space, batch.customers)
        now = self._clock()
        chosen = [
            head
            for each in batch.customers
            if (head := heads.customers.get(each))
            and not (outdated_only and head.profile and head.profile.version == in_force.version)
        ]
        large = {head.customer_id: due for head in chosen if (due := self._put_off(head, now))}
        parts = _parts(
            [head for head in chosen if head.customer_id not in large],
            self._limits.events_per_step,
        )
        written = await self._postpone(scope.space, in_force, heads, large, now)
        written |= await self._write(scope, in_force, batch, Heads({}, heads.gone), now)
        for part in parts:
            some = {head.customer_id: head for head in part}
            written |= await self._write_or_halve(scope, in_force, batch, some, now)
        return written

    async def _write_or_halve(
        self,
        scope: SpaceScope,
        in_force: ProfilesInForce,
        batch: Batch,
        heads: Mapping[str, CustomerHead],
        now: int,
    ) -> set[str]:
        """As `_write`; what is too much together is computed in halves, or else later."""
        try:
            return await self._write(scope, in_force, batch, Heads(heads), now)
        except TooLarge:
            customers = list(heads)
        if len(customers) == 1:
            due = now + self._limits.large_interval_ms
            return await self._postpone(
                scope.space, in_force, Heads(heads), {customers[0]: due}, now, too_large=True
            )
        middle = len(customers) // 2
        written: set[str] = set()
        for half in (customers[:middle], customers[middle:]):
            some = {each: heads[each] for each in half}
            written |= await self._write_or_halve(scope, in_force, batch, some, now)
        return written

    def _put_off(self, head: CustomerHead, now: int) -> int | None:
        """When a customer with very many events may be computed again, if that is not now."""
        limits, profile = self._limits, head.profile
        if head.events > limits.most_events:
            return now + limits.large_interval_ms
        return put_off(head.events, profile.evaluated_at if profile else None, now, limits)

    async def _postpone(
        self,
        space: str,
        in_force: ProfilesInForce,
        heads: Heads,
        large: Mapping[str, int],
        now: int,
        *,
        too_large: bool = False,
    ) -> set[str]:
        """Let customers with very many events be due later; `too_large`: none can be computed."""
        if not large:
            return set()
        for customer in large:
            events = heads.customers[customer].events
            if not too_large and events <= self._limits.most_events:
                PROFILES_POSTPONED.labels(space).inc()
            else:
                PROFILES_TOO_LARGE.labels(space).inc()
                _log.warning("profile_too_large", space=space, customer=customer, events=events)
        write = ProfilesWrite(
            in_force.version,
            now,
            {each: heads.customers[each].revision for each in large},
            {each: (_mark(heads.customers[each]), {"due": due}) for each, due in large.items()},
        )
        return set(await self._written(space, write))

    async def _write(
        self,
        scope: SpaceScope,
        in_force: ProfilesInForce,
        batch: Batch,
        heads: Heads,
        now: int,
    ) -> set[str]:
        """Compute customers and write what differs; the ids of those that are written."""
        if not heads.customers and not heads.gone:
            return set()
        space = scope.space
        policy = (await self._policies.in_force(scope)).policy
        with_accounts = in_force.profiles.uses_accounts()
        evidence = await self._evidence.of_heads(
            space,
            heads.customers.values(),
            policy.limited_sources,
            now,
            with_accounts=with_accounts,
        )
        fellows: Collection[str] = (
            await self._fellows(space, batch, heads, evidence) if with_accounts else ()
        )
        outcomes = await asyncio.to_thread(
            compute,
            space,
            in_force,
            heads.customers.values(),
            evidence,
            now,
            batch.position,
            self._limits.ticks_interval_ms,
        )
        changes = await changes_of_customers(
            self._store, space, in_force, batch, outcomes, heads.gone, now
        )
        write = ProfilesWrite(
            version=in_force.version,
            now=now,
            guards={each.head.customer_id: each.head.revision for each in outcomes},
            profiles={
                each.head.customer_id: (_mark(each.head), each.properties) for each in outcomes
            },
            values={each.head.customer_id: each.moved for each in outcomes},
            named=_named(in_force, batch, heads, evidence),
            fellows=fellows,
            gone=[each.customer_id for each in heads.gone],
            changes=changes,
            outgoing=[
                *(each.customer_id for each in heads.gone),
                *(
                    each.head.customer_id
                    for each in outcomes
                    if each.changed or each.head.customer_id in batch.touched
                ),
            ],
        )
        written = await self._written(space, write)
        PROFILES_COMPUTED.labels(space).inc(len(written))
        return set(written)

    async def _fellows(
        self,
        space: str,
        batch: Batch,
        heads: Heads,
        evidence: Mapping[str, CustomerEvidence],
    ) -> set[str]:
        """Other members of the accounts of which evidence came or went."""
        accounts = {account for each in heads.gone for account in each.accounts}
        for customer, head in heads.customers.items():
            if customer in batch.marked:
                accounts.update(accounts_of(evidence[customer]))
                accounts.update(head.profile.accounts if head.profile else ())
        return await self._evidence.fellow_members(space, accounts) - heads.customers.keys()

    async def _written(self, space: str, write: ProfilesWrite) -> frozenset[str]:
        written = await self._store.write(space, self._limits.lease_ms, write)
        if written is None:
            raise TakenOver
        return written


def _named(
    in_force: ProfilesInForce,
    batch: Batch,
    heads: Heads,
    evidence: Mapping[str, CustomerEvidence],
) -> dict[str, NamedAccount]:
    """Accounts that customers belong to, or did when they were computed last.

    Those of customers that were touched have to be computed, and all by a new text.
    """
    found: dict[str, NamedAccount] = {}

    def add(accounts: Iterable[str], profile: StoredProfile | None, *, always: bool) -> None:
        position = profile.position if profile else 0
        for account in accounts:
            known = found.get(account, NamedAccount(position, always))
            found[account] = NamedAccount(max(known.position, position), known.always or always)

    for profile in heads.gone:
        add(profile.accounts, profile, always=True)
    for customer, head in heads.customers.items():
        profile, is_touched = head.profile, customer in batch.touched
        if is_touched or profile is None or profile.version != in_force.version:
            was = profile.accounts if profile else ()
            now = accounts_of(evidence[customer]) if in_force.profiles.keeps_accounts() else ()
            add({*was, *now}, profile, always=is_touched)
    return found


def _mark(head: CustomerHead) -> int | None:
    return None if head.profile is None else head.profile.mark


def _parts(heads: Sequence[CustomerHead], most_events: int) -> list[list[CustomerHead]]:
    """Customers in parts of at most so many events, though never less than one customer."""
    parts: list[list[CustomerHead]] = []
    room = 0
    for head in heads:
        if not parts or head.events > room:
            parts.append([])
            room = most_events
        parts[-1].append(head)
        room -= head.events
    return parts
