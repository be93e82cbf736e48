"""Every limit that a client or a sender can meet, as the constants of the code say it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

import identity_service

PACKAGE: Final = Path(identity_service.__file__).parent

SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Over GraphQL": ("api/graphql/*.py",),
    "On other routes": ("api/*.py", "api/rest/*.py", "services/spaces/read_rate.py"),
    "Of what is sent": (
        "collect/*.py",
        "collect/webhooks/*.py",
        "domain/events.py",
        "domain/identifiers.py",
        "domain/traits.py",
    ),
    "Of policies": ("domain/policies/*.py",),
    "Of profiles": ("domain/profiles/read_*.py", "domain/profiles/parse.py"),
    "Of journeys": ("domain/journeys/*.py",),
}
"""Where the limits of each kind stand."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A constant, and what the text below it says; nothing where there is no text."""

    name: str
    value: float
    meaning: str


def limits(section: str) -> list[Limit]:
    """The limits of a section."""
    files = (path for pattern in SECTIONS[section] for path in sorted(PACKAGE.glob(pattern)))
    return [limit for path in files for limit in _limits_of(path)]


def _limits_of(path: Path) -> Iterator[Limit]:
    name = ".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts))
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for statement, after in zip(body, [*body[1:], None], strict=True):
        target = _assigned(statement)
        if target and target.startswith("MAX_"):
            value = getattr(import_module(name), target)
            yield Limit(target, value, _text(after))


def _assigned(statement: ast.stmt) -> str | None:
    """The name to which a statement assigns, if it is one name."""
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case _:
            return None


def _text(statement: ast.stmt | None) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text.partition("\n\n")[0]
        case _:
            return ""
