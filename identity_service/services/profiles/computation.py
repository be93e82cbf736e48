"""What has to be written so that stored profiles are what the evidence says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast

from identity_service.domain.profiles.consents import next_consent_at
from identity_service.domain.profiles.evaluate import Evaluation, FeatureValue, evaluate
from identity_service.domain.profiles.occurrences import CustomerEvidence
from identity_service.domain.profiles.searched import next_searched_at, searched_traits
from identity_service.domain.profiles.sorting import NOT_MOVED, Moved, Scalar, moved_between
from identity_service.domain.profiles.values import json_text, read_json
from identity_service.graph.profile_evidence import CustomerHead, StoredProfile
from identity_service.graph.profile_writes import FEATURE
from identity_service.graph.search import profile_properties
from identity_service.services.read.profile_evidence import accounts_of
from identity_service.services.spaces.profile_texts import ProfilesInForce

_LARGEST_INTEGER: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Customers that are computed together.

    `touched` of them were touched since they were computed, and of these the `marked` ones because
    of evidence; the others are due or have to be computed by another version. `position` is that of
    the ledger when they were found; `rolled_out`: all customers are computed by the text in force.
    """

    customers: Sequence[str]
    touched: Collection[str]
    marked: Collection[str]
    position: int
    rolled_out: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a customer's profile is now.

    `properties` are those of its node that differ from what is stored, and `moved` is what differs
    of the places of its values; `changed`: its values, audiences or version are among the former.
    """

    head: CustomerHead
    evidence: CustomerEvidence
    found: Evaluation
    properties: Mapping[str, Any]
    moved: Moved
    changed: bool

    @property
    def audiences(self) -> frozenset[str]:
        """Those that the customer is in."""
        return self.found.audiences


def compute(
    space: str,
    in_force: ProfilesInForce,
    heads: Iterable[CustomerHead],
    evidence: Mapping[str, CustomerEvidence],
    now: int,
    position: int,
    ticks_interval_ms: int,
) -> list[Outcome]:
    """Compute the profiles of customers, whose changes are known up to a position of the ledger."""
    return [
        _outcome(
            space, in_force, head, evidence[head.customer_id], now, position, ticks_interval_ms
        )
        for head in heads
        if head.customer_id in evidence
    ]


def only_ticked(outcome: Outcome, version: int) -> bool:
    """Whether a changed profile differs from what is stored in none but values that tick."""
    stored, found = outcome.head.profile, outcome.found
    if stored is None:
        return False
    before = _stored_values(stored)
    still = {name: _said(each) for name, each in found.features.items() if each.ticks is None}
    ticking = found.features.keys() - still.keys()
    return (
        (stored.version, frozenset(stored.audiences)) == (version, found.audiences)
        and before.keys() == found.features.keys()
        and {name: said for name, said in before.items() if name not in ticking} == still
    )


def values_text(features: Mapping[str, FeatureValue]) -> str:
    """The values of features as they are stored: JSON, by name."""
    return json_text({name: _said(value) for name, value in features.items()})


def _outcome(
    space: str,
    in_force: ProfilesInForce,
    head: CustomerHead,
    evidence: CustomerEvidence,
    now: int,
    at: int,
    ticks_interval_ms: int,
) -> Outcome:
    found = evaluate(in_force.profiles, evidence, now)
    again = None if found.ticks_at is None else now + ticks_interval_ms
    rules, reported = in_force.profiles.traits, evidence.traits
    searched_at = next_searched_at(rules, reported, now)
    moments = (found.next_at, next_consent_at(evidence.events, now), searched_at, again)
    properties: dict[str, Any] = {
        "evaluated_at": now,
        "ticks_at": found.ticks_at,
        "due": min((moment for moment in moments if moment is not None), default=None),
        "position": at,
        "rev": head.revision,
    }
    values, audiences = values_text(found.features), sorted(found.audiences)
    stored = head.profile
    accounts = accounts_of(evidence) if in_force.profiles.keeps_accounts() else []
    if list(stored.accounts if stored else ()) != accounts:
        properties["accounts"] = accounts or None
    searched = profile_properties(space, searched_traits(rules, reported, now))
    if (stored.searched if stored else None) != searched["searched"]:
        properties |= searched
    changed = stored is None or (stored.version, stored.values_json, list(stored.audiences)) != (
        in_force.version,
        values,
        audiences,
    )
    moved = NOT_MOVED
    if changed:
        said = {} if stored is None else _stored_values(stored)
        before = {name: _scalar(each.get("value")) for name, each in said.items()}
        after = {name: _scalar(each.value) for name, each in found.features.items()}
        moved = moved_between(before, after)
        properties |= {FEATURE + name: None for name in before}
        properties |= {FEATURE + name: value for name, value in after.items()}
        properties |= {"version": in_force.version, "values": values, "audiences": audiences}
    return Outcome(head, evidence, found, properties, moved, changed)


def _stored_values(stored: StoredProfile) -> dict[str, Any]:
    return cast("dict[str, Any]", read_json(stored.values_json))


def _said(value: FeatureValue) -> dict[str, Any]:
    said: dict[str, Any] = {"value": value.value}
    if value.skipped:
        said["skipped"] = value.skipped
    if value.truncated:
        said["truncated"] = True
    return said


def _scalar(value: object) -> Scalar | None:
    """A value as a property of a node, as near as there is one; None for lists and mappings."""
    match value:
        case bool() | str():
            return value
        case int() if abs(value) <= _LARGEST_INTEGER:
            return value
        case int() | Decimal():
            return float(Decimal(value))  # infinite where it is too large; an integer would raise
        case _:
            return None
