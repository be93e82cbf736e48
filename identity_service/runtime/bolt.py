"""Just enough of the Bolt protocol to see that a server answers, to log in and to warm it up.

The driver belongs to the graph layer; this is what has to be known before there is one.
Bytes as in the Bolt specification: handshake, PackStream, messages of version 5.0.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from typing import Final, TypeAlias

Login: TypeAlias = tuple[str, str]
"""A user and a password."""

MAGIC: Final = b"\x60\x60\xb0\x17"
VERSION_5_0: Final = b"\x00\x00\x00\x05"
HELLO: Final = b"\xb1\x01"
RUN: Final = b"\xb3\x10"
PULL_ALL: Final = b"\xb1\x3f\xa1\x81n\xff"
SUCCESS: Final = 0x70
RECORD: Final = 0x71


def answers(port: int, timeout: float = 1.0) -> bool:
    """Whether a Bolt server on this loopback port agrees to talk."""
    try:
        with _connect(port, timeout):
            return True
    except OSError:
        return False


def admits(port: int, login: Login) -> bool:
    """Whether the server on this port lets the user in; one without authentication lets all in."""
    try:
        with _connect(port, timeout=60.0) as connection:
            _log_in(connection, login)
    except OSError:
        return False
    return True


def run(
    port: int,
    login: Login,
    *statements: str,
    parameters: Mapping[str, str] | None = None,
    database: str = "neo4j",
) -> None:
    """Run statements, with the same parameters for each, and drop the results.

    Raises OSError when the server refuses one, or the login.
    """
    given = _map(parameters or {}) + _map({"db": database})
    with _connect(port, timeout=60.0) as connection:
        _log_in(connection, login)
        for statement in statements:
            _send(connection, RUN + _text(statement) + given)
            _send(connection, PULL_ALL)


def _log_in(connection: socket.socket, login: Login) -> None:
    user, password = login
    greeting = {"user_agent": "identity-service", "scheme": "basic"}
    _send(connection, HELLO + _map({**greeting, "principal": user, "credentials": password}))


def _map(entries: Mapping[str, str]) -> bytes:
    """A map of at most 15 texts."""
    packed = (_text(name) + _text(value) for name, value in entries.items())
    return bytes([0xA0 + len(entries)]) + b"".join(packed)


def _text(text: str) -> bytes:
    raw = text.encode()
    return b"\xd1" + struct.pack(">H", len(raw)) + raw


def _connect(port: int, timeout: float) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout)
    try:
        connection.sendall(MAGIC + VERSION_5_0 + bytes(12))
        if _read(connection, 4) != VERSION_5_0:
            raise ConnectionError(f"port {port} does not speak Bolt 5.0")
    except OSError:
        connection.close()
        raise
    return connection


def _send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(struct.pack(">H", len(message)) + message + b"\x00\x00")
    while (kind := _read_message(connection)[1]) == RECORD:
        pass
    if kind != SUCCESS:
        raise ConnectionError(f"the server answered {kind:#x}")


def _read_message(connection: socket.socket) -> bytes:
    message = b""
    while size := struct.unpack(">H", _read(connection, 2))[0]:
        message += _read(connection, size)
    return message


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("the server closed the connection")
        data += part
    return data
