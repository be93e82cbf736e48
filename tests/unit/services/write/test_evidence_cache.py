"""What is kept of the evidence costs the garbage collector nothing."""

from __future__ import annotations

import gc

import pytest

from identity_service.domain.identifiers import Identifier
from identity_service.domain.resolution.subgraph import Sightings, Span
from identity_service.graph.evidence import NOTHING_KNOWN
from identity_service.graph.write_rows import EvidenceWrite
from identity_service.services.write.evidence_cache import CachedEvidence, EvidenceCache

PAIRS = 1_000


def learn_pairs(kept: CachedEvidence) -> None:
    """Keep a thousand links with both their ends, and nothing else of them."""
    pairs = [
        (Identifier("anonymous_id", f"a-{n}"), Identifier("user_id", f"u-{n}"))
        for n in range(PAIRS)
    ]
    kept.learn(
        NOTHING_KNOWN,
        EvidenceWrite(
            identifiers={end: Span(1, 1) for pair in pairs for end in pair},
            links={pair: Sightings(1, 1, 1, {"web"}) for pair in pairs},
        ),
    )


@pytest.mark.parametrize("with_claims", [False, True])
def test_the_garbage_collector_does_not_look_at_each_entry(with_claims: bool) -> None:
    kept = EvidenceCache(max_bytes=10_000_000).of("shop", with_claims=with_claims)
    gc.collect()
    before = len(gc.get_objects())

    learn_pairs(kept)
    for _ in range(3):  # a tuple is left alone once those inside it are
        gc.collect()

    last = (Identifier("anonymous_id", "a-999"), Identifier("user_id", "u-999"))
    assert len(gc.get_objects()) - before < PAIRS // 10
    assert kept.link_since(last) == 1
    assert kept.claim_of(last) == ({"web"} if with_claims else set())


def test_what_no_longer_holds_was_met_all_the_same() -> None:
    kept = EvidenceCache(max_bytes=10_000).of("shop", with_claims=False)
    phone, tablet = (Identifier("anonymous_id", name) for name in ("phone", "tablet"))
    kept.learn(NOTHING_KNOWN, EvidenceWrite(identifiers={phone: Span(1, 1)}))

    kept.forget(EvidenceWrite(known_identifiers={phone: Span(2, 2)}))

    assert kept.identifier_since(phone) is None
    assert kept.corrections([phone]) == {}
    assert [kept.may_be_new(each) for each in (phone, tablet)] == [False, True]
