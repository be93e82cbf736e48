"""Sources that vendors' webhooks feed: made, given new secrets, and recognised by signatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from identity_service.collect.signatures import SignedRequest, verify
from identity_service.collect.webhooks.reading import Options
from identity_service.collect.webhooks.vendors import Vendor, scheme_of
from identity_service.errors import FeedsOthers, FieldInvalid, NameTaken, NoSuch, Unauthorised
from identity_service.graph.webhooks import StoredWebhook, WebhookStore
from identity_service.observability import INVALID_SIGNATURES
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.vault import Vault
from identity_service.services.spaces.access import Access, Caller, Role, Sender
from identity_service.services.spaces.spaces import check_new_source

OLD_SECRET_MS: Final = 24 * 60 * 60 * 1000
"""How long the secret before stays good after a rotation: Shopify alone takes an hour for one."""

PATH: Final = "/hooks"
"""Webhooks are sent to the source's name below it."""

_LEAST_SECRET: Final = 8
_MAX_SECRET: Final = 1_024
_MAX_URL: Final = 2_048
_MAX_NAME: Final = 256


@dataclass(frozen=True, slots=True)
class WebhookSource:
    """A source that was made, and where its vendor has to send to: a path of this service."""

    name: str
    vendor: Vendor
    spaces: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class RotatedSecret:
    """A source with a new secret; the one before is good until then (milliseconds since 1970)."""

    source: str
    old_until: int


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """What a source is to be. `secret` is the vendor's, or the operator's where that may choose.

    `public_url` is its address as the vendor has it, for one who signs that. `livemode` and
    `note_attribute` are as `Options` has them, `region` as of any source.
    """

    vendor: Vendor
    secret: str = field(repr=False)
    public_url: str | None = None
    livemode: bool = True
    note_attribute: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A source that a webhook feeds, found by its name: nothing is proven yet."""

    vendor: Vendor
    options: Options
    sender: Sender
    secrets: Sequence[str] = field(repr=False)
    public_url: str | None

    def signed_url(self, received: str) -> str:
        """The address that the vendor signed: the one it has, with the query that came."""
        if self.public_url is None:
            return received
        query = urlsplit(received).query
        is_whole = not query or "?" in self.public_url
        return self.public_url if is_whole else f"{self.public_url}?{query}"


class Webhooks:
    """Makes sources that webhooks feed, and says which of them sent a request."""

    def __init__(self, store: WebhookStore, access: Access, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._access = access
        self._vault = vault
        self._clock = clock

    async def create(
        self, caller: Caller | None, name: str, spaces: Sequence[str], new: NewWebhook
    ) -> WebhookSource:
        """Create a source that feeds the spaces; who may is as for any source.

        Raises Forbidden, FieldInvalid, SecretsLocked.
        """
        distinct = check_new_source(self._access, caller, name, spaces, new.region)
        _check(new)
        properties: dict[str, Any] = {
            "vendor": new.vendor.value,
            "secrets": [self._vault.seal(new.secret, name)],
            "public_url": new.public_url,
            "livemode": new.livemode,
            "note_attribute": new.note_attribute,
            "region": new.region,
            "created_at": self._clock(),
        }
        taken, missing = await self._store.create(name, distinct, properties)
        if missing:
            raise NoSuch("spaces", f"There is no space “{missing[0]}”.")
        if taken:
            raise NameTaken("name", f"There is a source or a key “{name}” already.")
        return WebhookSource(name, new.vendor, tuple(distinct), f"{PATH}/{name}")

    async def rotate_secret(
        self, caller: Caller | None, space: str, source: str, secret: str
    ) -> RotatedSecret:
        """Give a source of the space a new secret; the one before stays good for a day.

        That of a source that also feeds other spaces only the instance administrator may rotate.
        Raises Forbidden, FieldInvalid, SecretsLocked.
        """
        is_instance = caller is not None and caller.role is Role.INSTANCE
        if not is_instance:
            self._access.require(caller, space, Role.ADMIN)
        _check_secret(secret)
        old_until = self._clock() + OLD_SECRET_MS
        refused = await self._store.rotate(
            space,
            source,
            self._vault.seal(secret, source),
            old_until,
            may_feed_others=is_instance,
        )
        if refused is None:
            raise NoSuch(
                "source", f"There is no source “{source}” of a webhook that feeds “{space}”."
            )
        if refused:
            raise FeedsOthers(
                "source",
                f"The source “{source}” feeds other spaces too.",
                remedy="Only the instance administrator can change its secret.",
            )
        return RotatedSecret(source, old_until)

    async def find(self, source: str) -> Webhook:
        """The source of that name. Raises Unauthorised where none is fed so, and SecretsLocked."""
        stored = await self._store.find(source)
        sender = None if stored is None else self._access.sender_of(stored.rights)
        if stored is None or sender is None:
            raise Unauthorised(
                "No webhook is taken at this address.",
                remedy="The last part of it is the name of a source of webhooks.",
            )
        return Webhook(
            Vendor(stored.vendor),
            Options(stored.livemode, stored.note_attribute),
            sender,
            self._secrets(source, stored),
            stored.public_url,
        )

    def authenticate(self, webhook: Webhook, request: SignedRequest) -> Sender:
        """The source, once the request proves to be its vendor's. Raises Unauthorised, TooLarge."""
        try:
            verify(scheme_of(webhook.vendor), request, webhook.secrets, self._clock())
        except Unauthorised:
            INVALID_SIGNATURES.labels(webhook.sender.source).inc()
            raise
        return webhook.sender

    def _secrets(self, source: str, stored: StoredWebhook) -> list[str]:
        is_over = stored.old_until is not None and stored.old_until <= self._clock()
        sealed = stored.secrets[:1] if is_over else stored.secrets
        return [self._vault.open(secret, source) for secret in sealed]


def _check(new: NewWebhook) -> None:
    _check_secret(new.secret)
    if new.public_url is not None:
        address = urlsplit(new.public_url) if len(new.public_url) <= _MAX_URL else None
        if address is None or address.scheme not in {"http", "https"} or not address.netloc:
            raise FieldInvalid(
                "publicUrl",
                "The public address is the whole address that the vendor sends to, as in"
                " https://id.example.com/hooks/crm.",
            )
    if new.note_attribute is not None and not 1 <= len(new.note_attribute) <= _MAX_NAME:
        raise FieldInvalid("noteAttribute", f"The name has 1 to {_MAX_NAME} characters.")


def _check_secret(secret: str) -> None:
    if not _LEAST_SECRET <= len(secret) <= _MAX_SECRET or secret != secret.strip():
        raise FieldInvalid(
            "secret",
            f"A secret has {_LEAST_SECRET} to {_MAX_SECRET:,} characters, with no space at its"
            " ends.",
        )
