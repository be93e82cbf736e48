"""The shipped presets: readable, alike but for what their names say, and doing it."""

from __future__ import annotations

import pytest

from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.policies.parse import preset, preset_names, preset_text
from identity_service.domain.policies.policy import Normaliser, Sharing
from identity_service.domain.resolution.cases import check_case, parse_case

COLLECTED = {
    "user_id",
    "email",
    "phone",
    "anonymous_id",
    "ios.id",
    "ios.idfa",
    "ios.push_token",
    "android.id",
    "android.idfa",
    "android.push_token",
}


OURS = ("quarantine", "dominant_owner", "first_owner", "last_login", "isolate", "merge_all")
"""The presets that are no vendor's."""


def passes(preset_name: str, body: str) -> None:
    text = f"id: p\ntitle: {preset_name}\npolicy: {{extends: {preset_name}}}\n{body}"
    result = check_case(parse_case(text))
    assert result.passed, result.message


def test_the_documented_presets_are_shipped() -> None:
    assert set(preset_names()) == {
        *OURS,
        "adobe",
        "mixpanel",
        "mparticle_best_match",
        "mparticle_profile_conversion",
        "mparticle_profile_isolation",
        "posthog",
        "rudderstack",
        "segment",
        "snowplow",
        "unomi",
    }


@pytest.mark.parametrize("name", OURS)
def test_a_preset_knows_every_type_that_is_collected(name: str) -> None:
    policy = preset(name)

    assert set(policy.rules) >= COLLECTED
    assert policy.rules["email"].normalise is Normaliser.EMAIL
    assert policy.rules["phone"].normalise is Normaliser.PHONE
    assert policy.other is not None


@pytest.mark.parametrize("name", OURS)
def test_presets_agree_on_types_priorities_and_kinds(name: str) -> None:
    ours = {t: (r.priority, r.kind) for t, r in preset(name).rules.items()}

    assert ours == {t: (r.priority, r.kind) for t, r in preset("quarantine").rules.items()}


@pytest.mark.parametrize("name", preset_names())
def test_in_a_preset_every_person_is_stronger_than_every_device(name: str) -> None:
    rules = preset(name).rules.values()
    weakest_person = max(r.priority for r in rules if r.kind is IdentifierKind.PERSON)

    assert weakest_person < min(r.priority for r in rules if r.kind is IdentifierKind.DEVICE)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_begins_by_saying_what_it_does(name: str) -> None:
    assert preset_text(name).startswith("# ")


def test_a_preset_is_read_once() -> None:
    assert preset("quarantine") is preset("quarantine")


def test_only_merge_all_lets_one_customer_hold_two_user_ids() -> None:
    limits = {name: preset(name).rules["user_id"].limit for name in OURS}

    assert limits == {name: None if name == "merge_all" else 1 for name in OURS}


def test_dominant_owner_differs_from_quarantine_by_dominance_of_devices_alone() -> None:
    for name, rule in preset("dominant_owner").rules.items():
        expected = 0.6 if rule.kind is IdentifierKind.DEVICE else None
        assert rule.shared is Sharing.QUARANTINE, name
        assert rule.dominance == expected, name


def test_quarantine_keeps_two_people_on_one_device_apart() -> None:
    passes(
        "quarantine",
        """
events:
  - "user_id:u1, email:ann@example.com, anonymous_id:c1, ios.id:T"
  - "user_id:u2, email:bob@example.com, anonymous_id:c2, ios.id:T"
customers:
  - "user_id:u1, email:ann@example.com, anonymous_id:c1"
  - "user_id:u2, email:bob@example.com, anonymous_id:c2"
  - "ios.id:T"
contested: ["ios.id:T"]
""",
    )


def test_quarantine_gives_a_shared_cookie_a_customer_of_its_own() -> None:
    passes(
        "quarantine",
        """
events:
  - "user_id:u1, anonymous_id:c"
  - "user_id:u2, anonymous_id:c"
  - "anonymous_id:c, ga_client_id:g"
customers: ["user_id:u1", "user_id:u2", "anonymous_id:c, ga_client_id:g"]
contested: ["anonymous_id:c"]
""",
    )


def test_quarantine_keeps_a_visitors_history_with_the_one_owner_of_the_device() -> None:
    passes(
        "quarantine",
        """
events:
  - "anonymous_id:c1, ios.id:T"
  - "anonymous_id:c2, ios.id:T"
  - "anonymous_id:c2, ios.id:T, user_id:u1"
  - "anonymous_id:c3, ios.id:T"
customers: ["anonymous_id:c1, anonymous_id:c2, anonymous_id:c3, ios.id:T, user_id:u1"]
contested: []
""",
    )


def test_quarantine_holds_a_person_with_many_private_windows_together() -> None:
    cookies = [f"anonymous_id:c{n}" for n in range(20)]
    events = "\n".join(f'  - "user_id:u1, {cookie}"' for cookie in cookies)

    passes("quarantine", f'events:\n{events}\ncustomers: ["user_id:u1, {", ".join(cookies)}"]\n')


TWO_LOGINS = """
events:
  - "user_id:u1, anonymous_id:c"
  - "user_id:u1, anonymous_id:c"
  - "user_id:u2, anonymous_id:c"
"""


@pytest.mark.parametrize(
    ("name", "customers"),
    [
        ("quarantine", ["user_id:u1", "user_id:u2", "anonymous_id:c"]),
        ("dominant_owner", ["user_id:u1, anonymous_id:c", "user_id:u2"]),
        ("first_owner", ["user_id:u1, anonymous_id:c", "user_id:u2"]),
        ("last_login", ["user_id:u1", "user_id:u2, anonymous_id:c"]),
        ("isolate", ["user_id:u1", "user_id:u2", "anonymous_id:c"]),
        ("merge_all", ["user_id:u1, user_id:u2, anonymous_id:c"]),
    ],
)
def test_each_preset_decides_a_shared_device_as_its_name_says(
    name: str, customers: list[str]
) -> None:
    listed = "".join(f'  - "{customer}"\n' for customer in customers)

    passes(name, f"{TWO_LOGINS}customers:\n{listed}")
