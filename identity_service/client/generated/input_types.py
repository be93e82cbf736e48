from pydantic import Field

from .base_model import BaseModel


class IdentifierInput(BaseModel):
    """An identifier, as somebody types it."""

    type_: str = Field(alias="type")
    "The type, such as `email`."
    value: str
    "The value, such as `ann@example.com`."
