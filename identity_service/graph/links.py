"""Links in the graph: those of a customer, and those between some identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from identity_service.domain.explain.merge_reports import MergeReport
from identity_service.domain.recorded import RecordedEvent
from identity_service.graph.customers import CustomerKey, IdentifierRow, identifier_rows
from identity_service.graph.database import Database
from identity_service.graph.statements import statement

LIST_LINKS: Final = statement("resolve/list_links")
READ_LINKS: Final = statement("resolve/read_links")
READ_EXAMPLE_EVENTS: Final = statement("resolve/read_example_events")
READ_MERGE_REPORT: Final = statement("resolve/read_merge_report")
LIST_SHARED_DEVICES: Final = statement("resolve/list_shared_devices")

MAX_EXAMINED: Final = 10_000
"""Most events of an identifier that are looked at for one that saw another identifier too."""

KeyPair: TypeAlias = tuple[str, str]
"""The keys of two identifiers."""


class LinkRow(NamedTuple):
    """A link as it is stored, with its two ends. Times in milliseconds since 1970."""

    a: IdentifierRow
    b: IdentifierRow
    first_seen: int
    last_seen: int
    times_seen: int
    sources: Sequence[str]


class PairRow(NamedTuple):
    """Two identifiers. `link` is None where they were never seen together."""

    a: IdentifierRow
    b: IdentifierRow
    link: LinkRow | None


class LinkReader:
    """Reads links."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_customer(self, customer: CustomerKey, most: int) -> list[LinkRow]:
        """Links of a customer's identifiers, most often seen first."""
        row = await self._database.read_one(
            LIST_LINKS, w={"space": customer[0], "customer": customer[1], "most": most}
        )
        return [_link(*entry) for entry in row["links"]] if row else []

    async def between(self, pairs: Sequence[KeyPair]) -> list[PairRow]:
        """Pairs of identifiers with their links, in that order.

        Without the pairs of which an identifier does not exist.
        """
        row = await self._database.read_one(READ_LINKS, w={"pairs": [list(pair) for pair in pairs]})
        return [_pair(*entry) for entry in row["links"]] if row else []

    async def example_events(self, pairs: Sequence[KeyPair]) -> Mapping[KeyPair, RecordedEvent]:
        """By pair, the latest event that saw both, where one is found."""
        row = await self._database.read_one(
            READ_EXAMPLE_EVENTS,
            w={"pairs": [list(pair) for pair in pairs], "examined": MAX_EXAMINED},
        )
        return {pairs[x]: RecordedEvent(*event) for x, event in row["events"]} if row else {}

    async def merge_report(self, pairs: Sequence[KeyPair]) -> MergeReport | None:
        """The latest alias or merge call that named both of one of the pairs, if one is found."""
        row = await self._database.read_one(
            READ_MERGE_REPORT,
            w={"pairs": [list(pair) for pair in pairs], "examined": MAX_EXAMINED},
        )
        return MergeReport(row["at"], row["source"]) if row else None

    async def shared_devices(self, customer: CustomerKey, most: int) -> list[IdentifierRow]:
        """Contested identifiers that the customer's were seen with."""
        row = await self._database.read_one(
            LIST_SHARED_DEVICES, w={"space": customer[0], "customer": customer[1], "most": most}
        )
        return identifier_rows(row["identifiers"]) if row else []


def _pair(a: Sequence[Any], b: Sequence[Any], *link: Any) -> PairRow:
    ends = IdentifierRow(*a), IdentifierRow(*b)
    return PairRow(*ends, None if link[0] is None else LinkRow(*ends, *link))


def _link(a: Sequence[Any], b: Sequence[Any], *link: Any) -> LinkRow:
    return LinkRow(IdentifierRow(*a), IdentifierRow(*b), *link)
