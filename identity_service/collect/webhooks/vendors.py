"""The vendors whose webhooks are taken: how each signs, and what reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from identity_service.collect.body import decode_json
from identity_service.collect.content import digest_of
from identity_service.collect.refused import kept_text
from identity_service.collect.segment import Collected, read_batch
from identity_service.collect.signatures import Scheme
from identity_service.collect.webhooks import (
    customerio,
    hubspot,
    intercom,
    mparticle,
    shopify,
    stripe,
    zendesk,
)
from identity_service.collect.webhooks.reading import Delivery, Options, Reading
from identity_service.domain.events import Rejection, RejectionCode
from identity_service.domain.upstream import Notice
from identity_service.errors import BadInput


class Vendor(StrEnum):
    """A vendor whose webhooks are taken."""

    CUSTOMERIO = "customerio"
    HUBSPOT = "hubspot"
    INTERCOM = "intercom"
    MPARTICLE = "mparticle"
    SEGMENT = "segment"
    SHOPIFY = "shopify"
    STRIPE = "stripe"
    ZENDESK = "zendesk"


def _segment_call(delivery: Delivery) -> Reading:
    return Reading([delivery.body])


@dataclass(frozen=True, slots=True)
class _Dialect:
    scheme: Scheme
    read: Callable[[Delivery], Reading]


_DIALECTS: Final[Mapping[Vendor, _Dialect]] = {
    Vendor.CUSTOMERIO: _Dialect(Scheme.CUSTOMERIO, customerio.read),
    Vendor.HUBSPOT: _Dialect(Scheme.HUBSPOT_V3, hubspot.read),
    Vendor.INTERCOM: _Dialect(Scheme.INTERCOM, intercom.read),
    Vendor.MPARTICLE: _Dialect(Scheme.AUTHORIZATION, mparticle.read),
    Vendor.SEGMENT: _Dialect(Scheme.SEGMENT, _segment_call),
    Vendor.SHOPIFY: _Dialect(Scheme.SHOPIFY, shopify.read),
    Vendor.STRIPE: _Dialect(Scheme.STRIPE, stripe.read),
    Vendor.ZENDESK: _Dialect(Scheme.ZENDESK, zendesk.read),
}


@dataclass(frozen=True, slots=True)
class Received:
    """What one request of a vendor brought. `ignored`: what was passed over, a sentence each."""

    collected: Collected
    ignored: Sequence[str] = ()


def scheme_of(vendor: Vendor) -> Scheme:
    """How the vendor signs."""
    return _DIALECTS[vendor].scheme


def read_webhook(
    vendor: Vendor,
    body: bytes,
    headers: Mapping[str, str],
    options: Options,
    received_at: int,
    new_id: Callable[[], str],
) -> Received:
    """What a vendor's request says.

    A body that is not JSON is a rejected event: its vendor would send it again and again, and
    nothing behind it. `headers` have names in lower case; `new_id` is as in `read_batch`. Raises
    TooLarge for a list that is longer than any batch.
    """
    try:
        decoded = decode_json(body)
    except BadInput as error:
        return Received(Collected((), (_unreadable(body, error),)))
    reading = _DIALECTS[vendor].read(Delivery(decoded, headers, options))
    collected = read_batch({"batch": list(reading.calls)}, received_at, new_id)
    notices = tuple(_known(notice, body) for notice in reading.notices)
    return Received(replace(collected, notices=notices), reading.ignored)


def _unreadable(body: bytes, error: BadInput) -> Rejection:
    digest = digest_of(body)
    return Rejection(
        RejectionCode.NOT_JSON, error.message, f"content:{digest}", kept_text(body), digest
    )


def _known(notice: Notice, body: bytes) -> Notice:
    """A notice without a message id is known by the body that it came in."""
    if notice.message_id:
        return notice
    return replace(notice, message_id=f"content:{digest_of(body)}")
