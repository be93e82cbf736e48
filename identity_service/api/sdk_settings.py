"""What the browser SDKs of Segment, RudderStack and PostHog fetch before they send anything.

The first two ask the vendor which destinations a source has. Here it has none: all events come to
us. PostHog's asks which of its features are on: none but the sending of events, gzipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from identity_service.api.collect import (
    preflight,
    require_sender,
    send_answer,
    shared_with,
)
from identity_service.api.problems import problem
from identity_service.api.state import services_of
from identity_service.collect.keys import keys_outside

METHODS: Final = "GET, HEAD, OPTIONS"

_OF_SEGMENT: Final = re.compile(r"/v1/projects/(?P<key>[^/]*)/settings")
_OF_RUDDERSTACK: Final = re.compile(r"/sourceConfig/?")
_OF_POSTHOG: Final = re.compile(r"/array/(?P<key>[A-Za-z0-9_-]*)/config(?P<script>\.js)?")

_JSON: Final = b"application/json"
_SCRIPT: Final = b"application/javascript"

_POSTHOG_SCRIPT: Final = b"""(function () {
  window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {};
  window._POSTHOG_REMOTE_CONFIG[%b] = { config: %b, siteApps: [] };
})();
"""


def fetches_settings(path: str) -> bool:
    """Whether an SDK fetches its settings at that path."""
    return any(each.fullmatch(path) for each in (_OF_SEGMENT, _OF_RUDDERSTACK, _OF_POSTHOG))


async def sdk_settings(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request: the settings of the source whose write key it names, or a problem."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    shared = shared_with(headers.get(b"origin"))
    try:
        if scope["method"] == "OPTIONS":
            await send_answer(send, 204, [*preflight(headers, "GET"), *shared], b"")
            return
        if scope["method"] != "GET":
            raise HTTPException(405, headers={"Allow": METHODS})
        media_type, body = await _settings(scope, headers)
    except Exception as error:  # noqa: BLE001 - every answer needs what a browser must see
        answer = problem(error)
        answer.raw_headers.extend(shared)
        await answer(scope, receive, send)
        return
    content = ((b"content-type", media_type), (b"content-length", b"%d" % len(body)))
    await send_answer(send, 200, [*content, *shared], body)


async def _settings(scope: Scope, headers: Mapping[bytes, bytes]) -> tuple[bytes, bytes]:
    """The media type and the body. Raises Unauthorised without a write key that is known."""
    access = services_of(scope).access
    if of_segment := _OF_SEGMENT.fullmatch(scope["path"]):
        await require_sender(access, of_segment["key"])
        return _JSON, orjson.dumps(_for_segment(of_segment["key"]))
    if of_posthog := _OF_POSTHOG.fullmatch(scope["path"]):
        key = of_posthog["key"]
        await require_sender(access, key)
        settings = orjson.dumps(_for_posthog(key))
        if not of_posthog["script"]:
            return _JSON, settings
        return _SCRIPT, _POSTHOG_SCRIPT % (orjson.dumps(key), settings)
    key = keys_outside(headers, scope["query_string"]).write_key(None)
    sender = await require_sender(access, key)
    return _JSON, orjson.dumps(_for_rudderstack(sender.source))


def _for_segment(key: str) -> dict[str, Any]:
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": key,
                "unbundledIntegrations": [],
                "addBundledMetadata": True,
                "maybeBundledConfigIds": {},
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def _for_rudderstack(source: str) -> dict[str, Any]:
    nothing = {"enabled": False}
    return {
        "source": {
            "id": source,
            "name": source,
            "config": {"statsCollection": {"errors": nothing, "metrics": nothing}},
            "enabled": True,
            "workspaceId": "identity-service",
            "destinations": [],
            "dataplanes": {},
        },
        "updatedAt": "2026-01-01T00:00:00.000Z",
    }


def _for_posthog(key: str) -> dict[str, Any]:
    return {
        "token": key,
        "supportedCompression": ["gzip", "gzip-js"],
        "analytics": {"endpoint": "/i/v0/e/"},
        "hasFeatureFlags": False,
        "sessionRecording": False,
        "surveys": False,
        "heatmaps": False,
        "captureDeadClicks": False,
        "capturePerformance": False,
        "autocaptureExceptions": False,
        "elementsChainAsString": True,
        "defaultIdentifiedOnly": True,
        "siteApps": [],
    }
