"""Running GraphQL: parse and validate once for each query text, execute, and show errors."""

from __future__ import annotations

import asyncio
import secrets
import sys
import traceback
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any, Final, NamedTuple, cast

import strawberry
import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,  # pyright: ignore[reportUnknownVariableType]  (no argument)
    get_operation_ast,
    parse,
    validate,
)
from strawberry.execution import optimized_is_awaitable

from identity_service.api.graphql.budgets import Budgets
from identity_service.api.graphql.charges import Charges
from identity_service.api.graphql.context import Context
from identity_service.api.graphql.cost import Cost, cost_of
from identity_service.api.graphql.large_queries import LargeQueries
from identity_service.api.graphql.limits import (
    LARGE,
    MAX_COST,
    MAX_TOKENS,
    STRANGERS_SHARE,
    check_document,
    check_text,
)
from identity_service.api.graphql.plain_lists import PlainListExecutor
from identity_service.api.graphql.requests import Answer, Request
from identity_service.api.graphql.share import Share
from identity_service.api.graphql.time_limits import TimeLimits, in_time
from identity_service.errors import (
    BadInput,
    IdentityServiceError,
    Overloaded,
    TooLarge,
    Unavailable,
)
from identity_service.services.kit.lru_cache import LruCache
from identity_service.services.read.live import ComponentCache

_NEEDS_STREAM: Final = BadInput(
    "A subscription is not answered once.",
    remedy="Send it over a WebSocket, or with “Accept: text/event-stream”.",
)

PREPARED_BYTES: Final = 64_000_000
"""Memory for queries that are kept parsed and validated, those used last."""

_BYTES_OF_A_TOKEN: Final = 1_000
"""Memory of a word or sign of a parsed query, generously: its node, its token, their places."""

_MAX_LOGGED: Final = 3
"""Defects of one answer that are logged; a field of a list fails as often as the list is long."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A query text, read: what to execute, or why not.

    `subscribes`: it holds subscriptions. `seconds`: how long each of its operations may take.
    """

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    subscribes: bool = False
    seconds: float | None = None


class Response(NamedTuple):
    """One of the answers to a request, and to a subscription what happened."""

    answer: Answer
    event: object = None


class GraphQL:
    """Executes queries against the schema."""

    def __init__(
        self,
        schema: strawberry.Schema,
        large: LargeQueries | None = None,
        charges: Charges | None = None,
        times: TimeLimits | None = None,
    ) -> None:
        """`large` answers large queries; without it they are executed here, as all others.

        `charges` are taken from keys; without them a key may spend any number. `times` are how long
        operations may take; without them, any time.
        """
        # Strawberry's own `execute` parses, validates and sets up extensions at every request.
        self._schema = schema._schema  # pyright: ignore[reportPrivateUsage]
        self._prepared: LruCache[str, _Prepared] = LruCache(PREPARED_BYTES)
        self._strangers = Share(STRANGERS_SHARE)
        self._budgets = Budgets(MAX_COST)
        self._large = large
        self._charges = charges or Charges()
        self._times = times

    async def run(self, request: Request, context: Context) -> Answer:
        """The answer to a query or mutation; never raises."""
        try:
            async with self._turn(context):
                return await self._run(request, context)
        except (Overloaded, Unavailable) as error:
            return failed(error)

    async def kind(self, request: Request, context: Context) -> OperationType | None:
        """Whether a request is a query, a mutation or a subscription; None where it is wrong.

        Raises Overloaded where too many wait who have no valid key.
        """
        async with self._turn(context):
            return _kind(await self._read(request, context), request)

    async def stream(self, request: Request, context: Context) -> AsyncGenerator[Response]:
        """The answers to any request, more than one to a subscription; never raises.

        The last one may be an error without `data`.
        """
        try:
            async with self._turn(context):
                prepared = await self._read(request, context)
        except Overloaded as error:
            yield Response(failed(error))
            return
        if not _subscribes(prepared, request):
            yield Response(await self.run(request, context))
            return
        executor = self._executor(prepared, request, context)
        if not isinstance(executor, PlainListExecutor):
            yield Response(_refused(executor))
            return
        cost = cost_of(executor)
        try:
            self._charges.charge(cost, context)
        except (TooLarge, Overloaded) as error:
            yield Response(self._charges.said(failed(error), cost, context))
            return
        created = create_source_event_stream(executor)
        source = await created if isawaitable(created) else created
        if isinstance(source, ExecutionResult):
            yield Response(self._charges.said(_result(source), cost, context))
            return
        async with aclosing(cast("AsyncGenerator[object]", source)) as events:
            try:
                async for event in events:
                    of_event: Any = cast("Any", executor).build_per_event_executor(event)
                    async with in_time(self._times and self._times.operation):
                        answer = await _executed(of_event)
                    yield Response(answer, event)
            except Exception as error:  # noqa: BLE001 - whatever the source raises is answered
                yield Response(failed(error))

    def _turn(self, context: Context) -> AbstractAsyncContextManager[None]:
        """What a request waits for that comes without a valid key; raises Overloaded."""
        return nullcontext() if context.known else self._strangers.turn()

    async def _run(self, request: Request, context: Context) -> Answer:
        prepared = await self._read(request, context)
        if _subscribes(prepared, request):
            return failed(_NEEDS_STREAM)
        # A connection asks many questions: what one has loaded is old for the next.
        fresh = replace(context, components=ComponentCache())
        executor = self._executor(prepared, request, fresh)
        if not isinstance(executor, PlainListExecutor):
            return _refused(executor)
        cost = cost_of(executor)
        try:
            self._charges.charge(cost, context)
            answer = await self._answer(executor, cost, request, context, prepared.seconds)
        except (TooLarge, Overloaded, Unavailable) as error:
            answer = failed(error)
        return self._charges.said(answer, cost, context)

    async def _answer(
        self,
        executor: PlainListExecutor,
        cost: Cost,
        request: Request,
        context: Context,
        seconds: float | None,
    ) -> Answer:
        """The answer to a query or mutation, once it is its turn."""
        queries = executor.operation.operation is OperationType.QUERY
        async with self._budgets.spend(context.caller, cost.certain):
            if self._large is not None and queries and cost.most >= LARGE:
                return await self._large.answer(request, context.caller, seconds)
            async with in_time(seconds):
                return await _executed(executor)

    async def _read(self, request: Request, context: Context) -> _Prepared:
        """Read a query. Only texts that are right are kept, and only those of known callers."""
        query = request.query
        kept = self._prepared.get(query)
        if kept is not None:
            return kept
        if not context.known:
            # Beside the loop: what somebody unknown sends is to hold nobody up.
            return await asyncio.to_thread(self._parsed, query)
        prepared = self._parsed(query)
        if prepared.document is not None:
            # Twice: the parsed query holds what stands in its texts and comments again.
            size = 2 * sys.getsizeof(query) + _BYTES_OF_A_TOKEN * _tokens(prepared.document)
            self._prepared.put(query, prepared, size)
        return prepared

    def _executor(
        self, prepared: _Prepared, request: Request, context: Context
    ) -> PlainListExecutor | Sequence[GraphQLError]:
        """What executes a query; or why it cannot be: the query or its variables are wrong."""
        if prepared.document is None:
            return prepared.errors
        built: Any = cast("Any", PlainListExecutor).build(
            self._schema,
            prepared.document,
            context_value=context,
            raw_variable_values=dict(request.variables or {}),
            operation_name=request.operation,
            is_awaitable=cast("Any", optimized_is_awaitable),
        )
        return built

    def _parsed(self, query: str) -> _Prepared:
        try:
            check_text(query)
            document = parse(query, max_tokens=MAX_TOKENS)
            check_document(document)
            errors = validate(self._schema, document, max_errors=20)
        except GraphQLError as error:
            return _Prepared(None, (error,))
        except IdentityServiceError as error:
            return _Prepared(None, (GraphQLError(str(error), original_error=error),))
        if errors:
            return _Prepared(None, tuple(errors))
        seconds = self._times and self._times.longest(document)
        return _Prepared(document, subscribes=_has_subscription(document), seconds=seconds)


def failed(error: Exception) -> Answer:
    """The answer to a request that was not executed."""
    return {"errors": _shown([GraphQLError(str(error), original_error=error)])}


def _refused(errors: Sequence[GraphQLError]) -> Answer:
    """The answer to a query that is wrong, or whose variables are."""
    return {"errors": [_mistake(error) for error in errors]}


async def _executed(executor: PlainListExecutor) -> Answer:
    if _describes(executor.operation):
        # Nothing in it waits; beside the loop, it holds nobody up for long.
        outcome: Any = await asyncio.to_thread(executor.execute_operation)
    else:
        outcome = executor.execute_operation()
    result: ExecutionResult = await outcome if isawaitable(outcome) else outcome
    if executor.exceeded:
        return {"data": None, **failed(executor.exceeded)}
    return _result(result)


def _result(result: ExecutionResult) -> Answer:
    if not result.errors:
        return {"data": result.data}
    errors = _shown(result.errors)
    if result.data is None and all(error.path is None for error in result.errors):
        return {"errors": errors}
    return {"data": result.data, "errors": errors}


def _tokens(document: DocumentNode) -> int:
    """How many words and signs a parsed query has."""
    token = document.loc.start_token if document.loc else None
    number = 0
    while token:
        number, token = number + 1, token.next
    return number


def _has_subscription(document: DocumentNode) -> bool:
    return any(
        isinstance(definition, OperationDefinitionNode)
        and definition.operation is OperationType.SUBSCRIPTION
        for definition in document.definitions
    )


def _describes(operation: OperationDefinitionNode) -> bool:
    """Whether an operation asks for nothing but the schema."""
    return all(
        isinstance(selection, FieldNode) and selection.name.value.startswith("__")
        for selection in operation.selection_set.selections
    )


def _subscribes(prepared: _Prepared, request: Request) -> bool:
    return prepared.subscribes and _kind(prepared, request) is OperationType.SUBSCRIPTION


def _kind(prepared: _Prepared, request: Request) -> OperationType | None:
    if prepared.document is None:
        return None
    operation = get_operation_ast(prepared.document, request.operation)
    return operation.operation if operation else None


def _mistake(error: GraphQLError) -> dict[str, Any]:
    """An error in what was asked, as the client sees it."""
    cause = _cause(error)
    code = cause.code if isinstance(cause, IdentityServiceError) else BadInput.code
    return {**error.formatted, "extensions": {"code": code}}


def _shown(errors: Sequence[GraphQLError]) -> list[dict[str, Any]]:
    """Errors as a client may see them. What nobody expected is logged, and not shown.

    All defects of one answer have one reference.
    """
    shown: list[dict[str, Any]] = []
    defects: list[tuple[GraphQLError, Exception]] = []
    reference = secrets.token_hex(8)
    for error in errors:
        cause = _cause(error)
        if cause is None:
            shown.append(_mistake(error))  # GraphQL's own
        elif isinstance(cause, IdentityServiceError) and not _is_defect(cause):
            shown.append(
                {**error.formatted, "message": str(cause), "extensions": _extensions(cause)}
            )
        else:
            defects.append((error, cause))
            message = (
                f"Something went wrong here; the log of the service has more under {reference}."
            )
            extensions = {"code": IdentityServiceError.code, "reference": reference}
            shown.append({**error.formatted, "message": message, "extensions": extensions})
    for error, cause in defects[:_MAX_LOGGED]:
        _log_defect(reference, error, cause, len(defects))
    return shown


def _is_defect(error: IdentityServiceError) -> bool:
    return error.status == IdentityServiceError.status


def _extensions(error: IdentityServiceError) -> dict[str, Any]:
    """The `extensions` of an error: its code, and in how many seconds to ask again."""
    extensions: dict[str, Any] = {"code": error.code}
    if isinstance(error, Overloaded):
        extensions["retryAfter"] = error.retry_after
    return extensions


def _log_defect(reference: str, error: GraphQLError, cause: Exception, number: int) -> None:
    """Say what failed and where, as one of a number of defects of an answer."""
    # The text of any error but ours may hold what a customer sent.
    _log.error(
        "graphql_failed",
        reference=reference,
        path=error.path,
        error=type(cause).__name__,
        message=cause.message if isinstance(cause, IdentityServiceError) else None,
        failed=number,
        at=[
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(cause.__traceback__)
        ],
    )


def _cause(error: GraphQLError) -> Exception | None:
    """What a resolver raised; None for an error of GraphQL itself."""
    cause: Exception | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause
