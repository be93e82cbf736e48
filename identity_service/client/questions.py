"""What can be asked, each as a document, its variables, and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeAlias, TypeVar

from pydantic import ValidationError

from identity_service.client.errors import Failed, NotAllowed, Refused
from identity_service.client.generated import operations
from identity_service.client.generated.enums import Verdict
from identity_service.client.generated.find_customer import FindCustomer
from identity_service.client.generated.find_customers import FindCustomers
from identity_service.client.generated.find_customers_by_id import FindCustomersById
from identity_service.client.generated.follow_changes import FollowChanges
from identity_service.client.generated.fragments import (
    Change,
    Customer,
    Invalid,
    Judged,
    NotFound,
    OverConnected,
    Viewer,
)
from identity_service.client.generated.judge import Judge
from identity_service.client.generated.list_changes import ListChanges
from identity_service.client.generated.who_am_i import WhoAmI
from identity_service.client.generated.withdraw_judgement import WithdrawJudgement

T = TypeVar("T")
S = TypeVar("S")

AT_ONCE: Final = 1_000
"""Most customers that one request looks up."""

PAGE: Final = 500
"""Changes of one page."""

CustomerAnswer: TypeAlias = Customer | NotFound | OverConnected
JudgeAnswer: TypeAlias = Judged | Invalid


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """`repeatable`: asked twice, it does no more than asked once."""

    document: str
    variables: Mapping[str, Any]
    reads: Callable[[Mapping[str, Any]], T]
    repeatable: bool = True

    @property
    def asked(self) -> dict[str, Any]:
        """The body of the request."""
        return {"query": self.document, "variables": self.variables}

    def read(self, data: Mapping[str, Any]) -> T:
        """The answer. Raises NotAllowed where the key does not enter the space, and Failed."""
        try:
            return self.reads(data)
        except ValidationError as error:
            raise Failed(f"The answer cannot be read by this version: {error}") from error


@dataclass(frozen=True, slots=True)
class Page:
    """Changes, and the cursor of those that follow; None where there are none."""

    changes: Sequence[Change]
    next: str | None


@dataclass(frozen=True, slots=True)
class Lookup:
    """Customers that are looked up by identifiers, or by ids."""

    space: str
    asked: Sequence[str]
    by_id: bool

    def batches(self) -> Iterator[Lookup]:
        """The same in requests that are small enough."""
        for begin in range(0, len(self.asked), AT_ONCE):
            yield Lookup(self.space, self.asked[begin : begin + AT_ONCE], self.by_id)

    def halves(self) -> tuple[Lookup, Lookup]:
        """The same in two, for customers that are too large together."""
        middle = len(self.asked) // 2
        return (
            Lookup(self.space, self.asked[:middle], self.by_id),
            Lookup(self.space, self.asked[middle:], self.by_id),
        )

    @property
    def question(self) -> Question[Sequence[CustomerAnswer]]:
        """All in one request."""
        if self.by_id:
            return Question(
                operations.FIND_CUSTOMERS_BY_ID_GQL,
                {"space": self.space, "ids": list(self.asked)},
                lambda data: _all(
                    _entered(FindCustomersById.model_validate(data).space).customers_by_id
                ),
            )
        return Question(
            operations.FIND_CUSTOMERS_GQL,
            {"space": self.space, "identifiers": [_identifier(each) for each in self.asked]},
            lambda data: _all(_entered(FindCustomers.model_validate(data).space).customers),
        )


def find_customer(
    space: str,
    identifier: str | None,
    id: str | None,  # noqa: A002
    as_of: datetime | None,
) -> Question[CustomerAnswer]:
    """One customer."""
    return Question(
        operations.FIND_CUSTOMER_GQL,
        {
            "space": space,
            "identifier": None if identifier is None else _identifier(identifier),
            "id": id,
            "asOf": _moment(as_of),
        },
        lambda data: _all([_entered(FindCustomer.model_validate(data).space).customer])[0],
    )


def list_changes(
    space: str,
    first: int,
    after: str | None,
    customer: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Question[Page]:
    """A page of changes, newest first."""

    def read(data: Mapping[str, Any]) -> Page:
        found = _entered(ListChanges.model_validate(data).space).changes
        changes = [edge.node for edge in found.edges]
        return Page(changes, found.page_info.end_cursor if found.page_info.has_next_page else None)

    return Question(
        operations.LIST_CHANGES_GQL,
        {
            "space": space,
            "first": first,
            "after": after,
            "customer": customer,
            "since": _moment(since),
            "until": _moment(until),
        },
        read,
    )


def follow_changes(space: str, after: str | None) -> Question[Change]:
    """Changes after a cursor, each by itself."""
    return Question(
        operations.FOLLOW_CHANGES_GQL,
        {"space": space, "after": after},
        lambda data: FollowChanges.model_validate(data).changes,
    )


def judge(space: str, verdict: Verdict, a: str, b: str, reason: str) -> Question[JudgeAnswer]:
    """A judgement about two identifiers."""
    return Question(
        operations.JUDGE_GQL,
        {
            "space": space,
            "verdict": verdict.value,
            "a": _identifier(a),
            "b": _identifier(b),
            "reason": reason,
        },
        lambda data: Judge.model_validate(data).judge,
        repeatable=False,
    )


def withdraw_judgement(space: str, id: str, reason: str) -> Question[JudgeAnswer]:  # noqa: A002
    """Its withdrawal."""
    return Question(
        operations.WITHDRAW_JUDGEMENT_GQL,
        {"space": space, "id": id, "reason": reason},
        lambda data: WithdrawJudgement.model_validate(data).withdraw_judgement,
        repeatable=False,
    )


def who_am_i() -> Question[Viewer | None]:
    """Who the key is."""
    return Question(operations.WHO_AM_I_GQL, {}, lambda data: WhoAmI.model_validate(data).viewer)


def _entered(space: S | None) -> S:
    if space is None:
        raise NotAllowed("FORBIDDEN", "There is no such space, or the key does not enter it.")
    return space


def _all(found: Sequence[S | None]) -> Sequence[S]:
    """Each of the answers. One is null only beside an error, and that is raised before."""
    if None in found:
        raise Failed("A customer was not answered, and nothing says why.")
    return [answer for answer in found if answer is not None]


def _identifier(text: str) -> dict[str, str]:
    """`TYPE:VALUE` as an argument."""
    kind, colon, value = text.partition(":")
    if not colon:
        raise Refused("BAD_INPUT", f"“{text}” is no TYPE:VALUE, as “email:ann@example.com” is.")
    return {"type": kind, "value": value}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
