"""The schema, made of its types."""

from __future__ import annotations

import strawberry
from strawberry.schema.config import StrawberryConfig

from identity_service.api.graphql.context import field_of
from identity_service.api.graphql.mutations import Mutation
from identity_service.api.graphql.queries import Query
from identity_service.api.graphql.scalars import SCALARS
from identity_service.api.graphql.subscriptions import Subscription
from identity_service.api.graphql.types import Change, Customer, Event, Identifier


def build_schema() -> strawberry.Schema:
    """The whole schema; costs a tenth of a second, so make it once."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        # Every node, also those that only `node` gives away.
        types=[Customer, Identifier, Event, Change],
        config=StrawberryConfig(default_resolver=field_of, scalar_map=SCALARS),
    )
