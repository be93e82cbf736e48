"""What another profiles text would change: who enters and leaves audiences, which values differ."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from identity_service.domain.profiles.evaluate import Evaluation, FeatureValue
from identity_service.domain.profiles.values import json_text

MAX_SAMPLE: Final = 10
"""Most that are named of each audience and of each feature: those with the first ids."""

_NOTHING: Final = FeatureValue(None)


@dataclass(frozen=True, slots=True)
class AudienceDifference:
    """How many are in an audience before and after, and how many enter and leave it.

    The samples hold ids of what it holds, in order: of who is in it after, who enters, who leaves.
    """

    name: str
    before: int
    after: int
    enter: int
    leave: int
    sample: Sequence[str]
    entering: Sequence[str]
    leaving: Sequence[str]


@dataclass(frozen=True, slots=True)
class ValueChange:
    """The value of a feature of a customer or an account, before and after."""

    id: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class FeatureDifference:
    """Of how many the value of a feature changes, and some of them, by id."""

    name: str
    changed: int
    sample: Sequence[ValueChange]


@dataclass(slots=True)
class _Sampled:
    """How many there are, and the first ones."""

    number: int = 0
    first: list[str] = field(default_factory=list[str])

    def add(self, id_: str) -> None:
        self.number += 1
        insort(self.first, id_)
        del self.first[MAX_SAMPLE:]


@dataclass(slots=True)
class _Audience:
    before: int = 0
    after: _Sampled = field(default_factory=_Sampled)
    entering: _Sampled = field(default_factory=_Sampled)
    leaving: _Sampled = field(default_factory=_Sampled)


@dataclass(slots=True)
class _Feature:
    changed: _Sampled = field(default_factory=_Sampled)
    values: dict[str, ValueChange] = field(default_factory=dict[str, ValueChange])


class Comparison:
    """Gathers differences, customer by customer or account by account, in any order.

    `features` and `audiences` are names in the order in which they are reported.
    """

    def __init__(self, features: Iterable[str], audiences: Iterable[str]) -> None:
        self.compared = 0
        self._features = {name: _Feature() for name in features}
        self._audiences = {name: _Audience() for name in audiences}

    def add(self, id_: str, before: Evaluation, after: Evaluation) -> None:
        """Count one in."""
        self.compared += 1
        for name, audience in self._audiences.items():
            was, is_ = name in before.audiences, name in after.audiences
            audience.before += was
            if is_:
                audience.after.add(id_)
            if is_ and not was:
                audience.entering.add(id_)
            if was and not is_:
                audience.leaving.add(id_)
        for name, feature in self._features.items():
            old = before.features.get(name, _NOTHING).value
            new = after.features.get(name, _NOTHING).value
            if json_text(old) != json_text(new):
                feature.changed.add(id_)
                feature.values[id_] = ValueChange(id_, old, new)
                if len(feature.values) > MAX_SAMPLE:
                    del feature.values[max(feature.values)]

    def audiences(self) -> list[AudienceDifference]:
        """What becomes of each audience."""
        return [
            AudienceDifference(
                name,
                each.before,
                each.after.number,
                each.entering.number,
                each.leaving.number,
                each.after.first,
                each.entering.first,
                each.leaving.first,
            )
            for name, each in self._audiences.items()
        ]

    def features(self) -> list[FeatureDifference]:
        """What becomes of each feature."""
        return [
            FeatureDifference(
                name, each.changed.number, [each.values[id_] for id_ in each.changed.first]
            )
            for name, each in self._features.items()
        ]
