"""What an event observes besides when a policy no longer withholds it."""

from __future__ import annotations

from identity_service.domain.events import MAX_IDENTIFIERS
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Blocked, Normaliser, Policy, Rule
from identity_service.domain.policies.reinstatement import EventAgain, EventWithheld, observed_again
from identity_service.domain.policies.value_rules import ValueRules

POLICY = Policy(
    {"mail": Rule(1, IdentifierKind.PERSON, normalise=Normaliser.LOWER)},
    other=Rule(2, IdentifierKind.DEVICE),
    blocked=(Blocked(value="kiosk"),),
)
VALUES = ValueRules(POLICY)


def event(*withheld: str, observed: tuple[Identifier, ...] = ()) -> EventWithheld:
    return EventWithheld("key", 5, "shop", withheld, observed)


def test_an_event_of_which_all_stays_withheld_observes_nothing_besides() -> None:
    assert observed_again(event("cookie:kiosk", "mail:null"), VALUES) is None


def test_what_is_let_through_is_observed_in_text_order_and_in_one_spelling() -> None:
    again = event("mail:Zoe", "cookie:kiosk", "mail:Ann")

    assert observed_again(again, VALUES) == EventAgain(
        again, ["cookie:kiosk"], [Identifier("mail", "ann"), Identifier("mail", "zoe")]
    )


def test_what_the_event_observes_already_is_not_observed_besides() -> None:
    again = event("mail:ANN", observed=(Identifier("mail", "ann"),))

    assert observed_again(again, VALUES) == EventAgain(again, [], [])


def test_an_event_that_would_observe_too_much_stays_as_it_is() -> None:
    full = tuple(Identifier("cookie", f"c{n}") for n in range(MAX_IDENTIFIERS - 1))
    one, two = event("mail:a", observed=full), event("mail:a", "mail:b", observed=full)

    assert observed_again(one, VALUES) == EventAgain(one, [], [Identifier("mail", "a")])
    assert observed_again(two, VALUES) is None


ONE_EACH = Policy(
    {"mail": Rule(1, IdentifierKind.PERSON, per_event=1)},
    other=Rule(2, IdentifierKind.DEVICE),
    blocked=(Blocked(value="kiosk"),),
)


def test_values_beyond_per_event_stay_withheld() -> None:
    broken = event("mail:ann", "mail:bob", "cookie:1")

    assert observed_again(broken, ValueRules(ONE_EACH)) == EventAgain(
        broken, ["mail:ann", "mail:bob"], [Identifier("cookie", "1")]
    )


def test_what_an_event_observes_counts_and_stays() -> None:
    known = event("mail:bob", observed=(Identifier("mail", "ann"),))

    assert observed_again(known, ValueRules(ONE_EACH)) is None


def test_blocked_values_do_not_count_towards_per_event() -> None:
    known = event("mail:bob", observed=(Identifier("mail", "kiosk"),))

    assert observed_again(known, ValueRules(ONE_EACH)) == EventAgain(
        known, [], [Identifier("mail", "bob")]
    )
