"""A wire between a client and a server that a test without an event loop may break."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.support.relay import Relay


@dataclass(frozen=True)
class Wire:
    """A relay that runs in a thread of its own; connect to `address`, `host:port`."""

    address: str
    relay: Relay
    portal: BlockingPortal

    def cut_answers(self) -> None:
        """From now on the server gets every question, and the client no answer."""
        self.portal.call(self.relay.cut_answers)

    def mend(self) -> None:
        """Let answers through again."""
        self.portal.call(self.relay.mend)


@contextmanager
def wire_to(uri: str) -> Generator[Wire]:
    """A wire to the server at `uri`, whatever its scheme."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Relay.to(uri)) as relay,
    ):
        yield Wire(relay.uri.removeprefix("bolt://"), relay, portal)
