"""One spelling for one thing: how a policy's `normalise` brings values together.

Every function takes a trimmed value and answers its one spelling, or None when the value is
nothing of the kind. Applied to its own answer, each gives that answer again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

import phonenumbers

from identity_service.domain.policies.policy import Normaliser

MIN_PHONE_DIGITS = 5
MAX_PHONE_DIGITS = 15

_EMAIL = re.compile(r"[^\s@<>,;:()\[\]]+@[^\s@<>,;:()\[\].]+(?:\.[^\s@<>,;:()\[\].]+)*")
_PHONE = re.compile(r"[0-9\s()\[\]/.\u2010-\u2015\u2212-]+")
_EXTENSION = re.compile(r"(?:;ext=|ext\.?|extension|x|#)\s*([0-9]{1,7})$", re.IGNORECASE)


def normalise_email(value: str) -> str | None:
    """The address in lower case, without `mailto:` and angle brackets; None if it is no address.

    The whole address is lowered, as everyone in the field does. Dots and `+tags` stay: that
    they name the same mailbox is one provider's custom, not a rule. Outside ASCII the name
    is brought to NFC and the domain to NFKC; a domain in punycode stays as it is.
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
    name, _, domain = address.rpartition("@")
    name = unicodedata.normalize("NFC", name)
    # Lowering can undo a composition, and composing can bring a capital: a second round settles.
    for _ in range(2):
        domain = unicodedata.normalize("NFKC", domain).lower()
    return f"{unicodedata.normalize('NFC', name.lower())}@{domain}"


@lru_cache(maxsize=16_384)
def normalise_phone(value: str) -> str | None:
    """The number in E.164, `+442079460000`, when it names its country; else its bare digits.

    International numbers begin with `+` or `00`. A number without either stays national, as
    bare digits: to guess its country would join strangers. An extension is kept, `;ext=12`,
    since colleagues share a switchboard. None with letters other than vanity digits of an
    international number, or with fewer than 5 or more than 15 digits.
    """
    text = unicodedata.normalize("NFKC", value).strip()
    text = phonenumbers.normalize_digits_only(text, keep_non_digits=True)
    if text[:4].lower() == "tel:":
        text = text[4:].strip()
    extension = ""
    if found := _EXTENSION.search(text):
        extension = f";ext={found[1]}"
        text = text[: found.start()]
    number = _international(text) if text.startswith(("+", "00")) else _digits(text)
    return f"{number}{extension}" if number else None


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


def _digits(text: str) -> str | None:
    """The digits of a number written in the usual ways; None if anything else stands there."""
    if not _PHONE.fullmatch(text):
        return None
    digits = "".join(c for c in text if c in "0123456789")
    return digits if MIN_PHONE_DIGITS <= len(digits) <= MAX_PHONE_DIGITS else None


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
