"""Who may ask for what, as `reference/roles.yaml` says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

FILE: Final = Path(__file__).parents[1] / "reference" / "roles.yaml"

CALLERS: Final[Mapping[str, str]] = {
    "reader": "`READER`",
    "agent": "`AGENT`",
    "admin": "`ADMIN`",
    "instance": "instance administrator",
    "write": "write key",
    "nobody": "no key",
    "other": "`ADMIN` of another space",
}
"""Everybody who can ask, by name, as a table shows them."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The decisions: by the name of what is asked for, the callers who may.

    A field is `Type.field`, a route `GET /healthz`.
    """

    fields: Mapping[str, frozenset[str]]
    types: Mapping[str, frozenset[str]]
    routes: Mapping[str, frozenset[str]]

    def of_field(self, name: str) -> frozenset[str] | None:
        """Who may ask for a field: its own decision, or that of its type; None without one."""
        kind = name.partition(".")[0]
        return self.fields.get(name, self.types.get(kind))


def read_roles() -> Roles:
    """The decisions of the file. Raises ValueError for what stands there twice."""
    written = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    who = {group: frozenset(callers) for group, callers in written["who"].items()}
    fields = [
        (f"{kind}.{name}", callers)
        for kind, groups in written["fields"].items()
        for name, callers in _decided(groups, who)
    ]
    return Roles(
        _once(fields),
        _once(_decided(written["types"], who)),
        _once(_decided(written["routes"], who)),
    )


def _decided(
    groups: Mapping[str, Sequence[str]], who: Mapping[str, frozenset[str]]
) -> Iterator[tuple[str, frozenset[str]]]:
    for group, names in groups.items():
        for name in names:
            yield name, who[group]


def _once(decisions: Any) -> dict[str, frozenset[str]]:
    decided: dict[str, frozenset[str]] = {}
    for name, callers in decisions:
        if name in decided:
            raise ValueError(f"{FILE.name} decides twice about {name}.")
        decided[name] = callers
    return decided
