"""How the models of answers are read."""

from __future__ import annotations

from pydantic import BaseModel as PydanticModel
from pydantic import ConfigDict


class BaseModel(PydanticModel):
    """An answer, or a part of one. It does not change; what a later service adds is left out."""

    model_config = ConfigDict(populate_by_name=True, frozen=True, protected_namespaces=())
