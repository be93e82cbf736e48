"""What a source would send, shown instead of sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import orjson

from identity_service.cli.output import print_json, print_line
from identity_service.domain.events import Rejection, ReportedEvent
from identity_service.domain.timestamps import iso

SHOWN: Final = 10
"""How many calls a dry run shows."""

Shown: TypeAlias = tuple[str, ReportedEvent | Rejection]
"""Where a call comes from, and the call, or why there is none."""


def show_calls(calls: Iterable[Shown], *, as_json: bool) -> None:
    """Print calls, one to a paragraph, or as JSON."""
    if as_json:
        print_json([_as_json(*each) for each in calls])
        return
    for where, each in calls:
        if isinstance(each, Rejection):
            print_line(f"{where}: rejected as {each.code}. {each.message}")
            continue
        name = f" “{each.name}”" if each.name else ""
        print_line(f"{where}: {each.type}{name} at {iso(each.at)}")
        print_line(f"  {', '.join(f'{i.type}:{i.value}' for i in each.identifiers)}")
        if each.properties:
            print_line(f"  {orjson.dumps(each.properties).decode()}")


def _as_json(where: str, each: ReportedEvent | Rejection) -> dict[str, Any]:
    if isinstance(each, Rejection):
        return {"from": where, "rejected": each.code, "message": each.message}
    return {
        "from": where,
        "type": each.type,
        "name": each.name,
        "at": iso(each.at),
        "messageId": each.message_id,
        "identifiers": [{"type": i.type, "value": i.value} for i in each.identifiers],
        "accountId": each.account_id,
        "properties": dict(each.properties),
    }
