"""The text of profiles: YAML in, `Profiles` or every mistake out."""

from __future__ import annotations

from identity_service.domain.profiles.definitions import Profiles


def parse_profiles(text: str) -> Profiles:
    """Read a text of profiles. Raises ProfilesInvalid with every mistake, each at its path."""
    raise NotImplementedError
