"""Vendors' own SDKs for browsers in a real one: two people after each other stay two."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.service import RunningService, Space
from tests.support.waiting import wait_until

FOLDER = Path(__file__).parent / "node"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

BROWSERS = """
MATCH (:Event {space: $space})-[:OBSERVED]->(i:Identifier)
WHERE i.type IN ['anonymous_id', 'device_id', 'domain_userid']
RETURN DISTINCT i.value AS browser
"""

pytestmark = [
    pytest.mark.skipif(
        not (FOLDER / "node_modules" / ".package-lock.json").is_file(),
        reason="the SDKs for browsers are not installed: `make sdks` fetches them from npm",
    ),
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="there is no Chromium: as root on Debian, `make sdks` installs it",
    ),
]


class _Pages(SimpleHTTPRequestHandler):
    """The page and the SDKs, and where the page says what went wrong."""

    def __init__(self, failures: list[str], *given: Any) -> None:
        self._failures = failures
        super().__init__(*given, directory=str(FOLDER))

    def do_POST(self) -> None:
        """Take an error of the page."""
        length = int(self.headers["Content-Length"])
        self._failures.append(self.rfile.read(length).decode())
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name in the base class)
        """Say nothing."""


@contextmanager
def pages(failures: list[str]) -> Generator[str]:
    """The address of the pages, on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Pages, failures)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def browser(page: str, profile: Path) -> Generator[None]:
    """A browser that nobody used before, on a page."""
    assert CHROMIUM is not None
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
    # PostHog's SDK takes a browser that calls itself headless for a robot, and sends nothing.
    name = "--user-agent=Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0.0.0 Safari/537.36"
    running = subprocess.Popen(
        [CHROMIUM, *options, *quiet, name, f"--user-data-dir={profile}", page],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        running.terminate()
        running.wait(timeout=30)


def names_of_customers(space: Space) -> list[list[str]]:
    """The logins and addresses of each customer that has some, as `type:value`."""
    found = [
        sorted(i for i in one if i.startswith(("user_id:", "email:"))) for one in space.customers()
    ]
    return sorted((one for one in found if one), key=lambda one: one[-1])


@pytest.mark.parametrize("reset", [True, False], ids=["with a reset", "without"])
@pytest.mark.parametrize(
    ("vendor", "events", "has_emails"),
    [
        ("segment", 6, True),
        ("rudderstack", 6, True),
        ("jitsu", 6, True),
        ("posthog", 6, True),
        ("snowplow", 4, False),
    ],
)
def test_two_people_on_one_browser_stay_two(
    service: RunningService,
    space: Space,
    tmp_path: Path,
    vendor: str,
    events: int,
    has_emails: bool,
    reset: bool,
) -> None:
    failures: list[str] = []

    with pages(failures) as address:
        asked = {"vendor": vendor, "address": service.url, "key": space.write_key, "reset": reset}
        page = f"{address}/browser.html?{urlencode(asked).replace('True', 'true')}"
        with browser(page, tmp_path / "profile"):
            wait_until(lambda: bool(failures) or len(space.events()) >= events, seconds=60)

    assert failures == []
    names = ("user_id", "email") if has_emails else ("user_id",)
    assert names_of_customers(space) == [
        sorted(f"{name}:{value}" for name, value in zip(names, person, strict=False))
        for person in (("u-1001", "ada@example.com"), ("u-2002", "bob@example.com"))
    ]
    assert space.rejections() == []
    # Segment's SDK gives a new user a new id by itself.
    browsers = {event["browser"] for event in space.rows(BROWSERS)}
    assert len(browsers) == (2 if reset or vendor == "segment" else 1)
