"""The evidence that profiles are computed from: events, reported traits, consents, accounts.

Times are milliseconds since 1970, UTC. `json` in a name means JSON text, as it was stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from identity_service.domain.events import EventOrder
from identity_service.domain.resolution.id_register import CustomerKind


class ProfileEvent(NamedTuple):
    """An event of a customer. A tuple, since an evaluation reads very many.

    `properties_json` holds a JSON object; `traits_json` too, of events that carry traits.
    """

    order: EventOrder
    message_id: str
    type: str
    step: str | None = None
    name: str | None = None
    properties_json: str = "{}"
    traits_json: str | None = None
    source: str = ""
    channel: str | None = None
    account_id: str | None = None

    @property
    def at(self) -> int:
        """When it happened."""
        return self.order.at


class ReportedValue(NamedTuple):
    """A value of a trait, as an event reported it; None removes the trait.

    `value` is decoded JSON whose numbers are integers and decimals (`values.read_json`).
    `limited`: it is the word of a limited source, without a proof.
    """

    order: EventOrder
    source: str
    value: Any
    limited: bool = False


@dataclass(frozen=True, slots=True)
class CustomerEvidence:
    """All that is known of one customer.

    Events and reported values come in any order; an event that stands twice counts once.
    `identifier_types` are those of its identifiers. `consents`: purpose, and whether it was given.
    `accounts` is needed only where `Profiles.uses_accounts`.
    """

    customer_id: str
    kind: CustomerKind
    events: Sequence[ProfileEvent] = ()
    traits: Mapping[str, Sequence[ReportedValue]] = field(
        default_factory=dict[str, Sequence[ReportedValue]]
    )
    identifier_types: Collection[str] = frozenset()
    consents: Mapping[str, bool] = field(default_factory=dict[str, bool])
    accounts: Sequence[AccountEvidence] = ()


@dataclass(frozen=True, slots=True)
class AccountEvidence:
    """All that is known of one account.

    `events` are those that name it, by the customer whose they are. `traits` are those of the
    account, merged. `members` are the customers that belong to it now.
    """

    account_id: str
    events: Mapping[str, Sequence[ProfileEvent]] = field(
        default_factory=dict[str, Sequence[ProfileEvent]]
    )
    traits: Mapping[str, Any] = field(default_factory=dict[str, Any])
    members: Sequence[CustomerEvidence] = ()
