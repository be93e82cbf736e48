"""What machines that watch the service see."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from identity_service.settings import Settings
from tests.support.service import RunningService, Space, create_space, running_service
from tests.support.waiting import wait_until
from tests.support.wire import wire_to


def test_a_running_service_is_alive_and_ready(service: RunningService) -> None:
    assert service.get("/healthz").json() == {"alive": True}
    assert service.get("/readyz").json() == {"ready": True}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
def test_head_is_answered_as_get_is_but_without_the_body(
    service: RunningService, path: str
) -> None:
    get = service.get(path)
    host, _, port = service.address.partition(":")
    request = f"HEAD {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"

    # A socket, since clients drop what should not have been sent.
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    headers, _, body = answer.partition("\r\n\r\n")
    assert headers.startswith("HTTP/1.1 200 ")
    assert f"content-type: {get.headers['content-type']}" in headers
    assert body == ""


def test_metrics_tell_the_time_of_each_statement(service: RunningService, space: Space) -> None:
    service.post("/v1/track", space.write_key, json={"userId": "u-1", "event": "x"})

    answer = service.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert 'identity_statement_seconds_count{statement="ingest/' in answer.text
    assert space.write_key not in answer.text


def test_without_its_database_the_service_is_alive_not_ready_and_asks_to_try_again(
    database_settings: Settings,
) -> None:
    with wire_to(database_settings.neo4j_uri or "") as wire:
        settings = database_settings.model_copy(update={"neo4j_uri": f"bolt://{wire.address}"})
        with running_service(settings) as service:
            space = create_space(settings)
            call = {"userId": "u-1", "event": "x", "messageId": "m-1"}

            wire.cut_answers()
            alive = service.get("/healthz")
            not_ready = service.get("/readyz")
            refused = service.post("/v1/track", space.write_key, json=call)
            not_asked = service.post(
                "/graphql",
                headers={"Authorization": f"Bearer {space.reader_key}"},
                json={"query": "{ __typename }"},
            )
            wire.mend()
            wait_until(lambda: service.get("/readyz").is_success)
            taken = service.post("/v1/track", space.write_key, json=call)

    assert alive.status_code == 200
    for answer in (not_ready, refused):
        assert answer.status_code == 503
        assert answer.json()["code"] == "UNAVAILABLE"
        assert int(answer.headers["Retry-After"]) >= 1
    assert not_asked.status_code == 503
    assert int(not_asked.headers["Retry-After"]) >= 1
    assert "database" in not_ready.json()["message"]
    assert taken.status_code == 200
    assert len(replace(space, settings=database_settings).events()) == 1
