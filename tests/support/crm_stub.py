"""Salesforce and HubSpot on loopback, as far as they are asked for what has changed."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

CLIENT_SECRET = "the secret of the client"
TOKEN = "a-token-of-the-vendor"

Record = dict[str, Any]


@dataclass
class CrmStub:
    """A vendor: its records by object, and what it was asked."""

    url: str = ""
    records: dict[str, list[dict[str, Any]]] = field(
        default_factory=dict[str, list[dict[str, Any]]]
    )
    page: int = 2
    refusals: list[int] = field(default_factory=list[int])
    asked: list[str] = field(default_factory=list[str])

    def answer(self, path: str, body: str, authorization: str | None) -> tuple[int, Any]:
        """Status and JSON of the answer to a request."""
        if path == "/services/oauth2/token":
            form = parse_qs(body)
            if form.get("client_secret") != [CLIENT_SECRET]:
                return 401, {"error": "invalid_client", "error_description": f"not {body}"}
            return 200, {"access_token": TOKEN, "instance_url": self.url}
        if authorization != f"Bearer {TOKEN}":
            return 401, {"message": f"{authorization} is no token"}
        if self.refusals:
            return self.refusals.pop(), {"message": "later"}
        if path.endswith("/search"):
            return 200, self._search(path.split("/")[-2], json.loads(body))
        return 200, self._query(path)

    def _query(self, path: str) -> Any:
        """`queryAll` and its pages, `/services/data/v62.0/query/OBJECT-FIRST-SINCE`."""
        split = urlsplit(path)
        if split.path.endswith("/queryAll"):
            [soql] = parse_qs(split.query)["q"]
            self.asked.append(soql)
            found = re.fullmatch(
                r"SELECT .+ FROM (\w+)(?: WHERE SystemModstamp >= (\S+)Z)?"
                r" ORDER BY SystemModstamp, Id",
                soql,
            )
            assert found is not None, soql
            name, first, since = found[1], 0, found[2] or ""
        else:
            name, number, since = split.path.rpartition("/")[2].split("_")
            first = int(number)
        changed = [each for each in self.records[name] if each["SystemModstamp"] >= since]
        done = first + self.page >= len(changed)
        more = f"/services/data/v62.0/query/{name}_{first + self.page}_{since}"
        return {
            "totalSize": len(changed),
            "done": done,
            **({} if done else {"nextRecordsUrl": more}),
            "records": changed[first : first + self.page],
        }

    def _search(self, name: str, asked: dict[str, Any]) -> Any:
        self.asked.append(json.dumps(asked))
        assert asked["sorts"] == [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}]
        begin = 0
        if "filterGroups" in asked:
            [[filter_]] = [each["filters"] for each in asked["filterGroups"]]
            assert (filter_["propertyName"], filter_["operator"]) == ("lastmodifieddate", "GTE")
            begin = int(filter_["value"])
        changed = [each for each in self.records[name] if each["at"] >= begin]
        first = int(asked.get("after", 0))
        results = [
            {"id": each["id"], "properties": each["properties"]}
            for each in changed[first : first + self.page]
        ]
        more = first + self.page
        paging = {} if more >= len(changed) else {"paging": {"next": {"after": str(more)}}}
        return {"total": len(changed), "results": results, **paging}


@contextmanager
def crm_stub() -> Generator[CrmStub]:
    """A vendor that answers while the block lasts."""
    stub = CrmStub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            status, said = stub.answer(self.path, body, self.headers.get("Authorization"))
            encoded = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(encoded)))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, name="crm")
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
