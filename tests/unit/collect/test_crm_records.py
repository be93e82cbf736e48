"""Records of Salesforce and HubSpot, and what was done to records there."""

from __future__ import annotations

from typing import Any

import pytest

from identity_service.collect.crm_records import read_record
from identity_service.collect.polled import PolledRow
from identity_service.domain.events import ReportedEvent
from identity_service.domain.upstream import NoticeKind
from tests.unit.collect.test_crm_source import HUBSPOT, SALESFORCE, crm_of

NOW = 1_790_000_000_000
STAMP = "2026-03-01T10:00:00.000+0000"
CHANGED = "2026-03-01T10:00:00.000Z"
ANN = "003D000001aAbcDIAS"
BOB = "003D000001bBcdEIAS"


def of_salesforce(place: int = 0, **record: Any) -> PolledRow:
    source = crm_of(SALESFORCE)
    fields = {"Id": ANN, "SystemModstamp": STAMP, "IsDeleted": False, **record}
    return read_record(source, source.calls[place], fields, NOW, 0)


def of_hubspot(**record: Any) -> PolledRow:
    source = crm_of(HUBSPOT)
    fields = {"id": "101", "lastmodifieddate": CHANGED, **record}
    return read_record(source, source.calls[0], fields, NOW, 0)


def identifiers(row: PolledRow) -> set[str]:
    assert isinstance(row.call, ReportedEvent), row
    return {f"{i.type}:{i.value}" for i in row.call.identifiers}


def notices(row: PolledRow) -> list[tuple[NoticeKind, list[str]]]:
    return [(each.kind, [i.value for i in each.identifiers]) for each in row.notices]


def test_a_contact_of_salesforce_says_who_it_is_and_its_traits() -> None:
    row = of_salesforce(
        Email="ann@example.com",
        Phone="+31201234567",
        MobilePhone="+31612345678",
        Shop_Id__c="u-1",
        Name="Ann Archer",
    )

    assert isinstance(row.call, ReportedEvent)
    assert (row.call.type, row.call.at) == ("identify", 1_772_359_200_000)
    assert row.call.traits["Name"] == "Ann Archer"
    assert identifiers(row) == {
        *("user_id:u-1", f"salesforce_contact_id:{ANN}", "email:ann@example.com"),
        *("phone:+31612345678", "phone:+31201234567"),
    }
    assert row.notices == ()


def test_a_lead_that_was_converted_is_its_contact_too() -> None:
    lead = "00QD000000abcdeMAA"

    row = of_salesforce(1, Id=lead, ConvertedContactId=ANN)

    assert identifiers(row) == {f"salesforce_lead_id:{lead}", f"salesforce_contact_id:{ANN}"}


def test_a_contact_that_was_merged_is_a_notice_and_no_event() -> None:
    row = of_salesforce(Id=BOB, IsDeleted=True, MasterRecordId=ANN)

    assert row.call is None
    assert notices(row) == [(NoticeKind.MERGE, [ANN, BOB])]
    assert row.notices[0].at == 1_772_359_200_000


def test_a_contact_that_was_deleted_is_a_request_and_no_event() -> None:
    row = of_salesforce(IsDeleted=True)

    assert row.call is None
    assert notices(row) == [(NoticeKind.DELETION, [ANN])]


@pytest.mark.parametrize(
    ("short", "long"),
    [("003D000001aAbcD", "003D000001aAbcDIAS"), ("001000000000000", "001000000000000AAA")],
)
def test_a_short_id_of_salesforce_is_the_long_one(short: str, long: str) -> None:
    row = of_salesforce(Id=short)

    assert identifiers(row) == {f"salesforce_contact_id:{long}"}


def test_a_contact_of_hubspot_has_its_account_before_its_id() -> None:
    row = of_hubspot(email="ann@example.com", firstname="Ann", phone="+31201234567")

    assert identifiers(row) == {
        *("hubspot_contact_id:62515/101", "email:ann@example.com", "phone:+31201234567")
    }


def test_contacts_that_were_merged_into_one_of_hubspot_are_notices_of_that() -> None:
    row = of_hubspot(hs_merged_object_ids="7;8")

    assert notices(row) == [
        (NoticeKind.MERGE, ["62515/101", "62515/7"]),
        (NoticeKind.MERGE, ["62515/101", "62515/8"]),
    ]
    assert identifiers(row) == {"hubspot_contact_id:62515/101"}
