"""How a real server plans every statement. `cypher/README.md` states the rules."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from neo4j import AsyncGraphDatabase, NotificationMinimumSeverity, Query

import identity_service
from identity_service.graph.database import Database
from identity_service.graph.statements import Access, statement, statement_names
from identity_service.settings import Settings
from tests.support.statements import writing

GRAPH_MODEL = Path(identity_service.__file__).parents[1] / "docs" / "concepts" / "graph-model.md"

PLANNED = [name for name in statement_names() if not name.startswith("schema/")]
JOURNEYS = [name for name in PLANNED if name.startswith("journeys/")]
INGEST = [name for name in PLANNED if name.startswith("ingest/")]

WHOLE_LABEL = re.compile(r"AllNodesScan|LabelScan|LabelsScan|TypeScan|RelationshipsScan")
EXPLOSIVE = re.compile(r"VarLengthExpand\((?!Pruning,BFS)|Repeat\(")
# What it groups by stands first.
ONLY_AGGREGATES = re.compile(r"(collect|count|sum|min|max|avg)\(")
ROW_BY_ROW = {"Argument", "Filter", "Projection", "CacheProperties", "CartesianProduct", "Apply"}
CARTESIAN_PRODUCT = "03N90"
QUERY_TYPE = {Access.READ: {"r"}, Access.WRITE: {"w", "rw"}, Access.SCHEMA: {"r", "s"}}

KNOW_WORDS = (
    "UNWIND $words AS word CALL db.createRelationshipType(word)",
    "UNWIND $words AS word CALL db.createLabel(word)",
    "UNWIND $words AS word CALL db.createProperty(word)",
)
DUMMIES: Mapping[str, Any] = {
    "list": [],
    "map": {},
    "integer": 1,
    "time": 1,
    "version": 1,
    "how": 1,
    "boolean": True,
    "float": 0.5,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`operators` holds each with whether it is in a part, that is right of another operator.

    `seeks` tells what indexes are asked for, `products` counts the operators that join several
    rows to several, `remarks` maps the GQL status of what the server remarked to its description.
    """

    kind: str | None
    operators: list[tuple[str, bool]]
    seeks: list[str]
    products: int
    remarks: dict[str, str]

    def names(self, pattern: re.Pattern[str]) -> set[str]:
        return {name for name, _ in self.operators if pattern.search(name)}


Planner = Callable[[str], Awaitable[Plan]]


@pytest.fixture(scope="module")
async def plan(database: Database, database_settings: Settings) -> AsyncGenerator[Planner]:
    """Plans a statement in a database that knows every word of the graph model, and no other.

    It asks past our own door, which gives neither plans nor remarks away.
    """
    words = sorted(set(re.findall(r"\w+", GRAPH_MODEL.read_text(encoding="utf-8"))))
    for text in KNOW_WORDS:
        await database.write_all(writing(text), words=words)
    assert database_settings.neo4j_uri is not None
    password = database_settings.neo4j_password
    driver = AsyncGraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]
        database_settings.neo4j_uri,
        auth=(database_settings.neo4j_user, password.get_secret_value()) if password else None,
        notifications_min_severity=NotificationMinimumSeverity.INFORMATION,
    )

    async def explain(name: str) -> Plan:
        definition = statement(name).definition
        session = driver.session(  # pyright: ignore[reportUnknownMemberType]
            database=database_settings.neo4j_database
        )
        async with session:
            # A plan that is kept keeps the remarks of the day it was made, on an empty database.
            fresh = definition.text.replace("replan=skip", "replan=force")
            query = Query("EXPLAIN " + fresh)
            result = await session.run(query, dummies(definition.parameters))
            summary = await result.consume()
        remarks = {
            status.gql_status: status.status_description
            for status in summary.gql_status_objects
            if status.is_notification
        }
        tree = cast("dict[str, Any]", summary.plan)  # pyright: ignore[reportUnknownMemberType]
        return Plan(
            summary.query_type, list(operators(tree)), list(seeks(tree)), products(tree), remarks
        )

    async with driver:
        yield explain


def dummies(described: Mapping[str, str]) -> dict[str, Any]:
    """A value for every parameter, of the type that the header names first."""
    values: dict[str, Any] = {}
    for parameter, description in described.items():
        value = DUMMIES.get(re.split(r"\W", description, maxsplit=1)[0], "x")
        head, _, entry = parameter.partition(".")
        if entry:
            values.setdefault(head, {})[entry] = value
        else:
            values[head] = value
    return values


def operators(node: dict[str, Any], *, in_part: bool = False) -> Iterator[tuple[str, bool]]:
    yield _kind(node), in_part
    for place, child in enumerate(node.get("children", [])):
        yield from operators(child, in_part=in_part or place > 0)


def seeks(node: dict[str, Any]) -> Iterator[str]:
    if "IndexSeek" in _kind(node):
        yield node["args"]["Details"]
    for child in node.get("children", []):
        yield from seeks(child)


def products(node: dict[str, Any]) -> int:
    children = node.get("children", [])
    multiplies = _kind(node) == "CartesianProduct" and not any(map(is_one_row, children))
    return multiplies + sum(map(products, children))


def is_one_row(node: dict[str, Any]) -> bool:
    """Whether it gives at most one row: an aggregate of everything, or a node by its unique key."""
    kind, details = _kind(node), node["args"].get("Details", "")
    if kind == "EagerAggregation":
        return ONLY_AGGREGATES.match(details) is not None
    if kind.startswith("NodeUniqueIndexSeek"):
        return " IN " not in details
    return kind in ROW_BY_ROW and all(map(is_one_row, node.get("children", [])))


def _kind(node: dict[str, Any]) -> str:
    return node["operatorType"].removesuffix("@neo4j")


@pytest.mark.parametrize("name", PLANNED)
async def test_the_server_has_no_remark(plan: Planner, name: str) -> None:
    remarks = (await plan(name)).remarks

    if "Product" in statement(name).definition.notes:
        remarks.pop(CARTESIAN_PRODUCT, None)

    assert remarks == {}


@pytest.mark.parametrize("name", PLANNED)
async def test_a_statement_is_of_the_kind_that_it_says(plan: Planner, name: str) -> None:
    assert (await plan(name)).kind in QUERY_TYPE[statement(name).definition.access]


@pytest.mark.parametrize("name", PLANNED)
async def test_a_statement_starts_at_indexes(plan: Planner, name: str) -> None:
    scans = (await plan(name)).names(WHOLE_LABEL)

    assert scans == set() or "Scan" in statement(name).definition.notes


@pytest.mark.parametrize("name", INGEST)
async def test_an_ingest_statement_reads_no_open_range_of_an_index(
    plan: Planner, name: str
) -> None:
    for seek in (await plan(name)).seeks:
        assert (" <" in seek) == (" >" in seek), seek


@pytest.mark.parametrize("name", PLANNED)
async def test_a_statement_multiplies_no_rows(plan: Planner, name: str) -> None:
    assert (await plan(name)).products == 0 or "Product" in statement(name).definition.notes


@pytest.mark.parametrize("name", PLANNED)
async def test_a_walk_prunes_what_it_has_seen(plan: Planner, name: str) -> None:
    assert (await plan(name)).names(EXPLOSIVE) == set()


async def test_the_region_of_an_identifier_is_a_walk_that_prunes(plan: Planner) -> None:
    walks = (await plan("ingest/load_subgraph")).names(re.compile("VarLengthExpand"))

    assert walks == {"VarLengthExpand(Pruning,BFS,All)"}


@pytest.mark.parametrize("name", JOURNEYS)
async def test_a_journey_finds_events_by_their_time(plan: Planner, name: str) -> None:
    of_events = [seek for seek in (await plan(name)).seeks if ":Event(" in seek]

    assert of_events or name == "journeys/customer_path", "that one begins at one customer"
    assert all("at >= $w.since AND at < $w.until" in seek for seek in of_events)


@pytest.mark.parametrize("way", ["ascending", "descending"])
async def test_customers_by_a_feature_are_read_in_the_order_of_an_index(
    plan: Planner, way: str
) -> None:
    planned = await plan(f"audiences/list_customers_{way}")

    assert planned.names(re.compile("Sort|Top")) == set()
    assert {name for name, _ in planned.operators if "Index" in name} == {
        "DirectedRelationshipIndexSeekByRange"
    }


@pytest.mark.parametrize("name", INGEST)
async def test_only_between_the_parts_of_an_ingest_statement_are_rows_held_back(
    plan: Planner, name: str
) -> None:
    held = [operator for operator in (await plan(name)).operators if operator == ("Eager", True)]

    assert held == [] or "Eager" in statement(name).definition.notes
