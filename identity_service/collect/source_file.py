"""The file of a source that the service reads itself: a database, or a CRM."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

from identity_service.collect.crm_source import CrmSource, Vendor, crm_source
from identity_service.collect.source_text import read_data
from identity_service.collect.sql_source import SqlSource, sql_source

PolledSource: TypeAlias = SqlSource | CrmSource


def read_source(text: str) -> PolledSource:
    """A source from its file. Raises BadInput that names every mistake with its path."""
    data = read_data(text)
    keys = set(cast("dict[str, Any]", data)) if isinstance(data, dict) else set[str]()
    return crm_source(data) if keys & set(Vendor) else sql_source(data)
