"""What is generated comes from the documents and the schema as they are now."""

from __future__ import annotations

from graphql import build_schema, validate

from client.generate import documents, stamp
from identity_service.api.graphql import schema
from identity_service.client.generated import STAMP


def test_what_the_client_asks_is_in_the_schema() -> None:
    offered = build_schema(schema.build_schema().as_str())

    assert validate(offered, documents()) == []


def test_the_client_was_generated_since_what_it_rests_on_changed() -> None:
    assert stamp() == STAMP, "Run `make client`."
