"""How both clients are connected, and what they do about a failure."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

import httpx2

from identity_service.client.answers import NotNow
from identity_service.client.errors import NotReached
from identity_service.client.retries import Retries

PATH: Final = "/graphql"

CONNECT_S: Final = 5.0
"""Seconds in which a connection has to be made."""

_NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


def headers_of(key: str) -> Mapping[str, str]:
    """The headers of every request."""
    return {
        "Authorization": f"Bearer {key}",
        "Accept": "application/json",
        "User-Agent": f"identity-service-client/{version('identity-service')}",
    }


def timeouts(seconds: float) -> httpx2.Timeout:
    """Seconds for an answer, and for whatever of it is still to come."""
    return httpx2.Timeout(seconds, connect=CONNECT_S)


def limits(connections: int) -> httpx2.Limits:
    """So many connections, which are kept."""
    return httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)


class Failure:
    """How often a question has failed in a row, and whether it is asked again."""

    def __init__(self, retries: Retries, repeatable: bool) -> None:
        self._retries = retries
        self._repeatable = repeatable
        self._times = 0

    def not_now(self, meant: NotNow) -> float:
        """Seconds before the next attempt; raises Busy where there is none."""
        pause = self._pause(meant.error.after_s)
        if pause is None or not (self._repeatable or meant.not_begun):
            raise meant.error
        return pause

    def not_reached(self, error: httpx2.TransportError) -> float:
        """The same after no answer came; raises NotReached."""
        pause = self._pause(None)
        if pause is None or not (self._repeatable or isinstance(error, _NEVER_SENT)):
            raise NotReached(f"No answer came: {str(error) or type(error).__name__}.") from error
        return pause

    def _pause(self, after_s: float | None) -> float | None:
        self._times += 1
        return self._retries.pause(self._times, after_s)
