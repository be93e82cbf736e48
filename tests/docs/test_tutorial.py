"""The commands and queries of the tutorial and the README give the answers that they show."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.docs.examples import Likeness, examples, run_bash
from tests.support.neo4j import environment_of
from tests.support.service import RunningService, Space

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
TUTORIAL = ROOT / "docs" / "tutorial.md"
COMMAND = "import sys; from identity_service.cli import main; sys.exit(main())"


def create_space(service: RunningService, name: str) -> dict[str, str]:
    """What `identity-service space create NAME` prints."""
    environment = {**os.environ, **environment_of(service.settings)}
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, "space", "create", name],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.neo4j
@pytest.mark.skipif(shutil.which("curl") is None, reason="the tutorial sends events with curl")
def test_every_answer_of_the_tutorial_is_the_real_one(service: RunningService) -> None:
    space = f"tutorial-{secrets.token_hex(6)}"
    keys = create_space(service, space)
    shell = {**os.environ, "SERVICE": service.url, "WRITE_KEY": keys["writeKey"]}
    key = keys["adminKey"]
    likeness = Likeness()

    def ask(query: str) -> Any:
        text = likeness.real(query).replace('"shop"', json.dumps(space))
        headers = {"Authorization": f"Bearer {key}"}
        return service.post("/graphql", json={"query": text}, headers=headers).json()

    for example in examples(TUTORIAL):
        run_here = example.language == "bash"
        real = json.loads(run_bash(example.text, shell)) if run_here else ask(example.text)
        likeness.assert_like(json.loads(example.answer), real, where=example.text)
        if "createKey" in real.get("data", {}):
            key = real["data"]["createKey"]["key"]  # from here on, the page asks with Mia's


def test_the_tutorial_creates_the_space_that_its_queries_name() -> None:
    text = TUTORIAL.read_text(encoding="utf-8")

    assert "identity-service space create shop" in text
    assert all('"shop"' in e.text for e in examples(TUTORIAL) if e.language == "graphql")


@pytest.mark.neo4j
def test_the_first_question_of_the_readme_gives_the_answer_that_it_shows(
    service: RunningService, space: Space
) -> None:
    demo = files("identity_service") / "examples" / "demo.jsonl"
    calls = [json.loads(line) for line in demo.read_text(encoding="utf-8").splitlines()]
    assert service.post("/v1/batch", key=space.write_key, json={"batch": calls}).is_success
    (question,) = examples(README)

    answer = service.post(
        "/graphql",
        json={"query": question.text.replace('"demo"', json.dumps(space.name))},
        headers={"Authorization": f"Bearer {space.reader_key}"},
    )

    Likeness().assert_like(json.loads(question.answer), answer.json())
