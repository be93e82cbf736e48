from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import Change


class ListChanges(BaseModel):
    space: Optional["ListChangesSpace"]


class ListChangesSpace(BaseModel):
    changes: "ListChangesSpaceChanges"


class ListChangesSpaceChanges(BaseModel):
    edges: list["ListChangesSpaceChangesEdges"]
    page_info: "ListChangesSpaceChangesPageInfo" = Field(alias="pageInfo")


class ListChangesSpaceChangesEdges(BaseModel):
    node: "ListChangesSpaceChangesEdgesNode"


ListChangesSpaceChangesEdgesNode = Change


class ListChangesSpaceChangesPageInfo(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


ListChanges.model_rebuild()
ListChangesSpace.model_rebuild()
ListChangesSpaceChanges.model_rebuild()
ListChangesSpaceChangesEdges.model_rebuild()
