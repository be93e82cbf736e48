"""The tutorial's commands and queries give the answers that it shows."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.docs.examples import Likeness, examples, run_bash
from tests.support.service import RunningService, Space

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


@pytest.mark.neo4j
@pytest.mark.skipif(shutil.which("curl") is None, reason="the tutorial sends events with curl")
def test_every_answer_of_the_tutorial_is_the_real_one(
    service: RunningService, space: Space
) -> None:
    likeness = Likeness()
    key = space.admin_key
    shell = {**os.environ, "SERVICE": service.url, "WRITE_KEY": space.write_key}

    def ask(query: str) -> Any:
        text = likeness.real(query).replace('"shop"', json.dumps(space.name))
        headers = {"Authorization": f"Bearer {key}"}
        return service.post("/graphql", json={"query": text}, headers=headers).json()

    for example in examples(TUTORIAL):
        if example.language == "bash":
            real = json.loads(run_bash(example.text, shell))
        else:
            real = ask(example.text)
        likeness.assert_like(json.loads(example.answer), real, where=example.text)
        if made := (real.get("data") or {}).get("createKey"):
            key = made["key"]
