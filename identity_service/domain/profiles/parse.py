"""The text of profiles: YAML in, `Profiles` or every mistake out.

`vocabulary` has the words that may stand there, and what they mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from identity_service.domain.policies.field_reader import (
    shown,
)
from identity_service.domain.policies.yaml_text import read_yaml
from identity_service.domain.profiles.definitions import (
    Aggregate,
    Arithmetic,
    Audience,
    Feature,
    InAudience,
    Members,
    Of,
    Operation,
    Profiles,
    Take,
    TraitRule,
    parts_of,
)
from identity_service.domain.profiles.plan import audience_needs, feature_needs
from identity_service.domain.profiles.read_audiences import AudienceReader
from identity_service.domain.profiles.read_selections import meant_name
from identity_service.domain.profiles.searched import MAX_SEARCHED
from identity_service.domain.profiles.vocabulary import (
    TRAIT,
)
from identity_service.domain.traits import MAX_NAME
from identity_service.errors import ProfilesInvalid

MAX_PROFILES_BYTES: Final = 256 * 1024
"""Longest text that is read."""

MAX_TRAIT_RULES: Final = 1_000
"""Most traits that have a rule."""

_SECTIONS: Final = ("traits", "features", "account_features", "audiences")


def parse_profiles(text: str) -> Profiles:
    """Read a text of profiles. Raises ProfilesInvalid with every mistake, each at its path."""
    data, slips = read_yaml(text, name="profiles", max_bytes=MAX_PROFILES_BYTES, exact=True)
    if data is None and slips:
        raise ProfilesInvalid(tuple(slips))
    return _read(data, _Reading(problems=slips))


def parse_profiles_mapping(data: object) -> Profiles:
    """Read profiles inside other YAML, whose numbers are exact. Raises ProfilesInvalid."""
    return _read(data, _Reading())


def _read(data: object, reading: _Reading) -> Profiles:
    profiles = reading.profiles(data)
    if reading.problems:
        raise ProfilesInvalid(tuple(reading.problems))
    return profiles


@dataclass(slots=True)
class _Reading(AudienceReader):
    """The document as a whole, and the rules over several of its names."""

    def profiles(self, data: object) -> Profiles:
        fields = self.mapping({} if data is None else data, "", _SECTIONS)
        features = self.features(fields, "features", Of.CUSTOMERS)
        account_features = self.features(fields, "account_features", Of.ACCOUNTS)
        self.features_of = {Of.CUSTOMERS: features, Of.ACCOUNTS: account_features}
        audiences = self.audiences(fields)
        self.check_features(features, "features")
        self.check_features(account_features, "account_features")
        self.check_audiences(audiences)
        return Profiles(
            traits=self.traits(fields),
            features=features,
            account_features=account_features,
            audiences=audiences,
            warnings=tuple(self.warnings),
        )

    def traits(self, fields: Mapping[str, Any]) -> dict[str, TraitRule]:
        rules: dict[str, TraitRule] = {}
        for name, value in self.section(fields, "traits", MAX_TRAIT_RULES).items():
            path = f"traits.{name}"
            if not name or len(name) > MAX_NAME:
                self.note(path, f"is no name of a trait: 1 to {MAX_NAME} characters")
            rule = self.mapping(value, path, tuple(TRAIT))
            if value == {}:
                self.note(path, "says nothing: write take, prefer or search")
            take = self.choice(rule, "take", path, Take) or Take.LATEST
            search = rule.get("search", False)
            if not isinstance(search, bool):
                self.note(f"{path}.search", f"{shown(search)} is neither true nor false")
            rules[name] = TraitRule(take, self.texts(rule, "prefer", path), search is True)
        searched = [name for name, rule in rules.items() if rule.search]
        for name in searched[MAX_SEARCHED:]:
            self.note(f"traits.{name}.search", f"is one more than {MAX_SEARCHED} that are possible")
        return rules

    def check_features(self, features: Mapping[str, Feature], section: str) -> None:
        for name, feature in features.items():
            if not isinstance(feature, Arithmetic):
                self.warn_feature_read_as_step(feature, features, f"{section}.{name}")
                continue
            for at, operand in enumerate(feature.operands):
                if isinstance(operand, str) and operand not in features:
                    path = f"{section}.{name}.{feature.operation}.{at}"
                    self.note(
                        path, f"there is no feature {shown(operand)}{meant_name(operand, features)}"
                    )
        self.check_no_cycle(feature_needs(features), section)

    def warn_feature_read_as_step(
        self, feature: Aggregate, features: Mapping[str, Feature], path: str
    ) -> None:
        for step in sorted(feature.selection.steps or ()):
            if step in features:
                self.warn(
                    path,
                    f"reads events of the step {step}, not the feature of that name: only"
                    f" {', '.join(Operation)} compute with features",
                )

    def check_no_cycle(self, needs: Mapping[str, Iterable[str]], section: str) -> bool:
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1]
            self.note(
                f"{section}.{cycle[0]}",
                f"is computed from itself: {' ← '.join(cycle)}",
            )
            return False
        return True

    def check_audiences(self, audiences: Mapping[str, Audience]) -> None:
        if not self.check_no_cycle(audience_needs(audiences), "audiences"):
            return
        of_customers = {n: a for n, a in audiences.items() if a.of is Of.CUSTOMERS}
        asks_accounts: set[str] = set()
        needs = audience_needs(of_customers)
        for name in TopologicalSorter(needs).static_order():
            if any(
                self.audience_of.get(n) is Of.ACCOUNTS or n in asks_accounts
                for n in needs.get(name, ())
            ):
                asks_accounts.add(name)
        for name, audience in audiences.items():
            for part in parts_of(audience.who):
                if isinstance(part, Members):
                    self.check_members(part, asks_accounts, f"audiences.{name}.who")

    def check_members(self, members: Members, asks_accounts: set[str], path: str) -> None:
        for part in parts_of(members.condition):
            if not isinstance(part, InAudience):
                continue
            if part.audience in asks_accounts or self.audience_of.get(part.audience) is Of.ACCOUNTS:
                self.note(
                    path,
                    f"asks members for {part.audience}, which asks accounts again: ask members only"
                    " for what customers do and are",
                )
