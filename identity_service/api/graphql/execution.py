"""Running GraphQL: parse and validate once for each query text, execute, and show errors."""

from __future__ import annotations

import secrets
import traceback
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any, Final, NamedTuple, TypeAlias, cast

import strawberry
import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,  # pyright: ignore[reportUnknownVariableType]
    execute,  # pyright: ignore[reportUnknownVariableType]  (generic without its argument)
    execute_subscription_event,  # pyright: ignore[reportUnknownVariableType]
    get_operation_ast,
    parse,
    validate,
)
from strawberry.execution import optimized_is_awaitable

from identity_service.api.graphql.context import Context
from identity_service.api.graphql.limits import MAX_TOKENS, check_document
from identity_service.api.graphql.plain_lists import PlainListExecutor
from identity_service.errors import BadInput, IdentityServiceError
from identity_service.services.read.live import ComponentCache

Answer: TypeAlias = dict[str, Any]
"""`data`, `errors`, as GraphQL over HTTP has them; no `data` when nothing was executed."""

_NEEDS_STREAM: Final = BadInput(
    "A subscription is not answered once.",
    remedy="Send it over a WebSocket, or with “Accept: text/event-stream”.",
)

PREPARED_QUERIES: Final = 500
"""Queries that are kept parsed and validated, the latest used."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A query text, read: what to execute, or why not. `subscribes`: it holds subscriptions."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    subscribes: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as every transport brings it."""

    query: str
    variables: Mapping[str, Any] | None
    operation: str | None


class Response(NamedTuple):
    """One of the answers to a request, and to a subscription what happened."""

    answer: Answer
    event: object = None


class GraphQL:
    """Executes queries against the schema."""

    def __init__(self, schema: strawberry.Schema) -> None:
        # Strawberry's own `execute` parses, validates and sets up extensions at every request.
        self._schema = schema._schema  # pyright: ignore[reportPrivateUsage]
        self._prepared: OrderedDict[str, _Prepared] = OrderedDict()

    async def run(self, request: Request, context: Context) -> Answer:
        """The answer to a query or mutation; never raises."""
        prepared = self._prepare(request.query)
        if prepared.document is None:
            return {"errors": [_shown(error) for error in prepared.errors]}
        if _subscribes(prepared, request):
            return failed(_NEEDS_STREAM)
        outcome = execute(
            self._schema,
            prepared.document,
            # A connection asks many questions: what one has loaded is old for the next.
            context_value=replace(context, components=ComponentCache()),
            variable_values=dict(request.variables or {}),
            operation_name=request.operation,
            is_awaitable=cast("Any", optimized_is_awaitable),
            executor_class=PlainListExecutor,
        )
        return _answer(await outcome if isawaitable(outcome) else outcome)

    def subscribes(self, request: Request) -> bool:
        """Whether a request is a subscription, so that `stream` has to answer it."""
        return _subscribes(self._prepare(request.query), request)

    async def stream(self, request: Request, context: Context) -> AsyncGenerator[Response]:
        """The answers to any request, more than one to a subscription; never raises.

        The last one may be an error without `data`.
        """
        prepared = self._prepare(request.query)
        if prepared.document is None or not _subscribes(prepared, request):
            yield Response(await self.run(request, context))
            return
        executor = cast("Any", PlainListExecutor).build(
            self._schema,
            prepared.document,
            context_value=context,
            raw_variable_values=dict(request.variables or {}),
            operation_name=request.operation,
            is_awaitable=cast("Any", optimized_is_awaitable),
        )
        if isinstance(executor, list):  # the variables are wrong
            errors = cast("list[GraphQLError]", executor)
            yield Response({"errors": [_shown(error) for error in errors]})
            return
        created = create_source_event_stream(executor)
        source = await created if isawaitable(created) else created
        if isinstance(source, ExecutionResult):
            yield Response(_answer(source))
            return
        async with aclosing(cast("AsyncGenerator[object]", source)) as events:
            try:
                async for event in events:
                    outcome = execute_subscription_event(executor.build_per_event_executor(event))
                    result = await outcome if isawaitable(outcome) else outcome
                    yield Response(_answer(result), event)
            except Exception as error:  # noqa: BLE001 - whatever the source raises is answered
                yield Response(failed(error))

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
        if errors:
            return _Prepared(None, tuple(errors))
        return _Prepared(document, subscribes=_has_subscription(document))


def failed(error: Exception) -> Answer:
    """The answer to a request that was not executed."""
    return {"errors": [_shown(GraphQLError(str(error), original_error=error))]}


def _answer(result: ExecutionResult) -> Answer:
    if not result.errors:
        return {"data": result.data}
    errors = [_shown(error) for error in result.errors]
    if result.data is None and all(error.path is None for error in result.errors):
        return {"errors": errors}
    return {"data": result.data, "errors": errors}


def _has_subscription(document: DocumentNode) -> bool:
    return any(
        isinstance(definition, OperationDefinitionNode)
        and definition.operation is OperationType.SUBSCRIPTION
        for definition in document.definitions
    )


def _subscribes(prepared: _Prepared, request: Request) -> bool:
    if not prepared.subscribes or prepared.document is None:
        return False
    operation = get_operation_ast(prepared.document, request.operation)
    return operation is not None and operation.operation is OperationType.SUBSCRIPTION


def _shown(error: GraphQLError) -> dict[str, Any]:
    """An error as a client may see it. What nobody expected is logged, and not shown."""
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
        f"Something went wrong here; the log of the service has more under {reference}."
    )
    shown["extensions"] = {"code": IdentityServiceError.code, "reference": reference}
    return shown


def _cause(error: GraphQLError) -> Exception | None:
    """What a resolver raised; None for an error of GraphQL itself."""
    cause: Exception | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause
