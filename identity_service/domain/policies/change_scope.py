"""What a change of policy can reach, and what not, read off the two policies alone.

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


def kept_by_events(before: Policy | None, after: Policy) -> tuple[str, ...]:
    """What stored events keep although a new policy would withhold it, a sentence for each type.

    `per_event` decides when an event is received: a policy that adds or lowers it takes nothing
    from the events that are stored. `before` None stands for any policy without it.
    """
    types = sorted({*(before.rules if before else ()), *after.rules})
    stricter = [f"types.{kind}" for kind in types if _is_stricter(before, after, kind)]
    if _is_stricter(before, after, _NO_TYPE):
        stricter.append("other")
    return tuple(
        f"{path}.per_event counts on the events that come from now on:"
        " those that are stored keep the identifiers that they have."
        for path in stricter
    )


def _is_stricter(before: Policy | None, after: Policy, kind: str) -> bool:
    most, had = _per_event(after, kind), _per_event(before, kind) if before else None
    return most is not None and (had is None or most < had)


def _per_event(policy: Policy, kind: str) -> int | None:
    rule = policy.rule_of(kind)
    return rule.per_event if rule else None


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
