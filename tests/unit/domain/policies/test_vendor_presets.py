"""The vendors' presets and the cases that the vendors document.

Every case of a vendor that a preset stands for is decided by that preset, not by the policy that
the case brings. What a preset does not reproduce is listed with the reason, and really differs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from identity_service.domain.policies.parse import preset
from identity_service.domain.policies.yaml_text import read_yaml
from identity_service.domain.resolution.cases import (
    MAX_CASE_BYTES,
    CaseResult,
    check_case,
    parse_case,
)

CASES = Path(__file__).parents[3] / "cases"

REPRODUCED = {
    "segment": (
        "SEG-01 SEG-02 SEG-03 SEG-05 SEG-06 SEG-06b SEG-07 SEG-10 SEG-11 SEG-12"
        " SEG-15 SEG-16a SEG-18"
    ),
    "adobe": (
        "AD-01 AD-02 AD-03 AD-04a AD-05 AD-06 AD-07 AD-09 AD-11 AD-11b AD-13 AD-16 AD-18 AD-18s"
        " AD-19 AD-22 AD-26 AD-28p AD-32"
    ),
    "snowplow": "SNO-01 SNO-02 SNO-03b SNO-04b",
    "mparticle_profile_conversion": "MP-04 MP-09 MP-10 MP-13 MP-14 MP-14q MP-16",
    "mparticle_profile_isolation": (
        "MP-05 MP-17 MP-20 MP-21 MP-23 MP-24 MP-26 MP-27 MP-29 MP-30 MP-32"
    ),
    "mparticle_best_match": "MP-33",
    "posthog": "PH-01 PH-03 PH-04 PH-07 PH-08 PH-10 PH-11",
    "mixpanel": "MX-02 MX-03 MX-06 MX-08",
    "rudderstack": "RS-01 RS-03 RS-04a RS-05 RS-07",
    "unomi": "UN-01 UN-03 UN-04",
}
"""The cases of each vendor but MX-09, which asks our own presets."""

NAMESPACES = {
    "C": "CRMID",
    "CRM": "CRMID",
    "E": "Email",
    "P": "Phone",
    "L": "loginID",
    "H": "loginID",
}
"""How Adobe's examples call what the preset calls otherwise."""

_NAMESPACE = re.compile(rf"\b({'|'.join(NAMESPACES)}):")

UNIQUE = {
    "AD-07": ("Phone",),
    "AD-16": ("Email",),
    "AD-18": ("Email",),
    "AD-18s": ("Email",),
    "AD-22": ("Email", "loginID"),
}
"""The namespaces that the customer of an example of Adobe's declared unique besides the CRM id."""


def decided_by(name: str, case: str) -> CaseResult:
    """A case of `tests/cases`, under a preset instead of its own policy."""
    text = (CASES / f"{case}.yaml").read_text(encoding="utf-8")
    if name == "adobe":
        text = _NAMESPACE.sub(lambda found: f"{NAMESPACES[found[1]]}:", text)
    data, _ = read_yaml(text, name="case", max_bytes=MAX_CASE_BYTES)
    data["policy"] = {"extends": name}
    if case in UNIQUE:
        rules = preset(name).rules
        data["policy"]["types"] = {
            kind: {
                "priority": rules[kind].priority,
                "kind": rules[kind].kind,
                "shared": rules[kind].shared,
                "limit": 1,
            }
            for kind in UNIQUE[case]
        }
    return check_case(parse_case(json.dumps(data)))


@pytest.mark.parametrize(
    ("name", "case"),
    [(name, case) for name, cases in REPRODUCED.items() for case in cases.split()],
)
def test_a_preset_reproduces_what_its_vendor_documents(name: str, case: str) -> None:
    result = decided_by(name, case)

    assert result.passed, result.message


@dataclass(frozen=True)
class Difference:
    """What a vendor does and its preset does not, and why."""

    why: str
    events: Sequence[str]
    customers: Sequence[str]


ECIDS = [f"ECID:{number}" for number in range(1, 51)]

DIFFERENT = {
    ("segment", "drops the lowest identifier of the event and tries again"): Difference(
        "which identifier is lost depends on the profiles that existed when the event came",
        [
            "user_id:u1, email:a@example.com",
            "user_id:u2, android.id:d",
            "user_id:u2, email:a@example.com, anonymous_id:new",
        ],
        ["user_id:u1, email:a@example.com", "user_id:u2, android.id:d", "anonymous_id:new"],
    ),
    ("adobe", "evicts the oldest cookie of a graph with more than fifty identities"): Difference(
        "what is evicted depends on when each event came in",
        [f"CRMID:A, {ecid}" for ecid in ECIDS],
        [f"CRMID:A, {', '.join(ECIDS[1:])}", "ECID:1"],
    ),
    ("rudderstack", "an incremental run keeps what an older rule joined"): Difference(
        "the answer depends on which rule was in force when the event came",
        [
            "user_id:u1, email:a@example.com",
            "user_id:u2, email:a@example.com",
        ],
        ["user_id:u1, user_id:u2, email:a@example.com"],
    ),
    ("posthog", "a merge that is told to be dangerous joins two identified people"): Difference(
        "a write key joins no two accounts: an agent judges that they are the same",
        [
            "user_id:u1, anonymous_id:a",
            "user_id:u2, anonymous_id:b",
            "user_id:u1, user_id:u2",
        ],
        ["user_id:u1, user_id:u2, anonymous_id:a, anonymous_id:b"],
    ),
    ("mixpanel", "the original API merges two users when it is told to"): Difference(
        "a write key joins no two accounts: an agent judges that they are the same",
        [
            "user_id:u1, anonymous_id:a",
            "user_id:u1, user_id:u2",
        ],
        ["user_id:u1, user_id:u2, anonymous_id:a"],
    ),
    ("unomi", "a forced merge joins two profiles with different e-mail addresses"): Difference(
        "it depends on a flag of one request: an agent judges that they are the same",
        [
            "email:a@example.com, profile_id:p1",
            "email:b@example.com, profile_id:p1",
        ],
        ["email:a@example.com, email:b@example.com, profile_id:p1"],
    ),
}


@pytest.mark.parametrize(("name", "what"), DIFFERENT)
def test_what_a_preset_does_not_reproduce_comes_out_otherwise(name: str, what: str) -> None:
    """When one of these begins to pass, it moves to a case of its own, and the guide changes."""
    difference = DIFFERENT[name, what]
    events = "\n".join(f'  - "{event}"' for event in difference.events)
    customers = "\n".join(f'  - "{customer}"' for customer in difference.customers)
    head = f"id: {name}\ntitle: {what}\npolicy: {{extends: {name}}}\n"
    case = parse_case(f"{head}events:\n{events}\ncustomers:\n{customers}\n")

    assert not check_case(case).passed, f"reproduced now, and was not since {difference.why}"


@pytest.mark.parametrize(
    ("ours", "theirs", "case"),
    [
        ("first_owner", "segment", "SEG-15"),
        ("first_owner", "segment", "SEG-16a"),
        ("last_login", "adobe", "AD-09"),
        ("last_login", "adobe", "AD-28p"),
    ],
)
def test_a_preset_that_is_like_a_vendor_is_not_the_vendors(
    ours: str, theirs: str, case: str
) -> None:
    assert decided_by(theirs, case).passed
    assert not decided_by(ours, case).passed
