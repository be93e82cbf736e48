"""The file of a CRM, and every mistake in it."""

from __future__ import annotations

import pytest

from identity_service.collect.crm_source import CrmSource, Vendor, fields_of
from identity_service.collect.source_file import read_source
from identity_service.errors import BadInput

SALESFORCE = """
source: salesforce
salesforce:
  url: https://acme.my.salesforce.com/
  client_id_env: SALESFORCE_CLIENT_ID
  client_secret_env: SALESFORCE_CLIENT_SECRET
objects:
  Contact: {user_id: Shop_Id__c, traits: [Name]}
  Lead: {}
"""
HUBSPOT = """
source: hubspot
hubspot: {portal: 62515, token_env: HUBSPOT_TOKEN}
every: 5m
objects:
  contacts: {traits: [firstname]}
"""


def crm_of(text: str) -> CrmSource:
    source = read_source(text)
    assert isinstance(source, CrmSource)
    return source


def test_a_file_says_which_objects_of_salesforce_are_read() -> None:
    source = crm_of(SALESFORCE)

    contact, lead = source.calls
    assert (source.vendor, source.url) == (Vendor.SALESFORCE, "https://acme.my.salesforce.com")
    assert source.variables == ("SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET")
    assert (contact.label, contact.user_id, lead.label) == ("Contact", "Shop_Id__c", "Lead")
    assert fields_of(source.vendor, contact) == (
        *("Id", "SystemModstamp", "Email", "MobilePhone", "Phone", "IsDeleted", "MasterRecordId"),
        *("Shop_Id__c", "Name"),
    )
    assert "ConvertedContactId" in fields_of(source.vendor, lead)


def test_a_file_says_which_account_of_hubspot_is_read() -> None:
    source = crm_of(HUBSPOT)

    assert (source.vendor, source.portal, source.every_ms) == (Vendor.HUBSPOT, 62515, 300_000)
    assert source.url == "https://api.hubapi.com"
    assert fields_of(source.vendor, source.calls[0])[-1] == "firstname"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HUBSPOT.replace("contacts:", "deals:"), "hubspot is read by its contacts, not deals"),
        (SALESFORCE.replace("https:", "http:"), "salesforce.url"),
        (SALESFORCE + "hubspot: {portal: 1, token_env: T}\n", "either of salesforce or of hubspot"),
        (HUBSPOT.replace("HUBSPOT_TOKEN", "pat-eu1-secret"), "hubspot.token_env"),
    ],
)
def test_a_mistake_is_named_without_what_may_be_secret(text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_source(text)

    assert said in refused.value.message
    assert "pat-eu1-secret" not in refused.value.message
