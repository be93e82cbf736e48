"""Messages between a process of the service and the one that answers its large queries.

The service sends queries, each with a number: a JSON object. The same number without a query
cancels it. What comes back has the number of the query, its errors and its data, both as JSON, and
no bytes where there are none. A message of number 0 says that queries are taken.
"""

from __future__ import annotations

import asyncio
from struct import Struct
from typing import Final, NamedTuple

READY: Final = 0
"""The number of the first message that comes back."""

_HEAD: Final = Struct("!QII")


class Frame(NamedTuple):
    """One message: `text` is a query or the errors of an answer."""

    number: int
    text: bytes = b""
    data: bytes = b""


def write_frame(writer: asyncio.StreamWriter, frame: Frame) -> None:
    """Put a message into the buffer of a connection."""
    writer.write(_HEAD.pack(frame.number, len(frame.text), len(frame.data)))
    writer.write(frame.text)
    writer.write(frame.data)


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """The next message; None once the other process has ended."""
    try:
        number, text, data = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        return Frame(number, await reader.readexactly(text), await reader.readexactly(data))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
