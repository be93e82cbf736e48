"""What senders, readers, an administrator and an agent do all day, at random."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import httpx

from tests.support.plain_http import NO_TLS
from tests.support.service import Space

SENDERS: Final = 32
READERS: Final = 4
PEOPLE: Final = 120

PATIENCE_S: Final = 30
"""Seconds after which a client takes its request for lost."""

POLICIES: Final = ("extends: quarantine\n", "extends: last_login\n", "extends: first_owner\n")

PASSES_BY_ITSELF: Final = {429, 503}

CUSTOMER: Final = """
query ($space: String!, $type: String!, $value: String!) {
  space(name: $space) {
    customer(identifier: {type: $type, value: $value}) {
      ... on Customer {
        customerId eventCount identifiers { type value } links { decision { joined } }
        events(first: 20) { edges { node { name } } }
      }
    }
    changes(first: 20) { edges { node { kind } } }
  }
}
"""
VERSION: Final = "query ($space: String!) { space(name: $space) { policy { version } } }"
SET_POLICY: Final = """
mutation ($space: String!, $policy: String!, $version: Int!) {
  setPolicy(space: $space, policy: $policy, expectedVersion: $version) { __typename }
}
"""
JUDGE: Final = """
mutation ($space: String!, $verdict: Verdict!, $a: IdentifierInput!, $b: IdentifierInput!) {
  judge(space: $space, verdict: $verdict, a: $a, b: $b, reason: "The soak says so.") {
    ... on Judged { judgement { id } }
  }
}
"""
WITHDRAW: Final = """
mutation ($space: String!, $id: ID!) {
  withdrawJudgement(space: $space, id: $id, reason: "The soak says so.") { __typename }
}
"""


@dataclass
class Traffic:
    """All clients of one space. What they were answered is counted."""

    url: str
    space: Space
    seed: int
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """The calls that were answered 200, by their message ids."""
    answers: Counter[str] = field(default_factory=Counter[str])
    """How often each kind of client got each kind of answer."""
    unexpected: list[str] = field(default_factory=list[str])
    """Answers that no client can act upon."""

    async def run(self) -> None:
        """Until `ending` is set; then every event that was sent is sent until it is answered."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=SENDERS)
        async with (
            httpx.AsyncClient(
                base_url=self.url, timeout=PATIENCE_S, limits=limits, verify=NO_TLS
            ) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for number in range(SENDERS):
                tasks.create_task(self._send_all(client, number))
            for number in range(READERS):
                tasks.create_task(self._at_times(f"reader-{number}", 0.2, self._read, client))
            tasks.create_task(self._at_times("admin", 6.0, self._set_policy, client))
            tasks.create_task(self._at_times("agent", 1.0, self._judge, client))

    async def _send_all(self, client: httpx.AsyncClient, number: int) -> None:
        draw = self._draw(f"sender-{number}")
        for turn in count():
            size = draw.choice((1, 1, 2, 5, 20))
            await self._send(client, [_call(draw, f"{number}-{turn}-{n}") for n in range(size)])
            if self.ending.is_set():
                return
            await asyncio.sleep(draw.uniform(0, 0.4))

    async def _send(self, client: httpx.AsyncClient, batch: Sequence[Mapping[str, Any]]) -> None:
        """Send events until they are acknowledged, as every SDK does unless it is refused."""
        while True:
            try:
                answer = await client.post(
                    "/v1/batch", auth=(self.space.write_key, ""), json={"batch": batch}
                )
            except httpx.TransportError:
                self.answers["sender: no answer"] += 1
                await asyncio.sleep(1)
                continue
            self.answers[f"sender: {answer.status_code}"] += 1
            if answer.status_code == 200:
                self.acknowledged |= {call["messageId"]: call for call in batch}
                return
            if answer.status_code not in PASSES_BY_ITSELF:
                self.unexpected.append(f"sender: {answer.status_code} {answer.text}")
                return
            await asyncio.sleep(min(1, int(answer.headers["Retry-After"])))

    async def _at_times(
        self,
        who: str,
        pause: float,
        work: Callable[[httpx.AsyncClient, random.Random], Awaitable[None]],
        client: httpx.AsyncClient,
    ) -> None:
        draw = self._draw(who)
        while not self.ending.is_set():
            await work(client, draw)
            await asyncio.sleep(draw.uniform(0, 2 * pause))

    async def _read(self, client: httpx.AsyncClient, draw: random.Random) -> None:
        asked = _identifier(draw)
        await self._ask(client, "reader", self.space.reader_key, CUSTOMER, asked)

    async def _set_policy(self, client: httpx.AsyncClient, draw: random.Random) -> None:
        found = await self._ask(client, "admin", self.space.admin_key, VERSION, {})
        if found is None:
            return
        wanted = {
            "policy": draw.choice(POLICIES),
            "version": found["space"]["policy"]["version"],
        }
        await self._ask(client, "admin", self.space.admin_key, SET_POLICY, wanted)

    async def _judge(self, client: httpx.AsyncClient, draw: random.Random) -> None:
        key = self.space.admin_key
        a, b = _identifier(draw), _identifier(draw)
        if a == b:
            return
        wanted = {"verdict": draw.choice(("SAME", "APART", "APART")), "a": a, "b": b}
        made = await self._ask(client, "agent", key, JUDGE, wanted)
        if made is not None and draw.random() < 0.8:
            judged = {"id": made["judge"]["judgement"]["id"]}
            await self._ask(client, "agent", key, WITHDRAW, judged)

    async def _ask(
        self,
        client: httpx.AsyncClient,
        who: str,
        key: str,
        query: str,
        variables: Mapping[str, Any],
    ) -> dict[str, Any] | None:
        """The data of an answer; None where the client has to come back later."""
        try:
            answer = await client.post(
                "/graphql",
                headers={"Authorization": f"Bearer {key}"},
                json={"query": query, "variables": {"space": self.space.name, **variables}},
            )
        except httpx.TransportError:
            self.answers[f"{who}: no answer"] += 1
            return None
        said = answer.json()
        codes = sorted({error["extensions"]["code"] for error in said.get("errors", ())})
        self.answers[f"{who}: {', '.join(codes) or 'data'}"] += 1
        if not codes:
            return said["data"]
        if set(codes) - {"UNAVAILABLE", "OVERLOADED", "STALE"}:
            self.unexpected.append(f"{who}: {said['errors']}")
        return None

    def _draw(self, who: str) -> random.Random:
        return random.Random(f"{self.seed} {who}")  # noqa: S311 - traffic, not a secret


def _identifier(draw: random.Random) -> dict[str, str]:
    person = draw.randrange(PEOPLE)
    return draw.choice(
        (
            {"type": "user_id", "value": f"u{person}"},
            {"type": "anonymous_id", "value": f"c{person}.{draw.randrange(3)}"},
        )
    )


def _call(draw: random.Random, message_id: str) -> dict[str, Any]:
    """What somebody does: on a browser of theirs, or on a tablet that many use."""
    person = draw.randrange(PEOPLE)
    device = f"t{person // 20}" if draw.random() < 0.05 else f"c{person}.{draw.randrange(3)}"
    call = {
        "type": "track",
        "event": "Visited",
        "messageId": message_id,
        "timestamp": datetime.fromtimestamp(time.time(), UTC).isoformat(),
        "anonymousId": device,
    }
    if draw.random() < 0.5:
        call["userId"] = f"u{person}"
    if draw.random() < 0.15:
        call |= {"type": "identify", "traits": {"email": f"m{person // 2}@example.com"}}
    return call
