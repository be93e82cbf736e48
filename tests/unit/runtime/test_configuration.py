from pathlib import Path

import pytest

from identity_service.runtime.configuration import configuration
from identity_service.runtime.java import SERVICE
from identity_service.settings import Settings


@pytest.fixture
def lines() -> set[str]:
    return set(configuration(Path("/home"), 7688, Settings(), SERVICE).splitlines())


def test_only_bolt_listens_and_only_on_loopback(lines: set[str]) -> None:
    assert "server.bolt.listen_address=127.0.0.1:7688" in lines
    assert {"server.http.enabled=false", "server.https.enabled=false"} <= lines


def test_nobody_gets_in_without_a_login(lines: set[str]) -> None:
    assert "dbms.security.auth_enabled=true" in lines


def test_nothing_calls_home(lines: set[str]) -> None:
    assert {
        "dbms.usage_report.enabled=false",
        "client.allow_telemetry=false",
        "server.fleet_discovery.enabled=false",
        "dbms.fleet_manager.enabled=false",
    } <= lines


def test_a_query_can_read_neither_files_nor_other_hosts(lines: set[str]) -> None:
    assert "dbms.security.allow_csv_import_from_file_urls=false" in lines
    assert "internal.dbms.cypher_ip_blocklist=0.0.0.0/0,::/0" in lines
