"""Following changes: what a stream of server-sent events says, and where it is gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from identity_service.client.answers import NotNow, read_answer
from identity_service.client.generated.fragments import Change
from identity_service.client.questions import follow_changes
from identity_service.client.retries import pause

STREAM: Final = {"Accept": "text/event-stream"}

SILENCE_S: Final = 45.0
"""Seconds without a byte after which a stream counts as broken: it says every 15 that it lives."""

_DATA: Final = "data: "


class Following:
    """Where one who follows a space is: after which change, and how often it was interrupted."""

    def __init__(self, space: str, after: str | None) -> None:
        self._space = space
        self._after = after
        self._failures = 0
        self._after_s: float | None = None

    @property
    def asked(self) -> dict[str, Any]:
        """The body of the request that goes on."""
        return follow_changes(self._space, self._after).asked

    def begins(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether the answer is a stream; else `refused` says what it is."""
        media_type = headers.get("content-type", "")
        return status == HTTPStatus.OK and media_type.startswith(STREAM["Accept"])

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """An answer that is no stream. Raises Refused and Failed unless it is to come back."""
        answer = read_answer(status, headers, body)
        if isinstance(answer, NotNow):
            self._after_s = answer.error.after_s

    def hear(self, line: str) -> Change | None:
        """The change that a line of the stream tells, if one. Raises Refused and Failed."""
        if not line.startswith(_DATA):
            return None
        answer = read_answer(HTTPStatus.OK, {}, line.removeprefix(_DATA).encode())
        if isinstance(answer, NotNow):
            self._after_s = answer.error.after_s
            return None
        change = follow_changes(self._space, self._after).read(answer.data)
        self._after, self._failures = change.cursor, 0
        return change

    def pause(self) -> float:
        """Seconds to wait before it is gone on with."""
        self._failures += 1
        after_s, self._after_s = self._after_s, None
        return pause(self._failures, after_s)
