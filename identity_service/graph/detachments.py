"""Events that judgements speak of, and the evidence that stands and falls with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.resolution.subgraph import Correction, Pair, Sightings, Span
from identity_service.errors import Stale
from identity_service.graph.database import Database
from identity_service.graph.keys import earlier_event_key, events_key, identifier_key, identifier_of
from identity_service.graph.statements import statement
from identity_service.graph.write_rows import NEVER, Period

READ_EVENTS: Final = statement("detachments/read_events")
READ_LEFT: Final = statement("detachments/read_left")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the graph holds it; `at` in milliseconds since 1970.

    `observed`: what counts as evidence of what it carries, each with whether the policy blocks
    it; `detached`: what judgements took from it. `periods`: by identifier, all judgements that
    take it from the event, or did.
    """

    key: str
    at: int
    source: str
    proven: bool
    name: str
    observed: Mapping[Identifier, bool]
    detached: Collection[Identifier]
    periods: Mapping[Identifier, Sequence[Period]]

    def of(self, identifier: Identifier) -> Sequence[Period]:
        """All judgements that take an identifier from it, or did."""
        return self.periods.get(identifier, ())


@dataclass(frozen=True, slots=True)
class EvidenceLeft:
    """What is left without some events, as `correction` says.

    `observed` counts the events that carry each identifier now. `degrees` counts links as they
    are now, of the identifiers that were asked for.
    """

    correction: Correction
    observed: Mapping[Identifier, int]
    degrees: Mapping[Identifier, int]


class DetachmentStore:
    """Reads what a detachment rests on. Knows no rule."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def events(self, space: str, message_id: str) -> list[StoredEvent]:
        """The events with a message id."""
        row = await self._database.read_one(
            READ_EVENTS,
            w={
                "begin": events_key(space, message_id),
                "earlier_key": earlier_event_key(space, message_id),
            },
        )
        return [stored_event(*entry) for entry in (row["events"] if row else ())]

    async def left(
        self,
        space: str,
        events: Collection[str],
        identifiers: Collection[Identifier],
        links: Collection[Pair],
        counted: Collection[Identifier],
    ) -> EvidenceLeft:
        """What is left of identifiers and links without these events.

        Raises Stale where somebody else took one of the identifiers from all of its events.
        """
        row = await self._database.read_one(
            READ_LEFT,
            w={
                "events": list(events),
                "identifiers": [identifier_key(space, i) for i in identifiers],
                "links": [[identifier_key(space, a), identifier_key(space, b)] for a, b in links],
                "counted": [identifier_key(space, i) for i in counted],
            },
        )
        if row is None or len(row["identifiers"]) < len(identifiers):
            raise Stale("Identifiers were taken from all events by somebody else.")
        return EvidenceLeft(
            Correction(
                seen={
                    identifier_of(key): None if first is None else Span(first, last)
                    for key, _, first, last in row["identifiers"]
                },
                links={
                    (identifier_of(a), identifier_of(b)): (
                        Sightings(first, last, times, set(sources), proven) if times else None
                    )
                    for a, b, first, last, times, sources, proven in row["links"]
                },
            ),
            observed={identifier_of(key): events for key, events, *_ in row["identifiers"]},
            degrees={identifier_of(key): degree for key, degree in row["degrees"]},
        )


def stored_event(
    key: str, at: int, source: str, proven: bool, name: str, carried: Sequence[Sequence[Any]]
) -> StoredEvent:
    """An event as statements list it; `carried`: as `detachments/read_events` has it."""
    return StoredEvent(
        key,
        at,
        source,
        proven,
        name,
        observed={identifier_of(i): blocked for i, counts, blocked, *_ in carried if counts},
        detached=[identifier_of(i) for i, counts, *_ in carried if not counts],
        periods={
            identifier_of(i): [
                (judgement, int(made), None if until == NEVER else int(until))
                for judgement, made, until in zip(*periods, strict=True)
            ]
            for i, _, _, *periods in carried
        },
    )
