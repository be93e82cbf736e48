# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# (graphql-core leaves its generic types without arguments)
"""What an operation will cost, known from its text and variables before anything is read.

The unit is a field of a record that is there already, and what is read for a field has a weight.
What is asked of each of many customers counts for each of them. How long other lists are is known
only when they were read: of them one entry counts here, and `plain_lists.py` counts them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    InlineFragmentNode,
    ListValueNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
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

A_JOURNEY: Final = 5_000
"""The weight of each field of `Journeys`: one reads all events of a span of time."""

A_CUSTOMER: Final = 10
"""The weight of each identifier or id that `customers` and `customersById` look up."""

_LOOKUPS: Final = frozenset({"customers", "customersById"})


def cost_of(executor: Executor[Any]) -> int:
    """What an operation costs, with one entry of each list whose length is not known."""
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
        if name in _LOOKUPS:
            return self._looked_up(node) * (A_CUSTOMER + below)
        return self._weight(parent, name) + below

    def _weight(self, parent: GraphQLNamedType, name: str) -> int:
        return A_JOURNEY if parent.name == "Journeys" else WEIGHTS.get(f"{parent.name}.{name}", 1)

    def _looked_up(self, node: FieldNode) -> int:
        """How many identifiers or ids a field looks up."""
        sizes = [self._size(each.value) for each in node.arguments or ()]
        return max(sizes, default=0)

    def _size(self, value: object) -> int:
        if isinstance(value, VariableNode):
            given = self._variables.get(value.name.value)
            return len(given) if isinstance(given, list) else 1
        return len(value.values) if isinstance(value, ListValueNode) else 1
