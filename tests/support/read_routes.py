"""A profiles text for spaces that are read over the routes of other products."""

from __future__ import annotations

from typing import Final

from tests.support.service import RunningService, Space
from tests.support.webhooks import Asking

TEXT: Final = """
features:
  orders: {count: Bought}
  revenue: {sum: total, of: Bought}
  refunds: {last: total, of: Refunded}
audiences:
  buyers: {who: {did: Bought}}
  unhappy: {who: {did: Refunded}}
"""

APPLY: Final = """
mutation ($space: String!, $text: String!) {
  applyProfiles(space: $space, text: $text, expectedVersion: 0) { __typename }
}
"""


def apply_profiles(service: RunningService, space: Space) -> None:
    """Put the text in force. It knows orders; nobody has refunds."""
    asking = Asking(service, space.admin_key, {"space": space.name})
    assert asking.data(APPLY, text=TEXT) == {"applyProfiles": {"__typename": "ProfilesText"}}
