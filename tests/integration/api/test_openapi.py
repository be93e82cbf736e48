"""The service does what its OpenAPI document says: Schemathesis reads it, and asks."""

from __future__ import annotations

import pytest
import schemathesis
from schemathesis import BaseSchema, Case

from tests.support.service import RunningService, Space, create_space


@pytest.fixture(scope="session")
def openapi(service: RunningService) -> BaseSchema:
    """The document, as the running service answers it."""
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("openapi")


@schema.parametrize()
def test_the_service_does_what_the_document_says(case: Case, sender: Space) -> None:
    auth = (sender.write_key, "") if "collection" in (case.operation.tags or ()) else None
    case.call_and_validate(auth=auth)


@pytest.fixture(scope="module")
def sender(service: RunningService) -> Space:
    return create_space(service.settings)
