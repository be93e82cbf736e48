"""Salesforce and HubSpot, read from vendors on loopback."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from identity_service.collect.source_file import PolledSource, read_source
from identity_service.errors import SourceFailed
from identity_service.services.imports.polls import CallReport
from tests.support.crm_stub import CLIENT_SECRET, TOKEN, CrmStub, crm_stub
from tests.support.space import NewWorld, World

pytestmark = pytest.mark.neo4j

SALESFORCE = """
source: {source}
salesforce: {{url: "{url}", client_id_env: CRM_ID, client_secret_env: CRM_SECRET}}
objects:
  Contact: {{user_id: Shop_Id__c}}
  Lead: {{}}
"""
HUBSPOT = """
source: {source}
hubspot: {{portal: 62515, token_env: CRM_TOKEN, url: "{url}"}}
objects:
  contacts: {{}}
"""

POLICY = """
extends: quarantine
types:
  salesforce_contact_id: {priority: 5, kind: person}
  salesforce_lead_id: {priority: 6, kind: person}
"""


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Generator[CrmStub]:
    monkeypatch.setenv("CRM_ID", "client")
    monkeypatch.setenv("CRM_SECRET", CLIENT_SECRET)
    monkeypatch.setenv("CRM_TOKEN", TOKEN)
    with crm_stub() as stub:
        yield stub


def source_of(text: str, space: World, vendor: CrmStub) -> PolledSource:
    return read_source(text.format(source=space.space, url=vendor.url))


async def read(space: World, source: PolledSource) -> list[CallReport]:
    return (await space.use_cases.polls.poll(source)).calls


def contact(number: int, **more: Any) -> dict[str, Any]:
    return {
        "Id": f"003000000000{number:03}AAA",
        "SystemModstamp": f"2026-03-01T10:{number:02}:00.000+0000",
        "IsDeleted": False,
        "MasterRecordId": None,
        "Email": f"c{number}@example.com",
        **more,
    }


def contact_of_hubspot(number: int, **more: Any) -> dict[str, Any]:
    properties = {
        "email": f"c{number}@example.com",
        "lastmodifieddate": f"2026-03-01T10:{number:02}:00.000Z",
        **more,
    }
    return {
        "id": str(100 + number),
        "at": 1_772_359_200_000 + number * 60_000,
        "properties": properties,
    }


async def notices(space: World) -> list[list[Any]]:
    return await space.rows(
        "MATCH (n:UpstreamNotice {space: $space}) RETURN n.kind, n.identifiers ORDER BY n.id"
    )


async def customers(space: World) -> list[set[str]]:
    return [
        set(found)
        for [found] in await space.rows(
            "MATCH (c:Customer {space: $space})<-[:BELONGS_TO]-(i)"
            " WITH c, collect(i.type + ':' + i.value) AS found"
            " RETURN found ORDER BY size(found) DESC"
        )
    ]


async def test_contacts_of_salesforce_come_page_by_page_and_then_what_has_changed(
    world: NewWorld, vendor: CrmStub
) -> None:
    space = await world()
    source = source_of(SALESFORCE, space, vendor)
    vendor.records = {"Contact": [contact(n) for n in range(1, 31)], "Lead": []}
    vendor.refusals = [503, 429]

    first, _ = await read(space, source)
    vendor.records["Contact"].append(contact(31, Shop_Id__c="u-31"))
    second, _ = await read(space, source)

    assert (first.rows, first.written, first.error) == (30, 30, None)
    assert first.cursor == "2026-03-01T10:30:00.000Z"
    assert (second.rows, second.written, second.known) == (12, 1, 11)
    assert vendor.asked[2].endswith(
        "FROM Contact WHERE SystemModstamp >= 2026-03-01T10:20:00Z ORDER BY SystemModstamp, Id"
    )


async def test_a_lead_that_was_converted_joins_its_contact(
    world: NewWorld, vendor: CrmStub
) -> None:
    space = await world(POLICY)
    lead = contact(2, Id="00Q000000000002AAA", ConvertedContactId=contact(1)["Id"])
    vendor.records = {"Contact": [contact(1)], "Lead": [lead]}

    await read(space, source_of(SALESFORCE, space, vendor))

    [found] = await customers(space)
    assert {"email:c1@example.com", "email:c2@example.com"} <= found


async def test_a_contact_that_was_merged_is_one_notice_and_joins_nobody(
    world: NewWorld, vendor: CrmStub
) -> None:
    space = await world()
    source = source_of(SALESFORCE, space, vendor)
    kept, gone = contact(1), contact(2)
    vendor.records = {"Contact": [kept, gone], "Lead": []}

    await read(space, source)
    gone |= {"IsDeleted": True, "MasterRecordId": kept["Id"]}
    await read(space, source)
    await read(space, source)

    of_type = "salesforce_contact_id"
    assert await notices(space) == [
        ["MERGE", [f"{of_type}:{kept['Id']}", f"{of_type}:{gone['Id']}"]]
    ]
    assert len(await customers(space)) == 2


async def test_contacts_of_hubspot_come_beyond_what_one_search_gives(
    world: NewWorld, vendor: CrmStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity_service.services.imports.crm.MAX_RESULTS", 4)
    space = await world()
    source = source_of(HUBSPOT, space, vendor)
    vendor.records = {"contacts": [contact_of_hubspot(n) for n in range(1, 12)]}
    vendor.refusals = [429]

    [first] = await read(space, source)
    vendor.records["contacts"].append(contact_of_hubspot(40, hs_merged_object_ids="101"))
    [second] = await read(space, source)

    assert (first.written, first.error) == (11, None)
    assert second.written == 1
    assert len(await customers(space)) == 12
    of_type = "hubspot_contact_id"
    assert await notices(space) == [["MERGE", [f"{of_type}:62515/140", f"{of_type}:62515/101"]]]


async def test_more_contacts_of_one_moment_than_a_search_gives_are_an_error(
    world: NewWorld, vendor: CrmStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity_service.services.imports.crm.MAX_RESULTS", 4)
    space = await world()
    vendor.records = {"contacts": [contact_of_hubspot(1) | {"id": str(n)} for n in range(9)]}

    [report] = await read(space, source_of(HUBSPOT, space, vendor))

    assert "more than 4 contacts of one moment" in (report.error or "")


@pytest.mark.parametrize("text", [SALESFORCE, HUBSPOT], ids=["salesforce", "hubspot"])
async def test_a_credential_that_is_refused_is_not_repeated(
    world: NewWorld, vendor: CrmStub, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_SECRET", "wrong-secret-4711")
    monkeypatch.setenv("CRM_TOKEN", "wrong-secret-4711")
    vendor.records = {"contacts": []}
    space = await world()
    said = ""

    try:
        reports = await read(space, source_of(text, space, vendor))
        said = " ".join(report.error or "" for report in reports)
    except SourceFailed as failed:
        said = str(failed)

    assert "answered 401" in said
    assert "wrong-secret" not in said


async def test_a_vendor_that_is_not_there_is_an_error(world: NewWorld, vendor: CrmStub) -> None:
    space = await world()
    gone = read_source(SALESFORCE.format(source=space.space, url="http://127.0.0.1:1"))
    del vendor

    with pytest.raises(SourceFailed, match=r"Salesforce.* cannot be reached"):
        await read(space, gone)
