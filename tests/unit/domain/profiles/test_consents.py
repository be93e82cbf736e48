"""Consents by purpose: what was decided last, and since when it is so."""

from __future__ import annotations

import json

from identity_service.domain.events import EventOrder
from identity_service.domain.profiles.consents import CONSENT_UPDATED, consents, granted_since
from identity_service.domain.profiles.occurrences import ProfileEvent


def test_consent_is_given_since_the_first_time_after_it_was_taken_back() -> None:
    decided = [
        _decision(1, "ads", granted=True),
        _decision(2, "ads", granted=False),
        _decision(5, "ads", granted=True),
        _decision(3, "ads", granted=True),
        _decision(4, "mail", granted=False),
        _decision(9, "mail", granted=True),
    ]

    assert granted_since(decided, 8) == {"ads": 3}
    assert granted_since(decided, 9) == {"ads": 3, "mail": 9}
    assert consents(decided, 8) == {"ads": True, "mail": False}


def _decision(at: int, purpose: str, *, granted: bool) -> ProfileEvent:
    said = json.dumps({"purpose": purpose, "granted": granted})
    order = EventOrder(at, at, 0, str(at))
    return ProfileEvent(order, str(at), "track", name=CONSENT_UPDATED, properties_json=said)
