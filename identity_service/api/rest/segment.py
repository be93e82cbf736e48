"""Segment's Profile API: profiles of users and accounts, for tools that read them from Segment."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import uuid4

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPBasic
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from identity_service.api.graphql.connections import (
    decode_cursor,
    encode_cursor,
    event_after,
    event_cursor,
    number_in,
)
from identity_service.api.problems import answer_to
from identity_service.api.rest.entering import enter
from identity_service.api.rest.segment_answers import (
    Collection,
    Cursor,
    ErrorAnswer,
    EventsAnswer,
    ExternalIdsAnswer,
    LinksAnswer,
    MetadataAnswer,
    Problem,
    TraitsAnswer,
)
from identity_service.api.rest.segment_profiles import (
    Profile,
    ProfileTrait,
    Readers,
    TraitClass,
    find_profile,
    metadata_of,
)
from identity_service.api.state import services_of
from identity_service.collect.keys import keys_outside
from identity_service.domain.journeys.parameters import ALWAYS
from identity_service.domain.profiles.values import json_text
from identity_service.domain.timestamps import iso, read_moment
from identity_service.errors import BadInput
from identity_service.graph.customers import NEWEST, OLDEST, EventWindow
from identity_service.services.read.current import CurrentView

MAX_LIMIT: Final = 200
"""Most entries of one page."""

_CODES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found",
    429: "rate_limit_error",
}
"""Their words for what is wrong, by status."""

_PATH: Final = "/v1/spaces/{space}/collections/{collection}/profiles/{profile:anything}"


class AnythingConvertor(PathConvertor):
    """Text of a path that may hold slashes, as `path` has it, and ends of lines too."""

    regex = "(?s:.*)"


register_url_convertor("anything", AnythingConvertor())


class SegmentRoute(APIRoute):
    """A route that answers errors in Segment's words, and everything with a `Request-Id`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with all of its errors answered."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                response = await handler(request)
            except Exception as error:  # noqa: BLE001 - a defect, too, is answered in their words
                response = _problem(error)
            response.headers["Request-Id"] = str(uuid4())
            return response

        return answered


async def _view(request: Request, space: str) -> CurrentView:
    """The customers of a space, for the READER key that is the Basic user. Raises Unauthorised."""
    services = services_of(request.scope)
    key = keys_outside(dict(request.scope["headers"]), b"").basic
    scope = enter(request, await services.access.authenticate(key), space)
    return services.customers.current(scope)


@dataclass(frozen=True, slots=True)
class Found:
    """The profile that a path names."""

    space: str
    collection: Collection
    profile: Profile

    def cursor(self, what: str, limit: int, following: str | None) -> Cursor:
        """Where a list of it goes on; `following` is None at its end."""
        path = _PATH.replace(":anything", "").format(
            space=self.space, collection=self.collection, profile=self.profile.path_id
        )
        return Cursor(
            url=f"{path}/{what}", has_more=following is not None, next=following or "", limit=limit
        )


async def _found(
    request: Request,
    view: Annotated[CurrentView, Depends(_view)],
    space: Annotated[str, Path(description="The name of the space.")],
    collection: Collection,
    profile: Annotated[
        str,
        Path(
            description="`TYPE:VALUE`, for accounts `group_id:VALUE`; or the id of a customer,"
            " current or retired."
        ),
    ],
) -> Found:
    services = services_of(request.scope)
    readers = Readers(view, services.accounts, services.customer_profiles)
    return Found(space, collection, await find_profile(collection, profile, readers))


Asked: TypeAlias = Annotated[Found, Depends(_found)]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Most entries.")]
Next: TypeAlias = Annotated[
    str, Query(alias="next", description="`cursor.next` of the page before.")
]
Names: TypeAlias = Annotated[str, Query(description="Names, separated by commas.")]

_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ErrorAnswer, "description": description}
    for status, description in (
        (400, "A parameter that cannot be taken."),
        (401, "No key of this space, or one that may not read it."),
        (404, "There is no such profile."),
        (429, "The key asks too often."),
        ("default", "Any other error."),
    )
}

router = APIRouter()
_profiles = APIRouter(
    tags=["profiles"],
    route_class=SegmentRoute,
    # Before anything else of a request is looked at.
    dependencies=[Depends(_view), Depends(HTTPBasic(scheme_name="readKey", auto_error=False))],
    responses=_ERRORS,
)


@_profiles.get(
    _PATH + "/traits",
    summary="Traits of a profile, as Segment answers",
    response_model=TraitsAnswer,
)
async def profile_traits(
    asked: Asked,
    limit: Limit = 10,
    after: Next = "",
    include: Names = "",
    computed: Annotated[
        TraitClass | None, Query(alias="class", description="Only what is computed here.")
    ] = None,
    verbose: Annotated[bool, Query(description="Each with its source and its time.")] = False,
) -> Response:
    """Traits by name. Audiences are traits that are true, features are computed traits."""
    names = _listed(include)
    last = decode_cursor("trait", after, 1)[0] if after else ""
    traits = [
        trait
        for trait in await asked.profile.traits()
        if trait.name > last
        and (names is None or trait.name in names)
        and computed in (None, trait.computed_as)
    ]
    page, more = traits[:limit], len(traits) > limit
    following = encode_cursor("trait", page[-1].name) if more else None
    answer = {
        "traits": {trait.name: _verbose(trait) if verbose else _exact(trait) for trait in page},
        "cursor": asked.cursor("traits", limit, following).model_dump(),
    }
    return Response(orjson.dumps(answer), media_type="application/json")


@_profiles.get(_PATH + "/external_ids", summary="Identifiers of a profile, as Segment answers")
async def profile_external_ids(
    asked: Asked, limit: Limit = 10, after: Next = "", include: Names = ""
) -> ExternalIdsAnswer:
    """Identifiers, the strongest first; `include` names types."""
    begin = 0
    if after:
        [position] = decode_cursor("external_id", after, 1)
        begin = max(number_in(after, position), 0)
    page = await asked.profile.external_ids(_listed(include), begin, limit)
    following = encode_cursor("external_id", begin + limit) if page.more else None
    return ExternalIdsAnswer(
        data=list(page.items), cursor=asked.cursor("external_ids", limit, following)
    )


@_profiles.get(_PATH + "/events", summary="Events of a profile, as Segment answers")
async def profile_events(
    asked: Asked,
    limit: Limit = 10,
    after: Next = "",
    include: Names = "",
    exclude: Names = "",
    start: Annotated[str, Query(description="Not before this moment (ISO 8601).")] = "",
    end: Annotated[str, Query(description="Before this moment (ISO 8601).")] = "",
    sort: Annotated[Literal["asc", "desc"], Query(description="By time.")] = "desc",
) -> EventsAnswer:
    """Events; `include` and `exclude` are names of events."""
    newest_first = sort == "desc"
    begin = NEWEST if newest_first else OLDEST
    names = _listed(include)
    window = EventWindow(
        names=None if names is None else sorted(names),
        excluded=sorted(_listed(exclude) or ()),
        since=_moment("start", start) if start else ALWAYS[0],
        until=_moment("end", end) - 1 if end else ALWAYS[1],
        newest_first=newest_first,
        after=event_after(after, asked.space) if after else begin,
    )
    page = await asked.profile.events(window, limit)
    following = event_cursor(page.items[-1]) if page.more else None
    return EventsAnswer(
        data=await asked.profile.answered(page.items),
        cursor=asked.cursor("events", limit, following),
    )


@_profiles.get(_PATH + "/metadata", summary="When a profile came to be, as Segment answers")
async def profile_metadata(asked: Asked) -> MetadataAnswer:
    """The first and the last event of a profile."""
    return MetadataAnswer(metadata=await metadata_of(asked.profile))


@_profiles.get(
    _PATH + "/links", summary="Accounts of a user, users of an account, as Segment answers"
)
async def profile_links(asked: Asked, limit: Limit = 20, after: Next = "") -> LinksAnswer:
    """Profiles of the other collection that events of this one name."""
    last = decode_cursor("link", after, 1)[0] if after else ""
    page = await asked.profile.links(last, limit)
    following = encode_cursor("link", page.items[-1][0]) if page.more else None
    return LinksAnswer(
        data=[link for _, link in page.items], cursor=asked.cursor("links", limit, following)
    )


_elsewhere = APIRouter(route_class=SegmentRoute)


@_elsewhere.get("/v1/spaces/{rest:anything}", include_in_schema=False)
async def no_such_route(rest: str) -> None:  # noqa: ARG001
    """Anything else below spaces is answered in their words too. Raises HTTPException."""
    raise HTTPException(HTTPStatus.NOT_FOUND)


router.include_router(_profiles)
router.include_router(_elsewhere)


def _exact(trait: ProfileTrait) -> orjson.Fragment:
    """The value of a trait, its numbers to the last digit."""
    return orjson.Fragment(json_text(trait.value))


def _verbose(trait: ProfileTrait) -> dict[str, Any]:
    updated_at = None if trait.updated_at is None else iso(trait.updated_at)
    return {"value": _exact(trait), "source_id": trait.source, "updated_at": updated_at}


def _listed(names: str) -> set[str] | None:
    """The names of a parameter; None where it is left out or empty."""
    return {name.strip() for name in names.split(",") if name.strip()} or None


def _moment(parameter: str, text: str) -> int:
    try:
        return read_moment(text)
    except (ValueError, OverflowError):
        raise BadInput(f"“{parameter}” is no moment in ISO 8601.") from None


def _problem(error: Exception) -> JSONResponse:
    answer = answer_to(error)
    code = _CODES.get(answer.status, "server_error" if answer.status >= 500 else _CODES[400])
    if isinstance(error, RequestValidationError):
        code = "validation_error"
    answered = ErrorAnswer(error=Problem(code=code, message=answer.body.message))
    return JSONResponse(answered.model_dump(), answer.status, headers=answer.headers)
