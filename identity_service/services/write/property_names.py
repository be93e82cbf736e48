"""Which properties of events a space can be filtered by."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from identity_service.collect.properties import scalar_properties
from identity_service.domain.events import Observation
from identity_service.graph.evidence import EvidenceStore
from identity_service.services.kit.clock import Timer

MAX_NAMES_OF_SOURCE: Final = 500
"""Most names of properties that one source may take into use as `p_…`."""

MAX_NAMES: Final = 2_000
"""Most names of properties that one space may have in use."""

REFRESH_S: Final = 60.0
"""After so many seconds names are read again: an administrator may have given some back."""


@dataclass(frozen=True, slots=True)
class _InUse:
    """Names as they were read. `full`: sources that may take no more."""

    names: frozenset[str]
    read_at: float
    full: set[str] = field(default_factory=set[str])


class PropertyNames:
    """The names that spaces have in use. A name is used from the first event with it."""

    def __init__(self, store: EvidenceStore, timer: Timer = time.monotonic) -> None:
        self._store = store
        self._timer = timer
        self._in_use: dict[str, _InUse] = {}

    async def used_by(
        self, space: str, observations: Sequence[Observation]
    ) -> list[dict[str, Any]]:
        """The scalar properties of each event by names in use, `p_…`; new names are taken into use
        while there is room.
        """
        scalars = [scalar_properties(each.event.properties) for each in observations]
        sources = (each.source for each in observations)
        names = await self.in_use(space, zip(sources, scalars, strict=True))
        return [
            {name: value for name, value in values.items() if name in names} for values in scalars
        ]

    async def in_use(
        self, space: str, sent: Iterable[tuple[str, Mapping[str, object]]]
    ) -> Collection[str]:
        """All names in use, with those of some events if there is room: their sources and `p_…`."""
        names_of: defaultdict[str, set[str]] = defaultdict(set)
        for source, scalars in sent:
            names_of[source].update(scalars)
        found = self._in_use.get(space)
        if found is not None and self._timer() - found.read_at >= REFRESH_S:
            found = None
        for source, names in names_of.items():
            if not names:
                continue
            if found is None:
                found = await self._claim(space, source, names, _InUse(frozenset(), self._timer()))
            elif not names <= found.names and source not in found.full:
                found = await self._claim(space, source, names - found.names, found)
        return found.names if found else ()

    async def _claim(
        self, space: str, source: str, names: Collection[str], before: _InUse
    ) -> _InUse:
        in_use = await self._store.claim_property_names(
            space, source, names, MAX_NAMES_OF_SOURCE, MAX_NAMES
        )
        full = before.full if in_use.issuperset(names) else before.full | {source}
        found = self._in_use[space] = _InUse(in_use, before.read_at, full)
        return found
