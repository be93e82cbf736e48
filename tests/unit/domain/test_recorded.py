"""What a space holds, as it is read back."""

from __future__ import annotations

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.recorded import CustomerCounts, Page, SeenIdentifier, page_of


@pytest.mark.parametrize(
    ("items", "page"),
    [
        ("", Page("", more=False)),
        ("ab", Page("ab", more=False)),
        ("abc", Page("ab", more=True)),
    ],
)
def test_a_page_of_two_says_whether_a_third_follows(items: str, page: Page[str]) -> None:
    assert page_of(items, 2) == page


def test_customers_are_counted_over_all_kinds() -> None:
    assert CustomerCounts(known=1, anonymous=20, quarantined=300).customers == 321


def test_an_identifier_that_was_seen_names_its_typed_value() -> None:
    seen = SeenIdentifier(
        "space/mail:m", "mail", "m", 1, 2,
        contested=False, super_connector=False, kind=IdentifierKind.PERSON,
    )  # fmt: skip

    assert seen.identifier == Identifier("mail", "m")
