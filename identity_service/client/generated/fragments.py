from datetime import datetime
from typing import Any, Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import (
    ChangeKind,
    CustomerKind,
    IdentifierKind,
    InvalidCode,
    KeyRole,
    NotFoundReason,
)


class Change(BaseModel):
    cursor: str
    kind: ChangeKind
    at: datetime
    customer_id: str = Field(alias="customerId")
    other_customer_id: Optional[str] = Field(alias="otherCustomerId")
    identifiers: list["ChangeIdentifiers"]
    cause: str


class ChangeIdentifiers(BaseModel):
    type_: str = Field(alias="type")
    value: str


class Customer(BaseModel):
    customer_id: str = Field(alias="customerId")
    redirected_from: Optional[str] = Field(alias="redirectedFrom")
    previous_ids: list[str] = Field(alias="previousIds")
    kind: CustomerKind
    identifiers: list["CustomerIdentifiers"]
    identifier_count: int = Field(alias="identifierCount")
    traits: list["CustomerTraits"]
    first_seen: datetime = Field(alias="firstSeen")
    last_seen: datetime = Field(alias="lastSeen")


class CustomerIdentifiers(BaseModel):
    type_: str = Field(alias="type")
    value: str
    kind: IdentifierKind
    contested: bool
    first_seen: datetime = Field(alias="firstSeen")
    last_seen: datetime = Field(alias="lastSeen")


class CustomerTraits(BaseModel):
    name: str
    value: Optional[Any]
    source: str
    updated_at: datetime = Field(alias="updatedAt")


class Invalid(BaseModel):
    code: InvalidCode
    message: str
    problems: list["InvalidProblems"]


class InvalidProblems(BaseModel):
    path: str
    message: str


class Judged(BaseModel):
    message: str
    judgement: "JudgedJudgement"


class JudgedJudgement(BaseModel):
    id: str


class NotFound(BaseModel):
    reason: NotFoundReason
    message: str


class OverConnected(BaseModel):
    message: str
    size: int
    limit: int
    customer: Optional["OverConnectedCustomer"]


class OverConnectedCustomer(Customer):
    pass


class Viewer(BaseModel):
    name: str
    role: KeyRole
    spaces: list["ViewerSpaces"]


class ViewerSpaces(BaseModel):
    name: str


Change.model_rebuild()
Customer.model_rebuild()
Invalid.model_rebuild()
Judged.model_rebuild()
NotFound.model_rebuild()
OverConnected.model_rebuild()
Viewer.model_rebuild()
