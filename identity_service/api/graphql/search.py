"""Anybody, by a piece of what is known of them."""

from __future__ import annotations

from strawberry import UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    connection,
    decode_cursor,
    encode_cursor,
    number_in,
    page_size,
)
from identity_service.api.graphql.context import Info
from identity_service.api.graphql.customer_pages import customers_of
from identity_service.api.graphql.scoped import ScopedCustomer
from identity_service.errors import BadInput
from identity_service.services.read.search import MAX_FOUND
from identity_service.services.spaces.access import SpaceScope


async def search(
    root: Parent[SpaceScope],
    info: Info,
    text: str,
    first: int | None = 20,
    after: str | None = UNSET,
) -> Connection[ScopedCustomer]:
    """Customers that a text leads to, the closest first."""
    size = page_size(first, 20, MAX_FOUND)
    page = await info.context.services.search.find(root, text, _place(after), size)
    whole = connection(
        page,
        after or None,
        lambda each: encode_cursor("found", each.place),
        lambda each: each.customer_id,
    )
    return await customers_of(info, root, whole, [each.matches for each in page.items])


def _place(after: str | None) -> int:
    if not after:
        return 0
    [place] = decode_cursor("found", after, 1)
    number = number_in(after, place)
    if not 0 <= number <= MAX_FOUND:
        raise BadInput(f"“{after}” is no cursor of this list.")
    return number
