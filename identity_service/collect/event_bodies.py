"""Events that a policy rejected, read again from what was kept of them.

Such an event was read before, so it is kept in the words of `ReportedEvent`, and not as its sender
had it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from identity_service.collect.content import digest_of, digest_of_rejected
from identity_service.domain.events import (
    Rejection,
    RejectionCode,
    ReportedEvent,
    event_body,
)
from identity_service.domain.identifiers import Identifier

_MAX_MILLIS = 253_402_300_799_999
"""The last millisecond of the year 9999."""

_Text = Annotated[str, StringConstraints(min_length=1, max_length=1_024)]


class _Identifier(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    type: _Text
    value: str


class _EventBody(BaseModel):
    """What `event_body` writes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    message_id: Annotated[str, StringConstraints(min_length=1, max_length=256)] = Field(
        alias="messageId"
    )
    type: _Text
    name: str | None
    at: int = Field(ge=0, le=_MAX_MILLIS)
    identifiers: list[_Identifier] = Field(max_length=1_000)
    properties: dict[str, Any]
    traits: dict[str, Any]
    context: dict[str, Any]
    context_traits: dict[str, Any] = Field(alias="contextTraits")
    account_id: str | None = Field(alias="accountId")
    account_traits: dict[str, Any] = Field(alias="accountTraits")


def is_event_body(body: object) -> bool:
    """Whether something has the form of `event_body`, which no call of a sender has."""
    return isinstance(body, Mapping) and "identifiers" in body and "accountTraits" in body


def read_event_body(body: object, place: int, digest: str | None) -> ReportedEvent | Rejection:
    """The event that `event_body` wrote, as it was or repaired.

    `digest` is the one that it had, None for one that was changed, which is another event.
    `place` is that in its request. A mistake is a rejection.
    """
    try:
        found = _EventBody.model_validate(body)
    except ValidationError as error:
        mistakes = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)[:3]
        )
        return Rejection(
            RejectionCode.INVALID_FIELD,
            f"The event cannot be read: {mistakes}.",
            None,
            body,
            digest_of_rejected(body),
        )
    event = ReportedEvent(
        message_id=found.message_id,
        type=found.type,
        name=found.name,
        at=found.at,
        identifiers=tuple(
            dict.fromkeys(Identifier(each.type, each.value) for each in found.identifiers)
        ),
        properties=found.properties,
        context=found.context,
        traits=found.traits,
        context_traits=found.context_traits,
        account_id=found.account_id,
        account_traits=found.account_traits,
        digest=digest or "",
        place=place,
    )
    encoded = orjson.dumps(event_body(event), option=orjson.OPT_SORT_KEYS)
    return replace(event, digest=digest or digest_of(encoded), size=len(encoded))
