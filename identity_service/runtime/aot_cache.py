"""The fast start: an AOT cache that halves every later start, made once."""

from __future__ import annotations

import os
import shutil
from typing import Final

from identity_service.errors import RuntimeFailed
from identity_service.runtime import bolt
from identity_service.runtime.files import disk_errors, exclusive
from identity_service.runtime.jars import fetch, version_dir
from identity_service.runtime.java import SERVICE, fast_start_cache, find_java
from identity_service.runtime.launch import launch
from identity_service.runtime.login import USER
from identity_service.settings import Settings

TRAINING_TIMEOUT_S: Final = 300.0
# Java writes the cache when the run ends, which takes it about 15 s on two cores.
STOP_TIMEOUT_S: Final = 180.0

# What is loaded during these need not be loaded from jars again.
STATEMENTS: Final = (
    "CREATE CONSTRAINT trained IF NOT EXISTS FOR (t:Trained) REQUIRE t.key IS UNIQUE",
    """UNWIND range(1, 20) AS k
    MERGE (a:Trained {key: k}) MERGE (b:Trained {key: k + 1})
    MERGE (a)-[l:NEXT]->(b) ON CREATE SET l.times = 1""",
    "MATCH (a:Trained {key: 1}) MATCH (a)-[:NEXT*0..]-(b) RETURN collect(DISTINCT b.key)",
)


def train(settings: Settings) -> None:
    """Make the cache unless it is there: one run in a directory that is thrown away, about 25 s.

    Fetches Neo4j first where it is missing. Blocks; raises RuntimeFailed.
    """
    find_java()
    fetch(settings.cache_dir)
    cache = fast_start_cache(settings.cache_dir)
    if cache.exists():
        return
    place = version_dir(settings.cache_dir)
    turn = exclusive(
        place / "training.lock", "preparing the fast start", patience=TRAINING_TIMEOUT_S
    )
    with disk_errors(place, "IDENTITY_CACHE_DIR"), turn:
        if cache.exists():
            return
        home = place / "training"
        shutil.rmtree(home, ignore_errors=True)  # of a run that was killed
        home.mkdir(mode=0o700)
        try:
            trained = home / cache.name
            server = launch(home, settings, SERVICE, train=trained)
            try:
                bolt.run(server.state.port, (USER, server.state.password), *STATEMENTS)
            finally:
                server.end(STOP_TIMEOUT_S)
            if not trained.exists():
                raise RuntimeFailed(
                    "Java wrote no fast-start cache.",
                    remedy="Everything works without it; a start takes some seconds longer.",
                )
            with trained.open("rb") as file:
                os.fsync(file)  # a cache that a power failure cut would crash Java
            trained.chmod(0o644)  # it holds none of our data, and a cache may be shared
            trained.replace(cache)
        finally:
            shutil.rmtree(home, ignore_errors=True)
