"""Records of Salesforce and HubSpot as calls, and what was done to records there as notices.

| in a record | read as |
| --- | --- |
| `Id` of Salesforce's contacts, leads | `salesforce_contact_id`, `salesforce_lead_id` |
| `ConvertedContactId` of a lead | `salesforce_contact_id` beside its own |
| `id` of HubSpot's contacts | `hubspot_contact_id`, as `portal/id` |
| the e-mail address; both phone numbers | `email`; `phone` |

A record is an identify call at the time of its last change. One of Salesforce that is deleted and
has a `MasterRecordId` was merged into that; HubSpot's `hs_merged_object_ids` were merged into the
contact. Both are notices, which an agent may accept, and so is a deletion; neither joins anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from identity_service.collect.content import digest_of
from identity_service.collect.crm_source import OBJECTS, CrmSource, Vendor, fields_of
from identity_service.collect.cursors import read_cursor
from identity_service.collect.notices import merge_notice, notice
from identity_service.collect.polled import PolledCall, PolledRow
from identity_service.collect.sql_rows import read_row
from identity_service.domain.upstream import Notice, NoticeKind

_SHORT_ID: Final = 15
_CHECKSUM: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def read_record(
    source: CrmSource, call: PolledCall, record: Mapping[str, Any], received_at: int, number: int
) -> PolledRow:
    """What a record says. Raises BadInput where it does not say when it changed."""
    known = OBJECTS[source.vendor][call.label]
    row: dict[str, Any] = {name: record.get(name) for name in fields_of(source.vendor, call)}
    for name in (known.id, *known.others.values()):
        row[name] = _id(source, row[name])
    numbers = [row[name] for name in known.phones if row[name]]
    row["email"] = row[known.email]
    row["phone"], row["other_phone"] = (*numbers, None, None)[:2]
    changed = row[known.changed]
    if source.vendor is Vendor.SALESFORCE and row["IsDeleted"]:
        about = (known.id_type, row[known.id])
        cursor, key = read_cursor(changed), orjson.dumps([row[known.id]]).decode()
        return PolledRow(cursor, None, key, {}, _ended(source, call, about, row, changed))
    found = read_row(source.name, call, row, received_at, number)
    merged = str(row.get("hs_merged_object_ids") or "").split(";")
    kept = (known.id_type, row[known.id])
    notices = [
        merge_notice("contact.merge", _message_id(source, kept, gone), kept, gone, changed)
        for each in merged
        if each.strip()
        for gone in [(known.id_type, _id(source, each.strip()))]
    ]
    return found._replace(notices=tuple(each for each in notices if each is not None))


def _ended(
    source: CrmSource,
    call: PolledCall,
    about: tuple[str, Any],
    row: Mapping[str, Any],
    changed: object,
) -> tuple[Notice, ...]:
    """That a record of Salesforce is gone: merged into another one, or deleted."""
    master = row["MasterRecordId"]
    if not master:
        message_id = _message_id(source, about, changed)
        topic = f"{call.label} deleted"
        return (notice(NoticeKind.DELETION, topic, message_id, [about], changed),)
    kept = (about[0], _id(source, master))
    message_id = _message_id(source, kept, about)
    made = merge_notice(f"{call.label} merged", message_id, kept, about, changed)
    return () if made is None else (made,)


def _id(source: CrmSource, value: Any) -> Any:
    if value is None:
        return None
    if source.vendor is Vendor.HUBSPOT:
        return f"{source.portal}/{value}"
    return _in_18_characters(str(value))


def _in_18_characters(record_id: str) -> str:
    """Salesforce's ids in the form that may be compared without regard to case.

    The last three characters say which of the other fifteen are capital letters.
    """
    if len(record_id) != _SHORT_ID:
        return record_id
    capitals = [character.isascii() and character.isupper() for character in record_id]
    suffix = (
        _CHECKSUM[sum(is_capital << place for place, is_capital in enumerate(capitals[n : n + 5]))]
        for n in (0, 5, 10)
    )
    return record_id + "".join(suffix)


def _message_id(source: CrmSource, *made_of: object) -> str:
    return f"{source.vendor}:{digest_of(orjson.dumps([source.name, *made_of]))}"
