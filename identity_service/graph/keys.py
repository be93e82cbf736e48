"""Keys of nodes: every one begins with its space, so that no space can reach another's."""

from __future__ import annotations

from identity_service.domain.identifiers import Identifier


def identifier_key(space: str, identifier: Identifier) -> str:
    """`space/type:value`. Unambiguous: a space has no slash, a type no colon."""
    return f"{space}/{identifier.type}:{identifier.value}"


def identifier_of(key: str) -> Identifier:
    """The identifier that a key names."""
    kind, _, value = key[key.index("/") + 1 :].partition(":")
    return Identifier(kind, value)


def event_key(space: str, message_id: str) -> str:
    """`space/message id`."""
    return f"{space}/{message_id}"


def rejection_key(space: str, message_id: str | None, made: str) -> str:
    """`space/message id`; of an event that has none, `space/` and the id of its rejection."""
    return f"{space}/{made if message_id is None else message_id}"


def account_key(space: str, account_id: str) -> str:
    """`space/account id`."""
    return f"{space}/{account_id}"


def policy_key(space: str, version: int) -> str:
    """`space/version`."""
    return f"{space}/{version}"


def bounds(space: str) -> tuple[str, str]:
    """Two texts between which the keys of a space lie, and no other space's."""
    return f"{space}/", f"{space}0"  # the character after the slash
