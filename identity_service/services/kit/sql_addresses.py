"""Addresses of databases, kept in variables of the environment: they hold a password."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, quote_plus

from identity_service.errors import SourceFailed
from identity_service.settings import secret_of

_SECRET: Final = re.compile("pass|pwd|secret|token|key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SqlAddress:
    """An address as SQLAlchemy has it, and every form in which a text could give it away."""

    url: Any = field(repr=False)
    hidden: frozenset[str] = field(repr=False)

    def without_secrets(self, text: str) -> str:
        """A text that may be shown."""
        for secret in sorted(self.hidden, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def read_address(sqlalchemy: Any, variable: str) -> SqlAddress:
    """The address that a variable holds. Raises SourceFailed, which does not show it."""
    address = secret_of(variable)
    if address is None:
        raise SourceFailed(
            f"The variable {variable} is not set.",
            remedy="It holds the address of the database, as SQLAlchemy reads it.",
        )
    try:
        url: Any = sqlalchemy.make_url(address.get_secret_value())
    except Exception:  # noqa: BLE001 - whatever it says may hold the password
        raise SourceFailed(
            f"What the variable {variable} holds is no address of a database.",
            remedy="Write it as SQLAlchemy reads it: postgresql+psycopg://USER:PASSWORD@HOST/NAME.",
        ) from None
    return SqlAddress(url, _secrets(url, address.get_secret_value()))


def _secrets(url: Any, address: str) -> frozenset[str]:
    """The address, and what it holds that is secret, as it is and as it stands in an address."""
    plain = [str(value) for name, value in url.query.items() if _SECRET.search(name)]
    if url.password is not None:
        plain.append(str(url.password))
    spelled = {form for each in plain for form in (each, quote(each, safe=""), quote_plus(each))}
    whole = {address, url.render_as_string(hide_password=False)}
    return frozenset(secret for secret in spelled | whole if secret)
