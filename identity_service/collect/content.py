"""What an event says, as a digest: two events with one message id are one if they say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, cast

import orjson

_SAID_BY_CALL = (
    *("userId", "anonymousId", "previousId", "groupId", "mergeProperties"),
    *("timestamp", "originalTimestamp"),
)
_SAID_BY_CONTEXT = ("traits", "groupId", "externalIds")
_SAID_BY_DEVICE = ("type", "id", "advertisingId", "adTrackingEnabled", "token")


def content_digest(
    call: Mapping[str, Any],
    kind: str,
    carries: str,
    name_key: str | None,
    context: Mapping[str, Any],
) -> str:
    """The content of a call as 32 hexadecimal digits.

    The content is, each as it was sent: the kind of the call; its name (`name_key`); its
    identifiers (`userId`, `anonymousId`, `previousId`, `mergeProperties`, and in the context
    `externalIds` and what names the device); its properties or traits (`carries`) and the
    `context.traits`; its account (`groupId`); its own times (`timestamp`, `originalTimestamp`).

    Not the content, since senders and servers write it anew when they send again: `sentAt`,
    `receivedAt`, and all the rest of the context and of the call. null is as if it were absent,
    and the order of keys does not matter. `context` is that of the batch and the call together.
    Raises TypeError for what cannot be written as JSON.
    """
    device = context.get("device")
    content = [
        kind,
        call.get(name_key) if name_key else None,
        call.get(carries),
        _stated(call, _SAID_BY_CALL),
        _stated(context, _SAID_BY_CONTEXT),
        _stated(cast("dict[str, Any]", device), _SAID_BY_DEVICE)
        if isinstance(device, dict)
        else None,
    ]
    return digest_of(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))


def digest_of_rejected(body: Any) -> str:
    """The digest of what is kept of an event that could not be read, without its `sentAt`."""
    if isinstance(body, dict):
        body = {**cast("dict[str, Any]", body), "sentAt": None}
    return digest_of(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))


def digest_of(content: bytes) -> str:
    """32 hexadecimal digits: the first half of SHA-256, too long to be found by trying."""
    return hashlib.sha256(content).hexdigest()[:32]


def _stated(where: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name in names if (value := where.get(name)) is not None}
