"""Running GraphQL: parse and validate once for each query text, execute, and tell of errors."""

from __future__ import annotations

import secrets
import traceback
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Final, TypeAlias, cast

import strawberry
import structlog
from graphql import (
    DocumentNode,
    GraphQLError,
    execute,  # pyright: ignore[reportUnknownVariableType]  (generic without its argument)
    parse,
    validate,
)
from strawberry.execution import optimized_is_awaitable

from identity_service.api.graphql.context import Context
from identity_service.api.graphql.limits import MAX_TOKENS, check_document
from identity_service.api.graphql.plain_lists import PlainListExecutor
from identity_service.errors import BadInput, IdentityServiceError

Answer: TypeAlias = dict[str, Any]
"""`data`, `errors`, as GraphQL over HTTP has them; no `data` when nothing was executed."""

PREPARED_QUERIES: Final = 500
"""Queries that are kept parsed and validated, the latest used."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A query text, read: what to execute, or why not."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()


class GraphQL:
    """Executes queries against the schema."""

    def __init__(self, schema: strawberry.Schema) -> None:
        # Strawberry's own `execute` parses, validates and sets up extensions at every request.
        self._schema = schema._schema  # pyright: ignore[reportPrivateUsage]
        self._prepared: OrderedDict[str, _Prepared] = OrderedDict()

    async def run(
        self,
        query: str,
        variables: Mapping[str, Any] | None,
        operation: str | None,
        context: Context,
    ) -> Answer:
        """The answer to one request; never raises."""
        prepared = self._prepare(query)
        if prepared.document is None:
            return {"errors": [_shown(error) for error in prepared.errors]}
        outcome = execute(
            self._schema,
            prepared.document,
            context_value=context,
            variable_values=dict(variables or {}),
            operation_name=operation,
            is_awaitable=cast("Any", optimized_is_awaitable),
            executor_class=PlainListExecutor,
        )
        result = await outcome if isawaitable(outcome) else outcome
        if not result.errors:
            return {"data": result.data}
        errors = [_shown(error) for error in result.errors]
        if result.data is None and all(error.path is None for error in result.errors):
            return {"errors": errors}
        return {"data": result.data, "errors": errors}

    def _prepare(self, query: str) -> _Prepared:
        prepared = self._prepared.get(query)
        if prepared is None:
            prepared = self._prepared[query] = self._read(query)
            if len(self._prepared) > PREPARED_QUERIES:
                self._prepared.popitem(last=False)
        else:
            self._prepared.move_to_end(query)
        return prepared

    def _read(self, query: str) -> _Prepared:
        try:
            document = parse(query, max_tokens=MAX_TOKENS)
            check_document(document)
            errors = validate(self._schema, document, max_errors=20)
        except GraphQLError as error:
            return _Prepared(None, (error,))
        except IdentityServiceError as error:
            return _Prepared(None, (GraphQLError(str(error), original_error=error),))
        return _Prepared(None, tuple(errors)) if errors else _Prepared(document)


def _shown(error: GraphQLError) -> dict[str, Any]:
    """An error as a client may see it. What nobody expected is told to the log only."""
    cause = _cause(error)
    if cause is None:
        # GraphQL's own: the query or its variables are wrong.
        return {**error.formatted, "extensions": {"code": BadInput.code}}
    shown: dict[str, Any] = {**error.formatted}
    if isinstance(cause, IdentityServiceError) and cause.status != IdentityServiceError.status:
        shown["message"] = str(cause)
        shown["extensions"] = {"code": cause.code}
        return shown
    reference = secrets.token_hex(8)
    # The text of any error but ours may hold what a customer sent.
    _log.error(
        "graphql_failed",
        reference=reference,
        path=error.path,
        error=type(cause).__name__,
        message=cause.message if isinstance(cause, IdentityServiceError) else None,
        at=[
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(cause.__traceback__)
        ],
    )
    shown["message"] = (
        f"Something went wrong here; the log of the service tells more under {reference}."
    )
    shown["extensions"] = {"code": IdentityServiceError.code, "reference": reference}
    return shown


def _cause(error: GraphQLError) -> Exception | None:
    """What a resolver raised; None for an error of GraphQL itself."""
    cause: Exception | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause
