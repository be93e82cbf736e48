"""The vendors that there are."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from identity_service.activation.definition import VendorRules
from identity_service.activation.destinations.base import HttpAdapter
from identity_service.activation.destinations.braze import Braze
from identity_service.activation.destinations.customerio import CustomerIo
from identity_service.activation.destinations.hubspot import HubSpot
from identity_service.activation.destinations.intercom import Intercom
from identity_service.activation.destinations.mailchimp import Mailchimp
from identity_service.activation.destinations.mixpanel import Mixpanel
from identity_service.activation.destinations.segment import Segment
from identity_service.activation.destinations.webhook import Webhook


class DestinationVendor(StrEnum):
    """Where customers can be sent to."""

    CUSTOMERIO = "customerio"
    HUBSPOT = "hubspot"
    BRAZE = "braze"
    MAILCHIMP = "mailchimp"
    MIXPANEL = "mixpanel"
    INTERCOM = "intercom"
    SEGMENT = "segment"
    WEBHOOK = "webhook"
    SQL = "sql"
    FILES = "files"


ADAPTERS: Final[Mapping[DestinationVendor, type[HttpAdapter]]] = {
    DestinationVendor.CUSTOMERIO: CustomerIo,
    DestinationVendor.HUBSPOT: HubSpot,
    DestinationVendor.BRAZE: Braze,
    DestinationVendor.MAILCHIMP: Mailchimp,
    DestinationVendor.MIXPANEL: Mixpanel,
    DestinationVendor.INTERCOM: Intercom,
    DestinationVendor.SEGMENT: Segment,
    DestinationVendor.WEBHOOK: Webhook,
}
"""Those with an HTTP API."""

SQL_RULES: Final = VendorRules(
    required=("url_env", "table"),
    optional=("schema",),
    patterns={"url_env": r"IDENTITY_DESTINATION_[A-Z0-9_]+"},
)
"""The operator chooses which databases there are: by variables whose name begins so."""

FILES_RULES: Final = VendorRules(
    required=("directory",), patterns={"directory": r"[\w-]+(?:/[\w-]+)*"}
)


def rules_of(vendor: DestinationVendor) -> VendorRules:
    """What a vendor asks of a definition."""
    if vendor is DestinationVendor.SQL:
        return SQL_RULES
    if vendor is DestinationVendor.FILES:
        return FILES_RULES
    return ADAPTERS[vendor].RULES
