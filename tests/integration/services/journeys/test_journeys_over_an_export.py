"""The SQL that asks journeys of an export answers what the graph answers, row by row."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from identity_service.domain.policies.durations import parse_duration
from identity_service.services.export.export import TABLES
from identity_service.services.kit.clock import system_clock
from tests.support.space import NewWorld, World
from tests.support.visitors import DAY, END, START, happened

SQL: Final = Path(__file__).parents[4] / "examples" / "sql"

MOMENTS: Final = ("since", "until")
DURATIONS: Final = ("within", "silent_for", "session", "half_life")


class Warehouse:
    """A DuckDB that holds a space, asked as the guide says."""

    def __init__(self) -> None:
        self._duckdb = duckdb.connect()
        # Moments are in UTC, wherever the session is.
        self._duckdb.execute("SET TimeZone = 'Pacific/Auckland'")

    def load(self, export: Path) -> None:
        """Bring it up to date with an export."""
        self._run("duckdb", {"export": str(export)})

    def ask(self, name: str, asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a journey, asked with its own parameters; dates as text."""
        self._run("journeys/steps", {})
        rows = self._run(f"journeys/{name}", asked)
        return [tuple(str(v) if isinstance(v, date) else v for v in row) for row in rows]

    def sessions(self, identifier: str, session: str) -> list[tuple[int, str]]:
        """[session, step] of the customer of an identifier, in order."""
        self._run("journeys/steps", {})
        return self._execute(
            "SELECT s.session, s.step FROM steps s JOIN identifiers i ON i.customer_id = s.customer"
            " WHERE i.type || ':' || i.value = getvariable('of') ORDER BY s.moment, s.receipt",
            {"session": session, "of": identifier},
        )

    def _run(self, script: str, variables: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return self._execute((SQL / f"{script}.sql").read_text(encoding="utf-8"), variables)

    def _execute(self, text: str, variables: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        for name, value in variables.items():
            self._duckdb.execute(f"SET VARIABLE {name} = {_literal(name, value)}")
        rows = self._duckdb.execute(text).fetchall()
        for name in variables:
            self._duckdb.execute(f"RESET VARIABLE {name}")
        return rows


def _literal(name: str, value: Any) -> str:
    """A parameter of a journey as SQL."""
    if name in MOMENTS:
        return f"make_timestamp_ms({value})"
    if name in DURATIONS:
        return f"INTERVAL {parse_duration(value)} MILLISECOND"
    return repr(value)


@pytest.fixture(scope="module", params=range(2))
async def space(request: pytest.FixtureRequest, world: NewWorld) -> World:
    made = await world()
    made.sent |= {each.message_id: each for each in happened(random.Random(request.param))}  # noqa: S311
    return made


@pytest.fixture(scope="module")
async def warehouse(space: World, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Holds the space, exported as it grew: customers merge after they were loaded."""
    exports, warehouse = tmp_path_factory.mktemp("exports"), Warehouse()
    exporting = space.use_cases.exporting
    events = list(space.sent.values())
    await space.send(*events[::2], received_at=system_clock())
    first = await exporting.export(space.scope, exports / "first")
    await space.send(*events[1::2], received_at=system_clock())
    second = await exporting.export(space.scope, exports / "second", first.cursor)
    assert not second.complete
    warehouse.load(exports / "first")
    warehouse.load(exports / "second")
    return warehouse


ASKED: Final = [
    {},
    {"since": START + 10 * DAY, "until": START + 30 * DAY},
    {"until": END, "kinds": ["ANONYMOUS", "KNOWN", "QUARANTINED"]},
    {"until": START},
]

QUESTIONS: Final[list[tuple[str, dict[str, Any]]]] = [
    ("funnel", {"steps": ["Home", "Added", "Ordered"], "within": "20d"}),
    ("funnel", {"steps": ["Added", "Added"]}),
    ("funnel", {"steps": ["nothing of the kind", "Home"]}),
    ("drop_off", {"silent_for": "5d"}),
    ("drop_off", {}),
    ("retention", {}),
    ("retention", {"start_event": "Home", "return_event": "Added", "weeks": 2}),
    ("last_page_before", {"event": "Ordered"}),
    ("flows", {}),
    ("flows", {"names": 2, "depth": 3}),
    ("flows", {"start_event": "Home", "names": 3}),
    ("flows", {"end_event": "Ordered", "depth": 2}),
    ("flows", {"start_event": "Added", "end_event": "Added"}),
    ("correlation", {"goal": "Ordered"}),
    ("correlation", {"goal": "nothing of the kind"}),
    ("time_to_convert", {"start_event": "Home", "goal": "Ordered"}),
    ("time_to_convert", {"start_event": "Added", "goal": "Added", "within": "5d"}),
    ("attribution", {"goal": "Ordered"}),
    ("attribution", {"goal": "Added", "within": "9d", "half_life": "1d", "session": "3d"}),
    ("cross_app_users", {}),
    ("newsletter_to_customer", {"subscribed": "Signed Up", "goal": "Ordered"}),
    ("newsletter_to_customer", {"subscribed": "Home", "goal": "Added", "within": "2d"}),
]


@pytest.mark.parametrize("range_and_kinds", ASKED, ids=str)
@pytest.mark.parametrize(("name", "own"), QUESTIONS, ids=str)
async def test_sql_over_an_export_answers_what_the_graph_answers(
    space: World,
    warehouse: Warehouse,
    name: str,
    own: dict[str, Any],
    range_and_kinds: dict[str, Any],
) -> None:
    asked = own | range_and_kinds

    figure = await space.use_cases.journeys.run(space.scope, name, asked)

    found = warehouse.ask(name, asked)
    # They are added up in another order, so what is equal may differ in the last digits.
    assert sorted(map(_rounded, found)) == sorted(map(_rounded, figure.rows))
    assert name == "attribution" or list(map(_rounded, found)) == list(map(_rounded, figure.rows))


def _rounded(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(round(v, 9) if isinstance(v, float) else v for v in row)


@pytest.mark.parametrize("session", ["30m", "2d"])
async def test_the_sessions_of_sql_are_those_of_the_path(
    space: World, warehouse: Warehouse, session: str
) -> None:
    asked = {"identifier": "anonymous_id:a1", "session": session}

    figure = await space.use_cases.journeys.run(space.scope, "customer_path", asked)

    shown = [(row[0], row[2]) for row in figure.rows]
    assert shown[0][0] != shown[-1][0]
    assert warehouse.sessions("anonymous_id:a1", session) == shown


def test_every_script_that_names_columns_names_all() -> None:
    for script in ("snowflake", "bigquery"):
        text = (SQL / f"{script}.sql").read_text(encoding="utf-8").replace("`", "")
        named = {name: text.count(f"n.{name}") for columns in TABLES.values() for name in columns}
        assert {name for name, times in named.items() if times < 2} == set()
