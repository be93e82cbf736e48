"""A process that writes into a space: `python -m tests.support.writer WRITE_KEY [AT_ONCE]`.

The database is the one that the environment names. Events come on standard input, one JSON list
`[message id, time, [[type, value], …]]` a line. What was answered is said on standard output, one
message id a line. AT_ONCE (20) requests are on their way, each with one event. One that could not
be written is sent again until it is.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence

from identity_service.collect.segment import Collected
from identity_service.domain.events import ReportedEvent
from identity_service.domain.identifiers import Identifier
from identity_service.errors import Unavailable
from identity_service.graph.database import Database
from identity_service.observability import configure_logging
from identity_service.services.spaces.access import Sender
from identity_service.services.wiring import assemble
from identity_service.services.write.intake import Ingest
from identity_service.settings import Settings
from tests.support.space import MAX_QUEUE, event


def as_lines(events: Iterable[ReportedEvent]) -> str:
    """Events as this process reads them."""
    return "".join(json.dumps([e.message_id, e.at, e.identifiers]) + "\n" for e in events)


async def write(write_key: str, events: Sequence[ReportedEvent], at_once: int = 20) -> None:
    """Send all events, and say which were answered."""
    async with await Database.open(Settings()) as database:
        use_cases = assemble(database, MAX_QUEUE)
        sender = use_cases.access.sender(await use_cases.access.authenticate(write_key))
        assert sender is not None, "The write key is not known."
        todo = list(reversed(events))

        async def send_some() -> None:
            while todo:
                await _send(use_cases.ingest, sender, todo.pop())

        await asyncio.gather(*(send_some() for _ in range(at_once)))
        await use_cases.ingest.close()


async def _send(ingest: Ingest, sender: Sender, each: ReportedEvent) -> None:
    while True:
        try:
            await ingest.take(sender, Collected((each,), ()), each.at)
        except Unavailable:
            await asyncio.sleep(0.2)
        else:
            sys.stdout.write(f"{each.message_id}\n")
            sys.stdout.flush()
            return


def _read(line: str) -> ReportedEvent:
    message_id, at, identifiers = json.loads(line)
    return event(message_id, at, *(Identifier(*i) for i in identifiers))


if __name__ == "__main__":
    configure_logging()
    to_write = [_read(line) for line in sys.stdin]
    asyncio.run(write(sys.argv[1], to_write, *map(int, sys.argv[2:])))
