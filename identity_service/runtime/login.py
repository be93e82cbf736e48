"""The password of a managed Neo4j: random, kept beside its data, for its owner's eyes only.

Without one, any web page that is open on this machine could read and write the database: Bolt
speaks WebSocket, and asks no page where it comes from.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from identity_service.errors import RuntimeFailed
from identity_service.runtime import bolt
from identity_service.runtime.files import replace_text

USER: Final = "neo4j"
LOGIN_FILE: Final = "password"

# Neo4j has a store begin with it, also one that never asked for a login; all that it opens is a
# change of password.
_INITIAL: Final = "neo4j"
_CHANGE: Final = "ALTER CURRENT USER SET PASSWORD FROM $old TO $new"


def new_password() -> str:
    """Of 144 random bits, in letters, digits, `_` and `-`."""
    return secrets.token_urlsafe(18)


def keep_password(home: Path, password: str) -> None:
    """Leave the password in the directory of the server that is to have it."""
    replace_text(home / LOGIN_FILE, password, mode=0o600)


def ensure_password(home: Path, port: int) -> str:
    """The password of the server in `home`, which answers at `port`; it gets one if it has none.

    Raises RuntimeFailed when somebody gave it another one.
    """
    password = _kept_password(home)
    if bolt.admits(port, (USER, password)):
        return password
    try:
        bolt.run(
            port,
            (USER, _INITIAL),
            _CHANGE,
            parameters={"old": _INITIAL, "new": password},
            database="system",
        )
    except OSError as error:
        raise RuntimeFailed(
            f"The managed Neo4j does not take the password in {home / LOGIN_FILE}.",
            remedy=f"Write the one that it was given for the user {USER} into that file.",
        ) from error
    return password


def _kept_password(home: Path) -> str:
    """The password in the directory, left there before a server gets it, so that none is lost."""
    try:
        return (home / LOGIN_FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        password = new_password()
        keep_password(home, password)
        return password
