from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import Invalid, Judged


class Judge(BaseModel):
    judge: Union["JudgeJudgeJudged", "JudgeJudgeInvalid"] = Field(discriminator="typename__")


class JudgeJudgeJudged(Judged):
    typename__: Literal["Judged"] = Field(alias="__typename")


class JudgeJudgeInvalid(Invalid):
    typename__: Literal["Invalid"] = Field(alias="__typename")


Judge.model_rebuild()
