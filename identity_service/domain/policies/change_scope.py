"""What a change of policy can reach, read off the two policies alone.

A part that is said to be reached may turn out to stay as it is; one that is not surely does.
"""

from __future__ import annotations

from dataclasses import dataclass

from identity_service.domain.policies.policy import Normaliser, Policy

_NO_TYPE = ""
"""No type has this name, so that it takes the rule `other`."""

_ANY_VALUE = (Normaliser.NONE, None, frozenset[str](), None)
"""What a type that has no rule asks of its values."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What has to be looked at again.

    `values`: which identifiers events observe (rule 1). `customers`: who is one
    customer (rules 2 to 7). `attribution`: which of its identifiers an event belongs to (rule 8).
    """

    values: bool
    customers: bool
    attribution: bool


EVERYTHING = Reach(values=True, customers=True, attribution=True)
"""What is looked at when it is not known what was in force before."""


def reach(before: Policy, after: Policy) -> Reach:
    """What can differ between two policies on the same evidence."""
    values = frozenset(before.blocked) != frozenset(after.blocked) or any(
        _value_rule(before, kind) != _value_rule(after, kind)
        for kind in {*before.rules, *after.rules, _NO_TYPE}
    )
    return Reach(
        values=values,
        customers=before != after,
        # A value that is given back or blocked may be the strongest of an event.
        attribution=values or _types_by_strength(before) != _types_by_strength(after),
    )


def _value_rule(policy: Policy, kind: str) -> object:
    rule = policy.rule_of(kind)
    return (rule.normalise, rule.format, rule.allow, rule.per_event) if rule else _ANY_VALUE


def _types_by_strength(policy: Policy) -> list[str]:
    """The types that the policy lists, strongest first; all others stand where `other` does."""
    priority = {kind: rule.priority for kind, rule in policy.rules.items()}
    if policy.other:
        priority[_NO_TYPE] = policy.other.priority
    listed = sorted(priority, key=priority.__getitem__)
    return listed if policy.other else [*listed, _NO_TYPE]
