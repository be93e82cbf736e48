"""What the lifespan opens and every route finds in `scope["state"]`."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypedDict, cast

from starlette.types import Scope

from identity_service.api.graphql.app import GraphQLEndpoint
from identity_service.api.http_protocol import ClientLimits
from identity_service.graph.database import Database
from identity_service.graph.mpids import MpidStore
from identity_service.services.read.accounts import Accounts
from identity_service.services.read.customer_profiles import CustomerProfiles
from identity_service.services.read.customers import Customers
from identity_service.services.spaces.access import Access
from identity_service.services.spaces.access_tokens import AccessTokens
from identity_service.services.spaces.read_rate import ReadRate
from identity_service.services.spaces.webhooks import Webhooks
from identity_service.services.write.intake import Ingest
from identity_service.services.write.rate_limit import RateLimit


@dataclass(frozen=True, slots=True)
class Services:
    """The running service: one of each for a process. `threads` read large bodies."""

    database: Database
    access: Access
    ingest: Ingest
    threads: Executor
    rate_limit: RateLimit
    webhooks: Webhooks
    customers: Customers
    accounts: Accounts
    customer_profiles: CustomerProfiles
    mpids: MpidStore
    access_tokens: AccessTokens
    read_rate: ReadRate


class State(TypedDict):
    """The lifespan's state."""

    services: Services
    graphql: GraphQLEndpoint
    client_limits: ClientLimits


def services_of(scope: Scope) -> Services:
    """The services that a request may use."""
    return cast("State", scope["state"])["services"]
