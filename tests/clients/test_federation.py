"""A gateway puts the service together with a second subgraph, and asks through both."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.clients.test_node_sdks import FOLDER, NODE
from tests.support.service import RunningService, Space

pytestmark = pytest.mark.skipif(
    not (FOLDER / "node_modules" / "@apollo" / "composition").is_dir(),
    reason="the gateway is not installed: `make sdks` fetches it from npm",
)


def test_an_order_leads_to_its_customer_and_a_customer_to_their_orders(
    service: RunningService, space: Space
) -> None:
    ann = {"userId": "ann", "traits": {"email": "ann@example.com"}}
    assert service.post("/v1/identify", key=space.write_key, json=ann).status_code == 200

    asked = subprocess.run(
        [*NODE, FOLDER / "gateway.mjs", f"{service.url}/graphql", space.reader_key, space.name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )

    assert asked.returncode == 0, asked.stdout
    assert [json.loads(line) for line in asked.stdout.splitlines()] == [
        {
            "data": {
                "order": {
                    "buyer": {
                        "customer": {
                            "identifiers": [
                                {"type": "user_id", "value": "ann"},
                                {"type": "email", "value": "ann@example.com"},
                            ]
                        }
                    }
                }
            }
        },
        {"data": {"order": {"buyer": {"customer": None}}}},
        {"data": {"order": {"buyer": {"customer": None}}}},
        {
            "data": {
                "space": {
                    "customer": {
                        "identifiers": [
                            {"value": "ann", "orders": []},
                            {"value": "ann@example.com", "orders": [{"number": "7"}]},
                        ]
                    }
                }
            }
        },
    ]
