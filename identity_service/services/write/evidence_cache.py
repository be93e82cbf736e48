"""What the graph holds for certain, so that not every event has to ask.

Evidence is only ever added, except where a judgement or a retraction takes identifiers from events.
That raises the number of corrections of each identifier that such an event carried, so what is kept
here is true as long as the numbers are. Whoever writes by it has the write compare them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from identity_service.domain.identifiers import Identifier
from identity_service.domain.resolution.evidence import NO_CLAIM, Claim
from identity_service.domain.resolution.subgraph import Pair
from identity_service.graph.evidence import Known
from identity_service.graph.write_rows import EvidenceWrite
from identity_service.services.kit.lru_cache import LruCache

_ENTRY_BYTES: Final = 500
"""What an entry takes beside its texts."""


# Plain tuples of texts and numbers: those the garbage collector soon leaves alone. A full cache of
# objects of our classes would make each of its full collections take a second.

_IdentifierKey: TypeAlias = tuple[str, str, str]
"""Space, type, value."""

_LinkKey: TypeAlias = tuple[str, str, str, str, str]
"""Space, then type and value of both ends."""

_KnownIdentifier: TypeAlias = tuple[int, int] | tuple[()]
"""First seen at the latest then, when it had so many corrections; empty where that was not so."""

_KnownLink: TypeAlias = tuple[int, int, int, tuple[str, ...] | None]
"""First seen at the latest then, when its ends had so many corrections each.

Last the sources of its claim, None where it was not needed, and so not read.
"""

_Identifiers = LruCache[_IdentifierKey, _KnownIdentifier]
_Links = LruCache[_LinkKey, _KnownLink]


class EvidenceCache:
    """The identifiers and links of all spaces that were met last."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes`: most that is kept of all spaces together."""
        self._identifiers: _Identifiers = LruCache(max_bytes // 2)
        self._links: _Links = LruCache(max_bytes // 2)

    def of(self, space: str, *, with_claims: bool) -> CachedEvidence:
        """What is kept of one space; `with_claims`: the claims of its links are needed."""
        return CachedEvidence(self._identifiers, self._links, space, with_claims)


@dataclass(frozen=True, slots=True)
class CachedEvidence:
    """What is kept of one space, as `KnownEvidence`."""

    _identifiers: _Identifiers
    _links: _Links
    _space: str
    _with_claims: bool

    def identifier_since(self, identifier: Identifier) -> int | None:
        """When the identifier was first seen, at the latest; None where that is not kept."""
        kept = self._identifiers.get(self._key_of(identifier))
        return kept[0] if kept else None

    def may_be_new(self, identifier: Identifier) -> bool:
        """Whether the identifier was not met before, as far as that is kept."""
        return self._identifiers.get(self._key_of(identifier)) is None

    def link_since(self, pair: Pair) -> int | None:
        """When the link was first seen, at the latest; None where that is not kept."""
        a, b = pair
        kept = self._links.get(self._link_key_of(pair))
        if kept is None:
            return None
        since, number_a, number_b, sources = kept
        if self._with_claims and sources is None:
            return None
        is_current = number_a == self._number(a) and number_b == self._number(b)
        return since if is_current else None

    def claim_of(self, pair: Pair) -> Claim:
        """Which sources alone a link rests on; one that came since may be missing."""
        kept = self._links.get(self._link_key_of(pair))
        return frozenset(kept[3]) if kept and kept[3] else NO_CLAIM

    def corrections(self, identifiers: Iterable[Identifier]) -> dict[Identifier, int]:
        """The numbers of corrections of those that have any."""
        numbers = ((identifier, self._number(identifier)) for identifier in identifiers)
        return {identifier: number for identifier, number in numbers if number}

    def learn(self, known: Known, written: EvidenceWrite) -> None:
        """Keep what was read for a write, and what the write added."""
        corrections = {i: known.corrections.get(i, 0) for i in known.identifiers}
        for identifier, stored in known.identifiers.items():
            kept = (stored.first_seen, corrections[identifier])
            self._keep_identifier(identifier, kept)
        for identifier, span in written.identifiers.items():
            # One that returns has the number that it had before.
            if identifier not in written.returning:
                corrections[identifier] = 0
                self._keep_identifier(identifier, (span.first, 0))
        for pair, since in known.links.items():
            claim = known.claims.get(pair, NO_CLAIM) if self._with_claims else None
            self._keep_link(pair, since, corrections, claim)
        for pair, seen in written.links.items():
            claim = seen.claim if self._with_claims else None
            self._keep_link(pair, seen.first, corrections, claim)

    def forget(self, written: EvidenceWrite) -> None:
        """Keep nothing of what a write named as known, but that it was met: something of it no
        longer holds.
        """
        for identifier in written.known_identifiers:
            self._keep_identifier(identifier, ())
        for pair in written.known_links:
            self._links.drop(self._link_key_of(pair))

    def _key_of(self, identifier: Identifier) -> _IdentifierKey:
        return self._space, identifier.type, identifier.value

    def _link_key_of(self, pair: Pair) -> _LinkKey:
        a, b = pair
        return self._space, a.type, a.value, b.type, b.value

    def _number(self, identifier: Identifier) -> int | None:
        kept = self._identifiers.get(self._key_of(identifier))
        return kept[1] if kept else None

    def _keep_identifier(self, identifier: Identifier, kept: _KnownIdentifier) -> None:
        size = _ENTRY_BYTES + len(identifier.value)
        self._identifiers.put(self._key_of(identifier), kept, size)

    def _keep_link(
        self, pair: Pair, since: int, corrections: dict[Identifier, int], claim: Claim | None
    ) -> None:
        a, b = pair
        if a in corrections and b in corrections:
            sources = None if claim is None else tuple(claim)
            kept = (since, corrections[a], corrections[b], sources)
            size = _ENTRY_BYTES + len(a.value) + len(b.value)
            self._links.put(self._link_key_of(pair), kept, size)
