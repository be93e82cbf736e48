"""The schema, made of its types."""

from __future__ import annotations

from typing import cast

import strawberry
from graphql import GraphQLObjectType, is_input_object_type
from strawberry.schema.config import StrawberryConfig

from identity_service.api.graphql.context import field_of
from identity_service.api.graphql.mutations import Mutation
from identity_service.api.graphql.queries import Query
from identity_service.api.graphql.scalars import SCALARS
from identity_service.api.graphql.schema_words import describe, read_words
from identity_service.api.graphql.subscriptions import Subscription
from identity_service.api.graphql.types import Change, Customer, Event, Identifier


def build_schema() -> strawberry.Schema:
    """The whole schema; costs a tenth of a second, so make it once."""
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        # Every node, also those that only `node` gives away.
        types=[Customer, Identifier, Event, Change],
        config=StrawberryConfig(default_resolver=field_of, scalar_map=SCALARS),
    )
    inner = schema._schema  # pyright: ignore[reportPrivateUsage]
    describe(inner, read_words())
    # Strawberry's own fails at lists and at types that may not be null.
    described = inner.type_map["__Type"]
    cast("GraphQLObjectType", described).fields["isOneOf"].resolve = _is_one_of
    return schema


def _is_one_of(described: object, _info: object) -> bool | None:
    """`__Type.isOneOf`: null for all but types of arguments."""
    return described.is_one_of if is_input_object_type(described) else None
