"""Judgements: made, settled by in the same transaction, and taken back without a trace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from identity_service.domain.changes import ChangeKind
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.recorded import RecordedChange
from identity_service.domain.region import NewEvidence
from identity_service.errors import FieldInvalid, NotFound, Stale, TooLarge, Unavailable
from identity_service.graph.batches import Batch, LedgerEntry, Withdrawal
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.judgements import JudgementStore
from identity_service.graph.keys import identifier_key
from identity_service.services.access import SpaceScope
from identity_service.services.clock import Clock, Ids
from identity_service.services.policies import Policies
from identity_service.services.settlement import Settlement, starts
from identity_service.services.turns import MAX_ATTEMPTS, Turns, step_back

MAX_REASON = 2_000
"""Longest reason of a judgement, in characters."""


class Judgements:
    """Takes judgements and settles by them at once."""

    def __init__(
        self,
        store: EvidenceStore,
        judgements: JudgementStore,
        policies: Policies,
        settlement: Settlement,
        turns: Turns,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._judgements = judgements
        self._policies = policies
        self._settlement = settlement
        self._turns = turns
        self._clock = clock
        self._ids = ids

    async def judge(
        self, scope: SpaceScope, verdict: Verdict, a: Identifier, b: Identifier, reason: str
    ) -> tuple[Judgement, Sequence[RecordedChange]]:
        """Judge two identifiers, which are normalised and not withheld.

        An identifier that was not seen yet is waited for. Returns the changes that this made.
        Raises FieldInvalid, and TooLarge where a component is over-connected.
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

        async def attempt() -> Sequence[RecordedChange] | None:
            return await self._settle(scope, made, None)

        return made, await self._until_written(scope, attempt)

    async def withdraw(
        self, scope: SpaceScope, judgement: str, reason: str
    ) -> tuple[Judgement, Sequence[RecordedChange]]:
        """Withdraw a judgement; partition and ids are what they would be without it.

        Raises NotFound, FieldInvalid when it was withdrawn before, and TooLarge.
        """
        _check_reason(reason)
        made = await self._judgements.find(scope.space, judgement)
        if made is None:
            raise NotFound(
                f"There is no judgement “{judgement}” in this space.",
                remedy="The list of judgements has their ids.",
            )
        if made.withdrawn_at is not None:
            raise FieldInvalid("id", f"The judgement was withdrawn before, by {made.withdrawn_by}.")
        withdrawal = Withdrawal(made.id, self._clock(), scope.author, reason)

        async def attempt() -> Sequence[RecordedChange] | None:
            return await self._settle(scope, made, withdrawal)

        changes = await self._until_written(scope, attempt)
        return replace(made, withdrawn_at=withdrawal.at, withdrawn_by=withdrawal.author), changes

    async def _settle(
        self, scope: SpaceScope, judgement: Judgement, withdrawal: Withdrawal | None
    ) -> Sequence[RecordedChange] | None:
        """Write the judgement, or its withdrawal, and what follows. None: the policy changed."""
        in_force = await self._policies.in_force(scope)
        known = await self._store.read_known(
            scope.space, (), NewEvidence.of_identifiers((judgement.a, judgement.b))
        )
        is_known = judgement.a in known.identifiers and judgement.b in known.identifiers
        decision = await self._settlement.decide(
            scope,
            in_force,
            NewEvidence(judgements=[] if withdrawal else [judgement]),
            touched=starts({i: s for i, s in known.identifiers.items() if i not in known.blocked}),
            withdrawn=judgement.id if withdrawal else None,
            across=True,
        )
        if decision is None:
            raise TooLarge(
                f"More than {in_force.policy.max_component:,} identifiers hang together here.",
                remedy="Block the value that joins them all, then judge again.",
            )
        batch = Batch(scope.space, in_force.version, self._clock())
        batch.blocked = decision.blocked
        if withdrawal:
            batch.withdrawn.append(withdrawal)
            cause = f"judgement:{judgement.id} withdrawn"
        else:
            batch.made.append(judgement)
            batch.judged.extend([judgement] if is_known else [])
            cause = f"judgement:{judgement.id}"
        found = self._settlement.difference(decision, in_force.policy)
        entries = self._settlement.entries(found.changes, lambda _: cause)
        written = await self._store.write_settlement(
            batch, decision.region, decision.question.evidence.identifiers, found, entries
        )
        if not written:
            self._policies.forget(scope)
            return None
        return [_recorded(entry, batch) for entry in entries]

    async def _until_written(
        self, scope: SpaceScope, attempt: Callable[[], Awaitable[Sequence[RecordedChange] | None]]
    ) -> Sequence[RecordedChange]:
        for number in range(MAX_ATTEMPTS):
            try:
                async with self._turns.of(scope):
                    changes = await attempt()
                if changes is not None:
                    return changes
            except Stale:
                pass
            await step_back(number)
        raise Unavailable(
            "The same customers are being changed by too many at once.", remedy="Try again."
        )


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise FieldInvalid("reason", "A judgement needs a reason: say how you know.")
    if len(reason) > MAX_REASON:
        raise FieldInvalid("reason", f"The reason is longer than {MAX_REASON:,} characters.")


def _recorded(entry: LedgerEntry, batch: Batch) -> RecordedChange:
    return RecordedChange(
        id=entry.id,
        kind=ChangeKind(entry.kind),
        at=batch.now,
        customer_id=entry.customer_id,
        other_customer_id=entry.other_id,
        identifier_keys=tuple(identifier_key(batch.space, i) for i in entry.identifiers),
        cause=entry.cause,
        policy_version=batch.policy_version,
    )
