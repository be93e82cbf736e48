"""The rows of one transaction, in the shape that the statements take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from identity_service.domain.events import Observation, ReportedEvent
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.resolution.id_register import ChangeSet, CustomerKind
from identity_service.domain.resolution.subgraph import (
    EMPTY_SUBGRAPH,
    Sightings,
    Span,
    StoredIdentifier,
)
from identity_service.graph.write_rows import (
    EvidenceWrite,
    LedgerEntry,
    NewEvent,
    Settlement,
    SettlementWrite,
    Withdrawal,
    evidence_rows,
    settlement_rows,
)

ANN, PHONE, TABLET = (
    Identifier("user", "ann"),
    Identifier("cookie", "phone"),
    Identifier("cookie", "tablet"),
)
JUDGEMENT = Judgement("jdg_1", Verdict.SAME, ANN, PHONE, 5, "Eve", "She said so.")

SUBGRAPH = replace(
    EMPTY_SUBGRAPH,
    interior=frozenset({ANN, PHONE}),
    nodes={
        ANN: StoredIdentifier(1, "c1", contested=False, super_connector=False),
        PHONE: StoredIdentifier(1, "c2", contested=False, super_connector=False),
    },
    revisions={"c2": 7, "c1": 3},
    member_counts={"c2": 1, "c1": 1},
    link_counts={ANN: 1, PHONE: 2},
    settled_under=2,
)
"""Two customers of one identifier each."""

NO_CHANGE = Settlement(SUBGRAPH, (ANN, PHONE, TABLET), ChangeSet(), ())


def an_event(*identifiers: Identifier, **fields: Any) -> NewEvent:
    about: dict[str, Any] = {
        "name": None,
        "properties": {},
        "context": {},
        "traits": {},
        "context_traits": {},
        "account_id": None,
        "account_traits": {},
        "digest": "d1",
        "place": 0,
    }
    event = ReportedEvent("m1", "track", at=4, identifiers=identifiers, **(about | fields))
    return NewEvent.of("s", Observation(event, identifiers, (), 9, "shop"), identifiers[-1], {})


def written(evidence: EvidenceWrite, settlement: Settlement | None = None) -> dict[str, Any]:
    """The rows under the second version of a policy."""
    return settlement_rows(SettlementWrite("s", 2, 10, evidence, settlement))


def test_links_and_events_name_identifiers_by_their_places_known_ones_first() -> None:
    rows = evidence_rows(
        SettlementWrite(
            "s",
            2,
            10,
            EvidenceWrite(
                events=[an_event(PHONE, TABLET, ANN)],
                identifiers={PHONE: Span(4, 4), TABLET: Span(4, 5)},
                known_identifiers={ANN: Span(4, 4)},
                links={(PHONE, TABLET): Sightings(4, 4, 1, {"web", "shop"}, proven=True)},
                known_links={(PHONE, ANN): Sightings(4, 6, 2, {"shop"})},
            ),
        )
    )

    places = [key for key, *_ in (*rows["known"], *rows["identifiers"])]
    assert places == ["s/user:ann", "s/cookie:phone", "s/cookie:tablet"]
    assert rows["identifiers"][1] == [
        *("s/cookie:tablet", "cookie", "tablet", 4, 5),
        {"find_1": "s/tablet"},
    ]
    assert rows["links"] == [[1, 2, 4, 4, 1, ["shop", "web"], True]]
    assert rows["links_seen"] == [[1, 0, 4, 6, 2, ["shop"], None]]
    [[key, _, strongest, others, carries_traits]] = rows["events"]
    assert (key, strongest, others, carries_traits) == ("s/m1\td1", 0, [1, 2], False)


def test_deferred_identifiers_come_with_the_cause_of_what_follows() -> None:
    evidence = EvidenceWrite(
        identifiers={PHONE: Span(4, 4)}, deferred={PHONE: "event:m2", ANN: "event:m1"}
    )

    assert written(evidence)["deferred"] == [
        ["s/cookie:phone", "event:m2"],
        ["s/user:ann", "event:m1"],
    ]


def test_a_settlement_ends_the_waiting_of_what_it_walked() -> None:
    walked = replace(NO_CHANGE, subgraph=replace(NO_CHANGE.subgraph, unsettled={PHONE: 2}))

    assert written(EvidenceWrite(), walked)["settled"] == [["s/cookie:phone", 2]]
    assert written(EvidenceWrite())["settled"] == []


def test_the_customers_that_a_settlement_rests_on_come_in_one_order() -> None:
    rows = written(EvidenceWrite(), NO_CHANGE)

    assert rows["guards"] == [["c1", 3, 1], ["c2", 7, 1]]
    assert rows["walked"] == ["c1", "c2"]
    assert rows["outdated"] == []


def test_what_is_decided_besides_the_walk_counts_as_walked() -> None:
    rows = written(EvidenceWrite(), replace(NO_CHANGE, decided={"c0"}))

    assert rows["walked"] == ["c0", "c1", "c2"]


def test_one_customer_of_an_older_policy_makes_all_of_them_outdated() -> None:
    older = replace(NO_CHANGE, subgraph=replace(SUBGRAPH, settled_under=1))

    assert written(EvidenceWrite(), older)["outdated"] == ["c1", "c2"]


@pytest.mark.parametrize(
    "evidence",
    [
        EvidenceWrite(events=[an_event(ANN)], known_identifiers={ANN: Span(4, 4)}),
        EvidenceWrite(identifiers={TABLET: Span(4, 4)}),
        EvidenceWrite(known_identifiers={ANN: Span(4, 4)}),
        EvidenceWrite(made=[JUDGEMENT]),
        EvidenceWrite(in_effect=[JUDGEMENT]),
        EvidenceWrite(withdrawn=[Withdrawal(JUDGEMENT, 5, "Eve", "I was wrong.")]),
    ],
)
def test_new_evidence_raises_the_revision_also_of_customers_that_stay_the_same(
    evidence: EvidenceWrite,
) -> None:
    assert written(evidence, NO_CHANGE)["unchanged"] == []


def test_without_new_evidence_customers_that_stay_the_same_keep_their_revision() -> None:
    moved = replace(NO_CHANGE, changes=ChangeSet(kinds=[("c2", CustomerKind.KNOWN)]))
    blocked = replace(NO_CHANGE, blocked=[TABLET])

    assert written(EvidenceWrite(), NO_CHANGE)["unchanged"] == ["c1", "c2"]
    assert written(EvidenceWrite(), moved)["unchanged"] == ["c1"]
    assert written(EvidenceWrite(), blocked)["unchanged"] == []


@pytest.mark.parametrize(
    "changes",
    [
        ChangeSet(moves=[(1, "c2", "c1")]),
        ChangeSet(retired=[("c2", "c1")]),
        ChangeSet(anchors=[("c1", 0), ("c2", 1)]),
        ChangeSet(contested=[0, 1]),
        ChangeSet(released=[0, 1]),
        ChangeSet(super_connectors=[0, 1]),
        ChangeSet(no_super_connectors=[0, 1]),
    ],
)
def test_every_kind_of_change_raises_the_revision_of_its_customers(changes: ChangeSet) -> None:
    assert written(EvidenceWrite(), replace(NO_CHANGE, changes=changes))["unchanged"] == []


def test_identifiers_without_a_customer_join_one_and_others_move() -> None:
    settlement = replace(
        NO_CHANGE,
        subgraph=replace(
            SUBGRAPH,
            nodes=SUBGRAPH.nodes
            | {PHONE: StoredIdentifier(1, None, contested=False, super_connector=False)},
        ),
        changes=ChangeSet(moves=[(0, "c1", "c2"), (1, None, "c2"), (2, None, "c2")]),
    )

    rows = written(EvidenceWrite(identifiers={TABLET: Span(4, 4)}), settlement)

    assert rows["moves"] == [["s/user:ann", "c2"]]
    assert rows["joins"] == [["s/cookie:phone", "c2"], ["s/cookie:tablet", "c2"]]
    assert rows["unclaimed"] == ["s/cookie:phone"]


@pytest.mark.parametrize(
    ("evidence", "settlement"),
    [
        (EvidenceWrite(known_identifiers={PHONE: Span(4, 4)}), NO_CHANGE),
        (EvidenceWrite(), replace(NO_CHANGE, changes=ChangeSet(moves=[(1, "c1", "c2")]))),
        (EvidenceWrite(), replace(NO_CHANGE, changes=ChangeSet(anchors=[("c1", 1)]))),
        (EvidenceWrite(), replace(NO_CHANGE, changes=ChangeSet(contested=[1]))),
        (EvidenceWrite(), replace(NO_CHANGE, blocked=[PHONE])),
        (EvidenceWrite(in_effect=[replace(JUDGEMENT, a=PHONE, b=PHONE)]), NO_CHANGE),
        (
            EvidenceWrite(
                withdrawn=[Withdrawal(replace(JUDGEMENT, a=PHONE, b=PHONE), 5, "Eve", "No.")]
            ),
            NO_CHANGE,
        ),
    ],
)
def test_whatever_is_written_about_a_known_identifier_takes_its_lock_first(
    evidence: EvidenceWrite, settlement: Settlement
) -> None:
    assert written(evidence, settlement)["locked"] == ["s/cookie:phone"]


def test_locks_are_taken_in_one_order_and_of_nothing_that_is_new() -> None:
    evidence = EvidenceWrite(
        known_identifiers={ANN: Span(4, 4), PHONE: Span(4, 4)}, identifiers={TABLET: Span(4, 4)}
    )

    assert written(evidence, NO_CHANGE)["locked"] == ["s/cookie:phone", "s/user:ann"]


def test_an_id_that_was_retired_before_only_forwards_to_another() -> None:
    settlement = replace(NO_CHANGE, changes=ChangeSet(retired=[("c1", "c2"), ("old", "c2")]))

    rows = written(EvidenceWrite(), settlement)

    assert rows["retired"] == [["c1", "c2"]]
    assert rows["forwarded"] == [["old", "c2"]]


def test_a_ledger_entry_names_its_identifiers_by_key() -> None:
    entry = LedgerEntry("chg_1", "MERGED", "c1", "c2", (PHONE,), "event:m1")

    rows = written(EvidenceWrite(), replace(NO_CHANGE, entries=[entry]))

    assert rows["changes"] == [["chg_1", "MERGED", "c1", "c2", ["s/cookie:phone"], "event:m1"]]


def test_an_account_and_its_traits_are_rows_of_their_own() -> None:
    plain = an_event(ANN, account_id="acme")
    described = an_event(ANN, account_id="acme", account_traits={"plan": "gold", "a": 1})
    again = an_event(ANN, account_id="acme", account_traits={"a": 1, "plan": "gold"})
    evidence = EvidenceWrite(
        events=[an_event(ANN), plain, described, again], known_identifiers={ANN: Span(4, 4)}
    )

    rows = written(evidence)["accounts"]

    assert rows[0] == ["s/m1\td1", "s/acme", "acme", None, None, 4, 9, 0]
    assert rows[1][4] == '{"a":1,"plan":"gold"}'
    assert rows[1] == rows[2]
