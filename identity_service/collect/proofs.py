"""Proofs: that the team's own server vouches for the user id of an event.

The server makes the HMAC-SHA256 of the user id with the secret of the source, and the page sends
it along, as with the identity verification of Intercom or Gainsight.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from identity_service.domain.events import ReportedEvent, UserProof
from identity_service.domain.identifiers import Identifier

HASH_KEYS = ("userHash", "user_hash")
"""Where in the context of a call the HMAC stands."""


def read_proof(identifiers: Iterable[Identifier], context: Mapping[str, Any]) -> UserProof | None:
    """What a call says of its user id; None without a hash, and without exactly one user id."""
    if context.keys().isdisjoint(HASH_KEYS):
        return None
    sent = next(context[key] for key in HASH_KEYS if key in context)
    user_ids = [identifier.value for identifier in identifiers if identifier.type == "user_id"]
    if not isinstance(sent, str) or len(user_ids) != 1:
        return None
    return UserProof(user_ids[0], sent)


def without_hash(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """The context without the hash: whoever reads it could send it, and be that user."""
    if context.keys().isdisjoint(HASH_KEYS):
        return context
    return {key: value for key, value in context.items() if key not in HASH_KEYS}


def is_proven(event: ReportedEvent, secret: str | None) -> bool:
    """Whether the event carries the HMAC of its user id with the secret of its source.

    The hash is hexadecimal, in upper or lower case. Nothing is proven without a secret.
    """
    if event.proof is None or secret is None:
        return False
    user_id = event.proof.user_id.encode("utf-8", "surrogatepass")
    right = hmac.new(secret.encode(), user_id, hashlib.sha256).hexdigest()
    sent = event.proof.user_hash.strip().lower()
    return hmac.compare_digest(right.encode(), sent.encode("utf-8", "surrogatepass"))
