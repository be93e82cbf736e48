"""What profiles say of one customer or account at one instant: a pure function of its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import localcontext

from identity_service.domain.profiles.definitions import Profiles
from identity_service.domain.profiles.functions import FeatureValue
from identity_service.domain.profiles.occurrences import AccountEvidence, CustomerEvidence
from identity_service.domain.profiles.plan import plan_of
from identity_service.domain.profiles.subjects import AccountNow, CustomerNow
from identity_service.domain.profiles.timeline import Horizon
from identity_service.domain.profiles.values import EXACT

__all__ = ["Evaluation", "FeatureValue", "evaluate", "evaluate_account"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Values by the name of the feature, in the order of the text, and the audiences it is in.

    `next_at` is the first moment at which anything can change without an event (None: never).
    Nothing changes before it, but values that tick: the first of these does at `ticks_at`.
    """

    features: Mapping[str, FeatureValue] = field(default_factory=dict[str, FeatureValue])
    audiences: frozenset[str] = frozenset()
    next_at: int | None = None
    ticks_at: int | None = None


def evaluate(profiles: Profiles, evidence: CustomerEvidence, now: int) -> Evaluation:
    """The features and audiences of a customer at an instant."""
    wanted = plan_of(profiles).customers
    with localcontext(EXACT):
        customer = CustomerNow(profiles, evidence, Horizon(now))
        customer.compute_accounts()
        customer.compute(wanted)
    return _evaluation(
        {name: customer.features[name] for name in profiles.features},
        customer.audiences.intersection(wanted.audiences),
        customer.horizon,
    )


def evaluate_account(profiles: Profiles, evidence: AccountEvidence, now: int) -> Evaluation:
    """The account features and audiences of an account at an instant."""
    wanted = plan_of(profiles).accounts
    with localcontext(EXACT):
        account = AccountNow(profiles, evidence, Horizon(now))
        account.compute(wanted)
    return _evaluation(
        {name: account.features[name] for name in profiles.account_features},
        account.audiences,
        account.horizon,
    )


def _evaluation(
    features: Mapping[str, FeatureValue], audiences: Iterable[str], horizon: Horizon
) -> Evaluation:
    ticks = [each.ticks.at for each in features.values() if each.ticks is not None]
    return Evaluation(features, frozenset(audiences), horizon.at, min(ticks, default=None))
