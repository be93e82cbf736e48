"""What has to be written so that stored memberships of accounts are what the evidence says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from identity_service.domain.profiles.consents import next_consent_at
from identity_service.domain.profiles.evaluate import Evaluation, evaluate_account
from identity_service.domain.profiles.occurrences import AccountEvidence
from identity_service.graph.profile_evidence import StoredAccount
from identity_service.services.spaces.profile_texts import ProfilesInForce

_NOWHERE: Final = Evaluation()


@dataclass(frozen=True, slots=True)
class AccountOutcome:
    """The audiences that an account is in now.

    `properties` are those of its node, as far as they may differ from what is stored.
    """

    stored: StoredAccount
    evidence: AccountEvidence
    audiences: frozenset[str]
    properties: Mapping[str, Any]

    @property
    def account_id(self) -> str:
        """Its id."""
        return self.stored.account_id

    @property
    def differs(self) -> bool:
        """Whether it enters or leaves an audience."""
        return frozenset(self.stored.audiences) != self.audiences

    @property
    def members(self) -> list[str]:
        """Ids of the customers that belong to it now, in order."""
        return sorted(each.customer_id for each in self.evidence.members)

    @property
    def members_ever(self) -> list[str]:
        """Ids of those who belong to it now, or did when it was computed last."""
        return sorted({*self.members, *self.stored.members})

    def created_at(self, now: int) -> int:
        """When an event that names it was received first; `now` where none does any more."""
        received = (
            event.order.received_at for some in self.evidence.events.values() for event in some
        )
        return min(received, default=now)


def compute_accounts(
    in_force: ProfilesInForce,
    stored: Iterable[StoredAccount],
    evidence: Mapping[str, AccountEvidence],
    now: int,
    position: int,
) -> list[AccountOutcome]:
    """Compute accounts, whose changes are known up to a position of the ledger."""
    return [
        _outcome(
            in_force,
            each,
            evidence.get(each.account_id, AccountEvidence(each.account_id)),
            now,
            position,
        )
        for each in stored
    ]


def _outcome(
    in_force: ProfilesInForce,
    stored: StoredAccount,
    evidence: AccountEvidence,
    now: int,
    position: int,
) -> AccountOutcome:
    # An account without members is as a customer that is gone.
    is_kept = bool(evidence.members) and in_force.profiles.keeps_accounts()
    found = evaluate_account(in_force.profiles, evidence, now) if is_kept else _NOWHERE
    moments = [found.next_at, *(next_consent_at(each.events, now) for each in evidence.members)]
    properties: dict[str, Any] = {
        "version": in_force.version,
        "evaluated_at": now,
        "due": min((moment for moment in moments if moment is not None), default=None),
        "position": position,
        "events": sum(len(each.events) for each in evidence.members),
    }
    outcome = AccountOutcome(stored, evidence, found.audiences, properties)
    if outcome.differs:
        properties["audiences"] = sorted(found.audiences)
    if tuple(outcome.members) != stored.members:
        properties["members"] = outcome.members
    return outcome
