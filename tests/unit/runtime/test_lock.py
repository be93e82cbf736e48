import string

import pytest

from identity_service.runtime.lock import (
    LOCK_FILE,
    TEST_LIBRARIES,
    VERSION,
    Jar,
    lock_digest,
    read_lock,
)

JARS = read_lock()


def test_every_jar_is_pinned_by_a_sha256_and_a_size() -> None:
    for jar in JARS:
        assert len(jar.sha256) == 64
        assert set(jar.sha256) <= set(string.hexdigits.lower())
        assert jar.size > 0


def test_no_two_jars_would_have_one_file_name() -> None:
    names = [jar.filename for jar in JARS]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "needed",
    [
        f"org.neo4j:neo4j:{VERSION}",
        f"org.neo4j.app:neo4j-server:{VERSION}",
        f"org.neo4j:neo4j-import-tool:{VERSION}",
        f"org.neo4j:neo4j-command-line:{VERSION}",
    ],
)
def test_server_and_import_tool_are_locked(needed: str) -> None:
    assert needed in {jar.coordinate for jar in JARS}


def test_libraries_for_tests_are_left_out() -> None:
    groups = {jar.coordinate.split(":")[0] for jar in JARS}

    assert not groups & TEST_LIBRARIES


def test_the_lock_names_no_host() -> None:
    assert "://" not in LOCK_FILE.read_text(encoding="utf-8")


def test_a_classifier_is_part_of_the_file_name() -> None:
    jar = Jar("io.netty:netty-epoll:4.2.18:linux-x86_64", "0" * 64, 1)

    assert jar.filename == "netty-epoll-4.2.18-linux-x86_64.jar"


def test_the_digest_changes_with_any_jar() -> None:
    first = JARS[0]
    changed = (Jar(first.coordinate, "0" * 64, first.size), *JARS[1:])

    assert lock_digest(changed) != lock_digest(JARS)
