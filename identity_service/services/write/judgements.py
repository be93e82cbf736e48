"""Judgements: made or withdrawn, and settled by in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from identity_service.domain.explain import judgement_outcome
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import (
    AnyJudgement,
    Detachment,
    Judgement,
    Verdict,
    require_two,
)
from identity_service.domain.policies.policy import Policy
from identity_service.domain.recorded import RecordedChange
from identity_service.domain.resolution.subgraph import NewEvidence
from identity_service.errors import Contended, DoneBefore, FieldInvalid, NotFound
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.judgements import JudgementStore
from identity_service.graph.policies import PolicyStore
from identity_service.graph.write_rows import EvidenceWrite, Withdrawal
from identity_service.services.kit.clock import Clock, Ids
from identity_service.services.resolution.component_resolver import (
    ResolutionRequest,
    Starts,
    too_much,
)
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies, PolicyInForce
from identity_service.services.write.detachments import Detachments
from identity_service.services.write.settler import (
    Applied,
    Draft,
    OverConnected,
    Settler,
    Superseded,
)

MAX_REASON = 2_000
"""Longest reason of a judgement, in characters."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement that was made or withdrawn, what changed by it, and that in a sentence."""

    judgement: AnyJudgement
    changes: Sequence[RecordedChange]
    message: str


@dataclass(frozen=True, slots=True)
class _Act:
    """A judgement is made, or withdrawn.

    `again`: that is written already, but another writer may have brought an identifier of it
    meanwhile without knowing of it.
    """

    judgement: AnyJudgement
    withdrawal: Withdrawal | None = None
    again: bool = False

    @property
    def cause(self) -> str:
        """How changes name it."""
        return f"judgement:{self.judgement.id}{' withdrawn' if self.withdrawal else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _ActDraft(Draft):
    """An act, and the identifiers of its judgement that no event brought yet.

    `message` is what came of it, where that is known beforehand.
    """

    act: _Act
    unseen: Sequence[Identifier] = ()
    message: str | None = None

    def keeps_unsettled(self) -> bool:
        """Where the act itself is written already."""
        return self.act.again


class _WithdrawnMeanwhile(Exception):
    """Somebody withdrew the judgement that was just made."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What was written. `unseen` are identifiers that the judgement waits for."""

    changes: Sequence[RecordedChange]
    message: str
    unseen: Sequence[Identifier] = ()


class Judgements:
    """Makes and withdraws judgements, and settles by them at once.

    Where both identifiers have customers, the revisions of these show other writers that
    something changed. A judgement about an identifier without one raises a number of the space
    instead. Who writes new identifiers has read that number before, and is refused when it has
    changed meanwhile. If the identifier was written first, it is found once all transactions that
    were open then have ended: that is why such a judgement is applied again.
    """

    def __init__(
        self,
        store: EvidenceStore,
        judgements: JudgementStore,
        policy_store: PolicyStore,
        policies: Policies,
        settler: Settler,
        detachments: Detachments,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._judgements = judgements
        self._detachments = detachments
        self._policy_store = policy_store
        self._policies = policies
        self._settler = settler
        self._clock = clock
        self._ids = ids

    async def normalise(
        self, scope: SpaceScope, a: Identifier, b: Identifier
    ) -> tuple[Identifier, Identifier]:
        """Two identifiers as events would bring them.

        Raises FieldInvalid, at `a` or `b`, for one that the policy withholds.
        """
        in_force = await self._policies.in_force(scope)
        return in_force.normalised("a", a), in_force.normalised("b", b)

    async def judge(
        self, scope: SpaceScope, verdict: Verdict, a: Identifier, b: Identifier, reason: str
    ) -> Judged:
        """Judge two identifiers, which are as `normalise` gives them.

        One that was not seen yet is waited for. Raises FieldInvalid, and TooLarge where a
        component is over-connected.
        """
        if verdict is Verdict.DETACH:
            raise FieldInvalid("verdict", "DETACH is about an event: use `detach`.")
        require_two(a, b)
        check_reason(reason)
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

    async def detach(
        self, scope: SpaceScope, message_id: str, identifier: Identifier, reason: str
    ) -> Judged:
        """Judge that an identifier does not name the person on the events with a message id.

        It is normalised. Raises FieldInvalid, at `messageId` or `identifier`, where no such event
        carries it, and TooLarge.
        """
        check_reason(reason)
        in_force = await self._policies.in_force(scope)
        made = Detachment(
            id=self._ids("jdg"),
            a=in_force.normalised("identifier", identifier),
            message_id=message_id,
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
        check_reason(reason)
        made = await self._in_force(scope, judgement)
        withdrawal = Withdrawal(made, self._clock(), scope.author, reason)
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
        written = await self._apply(scope, act)
        if not written.unseen:
            return written.changes, written.message
        await self._policy_store.await_writers()
        found = await self._apply(scope, replace(act, again=True))
        return [*written.changes, *found.changes], found.message

    async def _apply(self, scope: SpaceScope, act: _Act) -> _Outcome:
        try:
            outcome = await self._settler.apply(scope, partial(self._draft, scope, act))
        except _WithdrawnMeanwhile:
            return _Outcome((), "The judgement was withdrawn again meanwhile.")
        match outcome:
            case Applied():
                changes = outcome.changes()
                policy = (await self._policies.in_force(scope)).policy
                message = _message(outcome, policy, changed=bool(changes))
                return _Outcome(changes, message, outcome.draft.unseen)
            case OverConnected():
                raise too_much(outcome.limit)
            case Superseded():
                raise Contended(remedy="Try again.")

    async def _draft(self, scope: SpaceScope, act: _Act, in_force: PolicyInForce) -> _ActDraft:
        if isinstance(act.judgement, Detachment):
            return await self._draft_of_events(scope, act, act.judgement, in_force)
        return await self._draft_of_two(scope, act, act.judgement)

    async def _draft_of_events(
        self, scope: SpaceScope, act: _Act, made: Detachment, in_force: PolicyInForce
    ) -> _ActDraft:
        drafted = (
            await self._detachments.withdraw(scope, in_force, made, act.withdrawal)
            if act.withdrawal
            else await self._detachments.detach(scope, in_force, made)
        )
        return _ActDraft(
            cause=act.cause,
            act=act,
            evidence=drafted.evidence,
            request=drafted.request,
            confirm=partial(self._check, scope, act),
            message=drafted.message,
        )

    async def _draft_of_two(self, scope: SpaceScope, act: _Act, made: Judgement) -> _ActDraft:
        ends = (made.a, made.b)
        known = await self._store.read_known(scope.space, (), NewEvidence.of_identifiers(ends))
        unseen = [end for end in ends if end not in known.identifiers]
        if act.again and unseen:
            return _ActDraft(evidence=None, cause=act.cause, act=act, unseen=unseen)
        seen = {i: stored for i, stored in known.identifiers.items() if i not in known.blocked}
        return _ActDraft(
            cause=act.cause,
            act=act,
            unseen=unseen,
            evidence=EvidenceWrite(
                made=[] if act.withdrawal or act.again else [made],
                withdrawn=[act.withdrawal] if act.withdrawal else [],
                in_effect=[] if act.withdrawal or unseen else [made],
                judgements_rev=known.judgements_rev,
                touches_unclaimed=any(
                    end in unseen or known.identifiers[end].customer is None for end in ends
                ),
            ),
            request=ResolutionRequest(
                Starts.of(seen),
                NewEvidence(judgements=[] if act.withdrawal else [made]),
                withdrawn=made.id if act.withdrawal else None,
                cross_boundary=True,
            ),
            confirm=partial(self._check, scope, act),
        )

    async def _check(self, scope: SpaceScope, act: _Act) -> None:
        """Raise when somebody else withdrew the judgement.

        Whoever withdraws it after this check changes what the decision rests on, so that nothing
        is written.
        """
        if act.withdrawal and not act.again:
            await self._in_force(scope, act.judgement.id)
        elif act.again and not act.withdrawal and not await self._stands(scope, act.judgement):
            raise _WithdrawnMeanwhile

    async def _stands(self, scope: SpaceScope, judgement: AnyJudgement) -> bool:
        found = await self._judgements.find(scope.space, judgement.id)
        return found is not None and found.withdrawn_at is None

    async def _in_force(self, scope: SpaceScope, judgement: str) -> AnyJudgement:
        """A judgement that is not withdrawn. Raises NotFound and FieldInvalid."""
        found = await self._judgements.find(scope.space, judgement)
        if found is None:
            raise NotFound(
                f"There is no judgement “{judgement}” in this space.",
                remedy="The list of judgements has their ids.",
            )
        if found.withdrawn_at is not None:
            raise DoneBefore("id", f"The judgement was withdrawn before, by {found.withdrawn_by}.")
        return found


def _message(applied: Applied[_ActDraft], policy: Policy, *, changed: bool) -> str:
    """What came of an act, and what else moved because of it."""
    act, unseen, resolved = applied.draft.act, applied.draft.unseen, applied.resolved
    if isinstance(act.judgement, Detachment):
        return applied.draft.message or ""
    if unseen and act.withdrawal:
        return "The judgement waits no more; nothing else changed."
    if unseen:
        return judgement_outcome.waits(unseen)
    if resolved is None:
        return "Too much is connected here to be settled by it."
    say = judgement_outcome.withdrawn if act.withdrawal else judgement_outcome.came_to
    evidence = resolved.resolution_input.evidence
    outcome = say(act.judgement, evidence, resolved.resolution, changed=changed)
    settlement = applied.write and applied.write.settlement
    if settlement is None:
        return outcome
    beside = judgement_outcome.beside(
        act.judgement,
        settlement.changes.moves,
        resolved.resolution_input.settled.customer_of,
        evidence,
        resolved.resolution,
        policy,
    )
    return f"{outcome} {beside}" if beside else outcome


def check_reason(reason: str) -> None:
    """Raises FieldInvalid for a reason that says nothing, or is too long."""
    if not reason.strip():
        raise FieldInvalid("reason", "A judgement needs a reason: say how you know.")
    if len(reason) > MAX_REASON:
        raise FieldInvalid("reason", f"The reason is longer than {MAX_REASON:,} characters.")
