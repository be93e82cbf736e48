"""Secrets encrypted with a key that stands outside the database."""

from __future__ import annotations

import base64
import os

import pytest
from pydantic import SecretStr

from identity_service.errors import SecretsLocked
from identity_service.services.kit.vault import Vault


def key() -> SecretStr:
    return SecretStr(base64.b64encode(os.urandom(32)).decode())


def test_a_secret_is_read_with_its_key_and_looks_like_nothing_without() -> None:
    vault = Vault(key())

    sealed = vault.seal("whsec_test", "shop")

    assert vault.open(sealed, "shop") == "whsec_test"
    assert b"whsec" not in base64.b64decode(sealed)
    assert sealed != vault.seal("whsec_test", "shop")


def test_both_alphabets_of_base64_are_one_key() -> None:
    standard = SecretStr("-".join(["+/" * 10, "+/" * 11]).replace("-", "+") + "=")
    other = SecretStr(standard.get_secret_value().translate(str.maketrans("+/", "-_")).rstrip("="))

    assert Vault(other).open(Vault(standard).seal("whsec_test", "shop"), "shop") == "whsec_test"


@pytest.mark.parametrize("change", ["key", "owner", "text", "cut"])
def test_another_key_owner_or_text_is_not_readable(change: str) -> None:
    made = key()
    sealed = Vault(made).seal("whsec_test", "shop")
    text = {"text": base64.b64encode(b"x" * 40).decode(), "cut": sealed[:8]}.get(change, sealed)

    with pytest.raises(SecretsLocked, match="encrypted with another key") as caught:
        Vault(key() if change == "key" else made).open(text, "crm" if change == "owner" else "shop")

    assert "whsec" not in str(caught.value)


def test_without_a_key_nothing_is_encrypted_or_read_and_the_error_says_what_to_set() -> None:
    vault = Vault(None)

    with pytest.raises(SecretsLocked, match="IDENTITY_SECRETS_KEY"):
        vault.seal("whsec_test", "shop")
    with pytest.raises(SecretsLocked, match="IDENTITY_SECRETS_KEY"):
        vault.open("eA==", "shop")
