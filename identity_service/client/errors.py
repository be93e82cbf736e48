"""What can go wrong for a client.

::

    ClientError               `message`, and the `request_id` that the service logs
    ├── Refused               what was asked is wrong, and stays wrong: `code` says how
    │   ├── NotAllowed        the key is none, or may not do this
    │   └── TooLarge          too much was asked for at once
    ├── Busy                  the service asks to come back later, more often than was waited for
    ├── NotReached            no answer came; a mutation may have been done
    └── Failed                the service failed at it, or its answer cannot be read
"""

from __future__ import annotations


class ClientError(Exception):
    """The root. `request_id` leads to what the service logged, where it answered at all."""

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.request_id = request_id


class Refused(ClientError):
    """What was asked is wrong, and stays wrong. `code` is one of those of the service."""

    def __init__(self, code: str, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message, request_id=request_id)
        self.code = code


class NotAllowed(Refused):
    """The key is none, may not enter the space, or may not do this there."""


class TooLarge(Refused):
    """Too much was asked for at once."""


class Busy(ClientError):
    """The service asks to come back later; `after_s` is when, None where it did not say."""

    def __init__(
        self, message: str, after_s: float | None = None, *, request_id: str | None = None
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.after_s = after_s


class NotReached(ClientError):
    """No answer came. What was asked was not changed, or it may have been: nobody knows."""


class Failed(ClientError):
    """The service failed at it, or its answer cannot be read."""
