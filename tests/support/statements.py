"""Statements that only a test needs, run through the same door as those that are shipped."""

from __future__ import annotations

from dataclasses import dataclass

from identity_service.graph.statements import Access, Definition, Statement, parse


@dataclass(frozen=True, slots=True)
class AdHoc(Statement):
    """A statement that brings its own text."""

    text: str
    access: Access

    @property
    def definition(self) -> Definition:
        return parse(self.name, f"// Purpose: A test's.\n// Access: {self.access}\n{self.text}")


def reading(text: str, name: str = "tests/reading") -> Statement:
    return AdHoc(name, text, Access.READ)


def writing(text: str, name: str = "tests/writing") -> Statement:
    return AdHoc(name, text, Access.WRITE)
