"""Schemathesis asks for every query and mutation of the schema, and never meets a defect."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from identity_service.api.graphql.schema import build_schema
from tests.support.service import RunningService, Space, create_space

for scalar in ("DateTime", "JSON", "_Any"):
    schemathesis.graphql.scalar(scalar, st.text(max_size=20).map(nodes.String))
# Untyped, as the library's own types are partly unknown.
schema: Any = schemathesis.graphql.from_file(build_schema().as_str())


@pytest.fixture(scope="module")
def asker(service: RunningService) -> Space:
    """Whose key comes with all requests."""
    return create_space(service.settings)


@schema.parametrize()
@settings(max_examples=3, deadline=None)
def test_an_operation_is_answered(case: Any, service: RunningService, asker: Space) -> None:
    headers = {"Authorization": f"Bearer {asker.admin_key}"}

    response = case.call(base_url=f"{service.url}/graphql", headers=headers)

    assert response.status_code in {200, 400, 413}, case.body
    codes = {error["extensions"]["code"] for error in response.json().get("errors", [])}
    assert "INTERNAL" not in codes, (case.body, response.json())
