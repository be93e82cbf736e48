"""What people reported of identity services, replayed over HTTP and asked for over GraphQL.

A report is a JSON file in `replays/`: the `story`, a `policy` (or null for the default), the
`messages`, each one request of one event, or of several where it is a list, and under `expect` the
right answers. `@now-90d-2s` is a time relative to the replay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import RunningService, create_space

REPLAYS = Path(__file__).parent / "replays"
NAMES = sorted(path.stem for path in REPLAYS.glob("*.json"))
RELATIVE = re.compile(r"@now(?:-(\d+)d)?(?:-(\d+)s)?")

CUSTOMER = """
query ($space: String!, $identifier: IdentifierInput!) {
  space(name: $space) {
    customer(identifier: $identifier) {
      __typename
      ... on NotFound { message }
      ... on Customer {
        kind firstSeen eventCount
        identifiers { type value }
        traits { name value }
        accounts { accountId }
        events(newestFirst: false) { edges { node { name } } }
      }
    }
  }
}
"""
EXPLAIN = """
query ($space: String!, $a: IdentifierInput!, $b: IdentifierInput!) {
  space(name: $space) { explain(a: $a, b: $b) { ... on Explanation { sameCustomer message } } }
}
"""
FUNNEL = """
query ($space: String!, $steps: [String!]!) {
  space(name: $space) { journeys { funnel(steps: $steps) { customers } } }
}
"""
STATISTICS = "query ($space: String!) { space(name: $space) { statistics { events known } } }"


class Replay:
    """A report's messages, sent to a space of their own, and what that space answers."""

    def __init__(self, service: RunningService, report: Mapping[str, Any]) -> None:
        messages: list[list[Any] | dict[str, Any]] = report["messages"]
        self.service = service
        self.began = datetime.now(UTC)
        self.space = create_space(service.settings, report["policy"])
        for message in messages:
            one = message if isinstance(message, list) else [message]
            batch = json.loads(RELATIVE.sub(self._moment, json.dumps(one)))
            answer = service.post("/v1/batch", self.space.write_key, json={"batch": batch})
            assert (answer.status_code, answer.json()) == (200, {"success": True})

    def _moment(self, relative: re.Match[str]) -> str:
        before = timedelta(days=int(relative[1] or 0), seconds=int(relative[2] or 0))
        return (self.began - before).isoformat(timespec="milliseconds")

    def ask(self, query: str, **variables: Any) -> Any:
        answer = self.service.post(
            "/graphql",
            headers={"Authorization": f"Bearer {self.space.reader_key}"},
            json={"query": query, "variables": {"space": self.space.name, **variables}},
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]["space"]

    def customer(self, identifier: str) -> Any:
        found = self.ask(CUSTOMER, identifier=parsed(identifier))["customer"]
        assert found["__typename"] == "Customer", found
        return found


def check_customer(replay: Replay, identifier: str, expected: Mapping[str, Any]) -> None:
    found = replay.customer(identifier)
    seen: dict[str, Any] = {
        "kind": found["kind"],
        "eventCount": found["eventCount"],
        "identifiers": sorted(f"{i['type']}:{i['value']}" for i in found["identifiers"]),
        "accounts": [account["accountId"] for account in found["accounts"]],
        "traits": {trait["name"]: trait["value"] for trait in found["traits"]},
        "firstSeen": found["firstSeen"],
    }
    for name, right in expected.items():
        match name:
            case "identifiers":
                assert seen[name] == sorted(right)
            case "traits":
                assert {trait: seen[name].get(trait) for trait in right} == right
            case "firstSeen":
                assert right == "@now"
                assert datetime.fromisoformat(seen[name]) >= replay.began - timedelta(seconds=1)
            case _:
                assert seen[name] == right, name


def check_statistics(replay: Replay, expected: Mapping[str, Any]) -> None:
    assert replay.ask(STATISTICS)["statistics"].items() >= expected.items()


def check_rejected(replay: Replay, expected: Mapping[str, Any]) -> None:
    rejected = replay.space.rejections()
    if "count" in expected:
        assert len(rejected) == expected["count"]
    for words in expected.get("message", ()):
        assert any(words in one["message"] for one in rejected), rejected


def check_explanation(replay: Replay, pair: str, expected: Mapping[str, Any]) -> None:
    a, b = map(parsed, pair.split(" | "))
    explained = replay.ask(EXPLAIN, a=a, b=b)["explain"]
    for words in expected["message"]:
        assert words in explained["message"]


def check(replay: Replay, question: str, expected: Any) -> None:
    """Compare an answer of the service with the right one."""
    match question.split(maxsplit=1):
        case ["statistics"]:
            check_statistics(replay, expected)
        case ["rejectedEvents"]:
            check_rejected(replay, expected)
        case ["explain", pair]:
            check_explanation(replay, pair, expected)
        case ["events", of]:
            events = replay.customer(of.removeprefix("of "))["events"]["edges"]
            assert [edge["node"]["name"] for edge in events] == expected
        case ["funnel", steps]:
            reached = replay.ask(FUNNEL, steps=steps.split(","))["journeys"]["funnel"]
            assert [step["customers"] for step in reached] == expected
        case _:
            check_customer(replay, question, expected)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_reported_is_right_now(service: RunningService, name: str) -> None:
    report = json.loads((REPLAYS / f"{name}.json").read_text())

    replay = Replay(service, report)

    for question, expected in report["expect"]["values"].items():
        check(replay, question, expected)


def parsed(identifier: str) -> dict[str, str]:
    kind, _, value = identifier.partition(":")
    return {"type": kind, "value": value}
