"""mParticle's Profile API: user profiles, for tools that read them from mParticle."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from identity_service.api.incoming import IncomingBody, check_declared
from identity_service.api.problems import error_responses
from identity_service.api.rest.entering import enter
from identity_service.api.security import bearer_key
from identity_service.api.state import services_of
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.profiles.values import json_text
from identity_service.domain.recorded import SeenIdentifier, SettledCustomer
from identity_service.errors import (
    BadInput,
    NotFound,
    Overloaded,
    SecretsLocked,
    Unauthorised,
    Unavailable,
)
from identity_service.services.read.current import CurrentView
from identity_service.services.read.view import CustomerAnswer, Missing, customer_in
from identity_service.services.spaces.access_tokens import LIFETIME_S

MAX_BODY: Final = 16 * 1024
"""Most bytes of a request."""

TYPES: Final = {
    "user_id": "customer_id",
    "phone": "mobile_number",
    "ios.id": "ios_idfv",
    "ios.idfa": "ios_advertising_id",
    "android.id": "android_uuid",
    "android.idfa": "android_advertising_id",
    "ios.push_token": "push_token",
    "android.push_token": "push_token",
}
"""By type of identifier, mParticle's name of it; all others have one name in both."""

OURS: Final[Mapping[str, Sequence[str]]] = {
    theirs: [ours for ours, name in TYPES.items() if name == theirs] for theirs in TYPES.values()
}
"""By mParticle's name, the types of identifiers that it may be."""

GRANT: Final = "client_credentials"

_NUMBER: Final = re.compile("[0-9]{1,19}", re.ASCII)
_NUMBERS: Final = 2**63
"""Numbers of customers are below it."""

_Theirs: TypeAlias = Annotated[str, Path(description="Anything.")]


class ProfileField(StrEnum):
    """Parts of a profile that are left out unless they are asked for, if `fields` is given."""

    DEVICE_IDENTITIES = "device_identities"
    USER_IDENTITIES = "user_identities"
    USER_ATTRIBUTES = "user_attributes"
    AUDIENCE_MEMBERSHIPS = "audience_memberships"


class TokenRequest(BaseModel):
    """Credentials: `client_id` is the name of a space, `client_secret` a READER key of it."""

    client_id: str
    client_secret: str
    grant_type: str = Field(json_schema_extra={"enum": [GRANT]})
    audience: str | None = None


class Token(BaseModel):
    """A bearer token."""

    access_token: str
    expires_in: int = Field(default=LIFETIME_S, description="Seconds.")
    token_type: str = "Bearer"  # noqa: S105  (no secret)


class TokenProblem(BaseModel):
    """Why there is no token, as OAuth 2.0 has it."""

    error: str
    error_description: str


class NamedIdentity(BaseModel):
    """An identity as `resolve` asks for it: mParticle's type, and the value."""

    type: str
    value: str


class ResolveRequest(BaseModel):
    """Whose profile is asked for. There is one environment, whatever `environment_type` says."""

    identity: NamedIdentity
    environment_type: str | None = None


class Identity(BaseModel):
    """An identifier of a profile, under mParticle's name of its type."""

    type: str
    encoding: str = "none"
    value: str


class Membership(BaseModel):
    """An audience that the customer is in. Its id is 31 bits of a hash of its name."""

    audience_id: int
    audience_name: str
    expiration_timestamp_ms: None = None


class UserProfile(BaseModel):
    """A customer. `mpid` is made of the customer's id, and may exceed what JavaScript can hold."""

    mpid: int
    created_timestamp_ms: int
    last_stored_timestamp_ms: int
    is_opted_out: bool = False
    limit_ad_tracking: bool = False
    device_identities: list[Identity] | None
    user_identities: list[Identity] | None
    account_userattributes: None = None
    user_attributes: dict[str, str] | None
    audience_memberships: list[Membership] | None


async def _view(
    request: Request,
    org: _Theirs,  # noqa: ARG001 - a token opens one space, whatever they say
    account: _Theirs,  # noqa: ARG001
    workspace: Annotated[str, Path(description="The name of the space.")],
) -> CurrentView:
    """The customers of a space, for who sends a token of it. Raises Unauthorised."""
    services = services_of(request.scope)
    token = bearer_key(request.headers.get("authorization"))
    scope = enter(request, await services.access_tokens.holder(token), workspace)
    return services.customers.current(scope)


_View: TypeAlias = Annotated[CurrentView, Depends(_view)]
_Fields: TypeAlias = Annotated[
    str,
    Query(description=f"Parts of the profile, separated by commas: {', '.join(ProfileField)}."),
]

router = APIRouter(tags=["profiles"])
_profiles = APIRouter(
    prefix="/userprofile/v1",
    # Before anything else of a request is looked at.
    dependencies=[Depends(_view), Depends(HTTPBearer(scheme_name="accessToken", auto_error=False))],
    responses=error_responses(BadInput, Unauthorised, NotFound, Overloaded, Unavailable),
)


def _takes(model: type[BaseModel]) -> dict[str, Any]:
    """For the OpenAPI document: a JSON body that is read only once the caller is known."""
    schema = model.model_json_schema()
    named = schema.pop("$defs", {})
    for name, field in schema["properties"].items():
        schema["properties"][name] = named.get(field.get("$ref", "").rpartition("/")[2], field)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post(
    "/oauth/token",
    summary="An access token for mParticle's Profile API",
    response_model=Token,
    responses={
        400: {"model": TokenProblem, "description": "Something is missing or not supported."},
        401: {"model": TokenProblem, "description": "The secret is no key of the space."},
        **error_responses(SecretsLocked),
    },
    openapi_extra=_takes(TokenRequest),
)
async def oauth_token(request: Request) -> Response:
    """Take a READER key of a space, and give a token that stands for it for eight hours."""
    try:
        asked = TokenRequest.model_validate_json(await _body(request))
    except (ValidationError, ClientDisconnect):
        return _no_token(400, "invalid_request", "Send client_id, client_secret and grant_type.")
    if asked.grant_type != GRANT:
        return _no_token(400, "unsupported_grant_type", f"The grant_type is “{GRANT}”.")
    tokens = services_of(request.scope).access_tokens
    try:
        token = await tokens.issue(asked.client_id, asked.client_secret)
    except Unauthorised as error:
        return _no_token(401, "invalid_client", str(error))
    return JSONResponse(
        Token(access_token=token).model_dump(), headers={"Cache-Control": "no-store"}
    )


@_profiles.post(
    "/resolve/{org}/{account}/{workspace}",
    summary="The profile of an identity, as mParticle answers",
    openapi_extra=_takes(ResolveRequest),
)
async def resolve_user_profile(request: Request, view: _View, fields: _Fields = "") -> UserProfile:
    """Never makes a profile: an identity that was not seen is answered 404."""
    parts = _parts(fields)
    try:
        asked = ResolveRequest.model_validate_json(await _body(request)).identity
    except (ValidationError, ClientDisconnect):
        raise BadInput(
            "The body names no identity.",
            remedy='Send {"identity": {"type": "customer_id", "value": "…"}}.',
        ) from None
    customer = _found(await _find(view, asked), view)
    mpid = await services_of(request.scope).mpids.keep(view.scope.space, customer.customer_id)
    return await _profile(request, view, customer, mpid, parts)


@_profiles.get(
    "/{org}/{account}/{workspace}/{mpid}",
    summary="A profile by its number, as mParticle answers",
)
@_profiles.post(
    "/{org}/{account}/{workspace}/{mpid}",
    summary="A profile by its number, as mParticle answers",
    name="post_user_profile",
)
# This one answers, so that `Allow` names both methods; the others describe them.
@_profiles.api_route(
    "/{org}/{account}/{workspace}/{mpid}", methods=["GET", "POST"], include_in_schema=False
)
async def user_profile(
    request: Request, view: _View, mpid: str, fields: _Fields = ""
) -> UserProfile:
    """The profile whose number `resolve` gave; the number of a retired id finds its survivor."""
    parts = _parts(fields)
    mpids, number = services_of(request.scope).mpids, _number(mpid)
    found = None if number is None else await mpids.find(view.scope.space, number)
    if number is None or found is None:
        raise NotFound("There is no profile of this number.", remedy="Ask for it by an identity.")
    customer = _found(await view.find_by_id(found), view)
    if customer.customer_id != found:
        number = await mpids.keep(view.scope.space, customer.customer_id)
    return await _profile(request, view, customer, number, parts)


router.include_router(_profiles)


async def _find(view: CurrentView, named: NamedIdentity) -> CustomerAnswer:
    """Who has an identity; of the types that it may be, the first that is known."""
    types = OURS.get(named.type, (named.type,))
    answers = [await view.find(Identifier(kind, named.value)) for kind in types]
    return next((each for each in answers if not isinstance(each, Missing)), answers[0])


async def _body(request: Request) -> bytes:
    """A body as it was sent. Raises TooLarge, and ClientDisconnect."""
    check_declared(dict(request.scope["headers"]), MAX_BODY)
    return await IncomingBody(request.receive).whole(MAX_BODY)


def _found(answer: CustomerAnswer, view: CurrentView) -> SettledCustomer:
    if isinstance(answer, Missing):
        raise NotFound("There is no profile of this identity.")
    return customer_in(answer, view.scope)


def _number(text: str) -> int | None:
    """The number of a customer in a path; None for text that is none."""
    if _NUMBER.fullmatch(text) and int(text) < _NUMBERS:
        return int(text)
    return None


async def _profile(
    request: Request,
    view: CurrentView,
    customer: SettledCustomer,
    mpid: int,
    parts: frozenset[ProfileField],
) -> UserProfile:
    profiles = services_of(request.scope).customer_profiles
    devices, people = (
        [_identity(each) for each in customer.identifiers if each.kind is kind]
        for kind in (IdentifierKind.DEVICE, IdentifierKind.PERSON)
    )
    computed = None
    if parts & {ProfileField.USER_ATTRIBUTES, ProfileField.AUDIENCE_MEMBERSHIPS}:
        with_audiences = ProfileField.AUDIENCE_MEMBERSHIPS in parts
        computed = await profiles.profile(view, customer, with_audiences=with_audiences)
    attributes = None
    if ProfileField.USER_ATTRIBUTES in parts:
        values = {t.name: t.value for t in await profiles.traits(view, customer)}
        if computed is not None:
            features = {name: feature.value for name, feature in computed.features.items()}
            values |= {name: value for name, value in features.items() if value is not None}
        attributes = {name: _text(values[name]) for name in sorted(values)}
    memberships = None
    if ProfileField.AUDIENCE_MEMBERSHIPS in parts:
        memberships = [_membership(name) for name in (computed.audiences if computed else ())]
    return UserProfile(
        mpid=mpid,
        created_timestamp_ms=customer.first_seen,
        last_stored_timestamp_ms=customer.last_seen,
        device_identities=devices if ProfileField.DEVICE_IDENTITIES in parts else None,
        user_identities=people if ProfileField.USER_IDENTITIES in parts else None,
        user_attributes=attributes,
        audience_memberships=memberships,
    )


def _membership(audience: str) -> Membership:
    digest = hashlib.sha256(audience.encode()).digest()
    return Membership(audience_id=int.from_bytes(digest[:4], "big") >> 1, audience_name=audience)


def _parts(fields: str) -> frozenset[ProfileField]:
    """The parts that are asked for; all of them where none is named. Raises BadInput."""
    named = [name.strip() for name in fields.split(",") if name.strip()]
    try:
        return frozenset(map(ProfileField, named or ProfileField))
    except ValueError as error:
        raise BadInput(f"{error}.", remedy=f"Possible: {', '.join(ProfileField)}.") from None


def _identity(seen: SeenIdentifier) -> Identity:
    return Identity(type=TYPES.get(seen.type, seen.type), value=seen.value)


def _text(value: object) -> str:
    """A value as text, which all attributes are there."""
    return value if isinstance(value, str) else json_text(value)


def _no_token(status: int, error: str, description: str) -> JSONResponse:
    said = TokenProblem(error=error, error_description=description)
    return JSONResponse(said.model_dump(), status, headers={"Cache-Control": "no-store"})
