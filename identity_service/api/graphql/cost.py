# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# (graphql-core leaves its generic types without arguments)
"""What an operation will cost, known from its text and variables before anything is read.

The unit is a field of a record that is there already, and what is read for a field has a weight.
What is asked of each of many customers counts for each of them. How long other lists are is known
only when they were read: what is certain is one entry of each, and the most are as many as asked
for by `first`. `plain_lists.py` counts them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from graphql import (
    BooleanValueNode,
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
    "Query.sources": 20,
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
    "Audience.members": 20,
    "Audience.size": 100,
    "AudienceMember.account": 10,
    "AudienceMember.customer": 10,
    "MembershipChange.account": 10,
    "MembershipChange.customer": 10,
    "Space.changes": 20,
    "Space.membershipChanges": 20,
    "Space.profilesDiff": 100,
    "Space.profilesHistory": 20,
    "Space.judgements": 20,
    "Space.rejectedEvents": 20,
    "Source.readingRules": 20,
    "Source.statistics": 20,
    "Space.keys": 20,
    "Space.sources": 20,
    "Destination.deadLetters": 20,
    "Destination.events": 20,
    "Destination.progress": 20,
    "Space.destinationRecords": 20,
    "Space.destinations": 20,
    "Space.upstreamMerges": 20,
    "Space.upstreamRequests": 20,
    "Account.audiences": 1_000,
    "Account.explainAudience": 1_000,
    "Account.explainFeature": 1_000,
    "Account.features": 1_000,
    "Customer.audiences": 200,
    "Customer.explainAudience": 200,
    "Customer.explainFeature": 200,
    "Customer.features": 200,
    "Destination.dryRun": 200,
    "Customer.health": 200,
    "Customer.links": 200,
    "Trait.otherValues": 200,
    "Trait.rule": 200,
    "Space.contested": 500,
    "Space.statistics": 500,
    "Space.search": 500,
    "Space.superConnectors": 500,
    "Space.customersByFeature": 500,
    "Space.explain": 5_000,
    "Space.blastRadius": 20_000,
    "Space.preview": 20_000,
    "Space.previewJudgement": 20_000,
    "Space.previewProfiles": 20_000,
    "Space.previewReadingRules": 1_000,
}
"""What it takes to read a field, in fields that are there already; 1 for all others."""

A_JOURNEY: Final = 5_000
"""The weight of each field of `Journeys`: one reads all events of a span of time."""

A_CUSTOMER: Final = 10
"""The weight of each identifier, id or key that is looked up with many others."""

A_COMPONENT: Final = 5_000
"""What it may take to load a component and resolve it anew (`live: true`)."""

_LOOKUPS: Final = frozenset({"customers", "customersById", "_entities"})


class Cost(NamedTuple):
    """What an operation takes: with one entry of each list, and with as many as are asked for."""

    certain: int
    most: int

    def plus(self, other: Cost) -> Cost:
        """Both together."""
        return Cost(self.certain + other.certain, self.most + other.most)


def cost_of(executor: Executor[Any]) -> Cost:
    """What an operation costs."""
    root = executor.schema.get_root_type(executor.operation.operation)
    assert root is not None  # noqa: S101  (validation refuses an operation that has none)
    return _Costing(executor).of_selections(root, executor.operation.selection_set)


class _Costing:
    def __init__(self, executor: Executor[Any]) -> None:
        self._schema = executor.schema
        self._fragments = executor.fragment_definitions
        self._variables: Mapping[str, Any] = executor.variable_values.coerced

    def of_selections(self, parent: GraphQLNamedType, selections: SelectionSetNode) -> Cost:
        cost = Cost(0, 0)
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                cost = cost.plus(self._of_field(parent, selection))
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                kind = self._schema.type_map[condition.name.value] if condition else parent
                cost = cost.plus(self.of_selections(kind, selection.selection_set))
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments[selection.name.value]
                kind = self._schema.type_map[fragment.type_condition.name.value]
                cost = cost.plus(self.of_selections(kind, fragment.selection_set))
        return cost

    def _of_field(self, parent: GraphQLNamedType, node: FieldNode) -> Cost:
        name = node.name.value
        if name.startswith("__"):
            return Cost(0, 0)  # what describes the schema has a limit of its own
        field = self._schema.get_field(cast("Any", parent), name)
        if field is None or node.selection_set is None:
            weight = self._weight(parent, name)
            return Cost(weight, weight)
        below = self.of_selections(get_named_type(field.type), node.selection_set)
        if name in _LOOKUPS:
            number = self._looked_up(node)
            cost = Cost(number * (A_CUSTOMER + below.certain), number * (A_CUSTOMER + below.most))
        else:
            weight, entries = self._weight(parent, name), self._entries(field, node)
            cost = Cost(weight + below.certain, weight + entries * below.most)
        return cost.plus(Cost(0, A_COMPONENT)) if self._given(node, "live") is True else cost

    def _weight(self, parent: GraphQLNamedType, name: str) -> int:
        return A_JOURNEY if parent.name == "Journeys" else WEIGHTS.get(f"{parent.name}.{name}", 1)

    def _entries(self, field: GraphQLField, node: FieldNode) -> int:
        """How many entries of a list are asked for, where it can be said how many."""
        argument = field.args.get("first")
        if argument is None:
            return 1
        given = self._given(node, "first")
        return max(given, 0) if isinstance(given, int) else cast("int", argument.default_value)

    def _given(self, node: FieldNode, name: str) -> object:
        """The number, truth value or variable's value of an argument; None for any other."""
        for argument in node.arguments or ():
            if argument.name.value == name:
                value = argument.value
                if isinstance(value, VariableNode):
                    return self._variables.get(value.name.value)
                if isinstance(value, IntValueNode):
                    return int(value.value)
                return value.value if isinstance(value, BooleanValueNode) else None
        return None

    def _looked_up(self, node: FieldNode) -> int:
        """How many identifiers, ids or keys a field looks up."""
        sizes = [self._size(each.value) for each in node.arguments or ()]
        return max(sizes, default=0)

    def _size(self, value: object) -> int:
        if isinstance(value, VariableNode):
            given = self._variables.get(value.name.value)
            return len(given) if isinstance(given, list) else 1
        return len(value.values) if isinstance(value, ListValueNode) else 1
