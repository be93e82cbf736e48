"""Training sets: what profiles were at given instants, as Parquet.

A value at an instant counts the events that happened until then, of all that belong to the
customer now: nothing of what happened later is in it. What arrived late counts as if it had come
in time, as in every feature.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.profiles.consents import consents
from identity_service.domain.profiles.evaluate import evaluate
from identity_service.domain.profiles.occurrences import CustomerEvidence
from identity_service.domain.recorded import SettledCustomer
from identity_service.domain.timestamps import read_moment
from identity_service.errors import BadInput
from identity_service.services.export.export import whole_or_nothing
from identity_service.services.export.parquet import Columns, Kind, TableWriter
from identity_service.services.export.profile_columns import (
    exact_values,
    feature_cells,
    feature_columns,
)
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.read.current import CurrentView
from identity_service.services.read.customers import Customers
from identity_service.services.read.profile_evidence import ProfileEvidence
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies
from identity_service.services.spaces.profile_texts import ProfilesInForce, ProfileTexts

TABLE: Final = "training_set"

_COLUMNS: Final[Columns] = {
    "row": Kind.NUMBER,
    "customer": Kind.TEXT,
    "at": Kind.TIME,
    "customer_id": Kind.TEXT,
    "version": Kind.NUMBER,
    "audiences": Kind.TEXTS,
    "values": Kind.TEXT,
}
"""Of each pair; a column for each feature follows."""

_PAIRS_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """A customer, by an identifier or an id, and an instant in milliseconds since 1970.

    `row` counts the pairs of the file, from 1. `customer` is the text that names it.
    """

    row: int
    customer: str
    at: int


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """How many rows were written, and how many of them name nobody: their features are null."""

    rows: int
    unknown: int
    version: int


class TrainingSets:
    """Writes training sets."""

    def __init__(
        self,
        texts: ProfileTexts,
        policies: Policies,
        customers: Customers,
        evidence: ProfileEvidence,
    ) -> None:
        self._texts = texts
        self._policies = policies
        self._customers = customers
        self._evidence = evidence

    async def write(
        self,
        scope: SpaceScope,
        pairs: Path,
        directory: Path,
        advanced: Callable[[int], None] = lambda _: None,
    ) -> TrainingSet:
        """Write a row for each pair of a CSV file with the columns `customer` and `at`.

        The rows stand in the order of the pairs, in the files of `directory/training_set`. The
        directory comes into being when it is whole. Raises NotFound without a profiles text,
        BadInput for a file that cannot be read, or a directory that cannot be written, TooLarge
        for customers with too many events, and IdentityServiceError without pyarrow.
        """
        in_force = await self._texts.required(scope)
        features = feature_columns(in_force.profiles.features)
        rows = unknown = 0
        with (
            whole_or_nothing(directory) as growing,
            TableWriter(growing, TABLE, {**_COLUMNS, **features}) as table,
        ):
            reading = read_pairs(pairs)
            while some := list(islice(reading, _PAIRS_AT_ONCE)):
                written = await self._rows(scope, in_force, features, some)
                table.write(written)
                rows += len(written)
                unknown += sum(row[3] is None for row in written)
                advanced(rows)
        return TrainingSet(rows, unknown, in_force.version)

    async def _rows(
        self,
        scope: SpaceScope,
        in_force: ProfilesInForce,
        features: Columns,
        pairs: Sequence[Pair],
    ) -> list[list[Any]]:
        ids = await _found(self._customers.current(scope), [pair.customer for pair in pairs])
        limited = (await self._policies.in_force(scope)).policy.limited_sources
        evidence = await self._evidence.of_customers(
            scope.space,
            sorted({*ids.values()}),
            limited,
            max(pair.at for pair in pairs),
            with_accounts=in_force.profiles.uses_accounts(),
        )
        events = sum(len(each.events) for each in evidence.values())
        return await offload_if_large(
            events * len(pairs),
            lambda: [
                _row(pair, evidence.get(ids.get(pair.customer, "")), in_force, features)
                for pair in pairs
            ],
        )


def read_pairs(file: Path) -> Iterator[Pair]:
    """The pairs of a CSV file. Raises BadInput, naming the row."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = {"customer", "at"} - {*(reader.fieldnames or ())}
            if missing:
                raise BadInput(
                    f"{file} has no column “{min(missing)}”.",
                    remedy="Its first line names the columns: customer,at.",
                )
            for number, row in enumerate(reader, start=1):
                yield Pair(
                    number, (row["customer"] or "").strip(), _moment(file, number, row["at"])
                )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{file} cannot be read: {error}.") from error


def _moment(file: Path, row: int, text: str | None) -> int:
    try:
        return read_moment(text or "")
    except (ValueError, OverflowError):
        raise BadInput(
            f"{file}, row {row}: “{text}” is no moment, as 2026-03-01T12:00Z is."
        ) from None


async def _found(view: CurrentView, named: Sequence[str]) -> dict[str, str]:
    """By what names them, the ids of customers; those that are not there are left out."""
    identifiers: dict[str, Identifier] = {}
    ids: list[str] = []
    for name in dict.fromkeys(named):
        if ":" in name:
            identifiers[name] = _identifier(name)
        else:
            ids.append(name)
    answers = [
        *zip(identifiers, await view.find_all(list(identifiers.values())), strict=True),
        *zip(ids, await view.find_all_by_id(ids), strict=True),
    ]
    return {
        name: found.customer_id for name, found in answers if isinstance(found, SettledCustomer)
    }


def _identifier(text: str) -> Identifier:
    try:
        return parse_identifier(text)
    except ValueError as error:
        raise BadInput(f"{error}.") from error


def _row(
    pair: Pair, evidence: CustomerEvidence | None, in_force: ProfilesInForce, features: Columns
) -> list[Any]:
    known = [pair.row, pair.customer, pair.at]
    if evidence is None:
        return [*known, None, in_force.version, None, None, *(None for _ in features)]
    then = replace(evidence, consents=consents(evidence.events, pair.at))
    found = evaluate(in_force.profiles, then, pair.at)
    return [
        *known,
        evidence.customer_id,
        in_force.version,
        sorted(found.audiences),
        exact_values(found.features),
        *feature_cells(features, found.features),
    ]
