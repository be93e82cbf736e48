from typing import Optional

from .base_model import BaseModel
from .fragments import Viewer


class WhoAmI(BaseModel):
    viewer: Optional["WhoAmIViewer"]


WhoAmIViewer = Viewer
WhoAmI.model_rebuild()
