"""What a destination is to hold of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from identity_service.activation.definition import (
    Attribute,
    Definition,
    Merge,
    Origin,
)
from identity_service.activation.desired import (
    CustomerState,
    HeldRecord,
    Wanted,
    desired_record,
    names_after,
    record_key,
    wanted_changes,
)
from identity_service.activation.records import UNIVERSAL_ID, Action, RecordKey
from identity_service.domain.identifiers import Identifier
from identity_service.domain.resolution.id_register import CustomerKind

DEFINITION = Definition(
    attributes={
        "first": Attribute(Origin.TRAIT, "first_name"),
        "orders": Attribute(Origin.FEATURE, "orders"),
        "mail": Attribute(Origin.IDENTIFIER, "email"),
        "mails": Attribute(Origin.IDENTIFIERS, "email"),
    },
    audiences={"vip": "is_vip"},
)
U1, U2 = RecordKey("user_id", "u1"), RecordKey("user_id", "u2")


def _state(*identifiers: str, customer: str = "cus_1", **more: object) -> CustomerState:
    typed = [Identifier(*each.split(":")) for each in identifiers]
    state = CustomerState(customer, CustomerKind.KNOWN, (), typed)
    return replace(state, **more)  # pyright: ignore[reportArgumentType]


def _held(
    *wanted: Wanted, before: Mapping[RecordKey, HeldRecord] | None = None
) -> dict[RecordKey, HeldRecord]:
    """What a destination holds once all is acknowledged."""
    held = dict(before or {})
    for each in wanted:
        key = each.record.key
        names = names_after(each, held.get(key))
        held[key] = HeldRecord(key, each.record.digest, names, each.action is Action.MERGE)
    return held


def test_a_record_has_what_the_definition_names_and_both_kinds_of_id() -> None:
    state = _state(
        "user_id:u1",
        "email:a@example.com",
        "email:b@example.com",
        traits={"first_name": "Ann", "other": 1},
        features={"orders": 3},
        audiences=frozenset({"vip", "else"}),
        retired_ids=["cus_0"],
    )

    record = desired_record(state, DEFINITION, U1)

    assert record.attributes == {
        "first": "Ann",
        "orders": 3,
        "mail": "a@example.com",
        "mails": ["a@example.com", "b@example.com"],
        "universal_id": "cus_1",
        "retired_ids": ["cus_0"],
        "merged_into": None,
    }
    assert record.audiences == {"is_vip": True}


def test_the_key_is_the_users_id_else_the_address_else_the_customers_own() -> None:
    assert record_key(_state("email:a", "user_id:u1"), DEFINITION, ()) == U1
    assert record_key(_state("email:a"), DEFINITION, ()) == RecordKey("email", "a")
    assert record_key(_state("device:d"), DEFINITION, ()) == RecordKey(UNIVERSAL_ID, "cus_1")
    assert record_key(_state("device:d"), replace(DEFINITION, key=("user_id",)), ()) is None


def test_of_two_logins_the_one_that_is_held_already_keys_the_record() -> None:
    both = _state("user_id:u1", "user_id:u2")

    assert record_key(both, DEFINITION, ()) == U1
    assert record_key(both, DEFINITION, {U2}) == U2


def test_what_is_held_is_not_wanted_again_and_what_is_gone_is_cleared() -> None:
    state = _state("user_id:u1", traits={"first_name": "Ann"})
    [made] = wanted_changes(state, DEFINITION, {}, ())
    held = _held(made)

    assert wanted_changes(state, DEFINITION, held, held) == []
    [cleared] = wanted_changes(_state("user_id:u1"), DEFINITION, held, held)
    assert cleared.record.attributes["first"] is None
    assert "orders" not in cleared.record.attributes
    assert "first" not in names_after(cleared, held[U1])


def test_two_customers_that_become_one_keep_one_record_and_the_other_is_marked() -> None:
    one, two = _state("user_id:u1"), _state("user_id:u2", customer="cus_2")
    [first] = wanted_changes(one, DEFINITION, {}, ())
    [second] = wanted_changes(two, DEFINITION, {}, ())
    held = _held(first, second)
    merged = _state("user_id:u1", "user_id:u2", retired_ids=["cus_2"], audiences=frozenset({"vip"}))

    changed, marked = wanted_changes(merged, DEFINITION, held, held)

    assert (changed.record.key, changed.record.audiences) == (U1, {"is_vip": True})
    assert marked.record.key == U2
    assert marked.record.attributes == {"universal_id": "cus_1", "merged_into": "cus_1"}
    assert marked.record.audiences == {"is_vip": False}
    after = _held(changed, marked, before=held)
    assert wanted_changes(merged, DEFINITION, after, after) == []


def test_the_vendor_merges_only_once_the_record_that_survives_is_held() -> None:
    definition = replace(DEFINITION, merge=Merge.VENDOR)
    [second] = wanted_changes(_state("user_id:u2", customer="cus_2"), definition, {}, ())
    held = _held(second)
    merged = _state("user_id:u1", "user_id:u2", retired_ids=["cus_2"])
    # The survivor's own record comes first in age, and is not held yet.
    held[U1] = HeldRecord(U1, "old", ("first",))

    before = wanted_changes(merged, definition, held, held)
    held = _held(*before, before=held)
    then = wanted_changes(merged, definition, held, held)

    assert [each.action for each in before] == [Action.UPSERT]
    assert [(each.action, each.record.key, each.into) for each in then] == [(Action.MERGE, U2, U1)]
    held = _held(*then, before=held)
    assert wanted_changes(merged, definition, held, held) == []


def test_a_record_of_an_identifier_that_is_another_customers_now_is_left_to_that_one() -> None:
    [made] = wanted_changes(_state("user_id:u2"), DEFINITION, {}, ())
    held = _held(made)

    [changed] = wanted_changes(_state("user_id:u1"), DEFINITION, held, held)

    assert changed.record.key == U1


def test_without_consent_nothing_is_made_and_what_is_there_leaves_every_audience() -> None:
    definition = replace(DEFINITION, consent="marketing")
    granted = _state("user_id:u1", granted_since={"marketing": 5}, audiences=frozenset({"vip"}))
    [made] = wanted_changes(granted, definition, {}, ())
    held = _held(made)
    denied = replace(granted, granted_since={})

    assert wanted_changes(denied, definition, {}, ()) == []
    [left] = wanted_changes(denied, definition, held, held)
    assert left.record.audiences == {"is_vip": False}
    assert left.record.attributes == {"universal_id": "cus_1"}
    after = _held(left, before=held)
    assert wanted_changes(denied, definition, after, after) == []


def test_a_device_that_several_people_share_goes_nowhere() -> None:
    shared = _state("device:tablet", kind=CustomerKind.QUARANTINED)

    assert wanted_changes(shared, DEFINITION, {}, ()) == []


@given(
    st.dictionaries(
        st.text(max_size=5), st.none() | st.integers(-(2**63), 2**64 - 1) | st.text(), max_size=5
    ),
    st.randoms(),
)
def test_equal_states_give_equal_records(traits: dict[str, object], draw: Random) -> None:
    definition = replace(
        DEFINITION,
        attributes={name: Attribute(Origin.TRAIT, name) for name in traits},
    )
    names = list(traits)
    draw.shuffle(names)
    shuffled = {name: traits[name] for name in names}

    one = desired_record(_state("user_id:u1", traits=traits), definition, U1)
    other = desired_record(_state("user_id:u1", traits=shuffled), definition, U1)

    assert one.digest == other.digest
