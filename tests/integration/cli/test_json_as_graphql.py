"""What `--json` prints is what GraphQL answers when it is asked for the same fields."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest
from graphql import GraphQLObjectType, build_schema, get_named_type

from identity_service.api.graphql import schema
from tests.support.command import Command
from tests.support.service import RunningService

pytestmark = pytest.mark.neo4j

TYPES = build_schema(schema.build_schema().as_str()).type_map
MERGING = "extends: merge_all\n"


@pytest.fixture
def space(command: Command, keys: dict[str, str], tmp_path: Path) -> str:
    """Ann and Ben, who share a tablet, with a judgement in force and one that was withdrawn."""
    tablet = {"device": {"id": "tablet", "type": "ios"}}
    calls = [
        {"messageId": "1", "userId": "ann", "traits": {"email": "ann@example.com"}},
        {"messageId": "2", "userId": "ann", "context": tablet},
        {"messageId": "3", "userId": "ben", "context": tablet},
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps({"type": "identify", **call}) + "\n" for call in calls))
    name = keys["space"]
    assert command("ingest", file, "--space", name).code == 0
    judged = ("user_id:ann", "user_id:ben", "--space", name, "--reason", "Known.")
    joined = json.loads(command("judgement", "add", "same", *judged, "--json").out)
    of_it = ("judgement", "withdraw", joined["judgement"]["id"], "--space", name)
    assert command(*of_it, "--reason", "Mistaken.").code == 0
    assert command("judgement", "add", "apart", *judged).code == 0
    return name


class Asking:
    """GraphQL, asked for the fields that JSON objects have."""

    def __init__(self, service: RunningService, keys: dict[str, str]) -> None:
        self._service = service
        self._keys = keys

    def __call__(self, field: str, kind: str, like: Iterable[Any]) -> Any:
        """A field of the space. `{…}` in it stands for the fields of a `kind` that `like` has."""
        chosen = selection(TYPES[kind], list(like))
        query = f'{{ space(name: "{self._keys["space"]}") {{ {field.replace("{…}", chosen)} }} }}'
        response = self._service.post(
            "/graphql",
            json={"query": query},
            headers={"Authorization": f"Bearer {self._keys['adminKey']}"},
        )
        answer = response.json()
        assert "errors" not in answer, answer["errors"]
        [found] = answer["data"]["space"].values()
        return found


def selection(kind: object, like: list[Any]) -> str:
    """What to select of a type to get objects like these: a field for each of their names."""
    assert isinstance(kind, GraphQLObjectType)
    fields: list[str] = []
    for name in dict.fromkeys(name for each in like for name in each):
        field = get_named_type(kind.fields[name].type)  # pyright: ignore[reportUnknownVariableType]
        below = [one for each in like for one in objects_in(each[name])]
        fields.append(
            f"{name} {selection(field, below)}" if isinstance(field, GraphQLObjectType) else name
        )
    return f"{{ {' '.join(fields) or '__typename'} }}"


def objects_in(value: Any) -> list[dict[str, Any]]:
    """The objects of a value: itself, or those in its lists."""
    if isinstance(value, list):
        return [one for each in cast("list[Any]", value) for one in objects_in(each)]
    return [value] if isinstance(value, dict) else []


def nodes(connection: Any) -> list[Any]:
    return [edge["node"] for edge in connection["edges"]]


@pytest.fixture
def asking(service: RunningService, keys: dict[str, str]) -> Asking:
    return Asking(service, keys)


def test_judgements_are_listed_as_graphql_has_them(
    command: Command, asking: Asking, space: str
) -> None:
    printed = json.loads(command("judgement", "list", "--space", space, "--json").out)

    answered = asking("judgements { edges { node {…} } }", "Judgement", printed["judgements"])

    assert len(printed["judgements"]) == 2
    assert nodes(answered) == printed["judgements"]


def test_changes_are_listed_as_graphql_has_them(
    command: Command, asking: Asking, space: str
) -> None:
    out = command("changes", "--space", space, "--json").out
    printed = [json.loads(line) for line in out.splitlines()]

    answered = asking("changes { edges { node {…} } }", "Change", printed)

    assert len(printed) > 3
    assert nodes(answered) == printed[::-1]


def test_what_a_judgement_changed_is_as_graphql_has_it(
    command: Command, asking: Asking, space: str
) -> None:
    about = ("user_id:ann", "email:ann@example.com", "--space", space, "--reason", "Asked her.")
    printed = json.loads(command("judgement", "add", "apart", *about, "--json").out)
    changes = [{**each} for each in printed["changes"]]
    sentences = [each.pop("message") for each in changes]

    answered = asking("changes { edges { node {…} } }", "Change", changes)

    assert changes
    assert all(sentences)
    assert nodes(answered)[: len(changes)] == changes[::-1]


def test_policies_and_their_settlement_are_as_graphql_has_them(
    command: Command, asking: Asking, space: str
) -> None:
    printed = json.loads(command("policy", "list", "--space", space, "--json").out)
    text = json.loads(command("policy", "show", "--space", space, "--json").out)

    policies = asking("policies { edges { node {…} } }", "Policy", printed["policies"])
    settlement = asking("settlement {…}", "Settlement", [printed["settlement"]])

    assert nodes(policies) == printed["policies"]
    assert settlement == printed["settlement"]
    assert asking("policy {…}", "Policy", [text]) == text


def test_an_explanation_is_as_graphql_has_it(command: Command, asking: Asking, space: str) -> None:
    ended = command("explain", "email:ann@example.com", "user_id:ben", "--space", space, "--json")
    printed = json.loads(ended.out)
    customers = {printed[end].pop("customerId") for end in ("a", "b")}
    a, b = '{type: "email", value: "ann@example.com"}', '{type: "user_id", value: "ben"}'

    answered = asking(
        f"explain(a: {a}, b: {b}) {{ ... on Explanation {{…}} }}", "Explanation", [printed]
    )

    assert len(customers) == 2
    assert printed["refusals"]
    assert printed["judgement"]
    assert answered == printed


def test_a_preview_is_as_graphql_has_it(
    command: Command, asking: Asking, space: str, tmp_path: Path
) -> None:
    file = tmp_path / "merging.yaml"
    file.write_text(MERGING)
    printed = json.loads(command("policy", "preview", file, "--space", space, "--json").out)
    policy = json.dumps(MERGING)

    summary = asking(
        f"preview(policy: {policy}) {{ ... on PolicyPreview {{ summary {{…}} }} }}",
        "PreviewSummary",
        [printed["summary"]],
    )
    differences = asking(
        f"preview(policy: {policy}) {{ ... on PolicyPreview {{"
        " differences { edges { node {…} } } } }",
        "CustomerDifference",
        printed["differences"],
    )

    assert summary == {"summary": printed["summary"]}
    assert any(each["decidingLinks"] for each in printed["differences"])
    assert nodes(differences["differences"]) == printed["differences"]


def test_a_blast_radius_is_as_graphql_has_it(command: Command, asking: Asking, space: str) -> None:
    printed = json.loads(command("blast-radius", "user_id:ann", "--space", space, "--json").out)

    answered = asking(
        'blastRadius(identifier: {type: "user_id", value: "ann"}) { ... on PolicyPreview {'
        " policyText differences { edges { node {…} } } } }",
        "CustomerDifference",
        printed["differences"],
    )

    assert answered["policyText"] == printed["policyText"]
    assert nodes(answered["differences"]) == printed["differences"] != []
