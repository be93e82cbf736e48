"""Parquet files in a directory or on S3 as a destination: `audience=NAME/run=TIME/part-0.parquet`.

Each run holds what has changed since the one before: a row for each customer, who is a `member` of
the audience now, or not. `manifest.json` beside it is written last: a run without one is not whole.
Without audiences, all customers are of the audience `all`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson

from identity_service.activation.definition import Definition
from identity_service.activation.exchange import (
    MAX_REASON,
    Done,
    Later,
    NoAccess,
    Outcome,
    Outcomes,
    Pace,
    Request,
    all_of,
)
from identity_service.activation.records import Action, Operation
from identity_service.errors import MissingExtra
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.optional import library

ALL: Final = "all"
ROWS: Final = 10_000
"""Most rows of a file."""

_OWN: Final = ("record_key", "customer_id", "member", "erased")


class ParquetFiles:
    """A channel whose requests are runs."""

    def __init__(self, definition: Definition, root: str | None, clock: Clock) -> None:
        """`root`: a directory, or `s3://BUCKET/PREFIX`, below which it may write; None: nowhere."""
        self._definition = definition
        self._root = root
        self._clock = clock

    @property
    def pace(self) -> Pace:
        """One run at a time."""
        return Pace(operations=ROWS, connections=1, requests_per_s=1)

    def unsendable(self, operation: Operation) -> str | None:  # noqa: ARG002
        """Everything can be written."""
        return None

    def requests(self, operations: Sequence[Operation]) -> list[Request]:
        """One run; its body shows the rows by audience."""
        if not operations:
            return []
        rows = {name: self._rows(name, operations) for name in self._audiences()}
        directory = self._definition.connection["directory"]
        return [Request("WRITE", directory, orjson.dumps(rows), tuple(operations))]

    async def exchange(self, request: Request) -> Outcomes:
        """Write the files of a run."""
        return all_of(request, await asyncio.to_thread(self._write, request))

    async def close(self) -> None:
        """There is nothing to close."""

    def _write(self, request: Request) -> Outcome:
        if self._root is None:
            return NoAccess("IDENTITY_DESTINATION_FILES names no directory to write below")
        now = datetime.fromtimestamp(self._clock() / 1_000, UTC)
        run = f"run={now:%Y%m%dT%H%M%S}{now.microsecond // 1_000:03}Z"
        tables: Mapping[str, list[dict[str, Any]]] = orjson.loads(request.body)
        try:
            place = _place(self._root, self._definition.connection["directory"])
            if isinstance(place, NoAccess):
                return place
            store, directory = place
            for audience, rows in tables.items():
                name = quote(audience, safe="")
                self._write_run(store, f"{directory}/audience={name}/{run}", rows)
        except MissingExtra as error:
            return NoAccess(str(error))
        except OSError as error:
            reason = error.strerror or str(error)
            return Later(f"cannot be written: {reason}"[:MAX_REASON], of_all=True)
        return Done()

    def _write_run(self, store: Any, directory: str, rows: Sequence[Mapping[str, Any]]) -> None:
        pyarrow, parquet = library("pyarrow"), library("pyarrow.parquet")
        truth = {"member", "erased"}
        columns = [*_OWN, *self._columns()]
        table = pyarrow.table(
            {
                name: pyarrow.array(
                    [row.get(name) for row in rows],
                    type=pyarrow.bool_() if name in truth else pyarrow.string(),
                )
                for name in columns
            }
        )
        if store.type_name == "local":  # on S3 there are none
            store.create_dir(directory)
        parquet.write_table(table, f"{directory}/part-0.parquet", filesystem=store)
        manifest = {"rows": len(rows), "columns": columns, "files": ["part-0.parquet"]}
        with store.open_output_stream(f"{directory}/manifest.json") as out:
            out.write(orjson.dumps(manifest, option=orjson.OPT_APPEND_NEWLINE))

    def _audiences(self) -> list[str]:
        return sorted(self._definition.audiences.values()) or [ALL]

    def _columns(self) -> list[str]:
        names = self._definition.names
        return [*self._definition.attributes, names.retired_ids, names.merged_into]

    def _rows(self, audience: str, operations: Sequence[Operation]) -> list[dict[str, Any]]:
        return [self._row(audience, each) for each in operations]

    def _row(self, audience: str, operation: Operation) -> dict[str, Any]:
        record = operation.record
        is_erased = operation.action is Action.ERASE
        attributes = {
            name: _text(record.attributes.get(name)) for name in self._columns() if not is_erased
        }
        return {
            "record_key": str(record.key),
            "customer_id": record.customer_id,
            "member": not is_erased and record.audiences.get(audience, audience == ALL),
            "erased": is_erased,
            **attributes,
        }


def _place(root: str, directory: str) -> tuple[Any, str] | NoAccess:
    """The file system to write to, and the path there of a directory below `root`."""
    filesystems = library("pyarrow.fs")
    if root.startswith("s3://"):
        try:
            store, path = filesystems.FileSystem.from_uri(root)
        except ValueError:  # without what it says: an address may hold a secret
            return NoAccess("the address of IDENTITY_DESTINATION_FILES cannot be read")
        return store, f"{path}/{directory}"
    above = Path(root).resolve()
    below = (above / directory).resolve()
    if below == above or not below.is_relative_to(above):
        return NoAccess("the directory is not below the one of IDENTITY_DESTINATION_FILES")
    return filesystems.LocalFileSystem(), str(below)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()
