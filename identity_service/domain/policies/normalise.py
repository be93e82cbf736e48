"""One spelling for one thing: how a policy's `normalise` brings values together.

Every function takes a trimmed value and answers its one spelling, or None when the value is
nothing of the kind. Applied to its own answer, each gives that answer again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import unquote

import phonenumbers

from identity_service.domain.identifiers import CONTROL_CHARACTER
from identity_service.domain.policies.policy import Normaliser

MIN_PHONE_DIGITS = 5
MAX_PHONE_DIGITS = 15
"""Most digits of a phone number."""

# Zero width characters, the soft hyphen, marks of direction, the byte order mark.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)
_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_QUOTED = re.compile(r"""(\\?["'])(.*)\1""", re.DOTALL)
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+\.0+")

_EMAIL = re.compile(r"[^\s@<>,;:()\[\]]+@[^\s@<>,;:()\[\].]+(?:\.[^\s@<>,;:()\[\].]+)*")
_PHONE = re.compile(r"[0-9\s()\[\]/.\u2010-\u2015\u2212-]+")
_LONGEST_KEPT = 64
"""Characters of a phone number whose reading is kept. Senders choose the values: 16,384 long ones
would take a hundred megabytes."""

_EXTENSION = re.compile(r"(?:;ext=|ext\.?|extension|x|#)\s*([0-9]{1,7})$", re.IGNORECASE)


def cleaned(value: str) -> str:
    """A value without what transport and spreadsheets put around it, whatever its type.

    White space around it and invisible characters go; a value in quotes, percent-encoded or not,
    is what it quotes, as cookies are; a whole number written as `123.0` is `123`. Applied to its
    own answer it gives that answer again.
    """
    while True:
        before = value
        if not value.isascii():
            value = _INVISIBLE.sub("", value)
        value = value.strip()
        if quoted := _QUOTED.fullmatch(value):
            value = quoted[2]
        if "%" in value:
            value = _percent_decoded(value)
        if value.endswith("0") and _WHOLE_NUMBER.fullmatch(value):
            value = value.partition(".")[0]
        if value == before:
            return value


def _percent_decoded(value: str) -> str:
    """What a percent-encoded value stands for; the value itself where that is no plain text."""
    if not _ENCODED.fullmatch(value):
        return value
    try:
        decoded = unquote(value, errors="strict")
    except UnicodeDecodeError:
        return value
    return value if CONTROL_CHARACTER.search(decoded) else decoded


def normalise_email(value: str) -> str | None:
    """The address in lower case, without `mailto:` and angle brackets; None if it is no address.

    The whole address is lowered, as everyone in the field does. Dots and `+tags` stay: that
    they name the same mailbox is one provider's custom, not a rule. Letters outside ASCII are
    compared in NFKC; a domain in punycode stays as it is.
    """
    address = value.strip().lower()
    if address.isascii() and _EMAIL.fullmatch(address):
        return address
    address = address.removeprefix("<").removesuffix(">").removeprefix("mailto:").strip()
    if not address.isascii():
        address = _plain_unicode_email(address)
    address = address.removesuffix(".")
    return address if _EMAIL.fullmatch(address) else None


def _plain_unicode_email(address: str) -> str:
    # Lowering can undo a composition, and composing can bring a capital: some rounds settle it.
    for _ in range(3):
        address = unicodedata.normalize("NFKC", address).lower().strip()
    return address


def normalise_phone(value: str, region: str | None = None) -> str | None:
    """The number in E.164, `+442079460000`, when its country is known; else its bare digits.

    International numbers begin with `+` or `00`. A number without either is one of `region`
    (ISO 3166, `NL`); where nobody named a region it stays national, as bare digits: to guess its
    country would join strangers. An extension is kept, `;ext=12`,
    since colleagues share a switchboard. None with letters other than vanity digits of an
    international number, or with fewer than 5 or more than 15 digits.
    """
    if len(value) > _LONGEST_KEPT:
        return _normalise_phone(value, region)
    return _normalise_phone_once(value, region)


@lru_cache(maxsize=16_384)
def _normalise_phone_once(value: str, region: str | None) -> str | None:
    return _normalise_phone(value, region)


def _normalise_phone(value: str, region: str | None) -> str | None:
    text = unicodedata.normalize("NFKC", value).strip()
    text = phonenumbers.normalize_digits_only(text, keep_non_digits=True)
    if text[:4].lower() == "tel:":
        text = text[4:].strip()
    extension = ""
    if found := _EXTENSION.search(text):
        extension = f";ext={found[1]}"
        text = text[: found.start()]
    if text.startswith(("+", "00")):
        number = _international(text)
    else:
        number = _digits(text)
        if number and region:
            number = _of_region(number, region)
    return f"{number}{extension}" if number else None


def is_region(code: str) -> bool:
    """Whether a text is the code of a country whose phone numbers can be read: `NL`."""
    return code in phonenumbers.SUPPORTED_REGIONS


def _international(text: str) -> str | None:
    rest = text.removeprefix("+") if text.startswith("+") else text.removeprefix("00")
    number, before = f"+{_digits(rest) or rest}", ""
    while number != before:  # a trunk zero may hide another: settles after one round or two
        before = number
        try:
            parsed = phonenumbers.parse(number, None)
        except phonenumbers.NumberParseException:
            break
        number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return number if _digits(number.removeprefix("+")) == number[1:] else None


def _of_region(digits: str, region: str) -> str:
    """A national number of a country in E.164; its digits where it cannot be one."""
    try:
        parsed = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return digits
    if not phonenumbers.is_possible_number(parsed):
        return digits
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _digits(text: str) -> str | None:
    """The digits of a number written in the usual ways; None if anything else stands there."""
    if not _PHONE.fullmatch(text):
        return None
    digits = "".join(c for c in text if c in "0123456789")
    return digits if MIN_PHONE_DIGITS <= len(digits) <= MAX_PHONE_DIGITS else None


def normalise_login(value: str) -> str | None:
    """The value as it is; an e-mail address in the spelling of e-mail addresses."""
    value = value.strip()
    return (normalise_email(value) if "@" in value else None) or value or None


def normalise_lower(value: str) -> str | None:
    """The value in lower case."""
    return value.lower().strip() or None


def normalise_none(value: str) -> str | None:
    """The value as it is, trimmed."""
    return value.strip() or None


NORMALISERS: Mapping[Normaliser, Callable[[str], str | None]] = {
    Normaliser.EMAIL: normalise_email,
    Normaliser.PHONE: normalise_phone,
    Normaliser.LOWER: normalise_lower,
    Normaliser.NONE: normalise_none,
}
