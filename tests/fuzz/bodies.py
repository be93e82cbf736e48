"""Bodies of the tracking API: what SDKs really sent, then mutated as values and as bytes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from hypothesis import strategies as st

from identity_service.collect.segment import Collected, read_batch, read_call

RECORDINGS: Final = Path(__file__).parents[1] / "clients" / "recordings"
CORPUS: Final = Path(__file__).parent / "corpus" / "bodies"
FOUND_FAULTS: Final = {path.name: path.read_bytes() for path in sorted(CORPUS.iterdir())}
"""Bodies that once stopped, slowed or misled the service."""

NOW: Final = 1_795_000_000_000
MAX_MUTATIONS: Final = 4

KINDS: Final = {
    name: kind
    for kind in ("track", "identify", "page", "screen", "group", "alias", "merge")
    for name in ((kind,) if kind == "merge" else (kind, kind[0]))
}
"""The kind of call that each route takes, by the route's name; all others take batches."""

Steps = tuple[str | int, ...]
"""The way to a value inside another: keys and places."""


class Sent(NamedTuple):
    """A request to a route `/v1/NAME`."""

    route: str
    body: bytes

    def read(self, body: object, new_id: Callable[[], str]) -> Collected:
        """What the route makes of a decoded body. Raises BadInput and TooLarge."""
        if self.route in KINDS:
            return read_call(KINDS[self.route], body, NOW, new_id)
        return read_batch(body, NOW, new_id)


def _recorded() -> Iterator[tuple[str, Any]]:
    for path in sorted(RECORDINGS.glob("*.json")):
        for request in json.loads(path.read_text(encoding="utf-8"))["requests"]:
            route = request["path"].rsplit("/", 1)[1]
            if request["method"] == "POST" and (route in KINDS or route in ("b", "batch")):
                yield route, request["body"]


RECORDED: Final = tuple(_recorded())

_WORDS: Final = sorted(
    {
        "type", "event", "name", "userId", "anonymousId", "previousId", "groupId", "messageId",
        "timestamp", "originalTimestamp", "sentAt", "receivedAt", "context", "traits",
        "properties", "batch", "writeKey", "externalIds", "email", "phone", "device", "id",
        "advertisingId", "userHash", "integrations", "__proto__", "", "\x00",
    }
)  # fmt: skip

JUNK: Final[st.SearchStrategy[Any]] = st.one_of(
    st.sampled_from(
        [
            None, True, 0, -1, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**400, 1e308, 5e-324,
            float("nan"), float("inf"), float("-inf"), "", " ", "null", "[object Object]", "\x00",
            "\x1b[2J", "\ud83d", "\udc00x", "\u202e", "\ufeff", "x" * 2_000, "a@b.c", "A@B.C",
            "0001-01-01", "9999-12-31T23:59:59Z", "2026-02-30T25:61:61Z", [], {}, [[]], [None],
            {"": {}}, [{"id": [], "type": {}}], {"id": "1", "type": "x", "collection": "users"},
        ]
    ),
    st.text(max_size=30),
    st.integers(),
    st.floats(),
)  # fmt: skip


def _places(value: object, way: Steps = ()) -> Iterator[Steps]:
    yield way
    if isinstance(value, dict):
        for key, each in cast("Mapping[str, object]", value).items():
            yield from _places(each, (*way, key))
    elif isinstance(value, list):
        for place, each in enumerate(cast("list[object]", value)):
            yield from _places(each, (*way, place))


def _at(value: Any, way: Steps) -> Any:
    for step in way:
        value = value[step]
    return value


def _with(value: Any, way: Steps, new: Any) -> Any:
    """The value with another one at the end of the way; nothing of the old value is changed."""
    if not way:
        return new
    changed = value.copy()
    changed[way[0]] = _with(value[way[0]], way[1:], new)
    return changed


def _without(value: Any, way: Steps) -> Any:
    parent = _at(value, way[:-1]).copy()
    del parent[way[-1]]
    return _with(value, way[:-1], parent)


def _twice(value: Any, way: Steps, key: str) -> Any:
    """The value at the end of the way stands in its list once more, or under another key too."""
    parent = _at(value, way[:-1]).copy()
    if isinstance(parent, list):
        cast("list[Any]", parent).append(_at(value, way))
    else:
        parent[key] = _at(value, way)
    return _with(value, way[:-1], parent)


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """The value with up to `MAX_MUTATIONS` of its parts dropped, doubled, retyped or nested."""
    for _ in range(draw(st.integers(0, MAX_MUTATIONS))):
        way = draw(st.sampled_from(list(_places(value))))
        action = draw(st.sampled_from(("drop", "double", "retype", "move", "nest")))
        if action == "retype" or (not way and action != "nest"):
            value = _with(value, way, draw(JUNK))
        elif action == "drop":
            value = _without(value, way)
        elif action == "double":
            value = _twice(value, way, draw(st.sampled_from(_WORDS)))
        elif action == "move":
            elsewhere = draw(st.sampled_from(list(_places(value))))
            value = _with(value, way, _at(value, elsewhere))
        else:
            nested = _at(value, way)
            for _ in range(draw(st.sampled_from((1, 2, 198, 199, 200, 201, 255, 300)))):
                nested = [nested]
            value = _with(value, way, nested)
    return value


@st.composite
def damaged(draw: st.DrawFn, raw: bytes) -> bytes:
    """Mostly the bytes as they are; else cut, overwritten, added to, or put out of place."""
    damage = draw(st.sampled_from(("none",) * 4 + ("cut", "overwrite", "insert", "prefix", "end")))
    place = draw(st.integers(0, len(raw)))
    extra = draw(
        st.binary(min_size=1, max_size=8)
        | st.sampled_from([b"\xed\xa0\x80", b"[" * 5_000, b"\\ud800", b"\x00", b"NaN", b"1e999"])
    )
    match damage:
        case "cut":
            return raw[:place]
        case "overwrite":
            return raw[:place] + extra + raw[place + len(extra) :]
        case "insert":
            return raw[:place] + extra + raw[place:]
        case "prefix":
            return draw(st.sampled_from([b"\xef\xbb\xbf", b"\x1f\x8b", b" \n"])) + raw
        case "end":
            return raw + extra
        case _:
            return raw


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    """A recorded request, mutated, written as some sender would, packed, and damaged."""
    route, body = draw(st.sampled_from(RECORDED))
    if draw(st.booleans()):
        route = draw(st.sampled_from(("b", "batch", *KINDS)))
        if route in ("b", "batch") and "batch" not in body:
            body = {"batch": [body, body]}
    text = json.dumps(draw(mutated(body)), ensure_ascii=draw(st.booleans()))
    raw = draw(damaged(text.encode("utf-8", "surrogatepass")))
    if draw(st.booleans()):
        raw = draw(damaged(gzip.compress(raw, mtime=0)))
    return Sent(route, raw)
