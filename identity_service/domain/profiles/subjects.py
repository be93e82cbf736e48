"""A customer or an account at one instant: what conditions are asked of, as far as it is computed.

Decimals are computed in the context `values.EXACT`, which the caller enters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from identity_service.domain.profiles.definitions import Arithmetic, By, Profiles
from identity_service.domain.profiles.functions import FeatureValue, aggregate, calculate
from identity_service.domain.profiles.occurrences import (
    AccountEvidence,
    CustomerEvidence,
    ProfileEvent,
)
from identity_service.domain.profiles.plan import ReadyFeature, Wanted, plan_of
from identity_service.domain.profiles.timeline import Horizon, Timeline
from identity_service.domain.profiles.traits_by_rule import LATEST, choose_value
from identity_service.domain.resolution.id_register import CustomerKind


class Computed(ABC):
    """Features and audiences of a customer or an account, computed in the order of a plan."""

    kind: CustomerKind | None = None
    identifier_types: Collection[str] = ()
    consents: Mapping[str, bool] = {}

    def __init__(
        self,
        profiles: Profiles,
        events: Mapping[By, Mapping[str, Sequence[ProfileEvent]]],
        horizon: Horizon,
    ) -> None:
        """`events` are by the customer whose they are."""
        self.horizon = horizon
        self.features: dict[str, FeatureValue] = {}
        self.audiences: set[str] = set()
        self._profiles = profiles
        self._plan = plan_of(profiles)
        self._events = events
        self._timelines: dict[By, Timeline] = {}

    def timeline(self, by: By) -> Timeline:
        """Its events, sorted when they are first needed."""
        found = self._timelines.get(by)
        if found is None:
            found = self._timelines[by] = Timeline(self._events[by], self.horizon)
        return found

    def compute(self, wanted: Wanted) -> None:
        """Compute these features and audiences."""
        for name in wanted.features:
            self.features[name] = self._value(self.ready(name))
        for name in wanted.audiences:
            audience, check = self._plan.audiences[name]
            if (self.kind is None or self.kind in audience.kinds) and check(self):
                self.audiences.add(name)

    def _value(self, ready: ReadyFeature | Arithmetic) -> FeatureValue:
        if isinstance(ready, Arithmetic):
            return calculate(ready, self.features)
        occurrences = self.timeline(ready.feature.selection.by).select(ready.reader)
        return aggregate(ready.feature, ready.get, occurrences, self.horizon)

    @abstractmethod
    def ready(self, name: str) -> ReadyFeature | Arithmetic:
        """Its feature of that name."""

    @abstractmethod
    def trait(self, name: str) -> Any:
        """The value of a trait; None where it has none."""

    @abstractmethod
    def members(self) -> Sequence[CustomerNow]:
        """The customers that belong to it."""


class CustomerNow(Computed):
    """A customer at one instant."""

    def __init__(self, profiles: Profiles, evidence: CustomerEvidence, horizon: Horizon) -> None:
        super().__init__(profiles, {By.EVENT: {evidence.customer_id: evidence.events}}, horizon)
        self.kind = evidence.kind
        self.identifier_types = evidence.identifier_types
        self.consents = evidence.consents
        self._evidence = evidence
        self._traits: dict[str, Any] = {}

    def compute_accounts(self) -> None:
        """Compute of its accounts what audiences of customers ask."""
        wanted = self._plan.accounts_of_customers
        if not wanted.audiences:
            return
        for evidence in self._evidence.accounts:
            account = AccountNow(self._profiles, evidence, self.horizon)
            account.compute(wanted)
            self.audiences |= account.audiences

    def ready(self, name: str) -> ReadyFeature | Arithmetic:
        """A feature of customers."""
        return self._plan.features[name]

    def trait(self, name: str) -> Any:
        """The value by the rule of the trait; what is reported ahead waits for its time."""
        if name not in self._traits:
            reported = self._evidence.traits.get(name, ())
            for report in reported:
                self.horizon.may_change(report.order.at)
            rule = self._profiles.traits.get(name, LATEST)
            chosen = choose_value(rule, reported, self.horizon.now)
            self._traits[name] = None if chosen is None else chosen.value
        return self._traits[name]

    def members(self) -> Sequence[CustomerNow]:
        """Nobody belongs to a customer."""
        return ()


class AccountNow(Computed):
    """An account at one instant."""

    def __init__(self, profiles: Profiles, evidence: AccountEvidence, horizon: Horizon) -> None:
        of_members = {member.customer_id: member.events for member in evidence.members}
        super().__init__(profiles, {By.EVENT: evidence.events, By.MEMBERS: of_members}, horizon)
        self._evidence = evidence
        self._members: list[CustomerNow] | None = None

    def ready(self, name: str) -> ReadyFeature | Arithmetic:
        """A feature of accounts."""
        return self._plan.account_features[name]

    def trait(self, name: str) -> Any:
        """The value of a trait of the account."""
        return self._evidence.traits.get(name)

    def members(self) -> Sequence[CustomerNow]:
        """Its members, with what conditions ask of them."""
        if self._members is None:
            self._members = [
                CustomerNow(self._profiles, member, self.horizon)
                for member in self._evidence.members
            ]
            for member in self._members:
                member.compute(self._plan.members)
        return self._members
