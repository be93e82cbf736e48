"""The text of a policy with one value more blocked, and everything else as it was."""

from __future__ import annotations

from typing import Any, Final

import yaml

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.parse import parse_stored_policy
from identity_service.domain.policies.yaml_text import LOADER

_KEY: Final = "blocked"
_BYTE_ORDER_MARK: Final = "\ufeff"


def with_blocked(text: str, identifier: Identifier) -> str:
    """A policy text that blocks one identifier besides, by its exact value and type.

    Comments and layout stay. `text` must be a policy without mistakes (PolicyInvalid is raised),
    and so is the result unless it is too long, which raises PolicyInvalid too.
    """
    parse_stored_policy(text)
    bare = text.removeprefix(_BYTE_ORDER_MARK)  # the parser counts it as a column
    added = text[: len(text) - len(bare)] + _with_entry(bare, _entry(identifier))
    parse_stored_policy(added)
    return added


def _entry(identifier: Identifier) -> str:
    return f"{{value: {_quoted(identifier.value)}, types: [{_quoted(identifier.type)}]}}"


def _quoted(text: str) -> str:
    """Text in double quotes, in one line, with whatever needs it escaped."""
    written: str = yaml.dump(text, default_style='"', allow_unicode=True, width=2**31)
    return written.rstrip("\n")


def _with_entry(text: str, entry: str) -> str:
    events: list[Any] = list(yaml.parse(text, Loader=LOADER))
    root, inside = events[2], events[3:]  # after the beginnings of stream and document
    start, indent = root.start_mark.index, " " * root.start_mark.column
    value = _value_of_key(inside)
    if value is not None:
        return _into_list(text, value, entry)
    if root.flow_style:
        return _insert(text, start + 1, f'"{_KEY}": [{entry}], ')
    lines = f"{_KEY}:\n{indent}  - {entry}\n"
    if _ends_open(inside):
        return f"{text}{'' if text.endswith(chr(10)) else chr(10)}{indent}{lines}"
    return _insert(text, start, f"{lines}{indent}")


def _ends_open(inside: list[Any]) -> bool:
    """Whether another key may follow at the end of the text, as people would write it."""
    document_end = next(e for e in inside if isinstance(e, yaml.DocumentEndEvent))
    scalars = [e for e in inside if isinstance(e, yaml.ScalarEvent)]
    return not document_end.explicit and scalars[-1].style not in {"|", ">"}


def _value_of_key(events: list[Any]) -> Any:
    """The event with which the value of `blocked` begins; None where there is no such key.

    `events` are those inside the outermost mapping and what follows it.
    """
    depth = 0
    is_key = True
    found = False
    for event in events:
        if depth == 0 and isinstance(event, yaml.MappingEndEvent):
            return None
        if depth == 0:
            if found and not is_key:
                return event
            found = is_key and event.value == _KEY
            is_key = not is_key
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def _into_list(text: str, value: Any, entry: str) -> str:
    start, end = value.start_mark.index, value.end_mark.index
    if isinstance(value, yaml.ScalarEvent):  # nothing, or `null`
        return f"{text[:start]}{'' if start < end else ' '}[{entry}]{text[end:]}"
    if value.flow_style:
        return _insert(text, start + 1, f"{entry}, ")
    return _insert(text, start, f"- {entry}\n{' ' * value.start_mark.column}")


def _insert(text: str, at: int, more: str) -> str:
    return f"{text[:at]}{more}{text[at:]}"
