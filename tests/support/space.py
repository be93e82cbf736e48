"""A space with the services around it, what was sent to it, and what it must hold in return."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, LiteralString

from neo4j import AsyncDriver

from identity_service.collect.proofs import is_proven
from identity_service.collect.segment import Collected
from identity_service.domain.events import Rejection, ReportedEvent, UserProof
from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.judgements import OF_TWO, AnyJudgement, Detachment, Judgement, Verdict
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.policy import Blocked, Policy, Rule, Sharing
from identity_service.domain.policies.value_rules import ValueRules, observe
from identity_service.domain.recorded import PolicyVersion, RecordedChange
from identity_service.domain.resolution.evidence import NO_CLAIM, Claim, Evidence, attached, gather
from identity_service.domain.retractions import Retraction, RetractionProgress, retracted_by
from identity_service.graph.database import Database
from identity_service.services.kit.clock import Clock, system_clock
from identity_service.services.limits import DEFAULT_LIMITS, Limits, RolloutLimits
from identity_service.services.spaces.access import Caller, Role, Sender, SpaceScope
from identity_service.services.wiring import UseCases, assemble
from identity_service.services.write.judgements import Judged
from tests.support.settled import SettledSpace, assert_settled, settled_space
from tests.support.worlds import LIMITED, Event

TESTS = Caller(role=Role.INSTANCE, name="tests", space=None)

MAX_QUEUE = 20_000

SOURCE = "shop"

PROOF_SECRET = "the secret of every source here"

PATIENCE = 60
"""Seconds that a policy rollout in a test's space may take."""


def event(message_id: str, at: int, *identifiers: str | Identifier, **more: Any) -> ReportedEvent:
    """An event; identifiers also as `type:value`. `more` are other fields of it."""
    fields: dict[str, Any] = {
        "message_id": message_id,
        "type": "track",
        "name": "Visited",
        "at": at,
        "identifiers": tuple(
            i if isinstance(i, Identifier) else parse_identifier(i) for i in identifiers
        ),
        "properties": {},
        "context": {},
        "traits": {},
        "context_traits": {},
        "account_id": None,
        "account_traits": {},
        "digest": "",
        "place": 0,
    }
    return ReportedEvent(**(fields | more))


def proof_of(user_id: str) -> UserProof:
    """A valid proof of a user id, as the team's own server makes it."""
    made = hmac.new(PROOF_SECRET.encode(), user_id.encode(), hashlib.sha256)
    return UserProof(user_id, made.hexdigest())


def reported(happened: Iterable[Event]) -> list[ReportedEvent]:
    """The events of a random world, each with a message id."""
    return [event(f"m{number}", at, *who) for number, (at, who) in enumerate(happened)]


def told_by_some(happened: Iterable[Event], draw: random.Random) -> list[tuple[str, ReportedEvent]]:
    """The events of a random world, each with its source; some of them are proven."""
    return [
        (
            draw.choice((*LIMITED, SOURCE)),
            replace(each, proof=draw.choice([None, None, proof_of("u")])),
        )
        for each in reported(happened)
    ]


@dataclass
class World:
    """One space of a test. What is sent through it is remembered, to be compared with later."""

    scope: SpaceScope
    write_key: str
    use_cases: UseCases
    database: Database
    driver: AsyncDriver
    policy: Policy
    version: int = 1
    sent: dict[str, ReportedEvent] = field(default_factory=dict[str, ReportedEvent])
    judged: dict[str, Judgement] = field(default_factory=dict[str, Judgement])
    detached: dict[str, Detachment] = field(default_factory=dict[str, Detachment])
    received: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    retracted: dict[str, Retraction] = field(default_factory=dict[str, Retraction])
    claims: dict[str, Claim] = field(default_factory=dict[str, Claim])

    @property
    def space(self) -> str:
        """The name of the space."""
        return self.scope.space

    async def send(
        self,
        *events: ReportedEvent,
        source: str = SOURCE,
        rejections: Sequence[Rejection] = (),
        received_at: int = 1_000,
    ) -> None:
        """Send events in one request; returns when they are answered."""
        collected = Collected(tuple(events), tuple(rejections))
        sender = Sender(source, (self.scope,), proof_secret=PROOF_SECRET)
        await self.use_cases.ingest.take(sender, collected, received_at)
        self.remember(events, source, received_at)

    def remember(
        self, events: Iterable[ReportedEvent], source: str = SOURCE, received_at: int = 1_000
    ) -> None:
        """Note events that the space holds from now on, unless the policy rejects them."""
        values = ValueRules(self.policy)
        for each in events:
            if not isinstance(observe(each, values, 0, SOURCE), Rejection):
                self.sent.setdefault(each.message_id, each)
                self.received.setdefault(each.message_id, (source, received_at))
                claim = NO_CLAIM if is_proven(each, PROOF_SECRET) else frozenset({source})
                self.claims.setdefault(each.message_id, claim)

    async def judge(
        self, verdict: Verdict, a: str | Identifier, b: str | Identifier
    ) -> tuple[Judgement, Sequence[RecordedChange]]:
        """Judge two identifiers."""
        ends = [i if isinstance(i, Identifier) else parse_identifier(i) for i in (a, b)]
        judged = await self.use_cases.judgements.judge(
            self.scope, verdict, *ends, reason="The test says so."
        )
        assert isinstance(judged.judgement, Judgement)
        self.judged[judged.judgement.id] = judged.judgement
        return judged.judgement, judged.changes

    async def detach(self, message_id: str, identifier: str | Identifier) -> Judged:
        """Judge that an identifier does not name the person on an event."""
        named = identifier if isinstance(identifier, Identifier) else parse_identifier(identifier)
        judged = await self.use_cases.judgements.detach(
            self.scope, message_id, named, "The test says so."
        )
        assert isinstance(judged.judgement, Detachment)
        self.detached[judged.judgement.id] = judged.judgement
        return judged

    async def withdraw(self, judgement: AnyJudgement) -> Sequence[RecordedChange]:
        """Withdraw a judgement."""
        judged = await self.use_cases.judgements.withdraw(
            self.scope, judgement.id, "The test says so."
        )
        self.judged.pop(judgement.id, None)
        self.detached.pop(judgement.id, None)
        return judged.changes

    async def retract(self, source: str, begin: int, until: int) -> Retraction:
        """Retract what a source said; returns when the evidence follows."""
        retractions = self.use_cases.retractions
        made = await retractions.retract(self.scope, source, begin, until, "The test says so.")
        self.retracted[made.id] = made
        await self.until_followed(made.id)
        return made

    async def give_back(self, made: Retraction) -> None:
        """Withdraw a retraction; returns when the evidence follows."""
        await self.use_cases.retractions.withdraw(self.scope, made.id, "The test says so.")
        del self.retracted[made.id]
        await self.until_followed(made.id)

    async def until_followed(self, retraction: str) -> RetractionProgress:
        """How far a retraction is when it is done; go on with it if nobody does."""
        retractions = self.use_cases.retractions
        retractions.go_on(self.scope, retraction)
        async with asyncio.timeout(PATIENCE):
            async for progress in retractions.progress(self.scope, retraction):
                if progress.done:
                    return progress
        raise AssertionError("The progress ended before the retraction.")

    def is_retracted(self, message_id: str) -> bool:
        """Whether an event was retracted."""
        return bool(retracted_by(self.retracted.values(), *self.received[message_id]))

    async def set_policy(self, policy: Policy) -> PolicyVersion:
        """Put a policy in force; returns when the space is settled by it."""
        put = await self.use_cases.policy_rollout.set_policy(
            self.scope, policy_text(policy), self.version, None
        )
        self.policy, self.version = policy, put.version
        await self.until_settled()
        return put

    async def until_settled(self) -> None:
        """Return when the policy in force is rolled out; go on with that if nobody does."""
        self.use_cases.policy_rollout.go_on(self.scope)
        async with asyncio.timeout(PATIENCE):
            async for _ in self.use_cases.policy_rollout.progress(self.scope):
                pass

    async def settle_deferred(self) -> None:
        """Settle what was put off, and return when that is done."""
        self.use_cases.deferred.wake(self.scope)
        async with asyncio.timeout(PATIENCE):
            await self.use_cases.deferred.settled(self.scope)

    async def settled(self) -> SettledSpace:
        """What the graph holds."""
        return await settled_space(self.driver, self.space)

    def evidence(self) -> Evidence:
        """What was sent, as if the policy in force had always been."""
        values = ValueRules(self.policy)
        observed = (
            observe(each, values, 0, SOURCE)
            for message_id, each in self.sent.items()
            if not self.is_retracted(message_id)
        )
        detached = list(self.detached.values())
        return gather(
            (
                (
                    o.event.at,
                    attached(o.event.message_id, o.identifiers, detached),
                    self.claims[o.event.message_id],
                )
                for o in observed
                if not isinstance(o, Rejection)
            ),
            list(self.judged.values()),
        )

    async def check(self) -> SettledSpace:
        """The graph holds what the pure function says of everything sent; returns it."""
        found = await self.settled()
        assert_settled(found, self.evidence(), self.policy)
        return found

    async def check_after_a_race(self) -> SettledSpace:
        """As `check`; besides, what `check --space` looks for is not there."""
        found = await self.check()
        assert await self.use_cases.repair.lost(self.scope) == []
        assert (await self.use_cases.previews.check(self.scope)).changes_nothing
        return found

    async def rows(self, query: LiteralString, **parameters: Any) -> list[list[Any]]:
        """The records of a query of the test's own, which takes `$space`."""
        result = await self.driver.execute_query(  # pyright: ignore[reportUnknownMemberType]
            query, space=self.space, prefix=f"{self.space}/", **parameters
        )
        return [list(record) for record in result.records]


NewWorld = Callable[..., Awaitable[World]]
"""`new_world` over the database of the run, as the fixture `world` gives it."""


async def new_world(
    database: Database,
    driver: AsyncDriver,
    policy: Policy | str = "extends: quarantine\n",
    *,
    max_queue: int = MAX_QUEUE,
    clock: Clock = system_clock,
    limits: Limits = DEFAULT_LIMITS,
) -> World:
    """A space that no other test uses, with services of its own, as another process would have."""
    text = policy if isinstance(policy, str) else policy_text(policy)
    use_cases = assemble(database, max_queue, clock=clock, limits=limits)
    created = await use_cases.spaces.create_space(TESTS, f"w-{secrets.token_hex(8)}", text)
    return World(created.scope, created.write_key, use_cases, database, driver, parse_policy(text))


def steps_of(customers: int) -> Limits:
    """Limits under which a policy rollout settles so many customers in one step."""
    return Limits(rollout=RolloutLimits(customers_per_step=customers))


def beside(
    world: World,
    database: Database,
    driver: AsyncDriver | None = None,
    *,
    clock: Clock = system_clock,
    limits: Limits = DEFAULT_LIMITS,
) -> World:
    """The same space through services of their own, as another process would have them."""
    use_cases = assemble(database, MAX_QUEUE, clock=clock, limits=limits)
    return replace(world, use_cases=use_cases, database=database, driver=driver or world.driver)


async def judge_at_random(world: World, happened: Iterable[Event], draw: random.Random) -> None:
    """Now and then judge two identifiers that were or will be seen, or withdraw a judgement.

    Some judgements are withdrawn at once, which must leave partition and ids as they were.
    """
    chance = draw.random()
    seen = sorted({identifier for _, who in happened for identifier in who})
    if chance < 0.15:
        await world.judge(draw.choice(OF_TWO), *draw.sample(seen, 2))
    elif chance < 0.25 and world.judged:
        await world.withdraw(draw.choice(list(world.judged.values())))
    elif chance < 0.3:
        before = await world.check()
        made, _ = await world.judge(draw.choice(OF_TWO), *draw.sample(seen, 2))
        await world.check()
        await world.withdraw(made)
        after = await world.check()
        assert after.customers == before.customers
        assert {c: after.retired[c] for c in before.retired} == before.retired


def policy_text(policy: Policy) -> str:
    """A policy as text (JSON is YAML). What could say nothing is left out."""
    text: dict[str, Any] = {
        "order": policy.order.value,
        "types": {kind: _rule(rule) for kind, rule in policy.rules.items()},
        "max_component": policy.max_component,
        "max_identifiers": policy.max_identifiers,
        "limited_sources": sorted(policy.limited_sources),
        "blocked": [_blocked(entry) for entry in policy.blocked],
    }
    if policy.other:
        text["other"] = _rule(policy.other)
    return json.dumps(text)


def _rule(rule: Rule) -> Mapping[str, Any]:
    text: dict[str, Any] = {
        "priority": rule.priority,
        "kind": rule.kind.value,
        "limit": rule.limit,
        "shared": rule.shared.value,
        "max_links": rule.max_links,
        "per_event": rule.per_event,
        "format": rule.format,
    }
    if rule.within and rule.limit:
        text["within"] = f"{rule.within / 1000:.3f}s"
    if rule.shared is Sharing.QUARANTINE:
        text |= {"owners": rule.owners, "dominance": rule.dominance}
    return text


def _blocked(entry: Blocked) -> Mapping[str, Any]:
    text: dict[str, Any] = {"value": entry.value} if entry.value else {"pattern": entry.pattern}
    if entry.types:
        text["types"] = sorted(entry.types)
    return text
