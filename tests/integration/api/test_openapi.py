"""The service does what its OpenAPI document says: Schemathesis reads it, and asks."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import settings

from identity_service.app import create_app
from identity_service.settings import Settings
from tests.support.service import RunningService, Space, create_space

DOCUMENT = create_app(Settings()).api.openapi()
# Untyped, as the library's own types are partly unknown.
schema: Any = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def sender(service: RunningService) -> Space:
    """The space that all requests bring events into."""
    return create_space(service.settings)


def test_the_document_is_served(service: RunningService) -> None:
    assert service.get("/openapi.json").json() == DOCUMENT


@schema.parametrize()
@settings(max_examples=10, deadline=None)
def test_the_service_does_what_the_document_says(
    case: Any, service: RunningService, sender: Space
) -> None:
    auth = (sender.write_key, "") if "security" in case.operation.definition.raw else None

    case.call_and_validate(base_url=service.url, auth=auth)
