from typing import Annotated, Literal, Optional, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (
    Customer,
    NotFound,
    OverConnected,
)


class FindCustomers(BaseModel):
    space: Optional["FindCustomersSpace"]


class FindCustomersSpace(BaseModel):
    customers: list[
        Optional[
            Annotated[
                Union[
                    "FindCustomersSpaceCustomersCustomer",
                    "FindCustomersSpaceCustomersNotFound",
                    "FindCustomersSpaceCustomersOverConnected",
                ],
                Field(discriminator="typename__"),
            ]
        ]
    ]


class FindCustomersSpaceCustomersCustomer(Customer):
    typename__: Literal["Customer"] = Field(alias="__typename")


class FindCustomersSpaceCustomersNotFound(NotFound):
    typename__: Literal["NotFound"] = Field(alias="__typename")


class FindCustomersSpaceCustomersOverConnected(OverConnected):
    typename__: Literal["OverConnected"] = Field(alias="__typename")


FindCustomers.model_rebuild()
FindCustomersSpace.model_rebuild()
