"""What a judgement about an event came to, in a sentence."""

from __future__ import annotations

import pytest

from identity_service.domain.explain import detachment_outcome
from identity_service.domain.identifiers import Identifier

HERS, HIS = Identifier("email", "she@example.com"), Identifier("cookie", "his")


@pytest.mark.parametrize(
    ("before", "after", "is_seen", "said"),
    [
        (HERS, HIS, True, "“Bought” is no longer of email:she@example.com: it follows cookie:his."),
        (
            HIS,
            HIS,
            True,
            "“Bought” is no longer of email:she@example.com: it follows cookie:his, as before.",
        ),
        (
            HERS,
            None,
            False,
            (
                "“Bought” is no longer of email:she@example.com: nothing else is on it, so it"
                " belongs to nobody. No other event carries email:she@example.com: it is nobody's"
                " now."
            ),
        ),
    ],
)
def test_it_says_what_the_event_follows(
    before: Identifier, after: Identifier | None, is_seen: bool, said: str
) -> None:
    found = detachment_outcome.detached("Bought", HERS, before=before, after=after, is_seen=is_seen)

    assert found == said


def test_it_says_what_stands_besides() -> None:
    assert detachment_outcome.detached_before("Bought", HERS, ["jdg_1"]) == (
        "“Bought” was not of email:she@example.com before either (jdg_1);"
        " each judgement is withdrawn by itself."
    )
    assert detachment_outcome.withdrawn("Bought", HERS, None, ["jdg_2"]) == (
        "“Bought” is still not of email:she@example.com: jdg_2 says the same."
    )
    assert detachment_outcome.withdrawn("Bought", HERS, HIS, []) == (
        "“Bought” is of email:she@example.com again, and follows cookie:his."
    )
