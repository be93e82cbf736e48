"""A sender's report that two ids are one person: an alias, or RudderStack's merge call.

A write key cannot join two accounts, so the second id of such a report is kept as an
`anonymous_id`. What the report says can still be read, and an agent can judge by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from identity_service.domain.identifiers import Identifier
from identity_service.domain.timestamps import iso_date

_ACCOUNT, _ANONYMOUS = "user_id", "anonymous_id"


@dataclass(frozen=True, slots=True)
class MergeReport:
    """An alias or merge call: when it happened, in milliseconds since 1970, and who sent it."""

    at: int
    source: str


def reported_pairs(a: Identifier, b: Identifier) -> list[tuple[Identifier, Identifier]]:
    """The pairs that an event carries which reports two identifiers as one person.

    Each id may stand there as an account or as the anonymous id that it was kept as.
    """
    return [(x, y) for x, y in product(_kept_as(a), _kept_as(b)) if x.value != y.value]


def describe_report(report: MergeReport, a: Identifier, b: Identifier) -> str:
    """What was reported of two identifiers that are apart, and what can be done."""
    on = iso_date(report.at)
    return (
        f"An alias or merge call of {on} from {report.source} reports {a.value} and {b.value} as "
        "one person. A sender cannot join two accounts: if it is right, judge them the same."
    )


def _kept_as(identifier: Identifier) -> list[Identifier]:
    if identifier.type not in {_ACCOUNT, _ANONYMOUS}:
        return [identifier]
    return [Identifier(_ACCOUNT, identifier.value), Identifier(_ANONYMOUS, identifier.value)]
