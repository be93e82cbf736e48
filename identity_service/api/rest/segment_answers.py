"""Segment's Profile API: the shapes of its answers."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, Field

Collection: TypeAlias = Literal["users", "accounts"]


class Cursor(BaseModel):
    """Where a list goes on."""

    url: str = Field(description="The path of this list.")
    has_more: bool
    next: str = Field(description="The parameter `next` of the next page; empty at the end.")
    limit: int


class VerboseTrait(BaseModel):
    """A trait with where it came from. A trait that is computed came from no source."""

    value: Any
    source_id: str | None
    updated_at: str | None


class TraitsAnswer(BaseModel):
    """Traits by name."""

    traits: dict[str, VerboseTrait | Any] = Field(
        description="Values; where `verbose` is asked for, each with its source and its time."
    )
    cursor: Cursor


class ExternalId(BaseModel):
    """An identifier."""

    collection: Collection
    type: str
    id: str
    encoding: Literal["none"] = "none"


class FirstSeenId(ExternalId):
    """An identifier with where it was first seen."""

    source_id: str | None
    created_at: str
    first_message_id: str | None = None


class ExternalIdsAnswer(BaseModel):
    """Identifiers, the strongest first."""

    data: list[FirstSeenId]
    cursor: Cursor


class EventAnswer(BaseModel):
    """An event. `related` has the id of the profile that was asked for."""

    external_ids: list[ExternalId]
    context: dict[str, Any]
    type: str
    message_id: str
    source_id: str
    timestamp: str
    properties: dict[str, Any]
    event: str | None
    related: dict[str, str]


class EventsAnswer(BaseModel):
    """Events, the newest first unless `sort` says otherwise."""

    data: list[EventAnswer]
    cursor: Cursor


class Metadata(BaseModel):
    """When a profile came to be, and when it was seen last."""

    created_at: str | None
    updated_at: str | None
    expires_at: None = None
    first_message_id: str | None
    first_source_id: str | None
    last_message_id: str | None
    last_source_id: str | None


class MetadataAnswer(BaseModel):
    """Of one profile."""

    metadata: Metadata


class Link(BaseModel):
    """A profile of the other collection."""

    to_collection: Collection
    external_ids: list[FirstSeenId]


class LinksAnswer(BaseModel):
    """The accounts of a user, or the users of an account."""

    data: list[Link]
    cursor: Cursor


class Problem(BaseModel):
    """What is wrong."""

    code: str
    message: str


class ErrorAnswer(BaseModel):
    """Every error of these routes."""

    error: Problem
