# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Sources that vendors' webhooks feed: made, and given new secrets."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry
from strawberry import UNSET, Parent

from identity_service.api.graphql.context import Info
from identity_service.api.graphql.refused import Invalid, Refused, refused
from identity_service.api.graphql.scalars import Millis
from identity_service.api.graphql.types import by, shows
from identity_service.collect.webhooks.vendors import Vendor
from identity_service.errors import FieldInvalid
from identity_service.services.spaces.webhooks import NewWebhook, RotatedSecret, WebhookSource


@strawberry.type
@shows(WebhookSource)
class WebhookSourceCreated:
    name: str
    vendor: Vendor
    spaces: list[str]
    path: str = strawberry.field(description="Where the vendor has to send to, at this service.")


def _old_until(root: Parent[RotatedSecret]) -> Millis:
    return Millis(root.old_until)


@strawberry.type
@shows(RotatedSecret)
class WebhookSecretRotated:
    source: str
    old_until: Millis = by(_old_until, description="Until when the one before is good.")


CreateWebhookSourceResult: TypeAlias = Annotated[
    WebhookSourceCreated | Invalid, strawberry.union("CreateWebhookSourceResult")
]
RotateWebhookSecretResult: TypeAlias = Annotated[
    WebhookSecretRotated | Invalid, strawberry.union("RotateWebhookSecretResult")
]


async def create_webhook_source(
    info: Info,
    name: str,
    spaces: list[str],
    vendor: Vendor,
    secret: str,
    public_url: str | None = UNSET,
    livemode: bool = True,
    note_attribute: str | None = UNSET,
    region: str | None = UNSET,
) -> WebhookSource | Refused:
    new = NewWebhook(
        vendor, secret, public_url or None, livemode, note_attribute or None, region or None
    )
    try:
        return await info.context.services.webhooks.create(info.context.caller, name, spaces, new)
    except FieldInvalid as error:
        return refused(error)


async def rotate_webhook_secret(
    info: Info, space: str, source: str, secret: str
) -> RotatedSecret | Refused:
    webhooks = info.context.services.webhooks
    try:
        return await webhooks.rotate_secret(info.context.caller, space, source, secret)
    except FieldInvalid as error:
        return refused(error)
