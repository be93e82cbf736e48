from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import Invalid, Judged


class WithdrawJudgement(BaseModel):
    withdraw_judgement: Union[
        "WithdrawJudgementWithdrawJudgementJudged",
        "WithdrawJudgementWithdrawJudgementInvalid",
    ] = Field(alias="withdrawJudgement", discriminator="typename__")


class WithdrawJudgementWithdrawJudgementJudged(Judged):
    typename__: Literal["Judged"] = Field(alias="__typename")


class WithdrawJudgementWithdrawJudgementInvalid(Invalid):
    typename__: Literal["Invalid"] = Field(alias="__typename")


WithdrawJudgement.model_rebuild()
