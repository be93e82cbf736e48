"""What browser SDKs fetch before they send: as the vendors answer, for keys that are known."""

from __future__ import annotations

import httpx
import pytest

from tests.support.plain_http import NO_TLS
from tests.support.service import RunningService, Space

ORIGIN = {"Origin": "https://shop.example"}


def paths(key: str) -> list[str]:
    return [
        f"/v1/projects/{key}/settings",
        f"/sourceConfig/?p=npm&v=3&writeKey={key}",
        f"/sourceConfig?writeKey={key}",
        f"/array/{key}/config",
        f"/array/{key}/config.js",
    ]


def test_segments_browser_sdk_finds_where_to_send(service: RunningService, space: Space) -> None:
    answer = service.get(f"/v1/projects/{space.write_key}/settings", headers=ORIGIN)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
    assert answer.json()["integrations"]["Segment.io"]["apiKey"] == space.write_key


def test_rudderstacks_browser_sdk_finds_its_source(service: RunningService, space: Space) -> None:
    by_query = service.get(f"/sourceConfig/?writeKey={space.write_key}", headers=ORIGIN)
    by_user = httpx.get(
        f"{service.url}/sourceConfig/", auth=(space.write_key, ""), headers=ORIGIN, verify=NO_TLS
    )

    for answer in (by_query, by_user):
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
        source = answer.json()["source"]
        assert source["enabled"]
        assert source["destinations"] == []
        assert {"id", "config", "workspaceId"} <= source.keys()
        assert answer.json()["updatedAt"]


def test_posthogs_browser_sdk_finds_what_it_may_send(service: RunningService, space: Space) -> None:
    as_json = service.get(f"/array/{space.write_key}/config", headers=ORIGIN)
    as_script = service.get(f"/array/{space.write_key}/config.js", headers=ORIGIN)

    settings = as_json.json()
    assert settings["token"] == space.write_key
    assert "gzip-js" in settings["supportedCompression"]
    assert (settings["hasFeatureFlags"], settings["sessionRecording"]) == (False, False)
    assert as_script.headers["content-type"] == "application/javascript"
    assert as_json.text in as_script.text
    assert f'_POSTHOG_REMOTE_CONFIG["{space.write_key}"]' in as_script.text


@pytest.mark.parametrize("key", ["nobodys", "", "a/b", "é"])
def test_a_key_that_nobody_has_gets_no_settings(service: RunningService, key: str) -> None:
    for path in paths(key):
        answer = service.get(path, headers=ORIGIN)

        assert answer.status_code in {401, 404}, path
        assert answer.json().keys() >= {"code", "message", "detail", "error"}


def test_a_reader_key_gets_no_settings(service: RunningService, space: Space) -> None:
    answers = [service.get(path, headers=ORIGIN) for path in paths(space.reader_key)]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {
        ORIGIN["Origin"]
    }


def test_a_browser_may_ask_before_and_nobody_may_post(
    service: RunningService, space: Space
) -> None:
    asked = {
        **ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    for path in paths(space.write_key):
        before = httpx.options(f"{service.url}{path}", headers=asked)
        posted = service.post(path, json={})
        head = httpx.head(f"{service.url}{path}")

        assert before.status_code == 204
        assert before.headers["access-control-allow-headers"] == "authorization"
        assert "GET" in before.headers["access-control-allow-methods"]
        assert posted.status_code == 405
        assert "GET" in posted.headers["Allow"]
        assert (head.status_code, head.content) == (200, b"")
