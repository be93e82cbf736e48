"""Features, audiences and traits of customers by the profiles text of their space."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from identity_service.domain.profiles.definitions import TraitRule
from identity_service.domain.profiles.evaluate import FeatureValue, evaluate
from identity_service.domain.profiles.explain import (
    AudienceExplanation,
    FeatureExplanation,
    explain_audience,
    explain_feature,
)
from identity_service.domain.profiles.occurrences import CustomerEvidence, ProfileEvent
from identity_service.domain.profiles.traits_by_rule import ChosenTrait, choose_traits
from identity_service.domain.profiles.values import json_text
from identity_service.domain.recorded import RecordedEvent, SeenIdentifier, SettledCustomer
from identity_service.domain.traits import Trait
from identity_service.errors import IdentityServiceError, NotFound
from identity_service.graph.stored_profiles import StoredProfileReader, StoredProfileRow
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.data_loader import DataLoader
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.read.view import CustomerView
from identity_service.services.spaces.profile_texts import ProfilesInForce, ProfileTexts

T = TypeVar("T")

_READS_AT_ONCE: Final = 8
"""Customers whose events are read at a time: a thousand may be asked for their features."""


@dataclass(frozen=True, slots=True)
class CustomerProfile:
    """What the text of a version says of a customer at one instant.

    `evaluated_at` in milliseconds since 1970; `audiences` are in text order.
    """

    version: int
    evaluated_at: int
    features: Mapping[str, FeatureValue]
    audiences: Sequence[str]


@dataclass(frozen=True, slots=True)
class RuledTrait:
    """A trait that was chosen by a rule of the text, and whose event reported it."""

    chosen: ChosenTrait
    owner: SeenIdentifier


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose evidence is asked for, through which view; `with_accounts`: also of its accounts."""

    view: CustomerView
    customer_id: str
    with_accounts: bool
    customer: SettledCustomer = field(compare=False)


class CustomerProfiles:
    """Reads profiles that are stored and fresh, and computes all others from the evidence.

    Of the past they are what the text in force now says of the evidence of that moment. So are
    audiences computed each time that speak of accounts: other customers' events change them.
    """

    def __init__(self, texts: ProfileTexts, stored: StoredProfileReader, clock: Clock) -> None:
        self._texts = texts
        self._stored = DataLoader(stored.profiles)
        self._clock = clock
        self._one_by_one = asyncio.Semaphore(_READS_AT_ONCE)
        self._read: DataLoader[_Asked, CustomerEvidence | IdentityServiceError] = DataLoader(
            partial(_each, self._evidence)
        )
        self._computed: DataLoader[_Asked, CustomerProfile | IdentityServiceError] = DataLoader(
            partial(_each, self._evaluated)
        )

    async def profile(
        self, view: CustomerView, customer: SettledCustomer, *, with_audiences: bool
    ) -> CustomerProfile | None:
        """The profile of a customer; None where the space has no profiles text.

        Without `with_audiences` the audiences are not to be relied on: those that speak of
        accounts need the evidence of all their members. Raises TooLarge.
        """
        in_force = await self._texts.definitions(view.scope)
        if in_force is None:
            return None
        with_accounts = with_audiences and in_force.profiles.uses_accounts()
        if not with_accounts and customer.as_of is None:
            stored = await self._stored.get((view.scope.space, customer.customer_id))
            if stored and self._is_fresh(stored, in_force):
                return _stored_profile(stored, in_force)
        asked = _Asked(view, customer.customer_id, with_accounts, customer)
        return _result(await self._computed.get(asked))

    async def explain_feature(
        self, view: CustomerView, customer: SettledCustomer, name: str, most: int
    ) -> FeatureExplanation:
        """Which events made the value of a feature, at most `most`. Raises NotFound, TooLarge."""
        in_force, evidence = await self._evidence_for(view, customer, with_accounts=False)
        now = self._now(customer)
        return await _aside(
            evidence, lambda: explain_feature(in_force.profiles, evidence, now, name, most=most)
        )

    async def explain_audience(
        self, view: CustomerView, customer: SettledCustomer, name: str
    ) -> AudienceExplanation:
        """Which parts of the condition of an audience hold. Raises NotFound and TooLarge."""
        in_force, evidence = await self._evidence_for(view, customer, with_accounts=True)
        now = self._now(customer)
        return await _aside(
            evidence, lambda: explain_audience(in_force.profiles, evidence, now, name)
        )

    async def traits(
        self, view: CustomerView, customer: SettledCustomer
    ) -> list[Trait[SeenIdentifier]]:
        """The traits of a customer, by name: those of its events, chosen by rule where one speaks.

        Numbers of the latter are exact, as `values.read_json` reads them.
        """
        ruled, merged = await asyncio.gather(
            self.ruled_traits(view, customer), view.traits(customer)
        )
        found = [each for each in merged.items if each.name not in ruled]
        found += [
            Trait(name, each.chosen.value, each.chosen.at, each.chosen.source, each.owner)
            for name, each in ruled.items()
            if each is not None
        ]
        return sorted(found, key=lambda trait: trait.name) if ruled else found

    async def ruled_traits(
        self, view: CustomerView, customer: SettledCustomer
    ) -> dict[str, RuledTrait | None]:
        """By name, every trait for which the text has a rule; None where it has no value."""
        in_force = await self._texts.definitions(view.scope)
        if in_force is None or not in_force.profiles.traits:
            return {}
        rules = in_force.profiles.traits
        chosen = await self._chosen(view, customer, rules)
        ruled: dict[str, RuledTrait | None] = dict.fromkeys(rules)
        for name in rules:
            if found := chosen.get(name):
                ruled[name] = RuledTrait(found, await self._owner(view, customer, found))
        return ruled

    async def chosen_trait(
        self, view: CustomerView, customer: SettledCustomer, name: str
    ) -> ChosenTrait | None:
        """A trait with the rule that chose it and every other value; None where there is none."""
        in_force = await self._texts.definitions(view.scope)
        rules: Mapping[str, TraitRule] = in_force.profiles.traits if in_force else {}
        return (await self._chosen(view, customer, rules)).get(name)

    async def _chosen(
        self, view: CustomerView, customer: SettledCustomer, rules: Mapping[str, TraitRule]
    ) -> dict[str, ChosenTrait]:
        evidence = await self._evidence_of(view, customer)
        return await _aside(
            evidence, lambda: choose_traits(rules, evidence.traits, self._now(customer))
        )

    async def _owner(
        self, view: CustomerView, customer: SettledCustomer, chosen: ChosenTrait
    ) -> SeenIdentifier:
        """The identifier to which the event is attributed that reported the value of a trait."""
        evidence = await self._evidence_of(view, customer)
        _, reported = min(
            (json_text(value.value) != json_text(chosen.value), value.order)
            for value in evidence.traits[chosen.name]
            if (value.order.at, value.source) == (chosen.at, chosen.source)
        )
        event = next(each for each in evidence.events if each.order == reported)
        carried = await view.event_identifiers(recorded_event(event))
        return carried[0] if carried else customer.identifiers[0]

    async def _evidence_for(
        self, view: CustomerView, customer: SettledCustomer, *, with_accounts: bool
    ) -> tuple[ProfilesInForce, CustomerEvidence]:
        """The text in force, and the evidence of a customer. Raises NotFound without a text."""
        in_force = await self._texts.definitions(view.scope)
        if in_force is None:
            raise NotFound(f"The space “{view.scope.space}” has no profiles text.")
        needed = with_accounts and in_force.profiles.uses_accounts()
        read = await self._read.get(_Asked(view, customer.customer_id, needed, customer))
        return in_force, _result(read)

    async def _evidence_of(self, view: CustomerView, customer: SettledCustomer) -> CustomerEvidence:
        asked = _Asked(view, customer.customer_id, with_accounts=False, customer=customer)
        return _result(await self._read.get(asked))

    async def _evidence(self, asked: _Asked) -> CustomerEvidence:
        async with self._one_by_one:
            return await asked.view.profile_evidence(
                asked.customer, self._now(asked.customer), with_accounts=asked.with_accounts
            )

    async def _evaluated(self, asked: _Asked) -> CustomerProfile:
        in_force, evidence = await self._evidence_for(
            asked.view, asked.customer, with_accounts=asked.with_accounts
        )
        now = self._now(asked.customer)
        found = await _aside(evidence, lambda: evaluate(in_force.profiles, evidence, now))
        return CustomerProfile(in_force.version, now, found.features, sorted(found.audiences))

    def _is_fresh(self, stored: StoredProfileRow, in_force: ProfilesInForce) -> bool:
        """Whether it is still what the text in force says of the evidence."""
        moments = (stored.due, stored.ticks_at)
        is_due = any(each is not None and each <= self._clock() for each in moments)
        return stored.version == in_force.version and not stored.touched and not is_due

    def _now(self, customer: SettledCustomer) -> int:
        return self._clock() if customer.as_of is None else customer.as_of


def _stored_profile(stored: StoredProfileRow, in_force: ProfilesInForce) -> CustomerProfile:
    values = stored.features
    features = {name: values[name] for name in in_force.profiles.features if name in values}
    return CustomerProfile(
        in_force.version, stored.evaluated_at or 0, features, stored.audiences or ()
    )


def recorded_event(event: ProfileEvent) -> RecordedEvent:
    """An event of the evidence as it is shown."""
    at, received_at, place, key = event.order
    return RecordedEvent(
        key,
        event.message_id,
        event.type,
        event.name,
        at,
        received_at,
        place,
        event.source,
        event.properties_json,
    )


async def _each(
    work: Callable[[_Asked], Awaitable[T]], asked: Sequence[_Asked]
) -> dict[_Asked, T | IdentityServiceError]:
    """What becomes of each: a customer that has too many events fails alone."""

    async def outcome(each: _Asked) -> T | IdentityServiceError:
        try:
            return await work(each)
        except IdentityServiceError as error:
            return error

    return dict(zip(asked, await asyncio.gather(*map(outcome, asked)), strict=True))


def _result(outcome: T | IdentityServiceError | None) -> T:
    if isinstance(outcome, IdentityServiceError):
        raise outcome
    assert outcome is not None  # noqa: S101  (each that is asked for is answered)
    return outcome


async def _aside(evidence: CustomerEvidence, work: Callable[[], T]) -> T:
    """The result of work on all events of a customer; where they are many, of a thread's."""
    size = len(evidence.events) + sum(
        len(member.events) for account in evidence.accounts for member in account.members
    )
    return await offload_if_large(size, work)
