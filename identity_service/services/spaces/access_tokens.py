"""Access tokens: short-lived stand-ins for a key, which no process has to remember."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from identity_service.errors import SecretsLocked, Unauthorised
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.vault import Vault
from identity_service.services.spaces.access import Access, Caller, Role, hash_key

LIFETIME_S: Final = 28_800
"""Seconds for which a token is good."""

_OWNER: Final = "access tokens/"
"""What a token is sealed for. No source, whose secrets are sealed too, has a slash in its name."""


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Gives tokens for keys, and knows who holds one.

    A token is the hash of its key and the moment at which it ends, sealed with the key of the
    settings: any process can open it, and nobody else can make one. It ends with its key.
    """

    access: Access
    vault: Vault
    clock: Clock

    async def issue(self, space: str, key: str) -> str:
        """A token for a key with which the space can be read.

        Raises Unauthorised where it is none, SecretsLocked without a key to seal with, and
        Unavailable.
        """
        caller = await self.access.authenticate(key)
        scope = self.access.enter(caller, space)
        if scope is None or not scope.allows(Role.READER):
            raise Unauthorised("This is no key with which that space can be read.")
        ends_at = self.clock() + LIFETIME_S * 1000
        return self.vault.seal(f"{ends_at} {hash_key(key)}", _OWNER)

    async def holder(self, token: str | None) -> Caller | None:
        """Who holds a token; None for one that is over, was never given, or whose key is revoked.

        Raises Unavailable.
        """
        if not token:
            return None
        try:
            ends_at, _, key_hash = self.vault.open(token, _OWNER).partition(" ")
        except SecretsLocked:
            return None
        return await self.access.by_hash(key_hash) if self.clock() < int(ends_at) else None
