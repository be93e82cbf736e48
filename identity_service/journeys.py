"""Journeys for notebooks and scripts.

>>> from identity_service import journeys
>>> steps = ["Product Viewed", "Order Completed"]
>>> funnel = journeys.run("funnel", "shop", steps=steps, within="7d")  # doctest: +SKIP
>>> funnel.to_pandas()  # doctest: +SKIP
>>> journeys.draw(funnel)  # doctest: +SKIP

The database is the one that the environment names (`IDENTITY_NEO4J_URI`), else the managed one.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from identity_service import session
from identity_service.domain.journeys.journeys import JOURNEYS, Journey
from identity_service.pictures import Picture, draw
from identity_service.services.journeys.figures import Figure
from identity_service.session import Session

__all__ = ["JOURNEYS", "Figure", "Journey", "Picture", "draw", "run"]


def run(name: str, space: str, **parameters: Any) -> Figure:
    """The figures of a journey about a space; `JOURNEYS` has all journeys with their parameters.

    Also inside a running event loop, as notebooks have one. Raises NotFound for an unknown journey
    or space, FieldInvalid for what the journey does not take, and Unavailable.
    """

    async def work(opened: Session) -> Figure:
        return await opened.cases.journeys.run(await opened.space(space), name, parameters)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(session.run, work).result()
