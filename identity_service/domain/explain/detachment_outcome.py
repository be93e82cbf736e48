"""What a judgement about an event came to, as a sentence for the person who made or withdrew it.

`event` is how people call the event: its name, or its type.
"""

from __future__ import annotations

from collections.abc import Sequence

from identity_service.domain.identifiers import Identifier


def detached(
    event: str,
    identifier: Identifier,
    *,
    before: Identifier | None,
    after: Identifier | None,
    is_seen: bool,
) -> str:
    """Of an identifier that was just taken from an event.

    `before` and `after` are what the event belonged to and belongs to now; `is_seen` says whether
    another event carries the identifier.
    """
    if after is None:
        outcome = "nothing else is on it, so it belongs to nobody"
    elif after == before:
        outcome = f"it follows {after}, as before"
    else:
        outcome = f"it follows {after}"
    alone = "" if is_seen else f" No other event carries {identifier}: it is nobody's now."
    return f"“{event}” is no longer of {identifier}: {outcome}.{alone}"


def detached_before(event: str, identifier: Identifier, standing: Sequence[str]) -> str:
    """Of an identifier that was taken from an event before, by the judgements `standing`."""
    return (
        f"“{event}” was not of {identifier} before either ({', '.join(standing)});"
        " each judgement is withdrawn by itself."
    )


def withdrawn(
    event: str, identifier: Identifier, strongest: Identifier | None, standing: Sequence[str]
) -> str:
    """Of a judgement that was just withdrawn; `strongest`: what the event belongs to now."""
    if strongest is None:
        return f"“{event}” is still not of {identifier}: {', '.join(standing)} says the same."
    return f"“{event}” is of {identifier} again, and follows {strongest}."
