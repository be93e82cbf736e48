# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# (graphql-core leaves its generic types without arguments)
"""What an operation will cost, known from its text and variables before anything is read.

The unit is a field of a record that is there already. What is read for a field has a weight; what
is below a list counts once for each entry that may be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.execution import Executor

WEIGHTS: Final[Mapping[str, int]] = {
    "Customer.eventCount": 10,
    "Customer.previousIds": 10,
    "Event.identifiers": 10,
    "Identifier.customer": 10,
    "Identifier.linkCount": 10,
    "Link.exampleEvent": 10,
    "Query.node": 10,
    "Space.customer": 10,
    "Customer.accounts": 20,
    "Customer.changes": 20,
    "Customer.events": 20,
    "Customer.judgements": 20,
    "Customer.sharedDevices": 20,
    "Customer.trait": 20,
    "Customer.traits": 20,
    "Identifier.linksOverTime": 20,
    "Identifier.sharedBy": 20,
    "Space.changes": 20,
    "Space.judgements": 20,
    "Space.rejectedEvents": 20,
    "Customer.health": 200,
    "Customer.links": 200,
    "Space.contested": 500,
    "Space.statistics": 500,
    "Space.superConnectors": 500,
    "Space.explain": 5_000,
    "Space.blastRadius": 20_000,
    "Space.preview": 20_000,
    "Space.previewJudgement": 20_000,
}
"""What it takes to read a field, in fields that are there already; 1 for all others."""

A_JOURNEY: Final = 20_000
"""The weight of each field of `Journeys`: one reads all events of a span of time."""

A_CUSTOMER: Final = 10
"""The weight of each identifier or id that `customers` and `customersById` look up."""

_LOOKUPS: Final = frozenset({"customers", "customersById"})

USUAL_ENTRIES: Final = 10
"""Entries of a list, where the query does not say how many it wants."""

_SIZES: Final = ("first", "identifiers", "ids")
"""Arguments that say how long a list will be, by their value or by their own length."""


def cost_of(executor: Executor[Any]) -> int:
    """What an operation costs at most, if lists are no longer than they are asked to be."""
    root = executor.schema.get_root_type(executor.operation.operation)
    assert root is not None  # noqa: S101  (validation refuses an operation that has none)
    return _Costing(executor).of_selections(root, executor.operation.selection_set)


class _Costing:
    def __init__(self, executor: Executor[Any]) -> None:
        self._schema = executor.schema
        self._fragments = executor.fragment_definitions
        self._variables: Mapping[str, Any] = executor.variable_values.coerced

    def of_selections(self, parent: GraphQLNamedType, selections: SelectionSetNode) -> int:
        cost = 0
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                cost += self._of_field(parent, selection)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                kind = self._schema.type_map[condition.name.value] if condition else parent
                cost += self.of_selections(kind, selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments[selection.name.value]
                kind = self._schema.type_map[fragment.type_condition.name.value]
                cost += self.of_selections(kind, fragment.selection_set)
        return cost

    def _of_field(self, parent: GraphQLNamedType, node: FieldNode) -> int:
        name = node.name.value
        if name.startswith("__"):
            return 0  # what describes the schema has a limit of its own
        field = self._schema.get_field(cast("Any", parent), name)
        if field is None or node.selection_set is None:
            return self._weight(parent, name)
        below = self.of_selections(get_named_type(field.type), node.selection_set)
        each = A_CUSTOMER if name in _LOOKUPS else 1
        return self._weight(parent, name) + self._entries(field, node) * (each + below)

    def _weight(self, parent: GraphQLNamedType, name: str) -> int:
        return A_JOURNEY if parent.name == "Journeys" else WEIGHTS.get(f"{parent.name}.{name}", 1)

    def _entries(self, field: GraphQLField, node: FieldNode) -> int:
        """How many entries a field may have; 1 where it is no list."""
        if not is_list_type(get_nullable_type(field.type)) and "first" not in field.args:
            return 1
        if node.name.value == "edges":
            return 1  # its connection counts them
        given = node.arguments or ()
        sizes = [self._size(each.value) for each in given if each.name.value in _SIZES]
        return next((size for size in sizes if size is not None), USUAL_ENTRIES)

    def _size(self, value: object) -> int | None:
        if isinstance(value, VariableNode):
            given = self._variables.get(value.name.value)
            return len(given) if isinstance(given, list) else cast("int | None", given)
        if isinstance(value, IntValueNode):
            return int(value.value)
        return len(value.values) if isinstance(value, ListValueNode) else None
