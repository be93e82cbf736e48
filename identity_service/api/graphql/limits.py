"""Limits on what one request may ask: they keep one client from holding up the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
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

MAX_QUERY: Final = 20_000
"""Bytes of a query's text; values belong into variables."""

MAX_TOKENS: Final = 2_000
"""Words and signs of a query."""

STRANGERS_SHARE: Final = 0.5
"""Share of the service's time for all who ask without a valid key."""

MAX_DEPTH: Final = 20
"""How deep selections may be nested; the introspection of tools takes 15."""

MAX_ALIASES: Final = 100
"""Fields under another name, fragments counted as often as they are used."""

MAX_OVERLAPS: Final = 2_000
"""Pairs of fields of one name in one place, and of fragments: validation compares each pair."""

MAX_WRITTEN: Final = 10_000
"""Fields of a query as it is written, fragments counted as often as they are used."""

MAX_COST: Final = 500_000
"""What a query may cost by `cost.py`, and all queries of one key that run at a time."""

LARGE: Final = 5_000
"""What the lists of a query may cost at most, from which on it is answered in another process.

The unit takes about ten microseconds. One customer with all its identifiers is below.
"""

MAX_ITEMS: Final = 100_000
"""Entries of all lists of one answer together."""

MAX_FIELDS: Final = 500_000
"""Fields of one answer, those of each entry of a list counted."""

MAX_SCHEMA_FIELDS: Final = 20_000
"""Fields of one answer that describe the schema; the introspection of tools takes 13,000."""

FIELDS_OF_TEXT: Final = 13_000
"""As how many of them the text of the schema counts."""


def check_text(query: str) -> None:
    """Raises TooLarge for a query whose text is too long."""
    if len(query) > MAX_QUERY or len(query.encode(errors="surrogatepass")) > MAX_QUERY:
        raise TooLarge(
            f"The query is longer than {MAX_QUERY:,} bytes.",
            remedy="Send values as variables, and ask in several queries.",
        )


def check_document(document: DocumentNode) -> None:
    """Raises TooLarge for a query that is too deep or too wide.

    Takes time in proportion to the query's length, unlike the validation that follows.
    """
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    measuring = _Measuring(fragments)
    overlapping = _Overlapping(fragments)
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
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            overlapping.count([definition.selection_set])


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


class _Overlapping:
    """Counts what validation compares, two by two; raises TooLarge as soon as it is too much."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._written = 0
        self._pairs = 0

    def count(self, selections: Sequence[SelectionSetNode], depth: int = 0) -> None:
        """Count selections that are answered as one object, and all that is below them."""
        if depth > MAX_DEPTH:
            return  # fragments in a circle: validation refuses them
        fields: defaultdict[str, list[FieldNode]] = defaultdict(list)
        spread: set[str] = set()
        rest = list(selections)
        while rest:
            for selection in rest.pop().selections:
                if isinstance(selection, FieldNode):
                    fields[(selection.alias or selection.name).value].append(selection)
                elif isinstance(selection, InlineFragmentNode):
                    rest.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode):
                    fragment = self._fragments.get(selection.name.value)
                    if fragment and selection.name.value not in spread:
                        spread.add(selection.name.value)
                        rest.append(fragment.selection_set)
        self._add([*map(len, fields.values()), len(spread)])
        for nodes in fields.values():
            below = [node.selection_set for node in nodes if node.selection_set]
            if below:
                self.count(below, depth + 1)

    def _add(self, numbers: Sequence[int]) -> None:
        self._written += sum(numbers)
        self._pairs += sum(number * (number - 1) // 2 for number in numbers)
        if self._written > MAX_WRITTEN:
            raise TooLarge(
                f"The query has more than {MAX_WRITTEN:,} fields, with its fragments.",
                remedy="Ask in several queries.",
            )
        if self._pairs > MAX_OVERLAPS:
            raise TooLarge(
                "The query asks for the same fields too often in one place.",
                remedy="Write each field once.",
            )
