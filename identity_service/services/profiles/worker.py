"""Profiles and memberships, kept up to date in the background.

Whoever writes evidence marks what it touched, and settling a customer marks its profile. Here the
customers of marked identifiers, those that were settled, and those whose profile can change by now
are computed from all their events, and what differs is written. The marks are in the graph: what
one process leaves, another computes. When the text of a space changes, all of its customers are
computed; until then they keep the values that they had.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from identity_service.domain.profiles.causes import (
    Circumstances,
    Computed,
    been_in,
    causes,
    gone,
)
from identity_service.domain.profiles.definitions import Profiles
from identity_service.domain.profiles.memberships import (
    Cause,
    MembershipChange,
    membership_changes,
)
from identity_service.domain.profiles.occurrences import CustomerEvidence
from identity_service.errors import TooLarge
from identity_service.graph.policies import PolicyStore
from identity_service.graph.profile_evidence import (
    CustomerHead,
    Heads,
    ProfileEvidenceReader,
    StoredProfile,
)
from identity_service.graph.profiles import (
    History,
    ProfilesProgress,
    ProfileStore,
    ProfilesWrite,
    Waiting,
    Work,
)
from identity_service.observability import (
    PROFILES_COMPUTED,
    PROFILES_POSTPONED,
    PROFILES_TOO_LARGE,
    PROFILES_WAIT_SECONDS,
)
from identity_service.services.kit.background import DueWork
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.progress import Watchers
from identity_service.services.limits import ProfileLimits
from identity_service.services.profiles.computation import Outcome, compute
from identity_service.services.read.profile_evidence import ProfileEvidence, accounts_of
from identity_service.services.spaces.access import Access, Role, SpaceScope
from identity_service.services.spaces.policies import Policies
from identity_service.services.spaces.profile_texts import ProfilesInForce, ProfileTexts

NO_TEXT: Final = ProfilesInForce(0, Profiles({}, {}, {}, {}), 0)
"""A space that has only destinations computes nothing, but sees which customers change."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Customers that are computed together.

    `touched` of them were touched since they were computed, and of these the `marked` ones because
    of evidence; the others are due or have to be computed by another version. `position` is that of
    the ledger when they were found; `rolled_out`: all customers are computed by the text in force.
    """

    customers: Sequence[str]
    touched: Collection[str]
    marked: Collection[str]
    position: int
    rolled_out: bool


class _TakenOver(Exception):
    """Another process computes the profiles of this space now."""


class ProfileWorker:
    """Keeps the profiles of all spaces up to date. To be closed."""

    def __init__(
        self,
        access: Access,
        texts: ProfileTexts,
        policies: Policies,
        policy_store: PolicyStore,
        reader: ProfileEvidenceReader,
        evidence: ProfileEvidence,
        store: ProfileStore,
        clock: Clock,
        limits: ProfileLimits,
    ) -> None:
        self._access = access
        self._texts = texts
        self._policies = policies
        self._policy_store = policy_store
        self._reader = reader
        self._evidence = evidence
        self._store = store
        self._clock = clock
        self._limits = limits
        self._work = DueWork("profiles", "profiles_watch")
        self._watchers = Watchers(limits.progress_interval_s)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._looks_after_all = False

    def wake(self, space: str) -> None:
        """Compute in the background what waits in a space."""
        self._work.due(space, partial(self._catch_up, space), space=space)

    def look_after_all(self) -> None:
        """From now on, compute what waits in any space, whoever left it, and when it is due."""
        self._looks_after_all = True
        self._work.watch(self._look, self._limits.look_interval_s)

    async def computed(self, scope: SpaceScope) -> None:
        """Return when this process has computed all that waits in a space by now."""
        self.wake(scope.space)
        await self._work.done(scope.space)

    async def done(self) -> None:
        """Return when this process computes nothing more."""
        await self._work.done()

    async def progress(self, scope: SpaceScope) -> AsyncGenerator[ProfilesProgress]:
        """How far all customers are computed by the text in force, after every step."""
        read = partial(self._store.progress, scope.space)
        async with aclosing(self._watchers.follow(scope.space, read)) as steps:
            async for now in steps:
                yield now

    async def close(self) -> None:
        """End after the step that is running; another process may go on."""
        for timer in self._timers.values():
            timer.cancel()
        await self._work.close()

    async def _look(self) -> None:
        spaces, next_due = await self._store.look(self._clock())
        for space in spaces:
            self.wake(space)
        for space, due in next_due.items():
            self._wake_at(space, due)

    def _wake_at(self, space: str, due: int) -> None:
        """Compute a space at the moment at which one of its profiles can change."""
        if timer := self._timers.pop(space, None):
            timer.cancel()
        if not self._work.is_closing:
            seconds = max(due - self._clock(), 0) / 1_000
            self._timers[space] = asyncio.get_running_loop().call_later(seconds, self.wake, space)

    async def _catch_up(self, space: str) -> None:
        """Compute what waits in a space, if nobody else does."""
        scope = self._access.require(self._access.operator(space), space, Role.ADMIN)
        work = await self._store.claim(space, self._limits.lease_ms)
        if work is None:
            return
        try:
            due = await self._compute_all(scope, work)
        except _TakenOver:
            return
        await self._store.release(space)
        PROFILES_WAIT_SECONDS.labels(space).set(0)
        if due is not None and self._looks_after_all:
            self._wake_at(space, due)

    async def _compute_all(self, scope: SpaceScope, work: Work) -> int | None:
        """Compute step after step until nothing waits; when the next profile is due."""
        while True:
            in_force = await self._texts.definitions(scope) or NO_TEXT
            waiting = await self._store.waiting(
                scope.space, self._clock(), self._limits.customers_per_step
            )
            found = await self._compute_waiting(scope, in_force, work, waiting)
            if in_force.version != work.version:
                work = await self._compute_page(scope, in_force, work)
                self._watchers.wake(scope.space)
            elif not found:
                return waiting.next_due
            elif found < self._limits.customers_per_step // 2:
                await self._work.pause(self._limits.gather_s)
            if self._work.is_closing:
                return None

    async def _compute_waiting(
        self, scope: SpaceScope, in_force: ProfilesInForce, work: Work, waiting: Waiting
    ) -> int:
        """Compute customers that were touched, or are due; how many of both there were."""
        space = scope.space
        if waiting.marks:
            waited = max(self._clock() - waiting.marks[0].at, 0) / 1_000
            PROFILES_WAIT_SECONDS.labels(space).set(waited)
        marked = _distinct(m.customer_id for m in waiting.marks)
        touched = _distinct((*waiting.settled, *marked))
        # Where both are many, neither waits for the other.
        most = self._limits.customers_per_step
        touched = touched[: max(most - len(waiting.due), most // 2)]
        customers = _distinct((*touched, *waiting.due))[:most]
        rolled_out = work.version == in_force.version
        batch = _Batch(
            customers, frozenset(touched), frozenset(marked), waiting.position, rolled_out
        )
        written = await self._compute(scope, in_force, batch)
        await self._store.clear(
            space,
            [m for m in waiting.marks if m.customer_id is None or m.customer_id in written],
        )
        return len(customers) + len(waiting.marks)

    async def _compute_page(self, scope: SpaceScope, in_force: ProfilesInForce, work: Work) -> Work:
        """Compute some of the customers that another version of the text computed."""
        space, version = scope.space, in_force.version
        if work.computing != version:
            # Whoever writes from now on marks what it touches.
            await self._policy_store.await_writers()
            if not await self._store.begin_text(space, version):
                raise _TakenOver
            work = Work(work.version, version, (0, ""))
            _log.info("profiles_begun", space=space, version=version)
        most = self._limits.customers_per_step
        position, page = await self._store.customers(space, work.place, most)
        batch = _Batch([each for each, _ in page], (), (), position, rolled_out=False)
        await self._compute(scope, in_force, batch, outdated_only=True)
        is_done = len(page) < most
        place = (page[-1][1], page[-1][0]) if page else work.place
        held = await self._store.record(
            space,
            self._limits.lease_ms,
            computed=len(page),
            place=place,
            version=version if is_done else None,
        )
        if not held:
            raise _TakenOver
        if is_done:
            _log.info("profiles_done", space=space, version=version)
            return Work(version, None, place)
        return Work(work.version, version, place)

    async def _compute(
        self,
        scope: SpaceScope,
        in_force: ProfilesInForce,
        batch: _Batch,
        *,
        outdated_only: bool = False,
    ) -> set[str]:
        """Compute customers; those of which all is written, or that need nothing."""
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
        batch: _Batch,
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
        if head.events <= limits.large_events or profile is None:
            return None
        again = profile.evaluated_at + limits.large_interval_ms
        return again if now < again <= now + limits.large_interval_ms else None

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
        batch: _Batch,
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
            in_force,
            heads.customers.values(),
            evidence,
            now,
            batch.position,
            self._limits.ticks_interval_ms,
        )
        changes = await self._changes(space, in_force, batch, outcomes, heads.gone, now)
        write = ProfilesWrite(
            version=in_force.version,
            now=now,
            guards={each.head.customer_id: each.head.revision for each in outcomes},
            profiles={
                each.head.customer_id: (_mark(each.head), each.properties) for each in outcomes
            },
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
        batch: _Batch,
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
            raise _TakenOver
        return written

    async def _changes(
        self,
        space: str,
        in_force: ProfilesInForce,
        batch: _Batch,
        outcomes: Sequence[Outcome],
        retired: Sequence[StoredProfile],
        now: int,
    ) -> list[MembershipChange]:
        """What changed of memberships, with the causes."""
        differing = [each for each in outcomes if frozenset(_before(each.head)) != each.audiences]
        leaving = [each for each in retired if each.audiences]
        if not differing and not leaving:
            return []
        histories = await self._store.histories(
            space,
            {each.head.customer_id: _known_position(each.head.profile) for each in differing}
            | {each.customer_id: each.position for each in leaving},
        )
        found: dict[str, list[Cause]] = {
            each.customer_id: gone(
                each.customer_id, _history(histories, each.customer_id).entries, now
            )
            for each in leaving
        }
        for each in differing:
            found[each.head.customer_id] = _causes(in_force, batch, each, histories, now)
        stays = next(iter(histories.values()), History()).stays
        return membership_changes(
            in_force.profiles,
            {each.customer_id: each.audiences for each in leaving}
            | {each.head.customer_id: _before(each.head) for each in differing},
            {each.head.customer_id: each.audiences for each in differing},
            found,
            {customer: been_in(some) for customer, some in stays.items()},
        )


def _causes(
    in_force: ProfilesInForce,
    batch: _Batch,
    outcome: Outcome,
    histories: Mapping[str, History],
    now: int,
) -> list[Cause]:
    head = outcome.head
    last = head.profile
    # A revision that is still the same means that nothing happened to the customer itself.
    is_same = last is not None and last.revision == head.revision
    entries = () if is_same else _history(histories, head.customer_id).entries
    return causes(
        Circumstances(
            customer_id=head.customer_id,
            created_at=head.created_at,
            last=None if last is None else Computed(last.version, last.evaluated_at, last.due),
            marked=head.customer_id in batch.touched,
            version=in_force.version,
            applied_at=in_force.applied_at,
            rolled_out=batch.rolled_out,
            entries=entries,
        ),
        outcome.evidence.events,
        now,
    )


def _history(histories: Mapping[str, History], customer: str) -> History:
    return histories.get(customer, History())


def _before(head: CustomerHead) -> tuple[str, ...]:
    return () if head.profile is None else head.profile.audiences


def _mark(head: CustomerHead) -> int | None:
    return None if head.profile is None else head.profile.mark


def _known_position(profile: StoredProfile | None) -> int:
    return 0 if profile is None else profile.position


def _distinct(customers: Iterable[str | None]) -> list[str]:
    return [each for each in dict.fromkeys(customers) if each is not None]


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
