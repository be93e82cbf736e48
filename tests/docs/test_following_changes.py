"""The program of the guide to following changes follows them, also over a restart."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from select import select

import pytest

from identity_service.api.graphql.connections import decode_cursor, encode_cursor, number_in
from identity_service.settings import Settings
from tests.support.following import visit
from tests.support.service import RunningService, Space, running_service

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "following-changes.md"


@pytest.mark.neo4j
def test_the_program_of_the_guide_misses_nothing_when_the_service_is_restarted(
    service: RunningService, space: Space, database_settings: Settings, tmp_path: Path
) -> None:
    blocks = re.findall(
        r"^```python\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    program = tmp_path / "follow.py"
    program.write_text(blocks[0], "utf-8")

    with running_service(database_settings) as first:
        port = int(first.url.rpartition(":")[2])
        environment = {
            **os.environ,
            "SERVICE": first.url,
            "KEY": space.reader_key,
            "SPACE": space.name,
        }
        running = subprocess.Popen(
            [sys.executable, str(program)], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert running.stdout is not None
        # It cannot say when it has begun to listen, so it is told something until it has heard.
        while not select([running.stdout], [], [], 0.2)[0]:
            assert running.poll() is None
            visit(service, space, f"before-{secrets.token_hex(4)}")
    visit(service, space, "while-it-was-away")
    with running_service(database_settings, port):
        heard = [json.loads(running.stdout.readline())]
        while heard[-1]["identifiers"][0]["value"] != "while-it-was-away":
            heard.append(json.loads(running.stdout.readline()))
        running.kill()
        running.communicate()

    cursors = [change["cursor"] for change in heard]
    last = number_in("", decode_cursor("change", cursors[-1], 1)[0])
    assert cursors == [encode_cursor("change", last - n) for n in range(len(heard))][::-1]
