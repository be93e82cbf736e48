"""Segment's and RudderStack's tracking API: calls, batches of them and lines of them, as events.

A batch's context applies to each of its calls, key by key, and a call's own wins (Segment merges
the two). Calls are read one by one: a bad one becomes a Rejection and never fails its batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson

from identity_service.collect.body import as_object, decode_json
from identity_service.collect.content import content_digest, digest_of, digest_of_rejected
from identity_service.collect.identifiers import identifier_text, read_identifiers
from identity_service.collect.lines import MAX_LINE
from identity_service.collect.proofs import read_proof, without_hash
from identity_service.collect.refused import (
    MAX_KEPT_BODY,
    Refused,
    kept_body,
    kept_text,
    without_key,
)
from identity_service.collect.times import (
    MAX_AHEAD_IN_FILE,
    MAX_CLOCK_ERROR,
    event_time,
    sent_time,
    stated_time,
)
from identity_service.domain.events import Rejection, RejectionCode, ReportedEvent
from identity_service.domain.identifiers import (
    CONTROL_CHARACTER,
    MAX_VALUE_BYTES,
    Identifier,
)
from identity_service.domain.policies.normalise import cleaned
from identity_service.domain.policies.placeholders import names_nobody
from identity_service.domain.traits import MAX_TRAITS_OF_EVENT
from identity_service.domain.upstream import Notice
from identity_service.errors import BadInput, TooLarge

MAX_BATCH = 10_000
"""Most events of a batch that are taken; the others are rejected, one by one."""

MAX_BATCH_ELEMENTS = 100_000
"""Longest batch that is looked at: beyond it even the rejections would be a flood."""

MAX_EVENT_BYTES = 4 * 1024 * 1024
"""Largest event: all the JSON that is stored of it."""

MAX_REQUEST_BYTES = 128 * 1024 * 1024
"""Most JSON that one request may store, where its context counts for each of its events."""

MAX_MESSAGE_ID = 256
"""Longest message id that is kept as it is, in characters; a longer one is hashed."""

MAX_NAME = 1_024
"""Longest event name, in characters; the rest of a longer one stands in the context only."""

MAX_NESTING = 200
"""Deepest nesting of an event: below the 254 levels that orjson writes, with room to wrap it."""

_WRAPPED = 254 - MAX_NESTING


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where a kind of call carries its name and what it reports."""

    carries: str = "properties"
    name_key: str | None = None


_KINDS = {
    "track": _Kind(name_key="event"),
    "identify": _Kind(carries="traits"),
    "page": _Kind(name_key="name"),
    "screen": _Kind(name_key="name"),
    "group": _Kind(carries="traits"),
    "alias": _Kind(),
    "merge": _Kind(),
}


class _NamesNobody(Refused):
    """An event that was read, and names nobody."""

    def __init__(self, message: str, event: ReportedEvent) -> None:
        super().__init__(RejectionCode.NO_IDENTIFIER, message)
        self.event = event


@dataclass(frozen=True, slots=True)
class Collected:
    """What one request brought: events and rejections, together as many as it held calls, and
    what its sender says that other systems did to their records.
    """

    events: tuple[ReportedEvent, ...]
    rejections: tuple[Rejection, ...]
    notices: tuple[Notice, ...] = ()


@dataclass(slots=True)
class _Envelope:
    """What is known of all calls of a request or a file, and the room that is left for them.

    `new_id` names a call that nothing else can tell from another. `sent_at` is what the batch
    says, as sent, and `sent_at_ms` the time that it means. `context_bytes`: the JSON of the batch's
    context. `is_sent` is False for the lines of a file, whose `sentAt` has nothing to do with
    their receipt. `mixes_accounts`: the sender puts traits of an account among those of the
    person (`context.traits`) on every call that names it. `free_bytes` may still be stored.
    """

    received_at: int
    new_id: Callable[[], str]
    sent_at: object = None
    sent_at_ms: int | None = None
    context: Mapping[str, Any] | None = None
    context_bytes: int = 0
    is_sent: bool = True
    mixes_accounts: bool = False
    free_bytes: int = MAX_REQUEST_BYTES

    def make_room(self, size: int) -> None:
        """Take so many bytes of the room. Raises Refused for an event that finds none."""
        if size > self.free_bytes:
            raise Refused(
                RejectionCode.TOO_LARGE,
                f"The request holds more than {MAX_REQUEST_BYTES:,} bytes, its context counted for"
                " each event; this one is beyond them.",
            )
        self.free_bytes -= size


def read_batch(body: object, received_at: int, new_id: Callable[[], str]) -> Collected:
    """The calls in the `batch` of a body; each names its kind in `type`.

    `new_id` makes the message id of a call that has none, and no time of its own.
    Calls beyond `MAX_BATCH` are rejected as TOO_LARGE. Raises BadInput for a body that is not an
    object with a list `batch`, and TooLarge beyond `MAX_BATCH_ELEMENTS`.
    """
    batch_body = _require_object(body)
    listed = batch_body.get("batch")
    if not isinstance(listed, list):
        raise BadInput(
            "The body has no list “batch”.", remedy='Send {"batch": [{"type": "track", …}, …]}.'
        )
    listed = cast("list[object]", listed)
    if len(listed) > MAX_BATCH_ELEMENTS:
        raise TooLarge(
            f"The batch has {len(listed):,} events; at most {MAX_BATCH:,} are taken.",
            remedy="Send smaller batches.",
        )
    context = as_object(batch_body.get("context"))
    context_bytes = _json_bytes(context)
    if context_bytes is None:
        raise BadInput(
            f"The batch's context nests deeper than {MAX_NESTING} levels.",
            remedy="Send a flatter context.",
        )
    sent_at = batch_body.get("sentAt")
    envelope = _Envelope(received_at, new_id, sent_at, sent_time(sent_at), context, context_bytes)
    read = [_read(call, None, envelope, place) for place, call in enumerate(listed[:MAX_BATCH])]
    return Collected(
        events=tuple(one for one in read if isinstance(one, ReportedEvent)),
        rejections=(
            *(one for one in read if isinstance(one, Rejection)),
            *(
                _surplus(call, envelope, place)
                for place, call in enumerate(listed[MAX_BATCH:], MAX_BATCH)
            ),
        ),
    )


def read_call(
    kind: str,
    body: object,
    received_at: int,
    new_id: Callable[[], str],
    *,
    mixes_accounts: bool = False,
) -> Collected:
    """The one call of a route such as `/v1/track`, which decides the kind.

    `new_id` is as in `read_batch`. `mixes_accounts`, for Jitsu: where the call names an account,
    an e-mail address or phone number in `context.traits` may be the account's. Raises BadInput for
    a body that is not an object, and for a kind that does not exist.
    """
    if kind not in _KINDS:
        raise BadInput(f"There are no “{kind}” calls.", remedy=f"Send {', '.join(_KINDS)}.")
    envelope = _Envelope(received_at, new_id, mixes_accounts=mixes_accounts)
    one = _read(_require_object(body), kind, envelope)
    return Collected((one,), ()) if isinstance(one, ReportedEvent) else Collected((), (one,))


def read_again(
    body: object,
    sent_with: Mapping[str, Any],
    received_at: int,
    new_id: Callable[[], str],
) -> ReportedEvent | Rejection:
    """A call that was rejected, or what it was repaired to, as it would have been read at receipt.

    `sent_with` is that of its rejection, `received_at` the time of its first receipt, and `new_id`
    as in `read_batch`. Raises nothing.
    """
    envelope = _Envelope(
        received_at,
        new_id,
        sent_with.get("sentAt"),
        sent_time(sent_with.get("sentAt")),
        as_object(sent_with.get("context")),
        is_sent=not sent_with.get("isLine"),
        mixes_accounts=bool(sent_with.get("mixesAccounts")),
    )
    return _read(body, sent_with.get("type"), envelope, sent_with.get("place", 0))


def read_line(line: bytes, received_at: int, file: str, number: int) -> ReportedEvent | Rejection:
    """One line of a JSON-lines file: one call that names its kind in `type`. Raises nothing.

    It is read as `read_stored_call` says.
    """
    if len(line) > MAX_LINE:
        message = f"The line is longer than {MAX_LINE:,} bytes."
        return unreadable(RejectionCode.TOO_LARGE, message, line, file, number)
    try:
        call = decode_json(line)
    except BadInput as error:
        return unreadable(RejectionCode.NOT_JSON, error.message, line, file, number)
    return read_stored_call(call, line, received_at, file, number)


def read_stored_call(
    call: object, row: bytes, received_at: int, file: str, number: int
) -> ReportedEvent | Rejection:
    """A call that was made of a row of a file; it names its kind in `type`. Raises nothing.

    Without a message id it is known by its row, the name of the file and the row's number, so that
    a load can be repeated. Its time is not corrected: when a file is loaded says nothing of the
    clocks that wrote it.
    """

    def row_id() -> str:
        return _row_id(row, file, number)

    one = _read(call, None, _Envelope(received_at, row_id, is_sent=False), number)
    if isinstance(one, Rejection) and one.message_id is None:
        return replace(one, message_id=row_id())
    return one


def unreadable(code: RejectionCode, message: str, row: bytes, file: str, number: int) -> Rejection:
    """What is kept of a row of a file of which no call can be made."""
    sent_with = {"isLine": True, "place": number}
    row_id = _row_id(row, file, number)
    return Rejection(code, message, row_id, kept_text(row), sent_with=sent_with)


def _row_id(row: bytes, file: str, number: int) -> str:
    return f"line:{digest_of(orjson.dumps([file, number]) + row.strip())}"


def _read(
    call: object, kind: str | None, envelope: _Envelope, place: int = 0
) -> ReportedEvent | Rejection:
    if not isinstance(call, dict):
        message = "An event must be a JSON object."
        sent_with = _sent_with(kind, envelope, place)
        return _rejected(RejectionCode.NOT_AN_OBJECT, message, call, sent_with)
    call = cast("dict[str, Any]", call)
    try:
        size = _json_bytes(call)
        if size is None:
            raise Refused(
                RejectionCode.INVALID_FIELD,
                f"The event cannot be kept as JSON: it nests deeper than {MAX_NESTING} levels,"
                " or holds a number beyond 64 bits.",
            )
        return _event(call, size, kind or _kind_of(call), envelope, place)
    except Refused as refused:
        sent_with = _sent_with(kind, envelope, place)
        rejection = _rejected(refused.reason, refused.message, call, sent_with)
        event = refused.event if isinstance(refused, _NamesNobody) else None
        return replace(rejection, event=event)


def _event(
    call: dict[str, Any], size: int, kind: str, envelope: _Envelope, place: int
) -> ReportedEvent:
    shape = _KINDS[kind]
    carried = as_object(call.get(shape.carries))
    traits = carried if kind == "identify" else {}
    account_traits = carried if kind == "group" else {}
    sent_context = as_object(call.get("context"))
    context = {**envelope.context, **sent_context} if envelope.context else sent_context
    context_traits = as_object(context.get("traits"))
    size += envelope.context_bytes
    envelope.make_room(size)
    _check_size(size, traits, context_traits)
    stated = stated_time(call)
    digest = content_digest(call, kind, shape.carries, shape.name_key, context)
    message_id = _sent_message_id(call)
    if message_id is None:
        is_known_by_content = envelope.is_sent and stated is not None
        message_id = f"content:{digest}" if is_known_by_content else envelope.new_id()
    used: dict[str, Any] = {
        "type": kind,
        "messageId": message_id,
        "context": sent_context,
        shape.carries: carried,
    }
    name = None
    if shape.name_key:
        name = used[shape.name_key] = _name(call.get(shape.name_key))
    account_id = _account_id(call, context)
    identifiers: tuple[Identifier, ...] = ()
    nobody: Refused | None = None
    try:
        identifiers = read_identifiers(
            call,
            kind=kind,
            traits=traits,
            context=context,
            context_traits={} if account_id and envelope.mixes_accounts else context_traits,
            account_traits=account_traits,
        )
    except Refused as refused:
        if refused.reason is not RejectionCode.NO_IDENTIFIER:
            raise
        nobody = refused
    event = ReportedEvent(
        message_id=message_id,
        type=kind,
        name=name,
        at=event_time(
            stated,
            _sent_at(call, envelope),
            envelope.received_at,
            MAX_CLOCK_ERROR if envelope.is_sent else MAX_AHEAD_IN_FILE,
        ),
        identifiers=identifiers,
        properties=carried,
        context=_with_rest(without_hash(context), call, used, envelope.sent_at),
        traits=traits,
        context_traits=context_traits,
        account_id=account_id,
        account_traits=account_traits,
        digest=digest,
        place=place,
        size=size,
        proof=read_proof(identifiers, context),
    )
    if nobody is not None:
        raise _NamesNobody(nobody.message, event)
    return event


def _sent_at(call: Mapping[str, Any], envelope: _Envelope) -> int | None:
    """When the call was sent, by the clock that wrote its time; None if nothing says so.

    What another collector received before (`receivedAt`) was corrected there.
    """
    if not envelope.is_sent or call.get("receivedAt"):
        return None
    sent_at = sent_time(call.get("sentAt"))
    return envelope.sent_at_ms if sent_at is None else sent_at


def _with_rest(
    context: Mapping[str, Any], call: dict[str, Any], used: Mapping[str, Any], sent_at: object
) -> Mapping[str, Any]:
    """The context and, beside its keys, whatever of the call the event does not tell elsewhere.

    With the `sent_at` of its batch, if it has none of its own: what corrected its time is kept.
    A key of the call that the context has too gets underscores in front until it is free.
    """
    rest = without_key(call)
    if sent_at is not None and rest.get("sentAt") is None:
        rest["sentAt"] = sent_at
    for key, value in used.items():
        if key in rest and rest[key] == value:
            del rest[key]
    if not rest.keys().isdisjoint(context):
        rest = {_free_key(key, context): value for key, value in rest.items()}
    return {**context, **rest}


def _free_key(key: str, taken: Mapping[str, Any]) -> str:
    while key in taken:
        key = f"_{key}"
    return key


def _kind_of(call: dict[str, Any]) -> str:
    kind = call.get("type")
    if isinstance(kind, str) and kind in _KINDS:
        return kind
    shown = f"{kind[:40]!r}" if isinstance(kind, str) else "missing"
    raise Refused(
        RejectionCode.INVALID_FIELD, f"type is {shown}; it must be one of {', '.join(_KINDS)}."
    )


def _sent_message_id(call: dict[str, Any]) -> str | None:
    """The message id as sent; its hash where it is too long or unprintable; None without one."""
    value = call.get("messageId")
    if isinstance(value, str):
        is_plain = value.isprintable() or not CONTROL_CHARACTER.search(value)
        if len(value) > MAX_MESSAGE_ID or not is_plain:
            return _hash(value.encode("utf-8", "surrogatepass"))
        return value or None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return repr(value) if is_number else None


def _hash(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _name(value: object) -> str | None:
    """A name of at most `MAX_NAME` characters, without control characters; None if it is none."""
    if not isinstance(value, str):
        return None
    if len(value) <= MAX_NAME and value.isprintable():
        return value or None
    return CONTROL_CHARACTER.sub(" ", value[:MAX_NAME]).strip() or None


def _account_id(call: dict[str, Any], context: Mapping[str, Any]) -> str | None:
    """The account that the call or its context names; Jitsu names it on every later call."""
    if "groupId" not in call and "groupId" not in context:
        return None
    return _account_name(call.get("groupId")) or _account_name(context.get("groupId"))


def _account_name(value: object) -> str | None:
    """The id of an account; None for a placeholder and for what no identifier may be."""
    text = identifier_text(value)
    if text is None or len(text.encode("utf-8", "surrogatepass")) > MAX_VALUE_BYTES:
        return None
    text = cleaned(text)
    return None if names_nobody(text) or CONTROL_CHARACTER.search(text) else text


def _surplus(call: object, envelope: _Envelope, place: int) -> Rejection:
    message = f"The batch has more than {MAX_BATCH:,} events; this one is beyond them."
    sent_with = _sent_with(None, envelope, place)
    return _rejected(RejectionCode.TOO_LARGE, message, call, sent_with)


def _sent_with(kind: str | None, envelope: _Envelope, place: int) -> Mapping[str, Any]:
    """What `read_again` takes beside the body; a context that is too long is left out."""
    context = envelope.context if envelope.context_bytes <= MAX_KEPT_BODY else None
    found = {
        "type": kind,
        "sentAt": envelope.sent_at if envelope.sent_at_ms is not None else None,
        "context": without_hash(context) if context else None,
        "place": place or None,
        "mixesAccounts": envelope.mixes_accounts or None,
        "isLine": None if envelope.is_sent else True,
    }
    return {name: value for name, value in found.items() if value is not None}


def _rejected(
    code: RejectionCode, message: str, call: object, sent_with: Mapping[str, Any]
) -> Rejection:
    is_object = isinstance(call, dict)
    message_id = _sent_message_id(cast("dict[str, Any]", call)) if is_object else None
    body = kept_body(call)
    return Rejection(code, message, message_id, body, digest_of_rejected(body), sent_with)


def _require_object(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadInput("The body is not a JSON object.", remedy="Send a JSON object.")
    return cast("dict[str, Any]", body)


def _check_size(size: int, traits: Mapping[str, Any], context_traits: Mapping[str, Any]) -> None:
    """Raises Refused for an event that is too large; `size`: the JSON of call and context.

    Traits are stored once more beside the properties and the context that they came in.
    """
    if len(traits) + len(context_traits) > MAX_TRAITS_OF_EVENT:
        number = len(traits.keys() | context_traits.keys())
        if number > MAX_TRAITS_OF_EVENT:
            raise Refused(
                RejectionCode.TOO_LARGE,
                f"The event has {number:,} traits; at most {MAX_TRAITS_OF_EVENT:,} are taken.",
            )
    if 2 * size > MAX_EVENT_BYTES:
        stored = size + (_json_bytes(traits) or 0) + (_json_bytes(context_traits) or 0)
        if stored > MAX_EVENT_BYTES:
            raise Refused(
                RejectionCode.TOO_LARGE,
                f"The event would take {stored:,} bytes, its traits and the context of its batch"
                f" included; at most {MAX_EVENT_BYTES:,} are kept.",
            )


def _json_bytes(value: object) -> int | None:
    """How long the value is as JSON; None if it cannot be written or nests beyond `MAX_NESTING`."""
    try:
        encoded = orjson.dumps(value)
        if encoded.count(b"{") + encoded.count(b"[") > MAX_NESTING:
            _check_nesting(value)
    except TypeError:
        return None
    return len(encoded)


def _check_nesting(value: object) -> None:
    """Raises TypeError beyond `MAX_NESTING`.

    orjson is asked, since only it is fast enough: with the value in so many lists that its own
    bound becomes ours.
    """
    for _ in range(_WRAPPED):
        value = [value]
    orjson.dumps(value)
