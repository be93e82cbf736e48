"""A client of the service for programs in Python: typed, and patient as the service asks.

::

    from identity_service.client import Client, Customer

    with Client("https://id.example.com", key, "shop") as identity:
        answer = identity.customer("email:ann@example.com")
        if isinstance(answer, Customer):
            print(answer.customer_id)

Models, documents and enums are generated from the schema (`make client`).
"""

from identity_service.client.asynchronous import AsyncClient
from identity_service.client.errors import (
    Busy,
    ClientError,
    Failed,
    NotAllowed,
    NotReached,
    Refused,
    TooLarge,
)
from identity_service.client.generated.enums import (
    ChangeKind,
    CustomerKind,
    IdentifierKind,
    InvalidCode,
    NotFoundReason,
    Verdict,
)
from identity_service.client.generated.fragments import (
    Change,
    Customer,
    Invalid,
    Judged,
    NotFound,
    OverConnected,
    Viewer,
)
from identity_service.client.questions import CustomerAnswer, JudgeAnswer
from identity_service.client.retries import Retries
from identity_service.client.sync import Client

__all__ = [
    "AsyncClient",
    "Busy",
    "Change",
    "ChangeKind",
    "Client",
    "ClientError",
    "Customer",
    "CustomerAnswer",
    "CustomerKind",
    "Failed",
    "IdentifierKind",
    "Invalid",
    "InvalidCode",
    "JudgeAnswer",
    "Judged",
    "NotAllowed",
    "NotFound",
    "NotFoundReason",
    "NotReached",
    "OverConnected",
    "Refused",
    "Retries",
    "TooLarge",
    "Verdict",
    "Viewer",
]
