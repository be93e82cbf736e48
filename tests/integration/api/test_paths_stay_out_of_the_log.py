"""Paths of read routes hold addresses of customers: none of them reaches the log of the service."""

from __future__ import annotations

import httpx
import pytest

from identity_service.settings import Settings
from tests.support.plain_http import NO_TLS
from tests.support.served import served
from tests.support.service import create_space

pytestmark = pytest.mark.neo4j

SECRET = "somebody-secret"


def test_no_value_of_a_read_route_is_logged(database_settings: Settings) -> None:
    space = create_space(database_settings)
    users = f"/v1/spaces/{space.name}/collections/users/profiles/email:{SECRET}@example.com"
    with served(database_settings, workers=1) as (process, address):
        client = httpx.Client(
            base_url=address, auth=(space.reader_key, ""), timeout=30, verify=NO_TLS
        )
        with client:
            answers = [
                client.get(f"{users}/traits"),
                client.get(f"{users}/traits", params={"limit": 0, "next": SECRET}),
                client.get(f"{users}/nothing"),
                client.get(f"{users}/traits", auth=("wrong", "")),
                client.get(f"/userprofile/v1/1/2/{space.name}/{SECRET}"),
                client.post("/oauth/token", json={"client_secret": SECRET}),
            ]
        process.terminate()
        said = "".join(process.communicate(timeout=60))

    assert [answer.status_code for answer in answers] == [404, 404, 404, 401, 401, 400]
    assert SECRET not in said
    assert space.reader_key not in said
    assert process.returncode == 0
