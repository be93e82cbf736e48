"""The configuration file of the managed Neo4j."""

from __future__ import annotations

from pathlib import Path

from identity_service.runtime.java import Profile
from identity_service.settings import Settings


def configuration(home: Path, port: int, settings: Settings, profile: Profile) -> str:
    """The text of `neo4j.conf`: Bolt on loopback and nothing else that listens or calls home."""
    lines = (
        f"server.directories.data={home / 'data'}",
        f"server.directories.logs={home / 'logs'}",
        f"server.directories.import={home / 'import'}",
        f"server.directories.run={home / 'run'}",
        f"server.directories.plugins={home / 'plugins'}",
        f"server.directories.transaction.logs.root={home / 'data' / 'transactions'}",
        "server.default_listen_address=127.0.0.1",
        "server.bolt.enabled=true",
        f"server.bolt.listen_address=127.0.0.1:{port}",
        # Else the driver gives each piece that it reads a time limit of its own, which takes a task
        # and a fifth of its processor time; every statement has one limit of ours.
        "server.bolt.connection_keep_alive_for_requests=OFF",
        "server.http.enabled=false",
        "server.https.enabled=false",
        "dbms.security.auth_enabled=true",
        "dbms.routing.enabled=false",
        "dbms.usage_report.enabled=false",
        "client.allow_telemetry=false",
        "server.fleet_discovery.enabled=false",
        "dbms.fleet_manager.enabled=false",
        # A query must not read files or reach other hosts.
        "dbms.security.allow_csv_import_from_file_urls=false",
        "internal.dbms.cypher_ip_blocklist=0.0.0.0/0,::/0",
        # Two pools are waited for at shutdown, 5 s each by default.
        "internal.server.bolt.thread_pool_shutdown_wait_time=1s",
        f"server.memory.heap.max_size={settings.neo4j_heap}",
        f"server.memory.pagecache.size={settings.neo4j_page_cache}",
        *profile.configuration,
    )
    return "\n".join(lines) + "\n"
