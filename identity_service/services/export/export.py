"""Export of one space as Parquet: the identity map, to be joined to any table of a warehouse.

An export is a directory that comes into being in one step, when it is whole: a directory of files
for each table, and `manifest.json`, which names them. Rows are read page by page while others
write. Every row is as it was at some moment of the export; what changed meanwhile may be in it
or not, and is in the next one, which begins before this one began.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from identity_service.domain.exports import (
    BEGINNING,
    FORMAT,
    OVERLAP,
    Cursor,
    changed_since,
    parse_cursor,
)
from identity_service.domain.ids import time_sortable
from identity_service.errors import BadInput, FieldInvalid
from identity_service.graph.exports import ExportReader
from identity_service.graph.keys import identifier_of
from identity_service.graph.pages import PAGE
from identity_service.graph.schema import schema_files
from identity_service.graph.stored_profiles import StoredProfileReader, StoredProfileRow
from identity_service.services.export.disk_set import DiskSet
from identity_service.services.export.parquet import Columns, Kind, Part, TableWriter
from identity_service.services.export.profile_columns import (
    exact_values,
    feature_cells,
    feature_columns,
)
from identity_service.services.kit.clock import Clock
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.profile_texts import ProfilesInForce, ProfileTexts
from identity_service.services.spaces.spaces import Spaces

TABLES: Final[Mapping[str, Columns]] = {
    "events": {
        "key": Kind.TEXT,
        "message_id": Kind.TEXT,
        "type": Kind.TEXT,
        "name": Kind.TEXT,
        "step": Kind.TEXT,
        "channel": Kind.TEXT,
        "at": Kind.TIME,
        "received_at": Kind.TIME,
        "place": Kind.NUMBER,
        "source": Kind.TEXT,
        "identifier_key": Kind.TEXT,
        "customer_id": Kind.TEXT,
        "properties": Kind.TEXT,
        "p": Kind.MAP,
        "context": Kind.TEXT,
        "traits": Kind.TEXT,
        "context_traits": Kind.TEXT,
        "identifier_keys": Kind.TEXTS,
    },
    "identifiers": {
        "key": Kind.TEXT,
        "type": Kind.TEXT,
        "value": Kind.TEXT,
        "first_seen": Kind.TIME,
        "last_seen": Kind.TIME,
        "contested": Kind.TRUTH,
        "super_connector": Kind.TRUTH,
        "blocked": Kind.TRUTH,
        "customer_id": Kind.TEXT,
    },
    "customers": {
        "id": Kind.TEXT,
        "kind": Kind.TEXT,
        "created_at": Kind.TIME,
        "policy_version": Kind.NUMBER,
        "identifier_count": Kind.NUMBER,
        "event_count": Kind.NUMBER,
        "first_seen": Kind.TIME,
        "last_seen": Kind.TIME,
    },
    "retired_ids": {"id": Kind.TEXT, "current_id": Kind.TEXT, "created_at": Kind.TIME},
    "links": {
        "a_key": Kind.TEXT,
        "b_key": Kind.TEXT,
        "first_seen": Kind.TIME,
        "last_seen": Kind.TIME,
        "times_seen": Kind.NUMBER,
        "sources": Kind.TEXTS,
        "proven": Kind.TRUTH,
    },
    "changes": {
        "id": Kind.TEXT,
        "kind": Kind.TEXT,
        "at": Kind.TIME,
        "customer_id": Kind.TEXT,
        "other_customer_id": Kind.TEXT,
        "identifier_keys": Kind.TEXTS,
        "cause": Kind.TEXT,
        "policy_version": Kind.NUMBER,
        "position": Kind.NUMBER,
    },
}
"""The tables of an export with their columns, in the order in which they are read."""

PROFILE: Final[Columns] = {
    "customer_id": Kind.TEXT,
    "version": Kind.NUMBER,
    "evaluated_at": Kind.TIME,
    "audiences": Kind.TEXTS,
    "values": Kind.TEXT,
}
"""Of the table of profiles, which only an export of a space with a profiles text has. A column for
each feature follows."""

_OF_EVENT: Final = (
    *("key", "message_id", "type", "name", "step", "channel"),
    *("at", "received_at", "place", "source"),
)

Advanced = Callable[[str, int], None]
"""Is called with a table and how many of its rows were just written."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export holds. `since` is the cursor that it goes on from; `complete`: it needs none.

    `cursor` is what the next one goes on from. `settled`: not in the middle of a change of policy.
    `columns` are those of each table.
    """

    space: str
    complete: bool
    since: str | None
    cursor: str
    policy_version: int
    settled: bool
    exported_at: int
    tables: Mapping[str, Sequence[Part]]
    columns: Mapping[str, Columns]

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        return sum(part.rows for part in self.tables[table])


class Exporter:
    """Writes exports. `overlap`, in milliseconds, is how far one reaches back beyond its cursor."""

    def __init__(
        self,
        reader: ExportReader,
        spaces: Spaces,
        texts: ProfileTexts,
        stored: StoredProfileReader,
        clock: Clock,
        overlap: int = OVERLAP,
    ) -> None:
        self._reader = reader
        self._spaces = spaces
        self._texts = texts
        self._stored = stored
        self._clock = clock
        self._overlap = overlap

    async def export(
        self,
        scope: SpaceScope,
        directory: Path,
        since: str | None = None,
        advanced: Advanced = lambda _, __: None,
    ) -> Exported:
        """Export a space into a directory that does not exist or is empty.

        With `since`, the cursor of an earlier export, only what is new or changed, unless the
        policy has changed since: then the export is complete again, and says so. Raises BadInput,
        for a directory that holds something or cannot be written, FieldInvalid for a cursor that
        is none of this space, and IdentityServiceError without pyarrow.
        """
        earlier = None if since is None else _cursor(since, scope.space)
        # Before anything is read, so that what is written from now on is in the next one.
        started = self._clock()
        progress = await self._spaces.rollout_progress(scope)
        cursor = Cursor(scope.space, started, progress.policy_version, progress.done)
        from_then_on = changed_since(earlier, cursor, self._overlap)
        in_force = await self._texts.definitions(scope)
        columns = dict(TABLES)
        if in_force is not None:
            columns["profiles"] = {**PROFILE, **feature_columns(in_force.profiles.features)}
        with whole_or_nothing(directory) as growing, DiskSet(growing / ".seen") as seen:
            with ExitStack() as stack:
                tables = {
                    name: stack.enter_context(TableWriter(growing, name, of_table))
                    for name, of_table in columns.items()
                }

                def write(name: str, rows: Sequence[Sequence[Any]]) -> None:
                    if rows:
                        tables[name].write(rows)
                        advanced(name, len(rows))

                await _Walk(self._reader, scope.space, seen, write).run(from_then_on)
                if in_force is not None:
                    await self._profiles(scope, in_force, write)
            exported = Exported(
                space=scope.space,
                complete=from_then_on is None,
                since=since if from_then_on is not None else None,
                cursor=str(cursor),
                policy_version=cursor.policy_version,
                settled=cursor.settled,
                exported_at=started,
                tables={name: tuple(writer.parts) for name, writer in tables.items()},
                columns=columns,
            )
            (growing / "manifest.json").write_text(_manifest(exported), encoding="utf-8")
        return exported

    async def _profiles(
        self,
        scope: SpaceScope,
        in_force: ProfilesInForce,
        write: Callable[[str, Sequence[Sequence[Any]]], None],
    ) -> None:
        """Write the profiles of all customers, as they were computed last."""
        features = feature_columns(in_force.profiles.features)
        async for page in self._reader.settled(scope.space, BEGINNING):
            ids = [(scope.space, customer) for customer, *_ in page]
            found = await self._stored.profiles(ids)
            rows = [_profile(customer, stored, features) for (_, customer), stored in found.items()]
            write("profiles", rows)


class _Walk:
    """One walk through what an export holds: events first, since they tell what else changed."""

    def __init__(
        self,
        reader: ExportReader,
        space: str,
        seen: DiskSet,
        write: Callable[[str, Sequence[Sequence[Any]]], None],
    ) -> None:
        self._reader = reader
        self._space = space
        self._seen = seen
        self._write = write

    async def run(self, since: int | None) -> None:
        """Write every table; `since` a time, what changed then or later."""
        await self._events(since)
        if since is None:
            await self._identifiers(self._reader.identifier_keys(self._space))
            async for links in self._reader.all_links(self._space):
                self._write("links", links)
        else:
            async for settled in self._reader.settled(self._space, since):
                self._seen.add("customer", (customer for customer, _, _ in settled))
                self._seen.add("identifier", (key for *_, keys in settled for key in keys))
            await self._identifiers(_each(self._seen.pages("identifier", PAGE)))
            for pairs in self._seen.pages("link", PAGE):
                links = await self._reader.links([json.loads(pair) for pair in pairs])
                self._write("links", links)
        for ids in self._seen.pages("customer", PAGE):
            self._write("customers", await self._reader.customers(self._space, ids))
        first = "" if since is None else time_sortable("chg", max(since, 0), 0)
        async for changes in self._reader.changes(self._space, first):
            self._write("changes", changes)

    async def _events(self, since: int | None) -> None:
        async for events in self._reader.events(self._space, since):
            self._write("events", [_event(*event) for event in events])
            if since is not None:
                for *_, keys in events:
                    self._seen.add("identifier", keys)
                    self._seen.add("link", map(json.dumps, _pairs(keys)))

    async def _identifiers(self, pages: AsyncIterator[Sequence[str]]) -> None:
        """Write identifiers and the retired ids among them, and note their customers."""
        async for keys in pages:
            identifiers, retired = await self._reader.identifiers(keys)
            self._write("identifiers", identifiers)
            # While others write, an id may be met at two identifiers.
            new = self._seen.add("retired", (row[0] for row in retired))
            self._write("retired_ids", [row for row in retired if row[0] in new])
            self._seen.add("customer", (row[-1] for row in identifiers if row[-1] is not None))


def _event(
    properties: Mapping[str, Any], identifier: str | None, customer: str | None, keys: list[str]
) -> list[Any]:
    """A row of the table of events. Those that an earlier version wrote have no place: it is 0."""
    properties = {"place": 0, **properties}
    scalars = [
        (name.removeprefix("p_"), value if isinstance(value, str) else json.dumps(value))
        for name, value in sorted(properties.items())
        if name.startswith("p_")
    ]
    return [
        *(properties.get(name) for name in _OF_EVENT),
        identifier,
        customer,
        properties["properties"],
        scalars,
        *(properties.get(name) for name in ("context", "traits", "context_traits")),
        sorted(keys),
    ]


def _profile(customer: str, stored: StoredProfileRow, features: Columns) -> list[Any]:
    values = stored.features
    return [
        customer,
        stored.version,
        stored.evaluated_at,
        list(stored.audiences or ()),
        exact_values(values),
        *feature_cells(features, values),
    ]


def _pairs(keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every two identifiers of an event, as their link runs: from the lower in text order."""
    return combinations(sorted(keys, key=identifier_of), 2)


async def _each(pages: Iterator[list[str]]) -> AsyncIterator[list[str]]:
    for page in pages:
        yield page


def _cursor(text: str, space: str) -> Cursor:
    remedy = "Take it from the manifest of an earlier export of this space."
    try:
        cursor = parse_cursor(text)
    except ValueError as error:
        raise FieldInvalid("since", f"{error}.", remedy=remedy) from error
    if cursor.space != space:
        raise FieldInvalid(
            "since", f"This cursor is one of the space “{cursor.space}”.", remedy=remedy
        )
    return cursor


@contextmanager
def whole_or_nothing(directory: Path) -> Generator[Path]:
    """A directory beside `directory` that takes its place at the end, if all went well."""
    directory = directory.absolute()
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        if directory.exists() and any(directory.iterdir()):
            raise BadInput(
                f"{directory} is not empty.",
                remedy="Every export goes into a directory of its own.",
            )
        growing = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    except OSError as error:
        raise BadInput(
            f"{directory} cannot be written: {error.strerror}.",
            remedy="Name a directory that does not exist, or an empty one.",
        ) from error
    try:
        yield growing
        (growing / ".seen").unlink(missing_ok=True)
        growing.chmod(0o755)
        growing.replace(directory)
    except BaseException:
        shutil.rmtree(growing, ignore_errors=True)
        raise


def _manifest(exported: Exported) -> str:
    manifest = {
        "format": FORMAT,
        "space": exported.space,
        "complete": exported.complete,
        "since": exported.since,
        "cursor": exported.cursor,
        "exported_at": datetime.fromtimestamp(exported.exported_at / 1000, UTC).isoformat(),
        "policy_version": exported.policy_version,
        "settled": exported.settled,
        "schema_version": max(file.number for file in schema_files()),
        "tables": {
            name: {
                "rows": exported.rows(name),
                "columns": {
                    column: kind.name.lower() for column, kind in exported.columns[name].items()
                },
                "files": [asdict(part) for part in parts],
            }
            for name, parts in exported.tables.items()
        },
    }
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
