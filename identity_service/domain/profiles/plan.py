"""A text of profiles made ready: in which order its names are computed, and what needs what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import TopologicalSorter
from typing import NamedTuple

from identity_service.domain.profiles.conditions import Check, ready
from identity_service.domain.profiles.definitions import (
    Aggregate,
    Arithmetic,
    Audience,
    Condition,
    Feature,
    FeatureIs,
    InAudience,
    Members,
    Of,
    Profiles,
    parts_of,
)
from identity_service.domain.profiles.functions import OF_A_PROPERTY
from identity_service.domain.profiles.predicates import Getter, getter
from identity_service.domain.profiles.timeline import Reader


class ReadyFeature:
    """A feature of occurrences, made ready: `get` reads its property (None: it reads none)."""

    __slots__ = ("feature", "get", "reader")

    def __init__(self, feature: Aggregate) -> None:
        self.feature = feature
        reads = feature.function in OF_A_PROPERTY
        self.get: Getter | None = getter(feature.property or "") if reads else None
        self.reader = Reader(feature.selection, reads_properties=reads)


class ReadyAudience(NamedTuple):
    """An audience and its condition, made ready."""

    audience: Audience
    check: Check


class Wanted(NamedTuple):
    """Names to compute, in an order in which each comes after those that it needs."""

    features: tuple[str, ...]
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """`customers` and `accounts`: all that is computed of one.

    `members`: what account audiences ask of members. `accounts_of_customers`: what audiences of
    customers ask of accounts.
    """

    features: Mapping[str, ReadyFeature | Arithmetic]
    account_features: Mapping[str, ReadyFeature | Arithmetic]
    audiences: Mapping[str, ReadyAudience]
    customers: Wanted
    accounts: Wanted
    members: Wanted
    accounts_of_customers: Wanted


@lru_cache(maxsize=64)
def plan_of(profiles: Profiles) -> Plan:
    """The plan of a text, made once."""
    enabled = {name: a for name, a in profiles.audiences.items() if a.enabled}
    order = [n for n in TopologicalSorter(audience_needs(enabled)).static_order() if n in enabled]
    customers = [name for name in order if enabled[name].of is Of.CUSTOMERS]
    accounts = [name for name in order if enabled[name].of is Of.ACCOUNTS]
    all_of_customers = Wanted(_feature_order(profiles.features), tuple(customers))
    all_of_accounts = Wanted(_feature_order(profiles.account_features), tuple(accounts))
    asked_of_members = [p.condition for p in _parts(accounts, enabled) if isinstance(p, Members)]
    asked_of_accounts = [p for p in _parts(customers, enabled) if isinstance(p, InAudience)]
    return Plan(
        features={n: _ready_feature(f) for n, f in profiles.features.items()},
        account_features={n: _ready_feature(f) for n, f in profiles.account_features.items()},
        audiences={n: ReadyAudience(a, ready(a.who)) for n, a in enabled.items()},
        customers=all_of_customers,
        accounts=all_of_accounts,
        members=_needed(asked_of_members, all_of_customers, profiles.features, enabled),
        accounts_of_customers=_needed(
            asked_of_accounts, all_of_accounts, profiles.account_features, enabled
        ),
    )


def feature_needs(features: Mapping[str, Feature]) -> dict[str, list[str]]:
    """The features that each feature is computed from."""
    return {
        name: [o for o in feature.operands if isinstance(o, str)]
        if isinstance(feature, Arithmetic)
        else []
        for name, feature in features.items()
    }


def audience_needs(audiences: Mapping[str, Audience]) -> dict[str, list[str]]:
    """The audiences that the condition of each audience names, also in what it asks of members."""
    return {
        name: [p.audience for p in _deep_parts(audience.who) if isinstance(p, InAudience)]
        for name, audience in audiences.items()
    }


def _feature_order(features: Mapping[str, Feature]) -> tuple[str, ...]:
    return tuple(TopologicalSorter(feature_needs(features)).static_order())


def _ready_feature(feature: Feature) -> ReadyFeature | Arithmetic:
    return ReadyFeature(feature) if isinstance(feature, Aggregate) else feature


def _parts(names: Iterable[str], audiences: Mapping[str, Audience]) -> Iterator[Condition]:
    for name in names:
        yield from parts_of(audiences[name].who)


def _deep_parts(condition: Condition) -> Iterator[Condition]:
    for part in parts_of(condition):
        yield part
        if isinstance(part, Members):
            yield from _deep_parts(part.condition)


def _needed(
    roots: Iterable[Condition],
    of_kind: Wanted,
    features: Mapping[str, Feature],
    audiences: Mapping[str, Audience],
) -> Wanted:
    """What some conditions need, of all that is computed of a customer, or of an account."""
    needed_features: set[str] = set()
    needed_audiences: set[str] = set()
    open_conditions = list(roots)
    while open_conditions:
        for part in parts_of(open_conditions.pop()):
            match part:
                case FeatureIs(name):
                    needed_features.add(name)
                case InAudience(name) if name in of_kind.audiences:
                    if name not in needed_audiences:
                        needed_audiences.add(name)
                        open_conditions.append(audiences[name].who)
                case _:
                    pass
    operands = feature_needs(features)
    for name in reversed(of_kind.features):
        if name in needed_features:
            needed_features.update(operands[name])
    return Wanted(
        tuple(name for name in of_kind.features if name in needed_features),
        tuple(name for name in of_kind.audiences if name in needed_audiences),
    )
