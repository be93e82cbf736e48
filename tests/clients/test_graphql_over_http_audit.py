"""The audit suite of `graphql-http` against the running service."""

from __future__ import annotations

import subprocess

import pytest

from tests.clients.test_node_sdks import FOLDER, NODE
from tests.support.service import RunningService

pytestmark = pytest.mark.skipif(
    not (FOLDER / "node_modules" / "graphql-http").is_dir(),
    reason="the audit suite is not installed: `make sdks` fetches it from npm",
)


def test_every_audit_of_graphql_over_http_is_passed(service: RunningService) -> None:
    audited = subprocess.run(
        [*NODE, FOLDER / "audit.mjs", f"{service.url}/graphql"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )

    assert audited.stdout.strip() == "61 of 61"
