"""Sources that vendors' webhooks feed, in the graph. Their secrets are encrypted before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from identity_service.graph.access import StoredKey
from identity_service.graph.database import Database
from identity_service.graph.statements import statement

CREATE_WEBHOOK_SOURCE: Final = statement("spaces/create_webhook_source")
FIND_WEBHOOK: Final = statement("spaces/find_webhook")
ROTATE_WEBHOOK_SECRET: Final = statement("spaces/rotate_webhook_secret")


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A source that a webhook feeds. `rights` are those of a write key of it, had it one.

    `secrets` are encrypted, the newest first; the second one is good until `old_until`
    (milliseconds since 1970).
    """

    rights: StoredKey
    vendor: str
    secrets: tuple[str, ...]
    old_until: int | None
    public_url: str | None
    livemode: bool
    note_attribute: str | None


class WebhookStore:
    """Reads and writes them. Knows no rule and no secret."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, source: str) -> StoredWebhook | None:
        """The source of that name; None where there is none, or no webhook feeds it."""
        row = await self._database.read_one(FIND_WEBHOOK, source=source)
        if row is None:
            return None
        rights = StoredKey(
            role="WRITE",
            name=source,
            space=None,
            source=source,
            feeds=tuple(row["feeds"]),
            region=row["region"],
            is_paused=row["paused"],
            events_per_s=row["events_per_s"],
            rules=row["rules"],
        )
        return StoredWebhook(
            rights,
            row["vendor"],
            tuple(row["secrets"]),
            row["old_until"],
            row["public_url"],
            row["livemode"],
            row["note_attribute"],
        )

    async def create(
        self, name: str, spaces: Sequence[str], properties: dict[str, Any]
    ) -> tuple[bool, list[str]]:
        """Create a source, unless its name is taken or spaces are missing (then which)."""
        row = await self._database.write_one(
            CREATE_WEBHOOK_SOURCE,
            w={"name": name, "spaces": list(spaces), "properties": properties},
        )
        return (True, []) if row is None else (row["taken"], row["missing"])

    async def rotate(
        self, space: str, source: str, secret: str, old_until: int, *, may_feed_others: bool
    ) -> bool | None:
        """Give a source that feeds the space a new secret, beside the one that it had.

        None: no webhook feeds such a source. Else whether nothing was written since it feeds other
        spaces too, which it may only with `may_feed_others`.
        """
        row = await self._database.write_one(
            ROTATE_WEBHOOK_SECRET,
            space=space,
            source=source,
            secret=secret,
            old_until=old_until,
            may_feed_others=may_feed_others,
        )
        return None if row is None else row["refused"]
