from typing import Annotated, Literal, Optional, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (
    Customer,
    NotFound,
    OverConnected,
)


class FindCustomersById(BaseModel):
    space: Optional["FindCustomersByIdSpace"]


class FindCustomersByIdSpace(BaseModel):
    customers_by_id: list[
        Optional[
            Annotated[
                Union[
                    "FindCustomersByIdSpaceCustomersByIdCustomer",
                    "FindCustomersByIdSpaceCustomersByIdNotFound",
                    "FindCustomersByIdSpaceCustomersByIdOverConnected",
                ],
                Field(discriminator="typename__"),
            ]
        ]
    ] = Field(alias="customersById")


class FindCustomersByIdSpaceCustomersByIdCustomer(Customer):
    typename__: Literal["Customer"] = Field(alias="__typename")


class FindCustomersByIdSpaceCustomersByIdNotFound(NotFound):
    typename__: Literal["NotFound"] = Field(alias="__typename")


class FindCustomersByIdSpaceCustomersByIdOverConnected(OverConnected):
    typename__: Literal["OverConnected"] = Field(alias="__typename")


FindCustomersById.model_rebuild()
FindCustomersByIdSpace.model_rebuild()
