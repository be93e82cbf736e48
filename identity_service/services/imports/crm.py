"""The APIs of Salesforce and HubSpot, asked for what has changed.

Where one says that too much is asked (429), or that it is not there for now (503), it is asked
again after a while. No error that leaves this module holds a credential.
"""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

import orjson

from identity_service.collect.crm_records import read_record
from identity_service.collect.crm_source import OBJECTS, CrmSource, Vendor, fields_of
from identity_service.collect.polled import PolledCall, PolledRow
from identity_service.errors import SourceFailed
from identity_service.services.kit.clock import Clock
from identity_service.settings import secret_of

BATCH: Final = 500
"""How many records become one batch."""

MAX_RESULTS: Final = 10_000
"""How many results HubSpot gives of one search; then another one begins where that ended."""

MAX_PAUSE_S: Final = 60
ATTEMPTS: Final = 5
_AGAIN: Final = (429, 503)
_VERSION: Final = "v62.0"
_SHOWN: Final = 300


class Crm:
    """The API of a source's vendor, while a context lasts.

    Every method raises SourceFailed where the API refuses or does not answer.
    """

    def __init__(self, source: CrmSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._url = source.url
        self._headers: dict[str, str] = {}
        self._hidden: list[str] = []

    async def __aenter__(self) -> Self:
        self._hidden = [self._secret(name) for name in self._source.variables]
        if self._source.vendor is Vendor.HUBSPOT:
            [token] = self._hidden
        else:
            token = await self._log_in(*self._hidden)
            self._hidden.append(token)
        self._headers = {"Authorization": f"Bearer {token}"}
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """There is nothing to close: every request has its own connection."""

    async def interrupt(self) -> None:
        """There is nothing to interrupt: a request ends within the source's time-out."""

    async def batches(self, call: PolledCall, since: Any) -> AsyncGenerator[list[PolledRow]]:
        """The records of an object that have changed since, in batches, in the order of that.

        `since` is a time in UTC, `2026-03-01 10:00:00`; None for all records.
        """
        is_hubspot = self._source.vendor is Vendor.HUBSPOT
        pages = self._searched(call, since) if is_hubspot else self._queried(call, since)
        count = 0
        async for records in pages:
            now = self._clock()
            for first in range(0, len(records), BATCH):
                batch = records[first : first + BATCH]
                yield [
                    read_record(self._source, call, record, now, n)
                    for n, record in enumerate(batch, count)
                ]
                count += len(batch)

    async def _queried(
        self, call: PolledCall, since: str | None
    ) -> AsyncGenerator[list[dict[str, Any]]]:
        """Pages of a query of Salesforce, deleted records too."""
        fields = ", ".join(fields_of(Vendor.SALESFORCE, call))
        where = f" WHERE {call.cursor} >= {since.replace(' ', 'T')}Z" if since else ""
        soql = f"SELECT {fields} FROM {call.label}{where} ORDER BY {call.cursor}, Id"  # noqa: S608
        path: str | None = f"/services/data/{_VERSION}/queryAll?{urlencode({'q': soql})}"
        while path:
            page = await self._ask(path)
            yield page.get("records", [])
            path = None if page.get("done", True) else page.get("nextRecordsUrl")

    async def _searched(
        self, call: PolledCall, since: str | None
    ) -> AsyncGenerator[list[dict[str, Any]]]:
        """Pages of searches of HubSpot."""
        known = OBJECTS[Vendor.HUBSPOT][call.label]
        asked: dict[str, Any] = {
            "sorts": [{"propertyName": known.changed, "direction": "ASCENDING"}],
            "properties": [each for each in fields_of(Vendor.HUBSPOT, call) if each != known.id],
            "limit": 100,
        }
        begin = None if since is None else _milliseconds(since)
        after: str | None = None
        while True:
            if begin is not None:
                changed = {"propertyName": known.changed, "operator": "GTE", "value": str(begin)}
                asked["filterGroups"] = [{"filters": [changed]}]
            page = await self._ask(
                f"/crm/v3/objects/{call.label}/search", asked | ({"after": after} if after else {})
            )
            records = [{"id": each["id"], **each["properties"]} for each in page["results"]]
            yield records
            after = page.get("paging", {}).get("next", {}).get("after")
            if after is None:
                return
            if int(after) >= MAX_RESULTS:
                last = _milliseconds(records[-1][known.changed])
                if last == begin:
                    raise self._failed(f"has more than {MAX_RESULTS:,} contacts of one moment")
                begin, after = last, None

    async def _log_in(self, client_id: str, client_secret: str) -> str:
        """A token of Salesforce for the client; its records are asked for where that says."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }
        answer = await self._ask("/services/oauth2/token", form=form)
        self._url = str(answer.get("instance_url") or self._url).rstrip("/")
        return str(answer["access_token"])

    async def _ask(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON that comes for a GET, or for a POST of a body or a form."""
        data = None if body is None else orjson.dumps(body)
        headers = self._headers | ({} if body is None else {"Content-Type": "application/json"})
        if form is not None:
            data = urlencode(form).encode()
        request = urllib.request.Request(f"{self._url}{path}", data, headers)  # noqa: S310
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return orjson.loads(await asyncio.to_thread(self._send, request))
            except urllib.error.HTTPError as error:
                if error.code not in _AGAIN or attempt == ATTEMPTS:
                    said = error.read(10 * _SHOWN).decode(errors="replace")
                    raise self._failed(f"answered {error.code}: {said}") from None
                pause = error.headers.get("Retry-After") or "1"
            except orjson.JSONDecodeError:
                raise self._failed("answered what is no JSON") from None
            except (OSError, ValueError) as error:
                raise self._failed(f"cannot be reached: {error}") from None
            await asyncio.sleep(min(int(pause) if pause.isdigit() else 1, MAX_PAUSE_S))
        raise AssertionError("the last attempt returns or raises")

    def _send(self, request: urllib.request.Request) -> bytes:
        timeout_s = self._source.timeout_ms / 1000
        # The file of the source allows no other schemes than these of HTTP.
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
            return answer.read()

    def _secret(self, variable: str) -> str:
        secret = secret_of(variable)
        if secret is None:
            raise SourceFailed(
                f"The variable {variable} is not set.", remedy="It holds a credential."
            )
        return secret.get_secret_value()

    def _failed(self, what: str) -> SourceFailed:
        what = " ".join(what.split())[:_SHOWN]
        for secret in self._hidden:
            what = what.replace(secret, "***")
        vendor = self._source.vendor.value.capitalize()
        return SourceFailed(f"{vendor}, which the source “{self._source.name}” reads, {what}.")


def _milliseconds(moment: str) -> int:
    found = datetime.fromisoformat(moment)
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
