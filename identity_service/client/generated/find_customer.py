from typing import Annotated, Literal, Optional, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (
    Customer,
    NotFound,
    OverConnected,
)


class FindCustomer(BaseModel):
    space: Optional["FindCustomerSpace"]


class FindCustomerSpace(BaseModel):
    customer: Optional[
        Annotated[
            Union[
                "FindCustomerSpaceCustomerCustomer",
                "FindCustomerSpaceCustomerNotFound",
                "FindCustomerSpaceCustomerOverConnected",
            ],
            Field(discriminator="typename__"),
        ]
    ]


class FindCustomerSpaceCustomerCustomer(Customer):
    typename__: Literal["Customer"] = Field(alias="__typename")


class FindCustomerSpaceCustomerNotFound(NotFound):
    typename__: Literal["NotFound"] = Field(alias="__typename")


class FindCustomerSpaceCustomerOverConnected(OverConnected):
    typename__: Literal["OverConnected"] = Field(alias="__typename")


FindCustomer.model_rebuild()
FindCustomerSpace.model_rebuild()
