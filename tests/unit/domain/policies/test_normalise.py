"""One spelling for one thing, and the same again when applied again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.policies.normalise import (
    NORMALISERS,
    _normalise_phone_once,  # pyright: ignore[reportPrivateUsage]
    normalise_email,
    normalise_phone,
)
from identity_service.domain.policies.policy import Normaliser

ADDRESSES = st.builds(
    "{}{}@{}{}".format,
    st.sampled_from(["", "<", "mailto:", "<mailto:", "ANN"]),
    st.text(min_size=1, max_size=8),
    st.text(min_size=1, max_size=8),
    st.sampled_from(["", ".", ">", ".com", ".com."]),
)
NUMBERS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "+", "00", "tel:", "tel:+", "+44 (0)", "+390", "+1"]),
    st.text(alphabet="0123456789 -()./+x#٣FLOW", max_size=20),
    st.sampled_from(["", " ext. 12", "x7", ";ext=5", "#1"]),
)


@pytest.mark.parametrize("normaliser", list(Normaliser))
@given(value=st.one_of(st.text(), ADDRESSES, NUMBERS))
def test_to_normalise_twice_is_to_normalise_once(normaliser: Normaliser, value: str) -> None:
    once = NORMALISERS[normaliser](value)

    assert once is None or NORMALISERS[normaliser](once) == once


@pytest.mark.parametrize("normaliser", list(Normaliser))
@given(value=st.one_of(st.text(), ADDRESSES, NUMBERS))
def test_a_normalised_value_is_trimmed_and_never_empty(normaliser: Normaliser, value: str) -> None:
    once = NORMALISERS[normaliser](value)

    assert once is None or (once and once == once.strip())


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (" Ann@Example.COM ", "ann@example.com"),
        ("<ann@example.com>", "ann@example.com"),
        ("mailto:ann@example.com", "ann@example.com"),
        ("MAILTO:Ann@example.com", "ann@example.com"),
        ("ann@example.com.", "ann@example.com"),
        ("a.n.n+news@gmail.com", "a.n.n+news@gmail.com"),
        ("tom@localhost", "tom@localhost"),
        ("ann@ＥＸＡＭＰＬＥ.com", "ann@example.com"),  # noqa: RUF001
        ("A\u0308nn@example.com", "änn@example.com"),
        ("ann@mu\u0308ller.de", "ann@müller.de"),
    ],
)
def test_spellings_of_an_address_become_one(written: str, address: str) -> None:
    assert normalise_email(written) == address


@pytest.mark.parametrize(
    "written",
    [
        "ann",
        "ann@",
        "@example.com",
        "ann@example..com",
        "ann@.com",
        "ann@b@example.com",
        "ann bee@example.com",
        "ann@example.com, bob@example.com",
        "Ann <ann@example.com>",
        "",
    ],
)
def test_what_is_no_address_is_none(written: str) -> None:
    assert normalise_email(written) is None


@pytest.mark.parametrize(
    "written",
    [
        "+44 20 7946 0000",
        "+44 (0)20 7946 0000",
        "0044 20 7946 0000",
        "tel:+44-20-7946-0000",
        "+44.20.7946.0000",
        "\uff0b44\u00a020\u20117946\u20130000",
        "+\u0664\u0664 \u0662\u0660 \u0667\u0669\u0664\u0666 \u0660\u0660\u0660\u0660",
    ],
)
def test_spellings_of_an_international_number_become_e164(written: str) -> None:
    assert normalise_phone(written) == "+442079460000"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("020 7946-0000", "02079460000"),
        ("(415) 555-0123", "4155550123"),
        ("+1-800-FLOWERS", "+18003569377"),
        ("+1 555 0100", "+15550100"),
        ("+1 415 555 0123 ext. 12", "+14155550123;ext=12"),
        ("+14155550123;ext=12", "+14155550123;ext=12"),
        ("+999 12345678", "+99912345678"),
    ],
)
def test_a_number_keeps_what_it_says_of_itself(written: str, number: str) -> None:
    assert normalise_phone(written) == number


def test_a_national_number_is_never_taken_for_an_international_one() -> None:
    assert normalise_phone("4155550123") != normalise_phone("+14155550123")


@pytest.mark.parametrize(
    "written",
    ["", "+", "1234", "call me", "ann@example.com", "1" * 16, "+1" + "2" * 20, "800-FLOWERS"],
)
def test_what_is_no_number_is_none(written: str) -> None:
    assert normalise_phone(written) is None


def test_a_long_phone_number_is_read_and_not_kept() -> None:
    before = _normalise_phone_once.cache_info().currsize

    assert normalise_phone("+44" + " " * 5_000 + "2079460000") == "+442079460000"
    assert _normalise_phone_once.cache_info().currsize == before
