from .base_model import BaseModel
from .fragments import Change


class FollowChanges(BaseModel):
    changes: "FollowChangesChanges"


FollowChangesChanges = Change
FollowChanges.model_rebuild()
