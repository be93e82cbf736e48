"""The way from a command to the database, and to the use cases over it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from identity_service.errors import NotFound
from identity_service.graph.database import Database
from identity_service.runtime.provided import with_neo4j
from identity_service.services.limits import Limits
from identity_service.services.spaces.access import OPERATOR, Role, SpaceScope
from identity_service.services.wiring import Reach, UseCases, assemble
from identity_service.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """An open database and the use cases over it."""

    database: Database
    cases: UseCases

    async def space(self, name: str, author: str = OPERATOR) -> SpaceScope:
        """Full rights in a space, for the command line; raises NotFound where there is none.

        `author` signs what is done there.
        """
        access = self.cases.access
        scope = access.require(access.operator(name, author), name, Role.ADMIN)
        try:
            await self.cases.spaces.policy(scope)
        except NotFound:
            raise NotFound(
                f"There is no space “{name}”.",
                remedy=f"Create it with `identity-service space create {name}`.",
            ) from None
        return scope


def run(work: Callable[[Session], Awaitable[T]]) -> T:
    """Open the database, have something done, and close it again.

    Uses the server that the environment names, else the managed one, which is started for this
    when it does not run. Raises RuntimeFailed, Unavailable, and what `work` raises.
    """
    with with_neo4j(Settings()) as settings:
        return asyncio.run(use(settings, work))


async def use(settings: Settings, work: Callable[[Session], Awaitable[T]]) -> T:
    """As `run`, of the server that the settings name."""
    async with await Database.open(settings) as database:
        cases = assemble(
            database,
            settings.max_queue,
            secrets_key=settings.secrets_key,
            limits=Limits.of(settings),
            reach=Reach.of(settings),
        )
        try:
            return await work(Session(database, cases))
        finally:
            await cases.finish()
