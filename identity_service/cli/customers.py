"""A customer as the explorer's first question asks for it, and how it is shown."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final, TypeAlias

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from identity_service.domain.identifiers import Identifier
from identity_service.domain.timestamps import iso

CustomerJson: TypeAlias = dict[str, Any]
"""`customer` as GraphQL answers it; `__typename` says whether one was found."""

_EVENTS_SHOWN: Final = 8
_LONGEST: Final = 60


def who_is_this() -> str:
    """The GraphQL query, as the explorer has it ready."""
    queries = files("identity_service.api.graphql.explorer") / "queries"
    return (queries / "who_is_this.graphql").read_text(encoding="utf-8")


def variables(
    space: str, identifier: Identifier, as_of: int | None = None
) -> dict[str, str | None]:
    """What the query is to be asked with; `as_of` in milliseconds since 1970."""
    moment = None if as_of is None else iso(as_of)
    return {"space": space, "type": identifier.type, "value": identifier.value, "asOf": moment}


def panel(customer: CustomerJson, as_of: int | None = None) -> Panel:
    """A customer: its id, identifiers, traits and accounts, and its last events."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold")
    facts.add_column()
    facts.add_row("customer", Text(f"{customer['customerId']}  {customer['kind']}"))
    facts.add_row("seen", f"{_day(customer['firstSeen'])} to {_day(customer['lastSeen'])}")
    for label, lines in (
        ("identifiers", _identifiers(customer)),
        ("traits", [f"{t['name']}  {_short(t['value'])}" for t in customer["traits"]]),
        ("accounts", [str(account["accountId"]) for account in customer["accounts"]]),
        ("shared", [f"{i['type']}:{i['value']}" for i in customer["sharedDevices"]]),
        ("previous ids", customer["previousIds"]),
    ):
        if lines:
            facts.add_row(label, Text("\n".join(lines)))
    parts: list[RenderableType] = [facts]
    events = [edge["node"] for edge in customer["events"]["edges"]]
    if events:
        parts.append(_events(events[:_EVENTS_SHOWN], customer["eventCount"]))
    title = "customer" if as_of is None else f"customer as of {iso(as_of)}"
    return Panel(Group(*parts), title=title, title_align="left", expand=False)


def _identifiers(customer: CustomerJson) -> list[str]:
    listed = customer["identifiers"]
    lines = [
        f"{i['type']}:{i['value']}" + ("  (contested)" if i["contested"] else "") for i in listed
    ]
    more = customer["identifierCount"] - len(listed)
    return [*lines, f"and {more:,} more"] if more else lines


def _events(events: list[dict[str, Any]], count: int) -> Table:
    table = Table(
        title=f"the last {len(events)} of {count:,} events",
        title_justify="left",
        box=None,
        show_header=False,
    )
    table.add_column(no_wrap=True, min_width=16)
    table.add_column(no_wrap=True, min_width=24)
    table.add_column(style="dim", no_wrap=True, overflow="ellipsis")
    for event in events:
        name = f"{event['type']} {event['name'] or ''}".strip()
        table.add_row(_minute(event["at"]), Text(name), Text(_values(event["properties"])))
    return table


def _values(properties: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in properties.items())


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _day(moment: str) -> str:
    return moment[:10]


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
