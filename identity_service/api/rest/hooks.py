"""Vendors' webhooks: the path names the source, and the signature proves who sends."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from identity_service.api.incoming import IncomingBody, check_declared, new_message_id
from identity_service.api.problems import error_responses, problem
from identity_service.api.state import services_of
from identity_service.collect.signatures import MAX_BODY, SignedRequest
from identity_service.collect.webhooks.vendors import Vendor, read_webhook
from identity_service.errors import Overloaded, TooLarge, Unauthorised, Unavailable
from identity_service.services.kit.clock import system_clock
from identity_service.services.spaces.webhooks import PATH, Webhook

MAX_REASONS: Final = 10
"""Most reasons of one answer for what was passed over."""

router = APIRouter(tags=["webhooks"])


class Taken(BaseModel):
    """What a request brought is durable, and its customers are resolved."""

    success: bool = True
    events: int = Field(description="Events that were read, also those that were known before.")
    rejected: int = Field(description="Events that could not be read: `rejectedEvents` has them.")
    notices: int = Field(description="Merges and requests, for people to decide about.")
    ignored: list[str] = Field(
        description=f"Why something was passed over: the first {MAX_REASONS} reasons."
    )


@router.post(
    PATH + "/{source}",
    summary="A vendor's webhook",
    response_description="It is durable; what cannot be taken is set aside with its reason.",
    response_model=Taken,
    responses=error_responses(Unauthorised, TooLarge, Unavailable),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "As the vendor sends and signs it.",
            "content": {"application/json": {"schema": {}}},
        }
    },
)
async def take_webhook(source: str, request: Request) -> Taken | Response:
    """Take what the vendor of a source of webhooks sends; its headers carry the signature.

    A signed request is answered 200 whatever its events are worth: vendors hold back what comes
    after one that is refused.
    """
    webhook = await services_of(request.scope).webhooks.find(source)
    try:
        return await _take(webhook, request)
    except (Overloaded, Unavailable) as error:
        return _not_now(webhook.vendor, error)
    except ClientDisconnect:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it


async def _take(webhook: Webhook, request: Request) -> Taken:
    check_declared(dict(request.scope["headers"]), MAX_BODY)
    services = services_of(request.scope)
    headers = dict(request.headers)
    signed = SignedRequest(
        request.method,
        webhook.signed_url(str(request.url)),
        headers,
        await IncomingBody(request.receive).whole(MAX_BODY),
    )
    sender = services.webhooks.authenticate(webhook, signed)
    services.rate_limit.check(sender)
    received_at = system_clock()
    received = read_webhook(
        webhook.vendor, signed.body, headers, webhook.options, received_at, new_message_id
    )
    events, rejections = received.collected.events, received.collected.rejections
    services.rate_limit.count(sender, len(events) + len(rejections))
    await services.ingest.take(sender, received.collected, received_at)
    return Taken(
        events=len(events),
        rejected=len(rejections),
        notices=len(received.collected.notices),
        ignored=list(received.ignored[:MAX_REASONS]),
    )


def _not_now(vendor: Vendor, error: Overloaded | Unavailable) -> Response:
    """The answer that has the vendor send again soon, and not in an hour or never.

    Customer.io keeps silent for an hour after a 429, and knows no Retry-After.
    """
    answer = problem(error)
    answer.status_code = Unavailable.status
    if vendor is Vendor.CUSTOMERIO:
        del answer.headers["Retry-After"]
    return answer
