"""Random operations and cursors inside a space: never a defect, never a word of another space."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
from graphql import GraphQLObjectType, is_required_argument
from hypothesis import given
from hypothesis import strategies as st

from identity_service.api.graphql.connections import encode_cursor
from tests.fuzz.operations import FOUND_FAULTS, SCHEMA, filled_in, operations
from tests.support.graphql import GraphQLWorld
from tests.support.neighbours import OURS, THEIRS, Neighbour, fill, leaked, two_names
from tests.support.worlds import in_some_worlds

DEFECT: Final = "INTERNAL"

CUSTOMER: Final = 'customer(identifier: {type: "user_id", value: "ann"}) { ... on Customer { %s } }'
WAY_TO: Final[Mapping[str, str]] = {
    "Space": "%s",
    "Audience": 'audience(name: "seers") { %s }',
    "Customer": CUSTOMER,
    "Destination": "destinations(first: 1) { edges { node { %s } } }",
    "PolicyPreview": 'preview(policy: "extends: quarantine\\nblocked: [{value: cids-phone}]")'
    " { ... on PolicyPreview { %s } }",
}
"""How to come from a space to each type that has connections."""

OUTSIDE: Final = {"Query", "Mutation", "Subscription"}
"""What they page through lies in no space, or is no connection."""

CONNECTIONS: Final = [
    (kind.name, name)
    for kind in SCHEMA.type_map.values()
    if isinstance(kind, GraphQLObjectType) and kind.name not in OUTSIDE
    for name, field in kind.fields.items()
    if "after" in field.args and not any(map(is_required_argument, field.args.values()))
]
PAGE: Final = "(first: 2, after: $after) { edges { cursor } pageInfo { endCursor } }"


@dataclass(frozen=True)
class Two:
    """Both spaces, and one real cursor of each connection of ours that has entries."""

    ours: Neighbour
    theirs: Neighbour
    secret: frozenset[str]
    cursors: Mapping[tuple[str, str], str]


@pytest.fixture(scope="module")
async def two(world: GraphQLWorld) -> Two:
    our_name, their_name = two_names()
    our_space = await world.create_space(OURS, our_name)
    their_space = await world.create_space(THEIRS, their_name)
    ours = await fill(world, our_space, "ours", OURS, day=400, more=1)
    theirs = await fill(world, their_space, "qwyxneighbour", THEIRS, day=11_000, more=2)
    pages = [await page(world, ours, *each, after=None) for each in CONNECTIONS]
    cursors = {
        each: edges[0]["cursor"]
        for each, answer in zip(CONNECTIONS, pages, strict=True)
        if (edges := found_in(answer)["edges"])
    }
    return Two(ours, theirs, frozenset({theirs.said}), cursors)


async def page(
    world: GraphQLWorld, about: Neighbour, kind: str, name: str, after: str | None
) -> dict[str, Any]:
    inside = WAY_TO[kind].replace("%s", f"found: {name}{PAGE}")
    query = f'query($after: String) {{ space(name: "{about.name}") {{ {inside} }} }}'
    return await world.ask(query, {"after": after}, key=about.space.admin_key)


def found_in(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The page in an answer without errors, however deep it stands."""
    assert "errors" not in answer, answer
    inside: Any = answer["data"]
    while "found" not in inside:
        [inside] = inside.values() if hasattr(inside, "values") else inside
    return inside["found"]


def codes(answer: Mapping[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", [])}


async def assert_harmless(world: GraphQLWorld, two: Two, operation: str) -> None:
    asked = filled_in(operation, two.ours, two.theirs)
    for key in (two.ours.space.reader_key, two.ours.space.admin_key):
        response = await world.post({"query": asked}, key)
        answer = response.json()

        assert response.status_code in {200, 400, 413}
        assert DEFECT not in codes(answer), (asked, answer)
        assert not leaked(answer, two.secret, asked), (asked, answer)


@in_some_worlds(40)
@given(operations())
async def test_an_operation_inside_a_space_is_answered_from_it_alone(
    world: GraphQLWorld, two: Two, operation: str
) -> None:
    await assert_harmless(world, two, operation)


@pytest.mark.parametrize("name", FOUND_FAULTS)
async def test_what_once_found_a_fault_is_answered(
    world: GraphQLWorld, two: Two, name: str
) -> None:
    await assert_harmless(world, two, FOUND_FAULTS[name])


async def test_the_word_of_the_other_space_is_there_to_be_found(
    world: GraphQLWorld, two: Two
) -> None:
    query = f'{{ space(name: "{two.theirs.name}") {{ judgements {{ edges {{ cursor }} }}'
    query += ' customer(identifier: {type: "user_id", value: "ann"}) {'
    query += " ... on Customer { traits { value } } } } }"

    answer = await world.ask(query, key=two.theirs.space.admin_key)

    assert leaked(answer, two.secret)


Edit = tuple[int, str]
edits = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from(["", "|", "||", "-", "9", "9" * 30, "\x00", "é", "=", "A", " ", "+", "/"]),
    ),
    max_size=3,
)


def edited(text: str, changes: list[Edit]) -> str:
    """The text with one character after the other replaced by a text."""
    for place, new in changes:
        cut = place % (len(text) + 1)
        text = text[:cut] + new + text[cut + 1 :]
    return text


@in_some_worlds(15)
@given(edits, edits, st.integers(0, len(CONNECTIONS) - 1))
async def test_a_mutated_cursor_gives_a_page_or_is_refused(
    world: GraphQLWorld, two: Two, inside: list[Edit], outside: list[Edit], shift: int
) -> None:
    real = list(two.cursors.items())

    async def ask(number: int) -> tuple[str, dict[str, Any]]:
        (kind, name), own = real[number]
        cursor = own if inside or outside else real[(number + shift) % len(real)][1]
        decoded = base64.urlsafe_b64decode(cursor).decode()
        after = edited(encode_cursor(*edited(decoded, inside).split("|")), outside)
        return after, await page(world, two.ours, kind, name, after)

    answers = await asyncio.gather(*map(ask, range(len(real))))

    for after, answer in answers:
        assert codes(answer) <= {"BAD_INPUT"}, (after, answer)
        if not codes(answer):
            found_in(answer)


@pytest.mark.parametrize("number", [2**62, -(2**62), 2**63, -(2**63) - 1, 10**30])
async def test_a_number_that_once_was_beyond_the_database_gives_a_page_or_is_refused(
    world: GraphQLWorld, two: Two, number: int
) -> None:
    for (kind, name), cursor in two.cursors.items():
        of, *parts = base64.urlsafe_b64decode(cursor).decode().split("|")
        after = encode_cursor(of, *([number] * len(parts)))

        answer = await page(world, two.ours, kind, name, after)

        assert codes(answer) <= {"BAD_INPUT"}, (after, answer)


def test_nearly_every_connection_has_a_cursor_to_mutate(two: Two) -> None:
    assert set(CONNECTIONS) - set(two.cursors) <= {("Customer", "judgements")}
