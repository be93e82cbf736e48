"""What the journeys have in common: their declaration, their range, their segment, their order."""

from __future__ import annotations

import re

import pytest
from graphql import GraphQLObjectType, get_named_type, value_from_ast_untyped
from graphql import build_schema as schema_of

from identity_service.api.graphql.schema import build_schema
from identity_service.domain.journeys.journeys import JOURNEYS, ColumnType
from identity_service.graph.journeys import STATEMENTS
from identity_service.graph.statements import Access, statement

NAMES = list(JOURNEYS)

SEGMENT = """c.kind IN $w.kinds AND (($w.did IS NULL AND $w.property IS NULL) OR EXISTS {
    MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(x:Event)
    WHERE x.at >= $w.since AND x.at < $w.until
      AND ($w.did IS NULL OR x.step = $w.did)
      AND ($w.property IS NULL OR toString(x[$w.property]) = $w.value) })
  AND (($w.audience IS NULL AND $w.feature IS NULL) OR EXISTS {
    MATCH (c)-[:HAS_PROFILE]->(p:Profile)
    WHERE ($w.audience IS NULL OR $w.audience IN p.audiences)
      AND ($w.feature IS NULL OR toString(p[$w.feature]) = $w.feature_value
        OR p[$w.feature] = toFloat($w.feature_value)) })"""
IN_RANGE = re.compile(r"e\.at >= \$w\.since AND e\.at < \$w\.until")

TYPES = {
    ColumnType.TEXT: "string",
    ColumnType.INTEGER: "integer",
    ColumnType.NUMBER: "float",
    ColumnType.IDENTIFIERS: "list",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_journey_is_declared_as_its_file_says(name: str) -> None:
    journey, definition = JOURNEYS[name], statement(f"journeys/{name}").definition

    assert STATEMENTS[name] == statement(f"journeys/{name}")
    assert definition.access is Access.READ
    assert {f"w.{p.name}" for p in journey.parameters} | {"w.space"} == set(definition.parameters)
    assert {c.name: TYPES[c.type] for c in journey.columns} == {
        column: said.split()[0] for column, said in definition.columns.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_journey_counts_the_segment_and_the_range_as_all_do(name: str) -> None:
    text = statement(f"journeys/{name}").definition.text

    assert text.count(SEGMENT) == 1
    assert IN_RANGE.search(text)


FEW_OR_ALL = """CALL () {
  MATCH (c:Customer)
  WHERE c.space = $w.space AND c.policy_version IS NOT NULL
  RETURN count(*) AS customers
}
CALL () {
  MATCH (e:Event)
  USING INDEX e:Event(space, at)
  WHERE e.space = $w.space AND e.at >= $w.since AND e.at < $w.until
  RETURN count(*) AS events
}
WITH events < 2 * customers AS few
"""
"""How a journey begins that counts all steps."""


@pytest.mark.parametrize(
    "name", ["flows", "correlation", "drop_off", "retention", "cross_app_users"]
)
def test_a_journey_of_all_steps_weighs_the_range_against_the_customers(name: str) -> None:
    assert statement(f"journeys/{name}").definition.text.startswith(FEW_OR_ALL)


@pytest.mark.parametrize("name", NAMES)
def test_rows_come_in_an_order_and_are_bounded(name: str) -> None:
    text = statement(f"journeys/{name}").definition.text
    bounded_by_its_parameters = {"funnel", "time_to_convert", "changed_identities"}

    assert re.search(r"RETURN (?:.|\n)*\nORDER BY [^\n]+$", text)
    assert "$w.first" in text or name in bounded_by_its_parameters


@pytest.mark.parametrize("name", NAMES)
def test_graphql_offers_every_parameter_and_column(name: str) -> None:
    journey = JOURNEYS[name]
    journeys = schema_of(build_schema().as_str()).type_map["Journeys"]
    assert isinstance(journeys, GraphQLObjectType)
    field = {snake(each): found for each, found in journeys.fields.items()}[name]
    row = get_named_type(field.type)  # pyright: ignore[reportUnknownVariableType]  (generic)
    assert isinstance(row, GraphQLObjectType)
    in_the_segment = {
        *("kinds", "did", "property", "value"),
        *("audience", "feature", "feature_value"),
    }

    defaults = {
        snake(each): value_from_ast_untyped(found.ast_node.default_value)
        if found.ast_node and found.ast_node.default_value
        else None
        for each, found in field.args.items()
    }

    assert defaults.keys() - {"segment"} == {p.name for p in journey.parameters} - in_the_segment
    for parameter in journey.own:
        if parameter.name in in_the_segment:
            continue
        assert defaults[parameter.name] == parameter.default
    assert [snake(each) for each in row.fields] == [column.name for column in journey.columns]


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: f"_{match[1].lower()}", name)
