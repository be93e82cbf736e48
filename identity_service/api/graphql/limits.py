"""Limits on what one request may ask: they keep one client from holding up the others."""

from __future__ import annotations

from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from identity_service.errors import TooLarge

MAX_BODY: Final = 1_000_000
"""Bytes of a request: 1,000 identifiers of the greatest length hardly come near."""

MAX_STRANGERS_BODY: Final = 64 * 1024
"""Bytes of a request without a key that is known: it can ask for the schema only."""

MAX_TOKENS: Final = 2_000
"""Words and signs of a query."""

MAX_DEPTH: Final = 20
"""How deep selections may be nested; the introspection of tools takes 15."""

MAX_ALIASES: Final = 100
"""Fields under another name, fragments counted as often as they are used."""

MAX_ITEMS: Final = 100_000
"""Entries of all lists of one answer together."""


def check_document(document: DocumentNode) -> None:
    """Raises TooLarge for a query that is too deep or has too many aliases."""
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    measuring = _Measuring(fragments)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            depth, aliases = measuring.measure(definition.selection_set)
            if depth > MAX_DEPTH:
                raise TooLarge(
                    f"The query is nested deeper than {MAX_DEPTH} levels.",
                    remedy="Ask in several queries.",
                )
            if aliases > MAX_ALIASES:
                raise TooLarge(
                    f"The query has {aliases:,} aliases; it may have {MAX_ALIASES}.",
                    remedy="Ask for many customers by “customers(identifiers: …)”.",
                )


class _Measuring:
    """Depth and aliases of selections; each fragment is measured once, however often used."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._measured: dict[str, tuple[int, int]] = {}

    def measure(self, selections: SelectionSetNode | None) -> tuple[int, int]:
        """Depth, and aliases in all."""
        depth = aliases = 0
        for selection in selections.selections if selections else ():
            if isinstance(selection, FragmentSpreadNode):
                below, more = self._fragment(selection.name.value)
            elif isinstance(selection, FieldNode):
                below, more = self.measure(selection.selection_set)
                below += 1
                more += selection.alias is not None
            elif isinstance(selection, InlineFragmentNode):
                below, more = self.measure(selection.selection_set)
            else:
                continue
            depth = max(depth, below)
            aliases += more
        return depth, aliases

    def _fragment(self, name: str) -> tuple[int, int]:
        if name not in self._measured:
            # A fragment in a circle counts as nothing here: validation refuses it.
            self._measured[name] = (0, 0)
            fragment = self._fragments.get(name)
            if fragment:
                self._measured[name] = self.measure(fragment.selection_set)
        return self._measured[name]
