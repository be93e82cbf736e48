"""Traits by rule: which of the reported values is the trait, and which others there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from identity_service.domain.profiles.definitions import TraitRule
from identity_service.domain.profiles.occurrences import ReportedValue


@dataclass(frozen=True, slots=True)
class OtherValue:
    """A value of a trait by one source: when it was reported last, and how often."""

    value: Any
    source: str
    at: int
    times: int


@dataclass(frozen=True, slots=True)
class ChosenTrait:
    """A trait by its rule. `at` is when the value was reported, `source` by whom.

    `others`: every other value that was reported, by source, the latest first.
    """

    name: str
    value: Any
    source: str
    at: int
    rule: TraitRule
    others: tuple[OtherValue, ...] = ()


def choose_traits(
    rules: Mapping[str, TraitRule], reported: Mapping[str, Sequence[ReportedValue]], now: int
) -> dict[str, ChosenTrait]:
    """The traits of a customer by name, in alphabetical order; what was reported after `now` waits.

    A trait without a rule takes the latest value. Null removes what was reported before it. What a
    limited source says counts where nobody else says anything of that name.
    """
    raise NotImplementedError
