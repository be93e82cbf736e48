"""Opens views of the customers of a space: as they are now, or as they were at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from identity_service.domain.timestamps import iso
from identity_service.errors import BadInput
from identity_service.services.read.as_of.view import AsOfView, HistoricalReads
from identity_service.services.read.current import CurrentReads, CurrentView
from identity_service.services.read.live import ComponentCache
from identity_service.services.read.view import Missing, MissingReason
from identity_service.services.spaces.access import SpaceScope

MAX_CLOCK_SKEW_MS: Final = 60_000
"""How far in the future, in milliseconds, `as_of` may lie: the caller's clock is not ours."""


@dataclass(frozen=True, slots=True)
class Customers:
    """Opens `CustomerView`s, each for one request."""

    current_reads: CurrentReads
    historical_reads: HistoricalReads

    def current(self, scope: SpaceScope, components: ComponentCache | None = None) -> CurrentView:
        """The customers as they are now.

        Views of one request may share the components that they load for its answer.
        """
        if components is None:
            components = ComponentCache()
        return CurrentView(scope, self.current_reads, components)

    async def as_of(self, scope: SpaceScope, as_of: int) -> AsOfView | Missing:
        """The customers as they were at a moment in milliseconds since 1970, inclusive.

        Missing when the space was not there yet. Raises BadInput for the future.
        """
        now = self.current_reads.clock()
        if as_of > now + MAX_CLOCK_SKEW_MS:
            raise BadInput(
                f"“asOf” is {iso(as_of)}, and now it is {iso(now)}.",
                remedy="Ask as of a moment that has passed, or leave “asOf” out.",
            )
        policy_as_of = await self.current_reads.policies.at(scope, as_of)
        if isinstance(policy_as_of, int):
            message = f"The space “{scope.space}” has been there only since {iso(policy_as_of)}."
            return Missing(MissingReason.NOT_YET, message)
        return AsOfView(self.historical_reads, self.current(scope), as_of, policy_as_of, now)
