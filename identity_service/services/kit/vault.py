"""Secrets that are kept in the database, encrypted with a key that is not there."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from identity_service.errors import SecretsLocked

_NONCE_BYTES: Final = 12
_REMEDY: Final = (
    "Set IDENTITY_SECRETS_KEY, to the same key in every process; `openssl rand -base64 32` makes"
    " one. Keep it apart from the database and its backups."
)


class Vault:
    """Encrypts with AES-256 in GCM. Each secret is bound to its owner: moved to another, it is
    not readable.
    """

    def __init__(self, key: SecretStr | None) -> None:
        """`key`: 32 bytes in base64, of either alphabet; None where none is set."""
        self._cipher = None if key is None else AESGCM(_decoded(key.get_secret_value()))

    def seal(self, secret: str, owner: str) -> str:
        """The secret encrypted, as text. Raises SecretsLocked."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._unlocked().encrypt(nonce, secret.encode(), owner.encode())
        return base64.b64encode(nonce + sealed).decode("ascii")

    def open(self, sealed: str, owner: str) -> str:
        """The secret that was sealed for that owner. Raises SecretsLocked."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            nonce, text = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            return self._unlocked().decrypt(nonce, text, owner.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise SecretsLocked(
                f"The secret of “{owner}” was encrypted with another key than that of"
                " IDENTITY_SECRETS_KEY.",
                remedy="Set the key that it was encrypted with, or give it a new secret.",
            ) from None

    def _unlocked(self) -> AESGCM:
        if self._cipher is None:
            raise SecretsLocked("There is no key for secrets.", remedy=_REMEDY)
        return self._cipher


def _decoded(key: str) -> bytes:
    standard = key.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(standard + "=")
