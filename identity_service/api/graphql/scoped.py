"""Lists of records with the view that they came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from identity_service.api.graphql.connections import (
    Connection,
    connection,
    decode_cursor,
    encode_cursor,
)
from identity_service.api.graphql.context import Scoped
from identity_service.domain.recorded import (
    Page,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.graph.ledger import NEWEST
from identity_service.services.read.view import CustomerView

ScopedCustomer: TypeAlias = Scoped[SettledCustomer]
ScopedIdentifier: TypeAlias = Scoped[SeenIdentifier]

T = TypeVar("T")


def scoped(view: CustomerView, records: Sequence[T]) -> list[Scoped[T]]:
    """Records of a view."""
    return [Scoped(view, record) for record in records]


def by_id(
    of: str,
    view: CustomerView,
    page: Page[T],
    after: str | None,
    id_of: Callable[[T], str],
) -> Connection[Scoped[T]]:
    """A page of records that are listed newest first, by ids that sort by time."""
    return connection(
        page,
        after,
        lambda entry: encode_cursor(of, id_of(entry)),
        lambda entry: Scoped(view, entry),
    )


def id_before(of: str, after: str | None) -> str:
    """The id at which a page of `by_id` begins, which is not in it."""
    return decode_cursor(of, after, 1)[0] if after else NEWEST
