"""Zendesk's webhooks: users and their identities, and what triggers send in the same form.

| in the event | read as |
| --- | --- |
| `detail.id` | `zendesk_user_id` |
| `detail.external_id` | `user_id` |
| `detail.email`, `detail.phone` | `email`, `phone` |
| `detail.organization_id` | the account that the person belongs to |

Only end users: agents and administrators are passed over. Names lose their prefix
(`zen:event-type:`): `user.created`. A deleted user becomes a request too. `user.merged` and changes
of identities are kept as events and read no further, since Zendesk does not say how they look.
"""

from __future__ import annotations

import re
from typing import Any, Final, cast

from identity_service.collect.body import as_object
from identity_service.collect.identifiers import external_ids, identifier_text
from identity_service.collect.notices import notice
from identity_service.collect.webhooks.reading import Delivery, Reading, word
from identity_service.domain.upstream import NoticeKind

USER_ID: Final = "zendesk_user_id"

_PREFIX: Final = re.compile(r"zen:event-type[:/]")
_END_USER: Final = "end-user"


def read(delivery: Delivery) -> Reading:
    """What one event says."""
    body: object = delivery.body
    if not isinstance(body, dict):
        return Reading([body])
    event = as_object(cast("object", body))
    name = _PREFIX.sub("", word(event.get("type")), count=1)
    detail = as_object(event.get("detail"))
    role = detail.get("role")
    if role != _END_USER:
        return Reading(ignored=[f"{name} is not about an end user: the role is “{word(role)}”."])
    traits = {key: detail[key] for key in ("email", "phone", "name") if detail.get(key)}
    call: dict[str, Any] = {
        "type": "track",
        "event": name,
        "messageId": event.get("id"),
        "timestamp": event.get("time"),
        "userId": detail.get("external_id"),
        "properties": {"detail": detail, "event": as_object(event.get("event"))},
        "context": {
            "zendesk": {key: event.get(key) for key in ("account_id", "zendesk_event_version")},
            "externalIds": external_ids([(USER_ID, detail.get("id"))]),
            "traits": traits,
        },
    }
    if organization := identifier_text(detail.get("organization_id")):
        call["groupId"] = organization
    if name != "user.deleted":
        return Reading([call])
    ids = [(USER_ID, detail.get("id"))]
    deletion = notice(NoticeKind.DELETION, name, event.get("id"), ids, event.get("time"))
    return Reading([call], [deletion])
