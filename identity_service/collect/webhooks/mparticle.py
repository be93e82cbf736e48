"""mParticle's outbound webhooks: batches as its Events API has them, with identities as a list.

| in the batch | read as |
| --- | --- |
| `user_identities[].identity_type` and `identity` | as the same name of the Events API |
| `mpid` | `mpid`: mParticle's own customer, which it may give to another after an alias |
| `message_id` of an event | its message id |

All else is read as of the Events API.
"""

from __future__ import annotations

from typing import Any, cast

from identity_service.collect.body import as_object
from identity_service.collect.mparticle import calls_of
from identity_service.collect.webhooks.reading import Delivery, Reading


def read(delivery: Delivery) -> Reading:
    """What one batch says."""
    body: object = delivery.body
    if not isinstance(body, dict):
        return Reading([body])
    batch = dict(cast("dict[str, Any]", body))
    listed = batch.get("user_identities")
    if isinstance(listed, list):
        entries = map(as_object, cast("list[object]", listed))
        batch["user_identities"] = {
            entry["identity_type"]: entry.get("identity")
            for entry in entries
            if isinstance(entry.get("identity_type"), str)
        }
    return Reading(calls_of(batch))
