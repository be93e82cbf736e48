"""Vendors' own Python SDKs against the running service: who is one person afterwards.

Segment's has tests of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

import mparticle  # pyright: ignore[reportMissingTypeStubs]
import pytest
from customerio import CustomerIO  # pyright: ignore[reportMissingTypeStubs]
from posthog import Posthog
from rudderstack.analytics.client import Client as Rudder  # pyright: ignore[reportMissingTypeStubs]
from snowplow_tracker.emitters import Emitter
from snowplow_tracker.events.page_view import PageView
from snowplow_tracker.subject import Subject
from snowplow_tracker.tracker import Tracker

from tests.support.people import KIOSK, PEOPLE, Named, assert_two_people
from tests.support.service import RunningService, Space


class Failures(list[Any]):
    """What an SDK gave up on."""

    def note(self, error: Any, _batch: Any) -> None:
        self.append(error)


def rudderstack(service: RunningService, key: str, *, packed: bool) -> None:
    failures = Failures()
    sdk: Any = Rudder(
        key, host=service.url, gzip=packed, on_error=failures.note, upload_interval=0.05
    )
    for person in PEOPLE:
        sdk.page(anonymous_id=person.browser, name="Home")
        sdk.identify(person.login, {"email": person.email}, anonymous_id=person.browser)
        sdk.track(person.login, "Order Completed", {"total": 12.5})
        sdk.group(person.login, "acme", {"name": "Acme", "email": "office@acme.example"})
        sdk.alias(person.older_id, person.login)
        sdk.track(person.login, "Signed In", anonymous_id=KIOSK)
    sdk.flush()
    sdk.join()
    assert failures == []


def posthog(service: RunningService, key: str, **options: Any) -> None:
    failures = Failures()
    sdk: Any = Posthog(key, host=service.url, on_error=failures.note, **options)
    for person in PEOPLE:
        sdk.capture("$pageview", distinct_id=person.browser)
        sdk.capture(
            "$identify",
            distinct_id=person.login,
            properties={"$anon_distinct_id": person.browser, "$set": {"email": person.email}},
        )
        sdk.capture("Order Completed", distinct_id=person.login, properties={"total": 12.5})
        sdk.group_identify("company", "acme", {"name": "Acme"}, distinct_id=person.login)
        sdk.alias(person.older_id, person.login)
        sdk.capture("Signed In", distinct_id=person.login, properties={"$device_id": KIOSK})
    sdk.shutdown()
    assert failures == []


def snowplow(service: RunningService, key: str, *, method: Literal["post", "get"]) -> None:
    failures = Failures()
    address = urlsplit(service.url)
    emitter: Any = Emitter(
        str(address.hostname),
        protocol="http",
        port=address.port,
        method=method,
        on_failure=failures.note,
    )
    emitter.endpoint += f"?writeKey={key}"
    tracker: Any = Tracker("shop", emitter, app_id="web-shop")
    for person in PEOPLE:
        unknown = Subject().set_domain_user_id(person.browser)
        known = Subject().set_domain_user_id(person.browser).set_user_id(person.login)
        at_kiosk = Subject().set_domain_user_id(KIOSK).set_user_id(person.login)
        page: Any = PageView("https://shop.example/", page_title="Home")
        for subject in (unknown, known, at_kiosk):
            page.event_subject = subject
            tracker.track(page)
    tracker.flush()
    assert failures == []


def customerio(service: RunningService, key: str) -> None:
    sdk: Any = CustomerIO(key, "any")
    sdk.base_url = f"{service.url}/api/v1"  # the SDK itself would insist on https
    for person in PEOPLE:
        sdk.track_anonymous(person.browser, "Page Viewed")
        sdk.identify(person.login, email=person.email, anonymous_id=person.browser)
        sdk.track(person.login, "Order Completed", {"total": 12.5})
        sdk.merge_customers("id", person.login, "id", person.older_id)
        sdk.add_device(person.login, KIOSK, "ios")


def mparticle_events(service: RunningService, key: str) -> None:
    configuration: Any = mparticle.Configuration()
    configuration.host = f"{service.url}/v2"
    configuration.api_key, configuration.api_secret = key, "any"
    api: Any = mparticle.EventsApi(configuration)
    for person in PEOPLE:
        unknown, known = mparticle.UserIdentities(), mparticle.UserIdentities()
        at_kiosk = mparticle.UserIdentities()
        unknown.other = known.other = person.browser
        at_kiosk.other = KIOSK
        for identities in (known, at_kiosk):
            identities.customerid, identities.email = person.login, person.email
        api.upload_events(mparticle_batch(unknown))
        api.bulk_upload_events([mparticle_batch(known), mparticle_batch(at_kiosk)])


def mparticle_batch(identities: Any) -> Any:
    batch: Any = mparticle.Batch()
    batch.environment = "production"
    batch.user_identities = identities
    batch.events = [mparticle.AppEvent("Signed In", "navigation")]
    return batch


SDKS: dict[str, tuple[Callable[[RunningService, str], None], Named]] = {
    "rudderstack": (partial(rudderstack, packed=False), Named()),
    "rudderstack, gzip": (partial(rudderstack, packed=True), Named()),
    "posthog": (posthog, Named()),
    "posthog, gzip": (partial(posthog, gzip=True), Named()),
    "posthog, v1": (partial(posthog, capture_mode="v1"), Named()),
    "posthog, v1, deflate": (
        partial(posthog, capture_mode="v1", capture_compression="deflate"),
        Named(),
    ),
    "snowplow, POST": (
        partial(snowplow, method="post"),
        Named(email=False, older_id=False),
    ),
    "snowplow, GET": (partial(snowplow, method="get"), Named(email=False, older_id=False)),
    "customerio": (customerio, Named()),
    "mparticle": (mparticle_events, Named(browser="other", older_id=False)),
}


@pytest.mark.parametrize("name", SDKS)
def test_two_people_who_share_a_kiosk_stay_two(
    service: RunningService, space: Space, name: str
) -> None:
    report, named = SDKS[name]

    report(service, space.write_key)

    assert_two_people(space, named)


def test_a_large_batch_of_posthog_s_names_its_key_last_and_is_taken_whole(
    service: RunningService, space: Space
) -> None:
    sdk: Any = Posthog(space.write_key, host=service.url, flush_at=100, flush_interval=60)

    for number in range(100):
        sdk.capture("e", distinct_id="u-1", properties={"n": number, "text": "x" * 5_000})
    sdk.shutdown()

    assert len(space.events()) == 100
