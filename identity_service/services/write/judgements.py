"""Judgements: made, settled by in the same transaction, and taken back without a trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from identity_service.domain.explain import judgement_outcome
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.recorded import RecordedChange
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.resolution.id_register import NOTHING_CHANGED
from identity_service.domain.resolution.subgraph import EMPTY_SUBGRAPH, NewEvidence
from identity_service.errors import FieldInvalid, NotFound, Stale, Unavailable
from identity_service.graph.evidence import EvidenceStore, Known
from identity_service.graph.judgements import JudgementStore
from identity_service.graph.keys import identifier_key
from identity_service.graph.policies import PolicyStore
from identity_service.graph.write_rows import Batch, LedgerEntry, Withdrawal
from identity_service.services.kit.clock import Clock, Ids
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies, PolicyInForce
from identity_service.services.write.settler import ComponentResolver, Decision, starts, too_much
from identity_service.services.write.space_locks import MAX_ATTEMPTS, SpaceLocks, backoff

MAX_REASON = 2_000
"""Longest reason of a judgement, in characters."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement that was made or withdrawn, what changed by it, and that in a sentence."""

    judgement: Judgement
    changes: Sequence[RecordedChange]
    message: str


@dataclass(frozen=True, slots=True)
class _Act:
    """A judgement is made, or withdrawn. `again`: that is written, but somebody may have brought
    an identifier of it meanwhile who did not know of it.
    """

    judgement: Judgement
    withdrawal: Withdrawal | None = None
    again: bool = False

    @property
    def cause(self) -> str:
        """How changes name it."""
        return f"judgement:{self.judgement.id}{' withdrawn' if self.withdrawal else ''}"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What was written. `unseen` are identifiers that the judgement waits for."""

    changes: Sequence[RecordedChange]
    message: str
    unseen: Sequence[Identifier] = ()


class Judgements:
    """Takes judgements and settles by them at once.

    Those that know both identifiers are kept in order by the revisions of their customers. One
    that waits for an identifier raises a number of the space, which whoever brings new
    identifiers has read before: either that one begins again and finds the judgement, or it
    was faster, and the judgement finds the identifier once all that began before it has ended.
    """

    def __init__(
        self,
        store: EvidenceStore,
        judgements: JudgementStore,
        policy_store: PolicyStore,
        policies: Policies,
        settlement: ComponentResolver,
        turns: SpaceLocks,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._judgements = judgements
        self._policy_store = policy_store
        self._policies = policies
        self._settlement = settlement
        self._turns = turns
        self._clock = clock
        self._ids = ids

    async def normalise(
        self, scope: SpaceScope, a: Identifier, b: Identifier
    ) -> tuple[Identifier, Identifier]:
        """Two identifiers as events would bring them.

        Raises FieldInvalid, at `a` or `b`, for one that the policy withholds.
        """
        values = (await self._policies.in_force(scope)).values
        return _normalised(values, "a", a), _normalised(values, "b", b)

    async def judge(
        self, scope: SpaceScope, verdict: Verdict, a: Identifier, b: Identifier, reason: str
    ) -> Judged:
        """Judge two identifiers, which are as `normalise` gives them.

        One that was not seen yet is waited for. Raises FieldInvalid, and TooLarge where a
        component is over-connected.
        """
        if a == b:
            raise FieldInvalid("b", f"{a} is judged against itself: name two identifiers.")
        _check_reason(reason)
        made = Judgement(
            id=self._ids("jdg"),
            verdict=verdict,
            a=a,
            b=b,
            made_at=self._clock(),
            author=scope.author,
            reason=reason,
        )
        changes, message = await self._carry_out(scope, _Act(made))
        return Judged(made, changes, message)

    async def withdraw(self, scope: SpaceScope, judgement: str, reason: str) -> Judged:
        """Withdraw a judgement; partition and ids are what they would be without it.

        Raises NotFound, FieldInvalid when it was withdrawn before, and TooLarge.
        """
        _check_reason(reason)
        made = await self._in_force(scope, judgement)
        withdrawal = Withdrawal(made.id, self._clock(), scope.author, reason)
        changes, message = await self._carry_out(scope, _Act(made, withdrawal))
        gone = replace(
            made,
            withdrawn_at=withdrawal.at,
            withdrawn_by=withdrawal.author,
            withdrawn_reason=withdrawal.reason,
        )
        return Judged(gone, changes, message)

    async def _carry_out(
        self, scope: SpaceScope, act: _Act
    ) -> tuple[Sequence[RecordedChange], str]:
        written = await self._until_written(scope, act)
        if not written.unseen:
            return written.changes, written.message
        await self._policy_store.await_writers()
        found = await self._until_written(scope, replace(act, again=True))
        return [*written.changes, *found.changes], found.message

    async def _until_written(self, scope: SpaceScope, act: _Act) -> _Outcome:
        for number in range(MAX_ATTEMPTS):
            try:
                async with self._turns.of(scope):
                    outcome = await self._attempt(scope, act)
                if outcome is not None:
                    return outcome
                self._policies.forget(scope)
            except Stale:
                pass
            await backoff(number)
        raise Unavailable(
            "The same customers are being changed by too many at once.", remedy="Try again."
        )

    async def _attempt(self, scope: SpaceScope, act: _Act) -> _Outcome | None:
        """Write an act and what follows. None: what it rests on has changed meanwhile."""
        in_force = await self._policies.in_force(scope)
        ends = (act.judgement.a, act.judgement.b)
        known = await self._store.read_known(scope.space, (), NewEvidence.of_identifiers(ends))
        unseen = [end for end in ends if end not in known.identifiers]
        if act.again and unseen:
            return _Outcome((), _told(act, unseen), unseen)
        decision = await self._decide(scope, in_force, act, known)
        # After what the decision rests on was read: whoever withdraws it changes that.
        if act.withdrawal is None and act.again and not await self._stands(scope, act.judgement):
            return _Outcome((), "The judgement was withdrawn again meanwhile.")
        if act.withdrawal and not act.again:
            await self._in_force(scope, act.judgement.id)
        batch = Batch(scope.space, in_force.version, self._clock())
        batch.judgements_rev = known.judgements_rev
        batch.unguarded = any(
            end in unseen or known.identifiers[end].customer is None for end in ends
        )
        if act.withdrawal:
            batch.withdrawn.append(act.withdrawal)
        else:
            batch.made.extend([] if act.again else [act.judgement])
            batch.judged.extend([] if unseen else [act.judgement])
        return await self._write(in_force, act, unseen, batch, decision)

    async def _decide(
        self, scope: SpaceScope, in_force: PolicyInForce, act: _Act, known: Known
    ) -> Decision | None:
        """What follows from an act; None where only its being on record can be kept."""
        seen = {i: s for i, s in known.identifiers.items() if i not in known.blocked}
        decision = await self._settlement.decide(
            scope,
            in_force,
            NewEvidence(judgements=[] if act.withdrawal else [act.judgement]),
            touched=starts(seen),
            withdrawn=act.judgement.id if act.withdrawal else None,
            cross_boundary=True,
        )
        if decision is None and not act.again:
            raise too_much(in_force.policy.max_component)
        return decision

    async def _write(
        self,
        in_force: PolicyInForce,
        act: _Act,
        unseen: Sequence[Identifier],
        batch: Batch,
        decision: Decision | None,
    ) -> _Outcome | None:
        if decision is None:
            kept = await self._store.write_settlement(
                batch, EMPTY_SUBGRAPH, (), NOTHING_CHANGED, ()
            )
            return (
                _Outcome((), "Too much hangs together here to be settled by it.") if kept else None
            )
        batch.blocked = decision.blocked
        found = self._settlement.change_set(decision, in_force.policy)
        entries = self._settlement.entries(found.changes, lambda _: act.cause)
        evidence = decision.resolution_input.evidence
        written = await self._store.write_settlement(
            batch, decision.subgraph, evidence.identifiers, found, entries
        )
        if written is None:
            return None
        tell = judgement_outcome.withdrawn if act.withdrawal else judgement_outcome.came_to
        message = (
            _told(act, unseen)
            if unseen
            else tell(act.judgement, evidence, decision.resolution, changed=bool(entries))
        )
        first = (written.last_position or 0) - len(entries) + 1
        changes = [_recorded(entry, batch, place) for place, entry in enumerate(entries, first)]
        return _Outcome(changes, message, unseen)

    async def _stands(self, scope: SpaceScope, judgement: Judgement) -> bool:
        found = await self._judgements.find(scope.space, judgement.id)
        return found is not None and found.withdrawn_at is None

    async def _in_force(self, scope: SpaceScope, judgement: str) -> Judgement:
        """A judgement that is not withdrawn. Raises NotFound and FieldInvalid."""
        found = await self._judgements.find(scope.space, judgement)
        if found is None:
            raise NotFound(
                f"There is no judgement “{judgement}” in this space.",
                remedy="The list of judgements has their ids.",
            )
        if found.withdrawn_at is not None:
            raise FieldInvalid(
                "id", f"The judgement was withdrawn before, by {found.withdrawn_by}."
            )
        return found


def _told(act: _Act, unseen: Sequence[Identifier]) -> str:
    if act.withdrawal:
        return "The judgement waits no more; nothing else changed."
    return judgement_outcome.waits(unseen)


def _normalised(values: ValueRules, path: str, given: Identifier) -> Identifier:
    found = values.identifier(given)
    if isinstance(found, WithheldValue):
        raise FieldInvalid(path, str(found))
    return found


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise FieldInvalid("reason", "A judgement needs a reason: say how you know.")
    if len(reason) > MAX_REASON:
        raise FieldInvalid("reason", f"The reason is longer than {MAX_REASON:,} characters.")


def _recorded(entry: LedgerEntry, batch: Batch, position: int) -> RecordedChange:
    return RecordedChange(
        id=entry.id,
        kind=ChangeKind(entry.kind),
        at=batch.now,
        customer_id=entry.customer_id,
        other_customer_id=entry.other_id,
        identifier_keys=tuple(identifier_key(batch.space, i) for i in entry.identifiers),
        cause=entry.cause,
        policy_version=batch.policy_version,
        position=position,
    )
