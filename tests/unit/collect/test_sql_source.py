"""The file of a SQL source, and every mistake in it."""

from __future__ import annotations

import pytest

from identity_service.collect.polled import CallKind
from identity_service.collect.source_file import read_source
from identity_service.collect.sql_source import SINCE, SqlSource
from identity_service.errors import BadInput

CRM = """
source: crm
url_env: CRM_DATABASE_URL
every: 15m
calls:
  - identify: |
      SELECT id, email, plan, updated_at FROM users
      WHERE updated_at >= :since ORDER BY updated_at, id
    cursor: updated_at
    overlap: 30m
    key: id
    user_id: id
    traits: [email, plan]
  - track: Subscription Started
    query: SELECT * FROM subscriptions WHERE id >= :since
    cursor: id
    key: [shop, id]
    user_id: customer_id
    identifiers: {stripe_customer_id: stripe}
    at: started_at
    properties: [plan, amount]
"""

ONE = """
source: crm
url_env: URL
calls:
  - {call}
"""


def sql_source_of(text: str) -> SqlSource:
    source = read_source(text)
    assert isinstance(source, SqlSource)
    return source


def mistakes(text: str) -> str:
    with pytest.raises(BadInput) as refused:
        sql_source_of(text)
    return refused.value.message


def test_a_file_says_which_queries_give_which_calls() -> None:
    source = sql_source_of(CRM)

    identify, track = source.calls
    assert (source.name, source.url_env) == ("crm", "CRM_DATABASE_URL")
    assert (source.every_ms, source.timeout_ms) == (900_000, 60_000)
    assert (identify.kind, identify.label) == (CallKind.IDENTIFY, "identify")
    assert identify.query.startswith("SELECT id, email")
    assert (identify.overlap_ms, identify.overlap_rows) == (1_800_000, None)
    assert identify.columns == ("updated_at", "id", "email", "plan")
    assert identify.is_ordered is True
    assert (track.kind, track.event) == (CallKind.TRACK, "Subscription Started")
    assert track.label == "track Subscription Started"
    assert track.key == ("shop", "id")
    assert (track.overlap_ms, track.overlap_rows) == (600_000, 1_000)
    assert track.columns == ("id", "started_at", "customer_id", "shop", "stripe", "plan", "amount")
    assert track.is_ordered is False


def test_calls_that_are_named_alike_are_told_apart() -> None:
    call = "{identify: SELECT 1, cursor: c, key: id, user_id: id}"

    source = sql_source_of(ONE.format(call=f"{call}\n  - {call}"))

    assert [each.label for each in source.calls] == ["identify", "identify 2"]


def test_no_overlap_is_one_of_either_kind() -> None:
    call = "{identify: SELECT 1, cursor: c, key: id, user_id: id, overlap: 0}"

    [found] = sql_source_of(ONE.format(call=call)).calls

    assert (found.overlap_ms, found.overlap_rows) == (0, 0)


@pytest.mark.parametrize(
    ("query", "has_since"),
    [
        ("SELECT 1", False),
        ("SELECT x::since FROM t", False),
        ("SELECT 1 WHERE x > :since", True),
        ("SELECT 1 WHERE x>:since", True),
        ("SELECT 1 WHERE x > :since_when", False),
    ],
)
def test_a_query_begins_somewhere_if_it_has_the_parameter(query: str, has_since: bool) -> None:
    assert (SINCE.search(query) is not None) is has_since


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("{cursor: c, key: k, user_id: u}", "one of identify, track and group"),
        (
            "{identify: SELECT 1, group: SELECT 1, cursor: c, key: k, user_id: u}",
            "one of identify, track and group",
        ),
        ("{track: Bought, cursor: c, key: k, user_id: u}", "needs a query"),
        ("{identify: SELECT 1, query: SELECT 1, cursor: c, key: k, user_id: u}", "hold theirs"),
        (
            "{track: Bought, query: SELECT 1, cursor: c, key: k, user_id: u, traits: [t]}",
            "has properties, not traits",
        ),
        (
            "{identify: SELECT 1, cursor: c, key: k, user_id: u, properties: [p]}",
            "has traits, not properties",
        ),
        ("{group: SELECT 1, cursor: c, key: k, user_id: u}", "needs the column group_id"),
        ("{identify: SELECT 1, cursor: c, key: k}", "columns that say who it is"),
        ("{identify: SELECT 1, cursor: c, user_id: u}", "calls.0.key: Field required"),
        ("{identify: SELECT 1, cursor: c, key: [], user_id: u}", "calls.0.key: Value should have"),
        ("{identify: SELECT 1, cursor: c, key: k, user_id: u, overlap: 10 minutes}", "10 minutes"),
        ("{identify: SELECT 1, cursor: c, key: k, user_id: u, overlap: -1}", "calls.0.overlap"),
        ("{identify: SELECT 1, cursor: c, key: k, user_id: u, mirror: half}", "calls.0.mirror"),
        ("{identify: SELECT 1, cursor: c, key: k, user_id: u, more: 1}", "calls.0.more"),
        (
            "{track: Bought, query: SELECT 1, cursor: c, key: k, user_id: u, mirror: full}",
            "a track call has no mirror",
        ),
    ],
)
def test_a_mistake_in_a_call_is_named(call: str, said: str) -> None:
    assert said in mistakes(ONE.format(call=call))


def test_a_number_is_no_duration() -> None:
    assert "every: a duration is a number and s, m, h or d" in mistakes(
        CRM.replace("every: 15m", "every: 15")
    )


def test_every_mistake_is_named_with_its_path() -> None:
    said = mistakes("source: 5\nurl_env: a b\nevery: often\nmore: 1\n")

    for path in ("source", "url_env", "every", "more", "calls"):
        assert f"{path}: " in said


def test_an_address_where_the_name_of_a_variable_belongs_is_not_repeated() -> None:
    said = mistakes(CRM.replace("CRM_DATABASE_URL", "postgresql://crm:hunter2@db/crm"))

    assert "url_env: " in said
    assert "hunter2" not in said


def test_a_text_that_is_no_yaml_is_refused() -> None:
    assert "not YAML" in mistakes("source: [")
    assert "the file: " in mistakes("")
