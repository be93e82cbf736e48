"""Salesforce and HubSpot as sources: a file that says what of their objects is read.

::

    source: salesforce               # a source that there is; its events enter the spaces it feeds
    salesforce:
      url: https://acme.my.salesforce.com
      client_id_env: SALESFORCE_CLIENT_ID          # the variables that hold the credentials
      client_secret_env: SALESFORCE_CLIENT_SECRET
    every: 15m
    objects:
      Contact: {user_id: Shop_Id__c, traits: [Name, Title]}
      Lead: {traits: [Company]}

or `hubspot: {portal: 62515, token_env: HUBSPOT_TOKEN}` with the object `contacts`. `user_id` and
`traits` name fields of the object. Its own id, its e-mail address and its phone numbers are read
without being named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from identity_service.collect.polled import CallKind, PolledCall
from identity_service.collect.source_text import (
    Column,
    Columns,
    Duration,
    Strict,
    Variable,
    checked,
)
from identity_service.domain.policies.durations import parse_duration

OVERLAP_MS: Final = 10 * 60 * 1000
"""How far before the last change it begins: what was written is found with a delay."""


class Vendor(StrEnum):
    """Whose API is asked."""

    SALESFORCE = "salesforce"
    HUBSPOT = "hubspot"


@dataclass(frozen=True, slots=True)
class CrmObject:
    """What is always read of an object: its id, when it changed, and what else identifies.

    `others` are identifiers of other records in it, by type.
    """

    id: str
    id_type: str
    changed: str
    email: str
    phones: tuple[str, str]
    others: Mapping[str, str]
    more: tuple[str, ...]


OBJECTS: Final[Mapping[Vendor, Mapping[str, CrmObject]]] = {
    Vendor.SALESFORCE: {
        "Contact": CrmObject(
            id="Id",
            id_type="salesforce_contact_id",
            changed="SystemModstamp",
            email="Email",
            phones=("MobilePhone", "Phone"),
            others={},
            more=("IsDeleted", "MasterRecordId"),
        ),
        "Lead": CrmObject(
            id="Id",
            id_type="salesforce_lead_id",
            changed="SystemModstamp",
            email="Email",
            phones=("MobilePhone", "Phone"),
            others={"salesforce_contact_id": "ConvertedContactId"},
            more=("IsDeleted", "MasterRecordId"),
        ),
    },
    Vendor.HUBSPOT: {
        "contacts": CrmObject(
            id="id",
            id_type="hubspot_contact_id",
            changed="lastmodifieddate",
            email="email",
            phones=("mobilephone", "phone"),
            others={},
            more=("hs_merged_object_ids",),
        ),
    },
}


@dataclass(frozen=True, slots=True)
class CrmSource:
    """A source that is read from a CRM every so often.

    `variables` hold the credentials: id and secret of a client of Salesforce, or HubSpot's token.
    `portal` is the account of HubSpot, which stands before the ids of its contacts. A call has the
    name of its object as its label. No request may take longer than `timeout_ms`.
    """

    name: str
    vendor: Vendor
    url: str
    variables: tuple[str, ...]
    portal: int | None
    every_ms: int
    timeout_ms: int
    calls: tuple[PolledCall, ...]


def crm_source(data: Any) -> CrmSource:
    """A source from the data of its file. Raises BadInput that names every mistake."""
    given = checked(_Source, data)
    access = given.access
    calls = [_call(name, OBJECTS[given.vendor][name], each) for name, each in given.objects.items()]
    return CrmSource(
        name=given.source,
        vendor=given.vendor,
        url=access.url.rstrip("/"),
        variables=access.variables,
        portal=access.portal if isinstance(access, _HubSpot) else None,
        every_ms=given.every,
        timeout_ms=given.timeout,
        calls=tuple(calls),
    )


def fields_of(vendor: Vendor, call: PolledCall) -> tuple[str, ...]:
    """All fields that are asked for."""
    known = OBJECTS[vendor][call.label]
    named = [call.user_id] if call.user_id else []
    traits = [each for each in call.carried if each not in ("email", "phone")]
    fields = (known.id, known.changed, known.email, *known.phones, *known.others.values())
    return tuple(dict.fromkeys((*fields, *known.more, *named, *traits)))


def _call(name: str, known: CrmObject, given: _Object) -> PolledCall:
    return PolledCall(
        kind=CallKind.IDENTIFY,
        event=None,
        label=name,
        query="",
        cursor=known.changed,
        overlap_ms=OVERLAP_MS,
        overlap_rows=None,
        key=(known.id,),
        at=None,
        user_id=given.user_id,
        anonymous_id=None,
        group_id=None,
        identifiers={known.id_type: known.id, "phone": "other_phone", **known.others},
        carried=tuple(dict.fromkeys(("email", "phone", *given.traits))),
        is_ordered=True,
    )


_LOOPBACK_OR_TLS: Final = r"^(https://|http://(127\.0\.0\.1|localhost)[:/])"
_Address = Annotated[str, Field(pattern=_LOOPBACK_OR_TLS)]


class _Salesforce(Strict):
    url: _Address
    client_id_env: Variable
    client_secret_env: Variable

    @property
    def variables(self) -> tuple[str, ...]:
        """Those of the credentials."""
        return (self.client_id_env, self.client_secret_env)


class _HubSpot(Strict):
    portal: int
    token_env: Variable
    url: _Address = "https://api.hubapi.com"

    @property
    def variables(self) -> tuple[str, ...]:
        """That of the token."""
        return (self.token_env,)


class _Object(Strict):
    user_id: Column | None = None
    traits: Annotated[Columns, Field(strict=False)] = ()


class _Source(Strict):
    source: Column
    salesforce: _Salesforce | None = None
    hubspot: _HubSpot | None = None
    every: Duration = parse_duration("15m")
    timeout: Duration = parse_duration("30s")
    objects: Annotated[dict[str, _Object], Field(min_length=1)]

    @property
    def access(self) -> _Salesforce | _HubSpot:
        """Whichever of the two it is."""
        [access] = [each for each in (self.salesforce, self.hubspot) if each is not None]
        return access

    @property
    def vendor(self) -> Vendor:
        """Whose it is."""
        return Vendor.HUBSPOT if self.hubspot is not None else Vendor.SALESFORCE

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.salesforce is None) == (self.hubspot is None):
            raise ValueError("it is either of salesforce or of hubspot")
        known = OBJECTS[self.vendor]
        for name in self.objects:
            if name not in known:
                raise ValueError(f"{self.vendor} is read by its {', '.join(known)}, not {name}")
        return self
