from __future__ import annotations

import contextlib
import gzip
import json
import os
import zlib
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.collect.body import (
    MAX_CONTAINERS,
    MAX_ESCAPES,
    MAX_UNKNOWN_BYTES,
    MAX_UNKNOWN_LARGE_BYTES,
    MAX_UNPACKED_BYTES,
    MAX_VALUES,
    MAX_WIRE_BYTES,
    beginning,
    decode_body,
    decode_json,
    end,
    unpack_body,
)
from identity_service.errors import BadInput, TooLarge


def test_json_is_read() -> None:
    assert decode_body(b' {"a": [1, 2.5, true, null, "\xc3\xa9"]} ') == {
        "a": [1, 2.5, True, None, "é"]
    }


def test_gzip_is_told_by_its_first_bytes() -> None:
    assert decode_body(gzip.compress(b'{"a":1}')) == {"a": 1}


@pytest.mark.parametrize("level", range(10))
def test_zlib_is_told_by_its_first_bytes(level: int) -> None:
    assert decode_body(zlib.compress(b'{"a":1}', level)) == {"a": 1}


def test_a_body_over_ten_megabytes_is_too_large() -> None:
    with pytest.raises(TooLarge, match="10,485,761 bytes"):
        decode_body(b" " * (MAX_WIRE_BYTES + 1))


def test_a_zip_bomb_is_refused_while_unpacking() -> None:
    bomb = gzip.compress(b"0" * (MAX_UNPACKED_BYTES + 1))
    assert len(bomb) < 100_000

    with pytest.raises(TooLarge, match="unpacks to more than"):
        decode_body(bomb)


def test_a_gzip_stream_of_many_pieces_is_unpacked_whole() -> None:
    text = os.urandom(3_000_000)

    assert unpack_body(gzip.compress(text + text, compresslevel=1)) == text + text


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("dense", "most", "said"),
    [
        (b"[],", MAX_CONTAINERS, "500,000 lists and objects"),
        (b'{"":0},', MAX_CONTAINERS, "500,000 lists and objects"),
        (b"NaN,", MAX_VALUES, "1,000,000 values"),
        (b'"a",', MAX_VALUES, "1,000,000 values"),
        (b"1.5,", MAX_VALUES, "1,000,000 values"),
    ],
)
def test_what_would_be_huge_once_it_is_read_is_not_read(
    pack: Callable[[bytes], bytes], dense: bytes, most: int, said: str
) -> None:
    most_allowed = b"[" + dense * (most - 1) + b"0]"
    too_much = b"[" + dense * (most + 1) + b"0]"

    assert unpack_body(pack(most_allowed)) == most_allowed
    with pytest.raises(TooLarge, match=said):
        unpack_body(pack(too_much))


def test_gzip_is_counted_while_it_is_unpacked() -> None:
    bomb = gzip.compress(b'{"batch":[' + b"[]," * 22_000_000 + b"0]}", compresslevel=1)

    # It would unpack to more than may be, but nobody waits for that.
    with pytest.raises(TooLarge, match="lists and objects"):
        decode_body(bomb)


def test_the_forgiving_reader_takes_a_limited_number_of_escapes() -> None:
    escapes = rb"\n" * MAX_ESCAPES

    assert decode_json(b'["' + escapes + b'"]') == ["\n" * MAX_ESCAPES]
    with pytest.raises(TooLarge, match="1,000,000 escapes"):
        decode_json(b'[NaN, "\\t' + escapes + b'"]')


@pytest.mark.parametrize("length", [0, 1, MAX_UNKNOWN_BYTES, MAX_UNKNOWN_BYTES + 1])
def test_the_beginning_of_a_body_is_all_of_a_short_one(length: int) -> None:
    text = b"x" * length

    assert beginning(text) == text
    assert beginning(gzip.compress(text)) == text


def test_the_beginning_of_a_long_body_ends_one_byte_after_what_is_looked_at() -> None:
    text = b"x" * 5_000_000

    assert beginning(text) == text[: MAX_UNKNOWN_BYTES + 1]
    assert beginning(gzip.compress(text)) == text[: MAX_UNKNOWN_BYTES + 1]
    assert beginning(gzip.compress(text)[:1000]) == text[: MAX_UNKNOWN_BYTES + 1]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zlib.compress])
@pytest.mark.parametrize("length", [0, 1, MAX_UNKNOWN_BYTES, MAX_UNKNOWN_BYTES + 1, 3_000_000])
def test_the_end_of_a_body_is_its_last_bytes_unpacked(
    pack: Callable[[bytes], bytes], length: int
) -> None:
    text = os.urandom(length)

    assert end(pack(text)) == text[-MAX_UNKNOWN_BYTES:]


def test_to_find_its_end_no_more_is_unpacked_than_may_be_sent() -> None:
    with pytest.raises(TooLarge, match="unpacks to more than"):
        end(gzip.compress(b"0" * (MAX_UNKNOWN_LARGE_BYTES + 1)))


def test_the_end_of_what_cannot_be_unpacked_is_bad_input() -> None:
    with pytest.raises(BadInput):
        end(gzip.compress(b"0" * 100_000)[:-8])


def test_a_beginning_that_is_not_gzip_is_bad_input() -> None:
    with pytest.raises(BadInput, match="cannot be unpacked"):
        beginning(b"\x1f\x8bnot gzip at all")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (gzip.compress(b'{"a":1}')[:-5], "ends too early"),
        (gzip.compress(b'{"a":1}') + b"more", "goes on after its end"),
        (b"\x1f\x8bnot gzip at all", "cannot be unpacked"),
    ],
    ids=["ends", "goes on", "no gzip"],
)
def test_broken_gzip_is_bad_input(raw: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        decode_body(raw)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_number_that_json_does_not_know_is_null(constant: str) -> None:
    assert decode_body(f'{{"a": {constant}, "b": 1.5}}'.encode()) == {"a": None, "b": 1.5}


def test_half_a_surrogate_pair_becomes_the_replacement_character_in_keys_too() -> None:
    raw = rb'{"\ud83d": ["a\uDE00b", "\ud83d\ude00", "\\ud83d", "\ud83d\u0041"]}'

    decoded = decode_body(raw)

    assert decoded == {"\ufffd": ["a\ufffdb", "😀", "\\ud83d", "\ufffdA"]}


@pytest.mark.parametrize(
    "digits",
    ["18446744073709551616", "-9223372036854775809", "123456789012345678901234567890", "9" * 5_000],
)
def test_an_integer_beyond_64_bits_keeps_every_digit_as_text(digits: str) -> None:
    assert decode_body(f'{{"a":[1,{digits}]}}'.encode()) == {"a": [1, digits]}
    assert decode_body(digits.encode()) == digits


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 1_795_293_474_441_000_000])
def test_an_integer_of_64_bits_stays_a_number(number: int) -> None:
    assert decode_body(b'{"a":%d}' % number) == {"a": number}
    assert decode_body(b'{"a":NaN,"b":%d}' % number) == {"a": None, "b": number}


def test_a_byte_order_mark_is_skipped() -> None:
    assert decode_body(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_what_is_not_utf_8_is_named_by_the_position_of_its_byte() -> None:
    with pytest.raises(BadInput, match=r"byte 6 is 0xff"):
        decode_body(b'{"a":"\xff"}')


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b'{"a":1,}', "at character 7 "),
        (b'{"a":1} x', "at character 8 "),
        (b"writeKey=k&data=e30", "at character 0 "),
        (b'"a\x00b"', "control character"),
    ],
)
def test_what_is_not_json_is_named_by_its_position(raw: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        decode_body(raw)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_endless_nesting_is_bad_input(opening: bytes) -> None:
    with pytest.raises(BadInput, match="too deeply"):
        decode_body(opening * 100_000)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_bad_input(raw: bytes) -> None:
    for candidate in (raw, b"\x1f\x8b" + raw, gzip.compress(raw, mtime=0)):
        with contextlib.suppress(BadInput):
            decode_body(candidate)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip


@given(JSON, st.booleans())
def test_the_forgiving_reader_reads_json_as_the_strict_one_does(
    value: object, ascii_: bool
) -> None:
    plain = json.dumps(value, ensure_ascii=ascii_).encode()
    forgiving = b"[" + plain + b",NaN]"

    assert decode_json(plain) == orjson.loads(plain)
    assert decode_json(forgiving) == [orjson.loads(plain), None]


@given(JSON)
def test_whatever_is_read_can_be_written_again(value: object) -> None:
    decoded = decode_json(json.dumps([value, 10**30, float("nan")]).encode() + b" ")

    assert orjson.loads(orjson.dumps(decoded)) == decoded
