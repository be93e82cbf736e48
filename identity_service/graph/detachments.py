"""Events that judgements speak of, and the evidence that stands and falls with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.resolution.subgraph import Correction, Pair, Sightings, Span
from identity_service.errors import Stale
from identity_service.graph.database import Database
from identity_service.graph.keys import earlier_event_key, events_key, identifier_key, identifier_of
from identity_service.graph.statements import statement
from identity_service.graph.write_rows import NEVER

READ_EVENTS: Final = statement("detachments/read_events")
READ_LEFT: Final = statement("detachments/read_left")

Period = tuple[str, int, int | None]
"""A judgement, when it was made, and when it was withdrawn (None: it is in force)."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the graph holds it; `at` in milliseconds since 1970.

    `observed`: what counts as evidence of what it carries, each with whether the policy blocks
    it; `detached`: what judgements took from it. `periods` are all judgements about the
    identifier that was asked for.
    """

    key: str
    at: int
    source: str
    name: str
    observed: Mapping[Identifier, bool]
    detached: Collection[Identifier]
    periods: Sequence[Period]


@dataclass(frozen=True, slots=True)
class EvidenceLeft:
    """What is left without some events, as `correction` says.

    `observed` counts the events that carry the identifier now. `degrees` counts links as they are
    now, of the identifier and of those that it loses sightings with.
    """

    correction: Correction
    observed: int
    degrees: Mapping[Identifier, int]


class DetachmentStore:
    """Reads what a detachment rests on. Knows no rule."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def events(
        self, space: str, message_id: str, identifier: Identifier
    ) -> list[StoredEvent]:
        """The events with a message id."""
        row = await self._database.read_one(
            READ_EVENTS,
            w={
                "begin": events_key(space, message_id),
                "earlier_key": earlier_event_key(space, message_id),
                "key": identifier_key(space, identifier),
            },
        )
        return [
            StoredEvent(
                key,
                at,
                source,
                name,
                {identifier_of(carried): blocked for carried, blocked in observed},
                [identifier_of(taken) for taken in detached],
                [
                    (judgement, int(made), None if until == NEVER else int(until))
                    for judgement, made, until in zip(*periods, strict=True)
                ],
            )
            for key, at, source, name, observed, detached, *periods in (
                row["events"] if row else ()
            )
        ]

    async def left(
        self,
        space: str,
        identifier: Identifier,
        events: Collection[str],
        others: Collection[Identifier],
    ) -> EvidenceLeft:
        """What is left of an identifier, and of its links to `others`, without these events."""
        row = await self._database.read_one(
            READ_LEFT,
            w={
                "key": identifier_key(space, identifier),
                "events": list(events),
                "others": [identifier_key(space, other) for other in others],
            },
        )
        if row is None:
            raise Stale(f"{identifier} was taken from all events by somebody else.")
        links: dict[Pair, Sightings | None] = {}
        degrees: dict[Identifier, int] = {identifier: row["degree"]}
        for key, first, last, times, sources, degree in row["links"]:
            other = identifier_of(key)
            pair = (min(identifier, other), max(identifier, other))
            links[pair] = Sightings(first, last, times, set(sources)) if times else None
            degrees[other] = degree
        first_seen, last_seen = row["first_seen"], row["last_seen"]
        seen = None if first_seen is None else Span(first_seen, last_seen)
        return EvidenceLeft(Correction(identifier, seen, links), row["observed"], degrees)
