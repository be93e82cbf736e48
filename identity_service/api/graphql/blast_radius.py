# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""What falls apart if a value is blocked."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry
from strawberry import Parent

from identity_service.api.graphql.context import Info, Scoped, current_view
from identity_service.api.graphql.fields import IdentifierInput
from identity_service.api.graphql.previews import PolicyPreview
from identity_service.api.graphql.types import NotFound
from identity_service.domain.identifiers import Identifier
from identity_service.services.preview import previews
from identity_service.services.read.view import Missing
from identity_service.services.spaces.access import SpaceScope

BlastRadiusResult: TypeAlias = Annotated[
    PolicyPreview | NotFound, strawberry.union("BlastRadiusResult")
]


async def blast_radius(
    root: Parent[SpaceScope], info: Info, identifier: IdentifierInput
) -> Scoped[previews.PolicyPreview] | Missing:
    asked = Identifier(identifier.type, identifier.value)
    found = await info.context.services.blast_radius.of(root, asked)
    return found if isinstance(found, Missing) else Scoped(current_view(info, root), found)
