"""Search by coverage with Atheris, for as long as you like; the suite does not run it.

    pip install atheris
    python -m tests.fuzz.by_hand bodies -runs=100000

`bodies`, `cursors` or `policies`, then options of libFuzzer. What fails is left as `crash-…` in the
current folder: put it into `tests/fuzz/corpus/`.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports(include=["identity_service"]):
    from identity_service.api.graphql.connections import decode_cursor, number_in, parse_global_id
    from identity_service.collect.body import decode_body
    from identity_service.collect.keys import first_key_in, keys_outside
    from identity_service.collect.segment import read_batch, read_call, read_line
    from identity_service.domain.policies.parse import parse_policy
    from identity_service.errors import BadInput
    from tests.fuzz import bodies, policies


def _as_batch(raw: bytes) -> None:
    read_batch(decode_body(raw), bodies.NOW, str)


def _as_call(raw: bytes) -> None:
    body = decode_body(raw)
    keys_outside({}, b"").write_key(body)
    read_call("identify", body, bodies.NOW, str)


def _as_line(raw: bytes) -> None:
    first_key_in(raw)
    read_line(raw, bodies.NOW, "events.jsonl", 1)


def _as_cursor(raw: bytes) -> None:
    cursor = raw.decode("utf-8", "replace")
    for number in decode_cursor("event", cursor, 4)[:3]:
        number_in(cursor, number)


def _as_node(raw: bytes) -> None:
    parse_global_id(raw.decode("utf-8", "replace"))


def _as_policy(raw: bytes) -> None:
    parse_policy(raw.decode("utf-8", "replace"))


READERS: Final[Mapping[str, Sequence[Callable[[bytes], None]]]] = {
    "bodies": (_as_batch, _as_call, _as_line),
    "cursors": (_as_cursor, _as_node),
    "policies": (_as_policy,),
}
SEEDS: Final = {"bodies": bodies.CORPUS, "policies": policies.CORPUS}


def main() -> None:
    """Fuzz what the first argument names until something fails."""
    name, *options = sys.argv[1:]

    def try_once(raw: bytes) -> None:
        for read in READERS[name]:
            with suppress(BadInput):
                read(raw)

    # libFuzzer writes every input that reaches something new into the first folder.
    with tempfile.TemporaryDirectory() as found:
        seeds = [str(SEEDS[name])] if name in SEEDS else []
        atheris.Setup([sys.argv[0], *options, found, *seeds], try_once)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
