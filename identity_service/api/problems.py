"""Errors as answers: one JSON object, read by people and by every SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from identity_service.errors import BadInput, IdentityServiceError, Overloaded, Unavailable
from identity_service.observability import places

_SEE_DOCUMENTATION: Final = "The documentation lists the routes, on the page about HTTP."
_SEE_OPENAPI: Final = "/openapi.json says what this route takes."
_REMEDIES: Final = {
    HTTPStatus.METHOD_NOT_ALLOWED: "The header Allow names the methods of this route."
}

_log = structlog.get_logger(__name__)


class ErrorBody(BaseModel):
    """The body of every error."""

    code: str = Field(description="The kind of error, for programs: `UNAUTHORISED`.")
    message: str = Field(description="What is wrong and what to do about it, for people.")
    detail: str = Field(description="What to do about it.")
    error: str = Field(description="The same as `message`: some SDKs read this one.")


_BODY: Final = {
    "application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}}
}

ANY_ERROR: Final[dict[int | str, dict[str, Any]]] = {
    "default": {"description": "Any other error.", "content": _BODY}
}
"""For the OpenAPI document: the `responses` of every route."""


def error_responses(*errors: type[IdentityServiceError]) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: the `responses` of a route that answers these errors."""
    return {error.status: _error_response(error) for error in errors}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an error is answered with."""

    status: int
    body: ErrorBody
    headers: Mapping[str, str]


def problem(error: Exception) -> JSONResponse:
    """The answer that an error is: its status, and an `ErrorBody`.

    One that passes by itself carries `Retry-After` in whole seconds.
    A defect of the service is logged, and answered without its text.
    """
    answer = answer_to(error)
    return JSONResponse(answer.body.model_dump(), answer.status, headers=answer.headers)


def answer_to(error: Exception) -> Answer:
    """As `problem`, for routes that put it into words of their own."""
    if isinstance(error, RequestValidationError):
        error = BadInput(_mistakes(error), remedy=_SEE_OPENAPI)
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        remedy = _REMEDIES.get(status, _SEE_DOCUMENTATION)
        return _answer(status, status.name, f"{status.phrase}.", remedy, error.headers or {})
    ours = isinstance(error, IdentityServiceError)
    if not ours or error.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log_defect(error)
    if not ours:
        error = IdentityServiceError(
            "The service failed at this request.",
            remedy="Send it again; if it fails again, the service's log says where.",
        )
    headers = when_to_retry(error)
    remedy = error.remedy
    if headers and not remedy:
        remedy = f"Send it again after {headers['Retry-After']} s."
    return _answer(error.status, error.code, error.message, remedy, headers)


def when_to_retry(error: IdentityServiceError) -> dict[str, str]:
    """The header `Retry-After`, in whole seconds, of an error that passes by itself; else none."""
    if isinstance(error, Overloaded | Unavailable):
        return {"Retry-After": str(error.retry_after)}
    return {}


async def request_problem(_request: Request, error: Exception) -> JSONResponse:
    """FastAPI's handler of routes and methods that do not exist, and of requests that are wrong."""
    if isinstance(error.__cause__, IdentityServiceError):
        return problem(error.__cause__)  # FastAPI wraps whatever is raised while a body is read
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.BAD_REQUEST:
        return problem(BadInput("The body cannot be read.", remedy=_SEE_OPENAPI))
    answer = problem(error)
    allowed = answer.headers.get("Allow", "").split(", ")
    if "GET" in allowed:
        # FastAPI's routes do not name HEAD, which the application answers for them.
        answer.headers["Allow"] = ", ".join(sorted({*allowed, "HEAD"}))
    return answer


class Problems:
    """ASGI middleware: whatever is raised becomes an answer without a stack trace."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer in the place of an application that raised before it answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - the last line of defence
            answer = problem(error)
            if not begun:
                await answer(scope, receive, send)


def _error_response(error: type[IdentityServiceError]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": (error.__doc__ or "").partition("\n")[0],
        "content": _BODY,
    }
    if issubclass(error, Overloaded | Unavailable):
        response["headers"] = {
            "Retry-After": {
                "description": "Whole seconds after which to send it again.",
                "required": True,
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    return response


def _mistakes(error: RequestValidationError) -> str:
    """Each with its place: `query.limit: Input should be a valid integer.`"""
    found = cast("Sequence[Mapping[str, Any]]", error.errors())
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found) + "."


def _log_defect(error: Exception) -> None:
    """Say what failed and where. The text of any error but ours may hold what a customer sent."""
    _log.error(
        "request_failed",
        error=type(error).__name__,
        message=error.message if isinstance(error, IdentityServiceError) else None,
        at=places(error),
    )


def _answer(
    status: int, code: str, message: str, remedy: str, headers: Mapping[str, str]
) -> Answer:
    text = f"{message} {remedy}".strip()
    body = ErrorBody(code=code, message=text, detail=remedy or text, error=text)
    return Answer(status, body, headers)
