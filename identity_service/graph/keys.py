"""Keys of nodes: every one begins with its space, so that no space can reach another's."""

from __future__ import annotations

from typing import NamedTuple

from identity_service.domain.events import EventIdentity, Rejection
from identity_service.domain.identifiers import Identifier
from identity_service.domain.profiles.definitions import Of


class DestinationKey(NamedTuple):
    """Which destination."""

    space: str
    name: str

    def __str__(self) -> str:
        return space_key(self.space, self.name)


def identifier_key(space: str, identifier: Identifier) -> str:
    """`space/type:value`. Unambiguous: a space has no slash, a type no colon."""
    return f"{space}/{identifier.type}:{identifier.value}"


def identifier_of(key: str) -> Identifier:
    """The identifier that a key names."""
    kind, _, value = key[key.index("/") + 1 :].partition(":")
    return Identifier(kind, value)


def space_key(space: str, rest: str) -> str:
    """The key of a node from what follows the space in it."""
    return f"{space}/{rest}"


def without_space(key: str) -> str:
    """A key of a node without its space and the slash."""
    return key[key.index("/") + 1 :]


def event_key(space: str, event: EventIdentity) -> str:
    """`space/message id`, a tab and the digest of the content: no message id holds a tab."""
    return f"{events_key(space, event.message_id)}{event.digest}"


def events_key(space: str, message_id: str) -> str:
    """What the keys of all events with a message id begin with, and no others."""
    return f"{earlier_event_key(space, message_id)}\t"


def earlier_event_key(space: str, message_id: str) -> str:
    """The key of an event that an earlier version wrote: the message id alone identifies it."""
    return f"{space}/{message_id}"


def event_key_range(space: str, message_id: str) -> list[str]:
    """Two texts, the lower one included, between which the keys lie of all events with a message
    id, of earlier versions too, and no others.
    """
    key = earlier_event_key(space, message_id)
    return [key, f"{key}\n"]  # the character after the tab; a message id has neither


def rejection_key(space: str, rejection: Rejection, made: str) -> str:
    """As `event_key`; of an event that has no message id, `space/` and the id of its rejection."""
    if rejection.message_id is None:
        return f"{space}/{made}"
    return event_key(space, EventIdentity(rejection.message_id, rejection.digest))


def account_key(space: str, account_id: str) -> str:
    """`space/account id`."""
    return f"{space}/{account_id}"


def policy_key(space: str, version: int) -> str:
    """`space/version`."""
    return f"{space}/{version}"


def audience_key(audience: str, of: Of) -> str:
    """An audience in keys of memberships: its name, and `:accounts` behind it where it has these.

    A name has no colon, so no account is taken for a customer that was in it by an earlier text.
    """
    return audience if of is Of.CUSTOMERS else f"{audience}:{of}"


def membership_key(space: str, audience: str, of: Of, member: str) -> str:
    """`space/audience/id of the member`: the members of an audience lie side by side."""
    return f"{space}/{audience_key(audience, of)}/{member}"


def feature_value_key(space: str, feature: str, value: str, customer: str) -> str:
    """`space/feature/value as text that sorts`, a zero character and the customer: the values of a
    feature lie side by side, in their order.
    """
    return f"{space}/{feature}/{value}\0{customer}"


def feature_value_bounds(space: str, feature: str) -> tuple[str, str]:
    """Two texts between which the keys of the values of a feature lie, and no others.

    Each begins with the first one.
    """
    return f"{space}/{feature}/", f"{space}/{feature}0"  # the character after the slash


def profiles_text_key(space: str, version: int) -> str:
    """`space/version`."""
    return f"{space}/{version}"


def bounds(space: str) -> tuple[str, str]:
    """Two texts between which the keys of a space lie, and no other space's."""
    return f"{space}/", f"{space}0"  # the character after the slash
