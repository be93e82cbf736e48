"""How often a key may ask the read routes of other products. No database."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from starlette.types import Receive, Scope, Send

from identity_service.api.rest import segment
from identity_service.graph.access import AccessStore, StoredKey
from identity_service.graph.database import Database
from identity_service.services.spaces.access import Access
from identity_service.services.spaces.read_rate import MAX_PER_SECOND, ReadRate
from tests.support.elapsed import Elapsed

ASKED = "/v1/spaces/shop/collections/none/profiles/user_id:ann/traits"


class Keys(AccessStore):
    """Every key may read the shop; its name is the key's hash."""

    def __init__(self) -> None:
        super().__init__(cast("Database", None))

    async def find_key(self, key_hash: str) -> StoredKey | None:
        return StoredKey("READER", key_hash, "shop", None)


async def test_a_key_that_asks_too_often_is_answered_429_in_the_words_of_segment() -> None:
    elapsed = Elapsed()
    services = SimpleNamespace(
        access=Access(Keys()),
        read_rate=ReadRate(elapsed),
        customers=SimpleNamespace(current=lambda scope: scope),  # pyright: ignore[reportUnknownLambdaType]
    )
    routes = FastAPI()
    routes.include_router(segment.router)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"services": services}
        await routes(scope, receive, send)

    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        in_time = [await client.get(ASKED, auth=("a", "")) for _ in range(MAX_PER_SECOND)]
        too_many = await client.get(ASKED, auth=("a", ""))
        another = await client.get(ASKED, auth=("b", ""))
        elapsed.now += 1
        later = await client.get(ASKED, auth=("a", ""))

    # There is no such collection, which is said to whoever may ask.
    assert {each.status_code for each in (*in_time, another, later)} == {400}
    assert too_many.status_code == 429
    assert too_many.headers["Retry-After"] == "1"
    assert too_many.json() == {
        "error": {
            "code": "rate_limit_error",
            "message": "This key asks more than 100 questions per second. Send it again after 1 s.",
        }
    }
