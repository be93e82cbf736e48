"""What operations cost, taken from what their keys may spend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from identity_service.api.graphql.context import Context
from identity_service.api.graphql.cost import Cost
from identity_service.api.graphql.limits import MAX_COST
from identity_service.api.graphql.requests import Answer
from identity_service.errors import Overloaded, TooLarge
from identity_service.services.kit.allowances import Allowances

_POLICY: Final = "cost"


class Charges:
    """The account of each key; without `allowances` it may spend any number."""

    def __init__(self, allowances: Allowances | None = None) -> None:
        self._allowances = allowances
        if allowances is not None:
            window_s = math.ceil(allowances.burst / allowances.per_s)
            self._policy = f'"{_POLICY}";q={allowances.burst:.0f};w={window_s}'

    def charge(self, cost: Cost, context: Context) -> None:
        """Take what an operation costs from what its key may spend.

        Raises TooLarge where no operation may cost so much, Overloaded where the key has to wait.
        """
        if cost.certain > MAX_COST:
            raise TooLarge(
                f"The query costs {cost.certain:,}, and may cost {MAX_COST:,}.",
                remedy="Ask for fewer customers at a time, or for less of each.",
            )
        if self._allowances is None or not context.known:
            return  # who is not known has a share of the time
        wait_s = self._allowances.spend(_holder(context), cost.certain)
        if wait_s:
            raise Overloaded(
                f"Queries with this key cost more than {self._allowances.per_s:,.0f} per second.",
                retry_after=math.ceil(wait_s),
            )

    def said(self, answer: Answer, cost: Cost, context: Context) -> Answer:
        """An answer that says what the operation costs, and what is left to its key."""
        said = {"requested": cost.certain, "limit": MAX_COST}
        if self._allowances is not None and context.known:
            said["left"] = int(self._allowances.left(_holder(context)))
        answer["extensions"] = {"cost": said}
        return answer

    def headers(self, answer: Answer) -> Mapping[str, str]:
        """What an answer says about limits, for who reads headers only.

        `RateLimit` and `RateLimit-Policy` are those of the IETF's draft; `Retry-After` comes with
        an answer to what was not executed since it was too much.
        """
        headers: dict[str, str] = {}
        seconds = retry_after(answer)
        if seconds is not None:
            headers["Retry-After"] = str(seconds)
        if "extensions" in answer and "left" in answer["extensions"]["cost"]:
            headers["RateLimit-Policy"] = self._policy
            headers["RateLimit"] = f'"{_POLICY}";r={answer["extensions"]["cost"]["left"]}'
        return headers


def _holder(context: Context) -> str:
    """The key of a caller who is known."""
    assert context.caller is not None  # noqa: S101
    return f"{context.caller.space}/{context.caller.name}"


def retry_after(answer: Answer) -> int | None:
    """In how many seconds to ask again what was not executed; None for any other answer."""
    if "data" in answer:
        return None
    error: Mapping[str, Any] = answer["errors"][0]
    return error["extensions"].get("retryAfter")
