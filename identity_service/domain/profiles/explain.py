"""Why a feature has its value, and why a customer or account is in an audience or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import localcontext
from typing import Any, Final

from identity_service.domain.profiles.conditions import ready
from identity_service.domain.profiles.definitions import (
    AllConditions,
    AnyCondition,
    Arithmetic,
    Audience,
    Condition,
    Function,
    NotCondition,
    Of,
    Profiles,
)
from identity_service.domain.profiles.functions import (
    FeatureValue,
    contributed,
    decisive,
    read_property,
)
from identity_service.domain.profiles.occurrences import (
    AccountEvidence,
    CustomerEvidence,
    ProfileEvent,
)
from identity_service.domain.profiles.plan import ReadyFeature, plan_of
from identity_service.domain.profiles.subjects import AccountNow, CustomerNow
from identity_service.domain.profiles.timeline import Horizon
from identity_service.domain.profiles.values import EXACT
from identity_service.domain.profiles.words import condition_text
from identity_service.errors import NotFound

MOST_EVENTS: Final = 100
"""Most events that an explanation names, unless it is asked for fewer or more."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """An event that made the value, and what it contributed (None: that it happened)."""

    event: ProfileEvent
    value: Any


@dataclass(frozen=True, slots=True)
class FeatureExplanation:
    """Why a feature has its value.

    `events`: those that made it, the latest first; `more` counts further ones. `operands`: the
    features that it was computed from, which can be explained in turn.
    """

    name: str
    value: FeatureValue
    events: tuple[Contribution, ...] = ()
    more: int = 0
    operands: Mapping[str, FeatureValue] = field(default_factory=dict[str, FeatureValue])


@dataclass(frozen=True, slots=True)
class ConditionOutcome:
    """A part of the condition of an audience: its text, whether it holds, and its own parts.

    What is unknown does not hold, and is `unknown`.
    """

    text: str
    holds: bool
    unknown: bool = False
    parts: tuple[ConditionOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class AudienceExplanation:
    """Whether somebody is in an audience, and which parts of its condition hold.

    `member` can be false though the condition holds: of another kind, or not enabled; `reason`
    then says so.
    """

    name: str
    member: bool
    outcome: ConditionOutcome
    reason: str = ""


def explain_feature(
    profiles: Profiles,
    evidence: CustomerEvidence | AccountEvidence,
    now: int,
    name: str,
    *,
    most: int = MOST_EVENTS,
) -> FeatureExplanation:
    """Why a feature of a customer, or of an account, has its value. Raises NotFound."""
    plan = plan_of(profiles)
    of_customer = isinstance(evidence, CustomerEvidence)
    found = (plan.features if of_customer else plan.account_features).get(name)
    if found is None:
        raise NotFound(
            f"There is no feature “{name}”.",
            remedy="The text of profiles in force names its features.",
        )
    with localcontext(EXACT):
        subject = _computed(profiles, evidence, now)
        value = subject.features[name]
        if isinstance(found, Arithmetic):
            names = [operand for operand in found.operands if isinstance(operand, str)]
            return FeatureExplanation(
                name, value, operands={operand: subject.features[operand] for operand in names}
            )
        made_it = _contributions(found, subject)
    newest = made_it[::-1][:most]
    return FeatureExplanation(name, value, tuple(newest), len(made_it) - len(newest))


def explain_audience(
    profiles: Profiles, evidence: CustomerEvidence | AccountEvidence, now: int, name: str
) -> AudienceExplanation:
    """Which parts of an audience's condition hold for a customer or an account. Raises NotFound."""
    audience = profiles.audiences.get(name)
    of = Of.CUSTOMERS if isinstance(evidence, CustomerEvidence) else Of.ACCOUNTS
    if audience is None or audience.of is not of:
        raise NotFound(
            f"There is no audience “{name}” of {of}.",
            remedy="The text of profiles in force names its audiences.",
        )
    with localcontext(EXACT):
        subject = _computed(profiles, evidence, now)
        outcome = _outcome(audience.who, subject)
    reason = _kept_out(audience, evidence) if outcome.holds else ""
    return AudienceExplanation(name, name in subject.audiences, outcome, reason)


def _computed(
    profiles: Profiles, evidence: CustomerEvidence | AccountEvidence, now: int
) -> CustomerNow | AccountNow:
    plan = plan_of(profiles)
    if isinstance(evidence, AccountEvidence):
        account = AccountNow(profiles, evidence, Horizon(now))
        account.compute(plan.accounts)
        return account
    customer = CustomerNow(profiles, evidence, Horizon(now))
    customer.compute_accounts()
    customer.compute(plan.customers)
    return customer


def _contributions(found: ReadyFeature, subject: CustomerNow | AccountNow) -> list[Contribution]:
    """What made the value, in the order of events."""
    feature = found.feature
    occurrences = subject.timeline(feature.selection.by).select(found.reader)
    if found.get is not None:
        readings = read_property(feature, found.get, occurrences)
        return [
            Contribution(occurrence[0], contributed(feature, reading))
            for occurrence, reading in decisive(feature, readings)
        ]
    if feature.function in (Function.FIRST_AT, Function.SINCE_FIRST):
        occurrences = occurrences[:1]
    elif feature.function in (Function.LAST_AT, Function.SINCE_LAST):
        occurrences = occurrences[-1:]
    return [Contribution(event, None) for event, _, _ in occurrences]


def _outcome(condition: Condition, subject: CustomerNow | AccountNow) -> ConditionOutcome:
    parts: tuple[Condition, ...] = ()
    match condition:
        case AllConditions(inner) | AnyCondition(inner):
            parts = inner
        case NotCondition(part):
            parts = (part,)
        case _:
            pass
    holds = ready(condition)(subject)
    return ConditionOutcome(
        condition_text(condition),
        holds=holds is True,
        unknown=holds is None,
        parts=tuple(_outcome(part, subject) for part in parts),
    )


def _kept_out(audience: Audience, evidence: CustomerEvidence | AccountEvidence) -> str:
    if not audience.enabled:
        return "The audience is not enabled."
    if isinstance(evidence, CustomerEvidence) and evidence.kind not in audience.kinds:
        kinds = ", ".join(sorted(audience.kinds))
        return f"The audience takes customers of the kind {kinds}, and this one is {evidence.kind}."
    return ""
