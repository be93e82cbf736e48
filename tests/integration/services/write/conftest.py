"""What tests of writing watch."""

from __future__ import annotations

from typing import Any

import pytest

from identity_service.graph.evidence import EvidenceStore


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The message ids that the graph was asked for."""
    seen: list[str] = []
    read_known = EvidenceStore.read_known

    async def counted(store: EvidenceStore, *args: Any, **more: Any) -> Any:
        seen.extend(each.message_id for each in args[1])
        return await read_known(store, *args, **more)

    monkeypatch.setattr(EvidenceStore, "read_known", counted)
    return seen
