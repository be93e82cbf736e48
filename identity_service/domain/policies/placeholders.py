"""Values that name nobody: what senders write where they know no identifier.

Words for "nothing", the names of the fields themselves, templates that nobody filled in, objects
written as text, and typed-in phone numbers.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache

import phonenumbers

BLOCKED_BY_DEFAULT = frozenset(
    {
        "",
        "null",
        "none",
        "nil",
        "undefined",
        "nan",
        "n/a",
        "anonymous",
        "guest",
        "unknown",
        "test",
        "not_authenticated",
        "not_set",
        "distinct_id",
        "distinctid",
        "id",
        "email",
        "user_id",
        "userid",
        "anonymous_id",
        "anonymousid",
        "previous_id",
        "previousid",
        "group_id",
        "groupid",
        "device_id",
        "deviceid",
        "external_id",
        "externalid",
        "customer_id",
        "customerid",
        "ajs_user_id",
        "ajs_anonymous_id",
        "true",
        "false",
        "0",
        "-1",
        "[object object]",
    }
)
"""Blocked for every type, in every spelling.

Case, quotes, brackets and repetition fall away; a hyphen or a space is as good as `_`.
"""

_QUOTES = " \t\r\n\"'`´‘’‚‛“”„‟«»‹›\u00a0"  # noqa: RUF001  (they are the quotes people use)
_BRACKETS = "()<>[]{}"
_BETWEEN_WORDS = re.compile(r"[\s,;|&+]+")
_JOINTS = re.compile(r"[\s-]")
_RUN_TOGETHER = re.compile(r"(?:null|undefined|none|nil|nan){2,}")
_ZEROS = "0-.:_ "

_OBJECT = re.compile(r"\[object\b.*\]|\{\s*[\"'].*|\{\s*\}|\[.*\]|\[[\"{\[].*", re.DOTALL)
_OPTIONAL = re.compile(r"(?:optional|some|just)\((.*)\)", re.DOTALL)
_TEMPLATE = re.compile(
    r"\{\{.*\}\}|\$\{.*\}|#\{.*\}|<%.*%>|\{%.*%\}|%%.*%%|%[a-z_][\w.-]*%|\{([a-z_$][\w.$ -]*)\}",
    re.DOTALL,
)
_NUMBERED = re.compile(r"(?=[^0-9]*[0-9])[\w.-]{3,}")
"""A word with a digit, as most identifiers are. The only placeholders with one, `0` and `-1`, are
shorter."""

_HEXADECIMAL = re.compile(r"[0-9a-f-]*[0-9][0-9a-f-]*")


def fold(value: str) -> str:
    """What spellings of a word have in common: case and wrapping quotes fall away."""
    return value.strip(_QUOTES).casefold()


def names_nobody(value: str) -> bool:
    """Whether a value, of whatever type, is a placeholder and no identifier."""
    folded = fold(value)
    if not folded.strip(_ZEROS):
        return True
    if _NUMBERED.fullmatch(folded) or (folded.isalnum() and len(folded) > _LONGEST_WORD):
        return False
    if _OBJECT.fullmatch(folded) or _is_template(folded):
        return True
    if inner := _OPTIONAL.fullmatch(folded):
        return names_nobody(inner[1])
    bare = folded.strip(_QUOTES + _BRACKETS)
    if {bare, _JOINTS.sub("_", bare)} & BLOCKED_BY_DEFAULT or _RUN_TOGETHER.fullmatch(bare):
        return True
    local, at, domain = bare.partition("@")
    if at:
        return names_nobody(local) and names_nobody(domain.partition(".")[0])
    words = _BETWEEN_WORDS.split(bare)
    return len(words) > 1 and all(word in BLOCKED_BY_DEFAULT for word in words)


def _is_template(folded: str) -> bool:
    found = _TEMPLATE.fullmatch(folded)
    # A GUID in braces is an identifier.
    return found is not None and not (found[1] and _HEXADECIMAL.fullmatch(found[1]))


_LONGEST_WORD = 2 * max(map(len, BLOCKED_BY_DEFAULT))

_UPWARDS = "01234567890123456789"
_DOWNWARDS = _UPWARDS[::-1]


@lru_cache(maxsize=16_384)
def is_typed_in_phone(number: str) -> bool:
    """Whether a normalised phone number is a run of digits that nobody has.

    One digit repeated, or digits counted up or down, also behind the code of a country.
    """
    digits = number.partition(";")[0]
    candidates = [digits.removeprefix("+")]
    if digits.startswith("+"):
        with suppress(phonenumbers.NumberParseException):
            candidates.append(str(phonenumbers.parse(digits, None).national_number))
    return any(len(set(text)) == 1 or text in _UPWARDS or text in _DOWNWARDS for text in candidates)
