"""Conditions in words, for explanations: short, and in the terms of the text."""

from __future__ import annotations

from typing import Final

from identity_service.domain.profiles.definitions import (
    AllConditions,
    AllOf,
    AnyCondition,
    AnyOf,
    By,
    Comparison,
    Condition,
    Consents,
    Did,
    FeatureIs,
    FollowUp,
    HasIdentifier,
    InAudience,
    Members,
    NotCondition,
    NotOf,
    Operator,
    Predicate,
    PropertyIs,
    Selection,
    Times,
    TraitIs,
    Unit,
)
from identity_service.domain.profiles.values import json_text
from identity_service.domain.timestamps import iso


def condition_text(condition: Condition) -> str:
    """What a condition asks; of `all`, `any` and `not` only this word, as their parts follow."""
    match condition:
        case AllConditions():
            return "all"
        case AnyCondition():
            return "any"
        case NotCondition():
            return "not"
        case Did():
            return _did(condition)
        case FeatureIs(name, comparisons):
            return f"feature {name} {_comparisons(comparisons)}"
        case TraitIs(name, comparisons):
            return f"trait {name} {_comparisons(comparisons)}"
        case HasIdentifier(identifier_type):
            return f"has {identifier_type}"
        case InAudience(audience):
            return f"in {audience}"
        case Consents(purpose):
            return f"consent to {purpose}"
        case Members(quantifier):
            return f"members: {quantifier}"


def duration_text(milliseconds: int) -> str:
    """A duration, in the largest unit in which it is whole."""
    for unit in reversed(Unit):
        if milliseconds % unit.milliseconds == 0:
            return f"{milliseconds // unit.milliseconds}{unit}"
    return f"{milliseconds / 1_000}s"


def _did(did: Did) -> str:
    said = f"did {_selection(did.selection)}"
    if did.then is not None:
        return f"{said}, then {_follow_up(did.then)}"
    if did.then_not is not None:
        return f"{said}, then not {_follow_up(did.then_not)}"
    return f"{said}{_times(did.times)}"


def _follow_up(follow_up: FollowUp) -> str:
    said = _selection(follow_up.selection)
    if follow_up.within is not None:
        said += f" within {duration_text(follow_up.within)}"
    return said if follow_up.same is None else f"{said} with the same {follow_up.same}"


def _times(times: Times) -> str:
    match times:
        case Times(least=1, most=None):
            return ""
        case Times(most=0):
            return ", never"
        case Times(least, None):
            return f", at least {least} times"
        case Times(None, most):
            return f", at most {most} times"
        case Times(least, most) if least == most:
            return f", {least} times"
        case Times(least, most):
            return f", {least} to {most} times"


def _selection(selection: Selection) -> str:
    if selection.call is not None:
        said = f"a call {selection.call}"
    else:
        said = "anything" if selection.steps is None else " or ".join(sorted(selection.steps))
    if selection.where is not None:
        said += f" where {_predicate(selection.where)}"
    window = selection.window
    if window.newest:
        oldest = duration_text(window.oldest or 0)
        said += f" between {oldest} and {duration_text(window.newest)} ago"
    elif window.oldest is not None:
        said += f" within {duration_text(window.oldest)}"
    if window.since is not None:
        said += f" since {iso(window.since)}"
    if selection.sources is not None:
        said += f" from {' or '.join(sorted(selection.sources))}"
    if selection.types is not None:
        said += f" by {' or '.join(sorted(selection.types))}"
    return said + " by members" if selection.by is By.MEMBERS else said


def _predicate(predicate: Predicate) -> str:
    match predicate:
        case PropertyIs(name, comparisons):
            return f"{name} {_comparisons(comparisons)}"
        case AllOf(parts):
            return " and ".join(map(_predicate, parts))
        case AnyOf(parts):
            return f"({' or '.join(map(_predicate, parts))})"
        case NotOf(part):
            return f"not ({_predicate(part)})"


def _comparisons(comparisons: tuple[Comparison, ...]) -> str:
    return " and ".join(map(_comparison, comparisons))


def _comparison(comparison: Comparison) -> str:
    operator, operand = comparison.operator, comparison.operand
    word = _WORDS.get(operator, operator.value)
    match operator:
        case Operator.EXISTS:
            return "exists" if operand else "is absent"
        case Operator.IN_LAST if isinstance(operand, int):
            return f"{word} {duration_text(operand)}"
        case Operator.BEFORE | Operator.AFTER if isinstance(operand, int):
            return f"{word} {iso(operand)}"
        case _:
            return f"{word} {json_text(operand)}"


_WORDS: Final = {
    Operator.NOT: "is not",
    Operator.NOT_IN: "is not in",
    Operator.IN: "is in",
    Operator.GT: ">",
    Operator.GTE: "≥",
    Operator.LT: "<",
    Operator.LTE: "≤",
    Operator.STARTS: "starts with",
    Operator.ENDS: "ends with",
    Operator.IN_LAST: "in the last",
}
