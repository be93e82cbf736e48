"""What readers ask takes places of their own, and none of those of senders."""

from __future__ import annotations

import pytest

from identity_service.graph import database
from identity_service.settings import Settings
from tests.support.following import client
from tests.support.service import Space, running_service

ASKED = 'query ($space: String!) { space(name: $space) { customer(id: "cst_1") { __typename } } }'


def test_without_a_place_readers_are_told_to_come_back_and_senders_are_served(
    database_settings: Settings, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`space` stands in a service that runs: what it planned at its start is planned for both."""
    monkeypatch.setattr(database, "READERS", 0)
    with running_service(database_settings.model_copy(update={"read_timeout": 3})) as service:
        asked = {"query": ASKED, "variables": {"space": space.name}}
        key = {"Authorization": f"Bearer {space.reader_key}"}
        answered = service.post("/graphql", json=asked, headers=key).json()
        with client(service, space.reader_key) as connected:
            connected.subscribe("asked", ASKED, space=space.name)
            over_socket = connected.receive()["payload"]
        ready = service.get("/readyz")
        call = {"userId": "u-1", "event": "x"}
        sent = service.post("/v1/track", space.write_key, json=call)

    assert answered["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert over_socket["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert (ready.status_code, sent.status_code) == (200, 200)
