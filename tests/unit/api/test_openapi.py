"""The OpenAPI document names every route that the service answers, and no other."""

from __future__ import annotations

import json

import pytest

from identity_service.api.collect import is_collected, tracking_api
from identity_service.api.sdk_settings import fetches_settings
from identity_service.app import create_app
from identity_service.collect.customerio import reader_of
from identity_service.settings import Settings

DOCUMENT = create_app(Settings()).api.openapi()
PATHS = DOCUMENT["paths"]
COLLECTED = [
    (method.upper(), path)
    for path, item in PATHS.items()
    for method, operation in item.items()
    if operation["tags"] == ["collection"]
]
CUSTOMER = "/api/v1/customers/{id}"
OF_CUSTOMERIO = [
    ("PUT", CUSTOMER),
    ("DELETE", CUSTOMER),
    ("POST", f"{CUSTOMER}/events"),
    ("PUT", f"{CUSTOMER}/devices"),
    ("DELETE", f"{CUSTOMER}/devices/{{token}}"),
    ("POST", f"{CUSTOMER}/suppress"),
    ("POST", f"{CUSTOMER}/unsuppress"),
    ("POST", "/api/v1/events"),
    ("POST", "/api/v1/merge_customers"),
    ("POST", "/api/v2/entity"),
    ("POST", "/api/v2/batch"),
]


def test_every_address_that_is_answered_is_named() -> None:
    # Other spellings of a route stand in its description.
    text = json.dumps([PATHS[path] for _, path in COLLECTED])

    unnamed = {
        path for path in tracking_api().paths if path not in PATHS and f"`{path}`" not in text
    }

    assert unnamed == set()


@pytest.mark.parametrize(("method", "path"), OF_CUSTOMERIO)
def test_every_call_of_customerio_is_named(method: str, path: str) -> None:
    assert method.lower() in PATHS[path]


@pytest.mark.parametrize(("method", "path"), COLLECTED)
def test_every_address_that_is_named_is_answered(method: str, path: str) -> None:
    asked = path.format(id="u", token="t", key="k") if "{" in path else path

    if is_collected(asked):
        assert asked in tracking_api().paths or reader_of(method, asked) is not None
    else:
        assert fetches_settings(asked)


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for item in PATHS.values() for operation in item.values()]

    assert len(names) == len(set(names))
