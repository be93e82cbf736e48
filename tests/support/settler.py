"""A process that settles a space: `python -m tests.support.settler URI SPACE LEASE`.

It takes one customer at a time and says `step` on standard output after each; LEASE is how many
milliseconds without a step it is left alone.
"""

from __future__ import annotations

import asyncio
import sys

from identity_service.graph.database import Database
from identity_service.observability import configure_logging
from identity_service.services import policy_phases, resettlement
from identity_service.services.access import Role
from identity_service.services.wiring import assemble
from identity_service.settings import Settings
from tests.support.space import MAX_QUEUE


async def settle(uri: str, space: str) -> None:
    """Settle the space to its end."""
    async with await Database.open(Settings(neo4j_uri=uri)) as database:
        use_cases = assemble(database, MAX_QUEUE)
        access = use_cases.access
        scope = access.require(access.operator(space), space, Role.ADMIN)
        use_cases.resettlement.go_on(scope)
        async for _ in use_cases.resettlement.progress(scope):
            sys.stdout.write("step\n")
            sys.stdout.flush()
        await use_cases.resettlement.close()


if __name__ == "__main__":
    configure_logging()
    policy_phases.CUSTOMERS_AT_ONCE = 1
    resettlement.LEASE = int(sys.argv[3])
    resettlement.BETWEEN_COUNTS = 0
    asyncio.run(settle(sys.argv[1], sys.argv[2]))
