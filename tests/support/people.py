"""The two people whom every vendor's SDK reports in the tests.

Ada looks around on her browser, signs in, orders something, and turns out to be known by an older
id. So does Bob, on a browser of his own. Then both sign in on one kiosk.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.service import Space

KIOSK = "c2b7a0c6-4c06-4b64-8f6e-0b3b0b8d1f00"


@dataclass(frozen=True)
class Person:
    """Somebody who uses the shop."""

    login: str
    browser: str
    email: str
    older_id: str


ADA = Person("u-1001", "3f1b0c52-7c5e-4f0e-9d59-3b6d6a0e11aa", "Ada@Example.com", "legacy-77")
BOB = Person("u-2002", "9a7e21d4-58b1-4f6c-8c3b-51f0b7c2d0bb", "bob@example.com", "legacy-88")
PEOPLE = (ADA, BOB)


@dataclass(frozen=True)
class Named:
    """By which types of identifiers an SDK names a person, beside `user_id`."""

    browser: str = "anonymous_id"
    email: bool = True
    older_id: bool = True

    def identifiers(self, person: Person) -> set[str]:
        """Those that are this person's alone, as `type:value`."""
        found = {f"user_id:{person.login}", f"{self.browser}:{person.browser}"}
        found |= {f"email:{person.email.lower()}"} if self.email else set()
        return found | ({f"anonymous_id:{person.older_id}"} if self.older_id else set())


def assert_two_people(space: Space, named: Named) -> None:
    """Fail unless the space knows both, apart, each with all that is theirs and nothing else."""
    assert space.rejections() == []
    known = [one for one in space.customers() if any(i.startswith("user_id:") for i in one)]
    assert sorted(map(sorted, known)) == [sorted(named.identifiers(one)) for one in PEOPLE]
