"""What can be said about the container files without a Docker daemon."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from identity_service.runtime.configuration import configuration
from identity_service.runtime.java import SERVICE
from identity_service.runtime.lock import VERSION
from identity_service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
NEO4J: dict[str, Any] = COMPOSE["services"]["neo4j"]
SERVICE_CONTAINER: dict[str, Any] = COMPOSE["services"]["identity-service"]


def instructions() -> list[list[str]]:
    """The Dockerfile's instructions, each as its words; continued lines are joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [shlex.split(line) for line in lines]


def neo4j_settings() -> dict[str, str]:
    """The container's settings under the names of `neo4j.conf` (`__` is `_`, `_` is `.`)."""
    found: dict[str, str] = {}
    for name, value in NEO4J["environment"].items():
        if name != "NEO4J_AUTH":
            key = name.removeprefix("NEO4J_").replace("__", "\0").replace("_", ".")
            found[key.replace("\0", "_")] = str(value)
    return found


def test_both_ways_to_run_use_one_version_of_neo4j() -> None:
    assert NEO4J["image"] == f"neo4j:{VERSION}-community"


def test_neo4j_in_a_container_is_configured_as_the_managed_one() -> None:
    lines = configuration(Path("/home"), 7687, Settings(), SERVICE).splitlines()
    managed = dict(line.split("=", 1) for line in lines)
    contained = neo4j_settings()

    differences = {
        name: value for name, value in contained.items() if managed.get(name, value) != value
    }
    missing = {
        name
        for name in managed
        if name.startswith(("dbms.usage", "client.", "server.http", "internal.", "dbms.fleet"))
        or "csv_import" in name
    } - contained.keys()

    assert differences == {}
    assert missing == set()


def test_only_the_service_is_published_and_only_on_loopback() -> None:
    assert "ports" not in NEO4J
    assert SERVICE_CONTAINER["ports"] == ["127.0.0.1:8080:8080"]


def test_there_is_no_default_password_or_key() -> None:
    password = NEO4J["environment"]["NEO4J_AUTH"]

    assert re.fullmatch(r"neo4j/\$\{IDENTITY_NEO4J_PASSWORD:\?.+\}", password)
    assert SERVICE_CONTAINER["environment"]["IDENTITY_ADMIN_KEY"] is None


def test_the_service_waits_until_neo4j_answers_queries() -> None:
    assert SERVICE_CONTAINER["depends_on"]["neo4j"]["condition"] == "service_healthy"
    assert "RETURN 1" in NEO4J["healthcheck"]["test"][1]
    assert SERVICE_CONTAINER["environment"]["IDENTITY_NEO4J_URI"] == "bolt://neo4j:7687"


def test_data_outlives_the_container() -> None:
    volume, target = NEO4J["volumes"][0].split(":")

    assert target == "/data"
    assert volume in COMPOSE["volumes"]


def test_every_variable_of_the_service_is_a_setting() -> None:
    known = {f"IDENTITY_{name.upper()}" for name in Settings.model_fields}
    in_image = {
        word.split("=")[0] for words in instructions() if words[0] == "ENV" for word in words[1:]
    }

    assert set(SERVICE_CONTAINER["environment"]) <= known
    assert in_image <= known


def test_the_image_runs_without_privileges() -> None:
    users = [words[1] for words in instructions() if words[0] == "USER"]

    assert users == ["10001"]
    assert SERVICE_CONTAINER["cap_drop"] == ["ALL"]


def test_the_image_holds_no_neo4j_and_no_java() -> None:
    said = " ".join(" ".join(words) for words in instructions())

    assert "local" not in said.replace("localhost", "")
    assert "fetch" not in said
    assert "java" not in said


def test_dependencies_are_installed_by_hash() -> None:
    installs = [words for words in instructions() if words[:3] == ["RUN", "pip", "install"]]

    assert installs
    assert all("--require-hashes" in words or "--no-deps" in words for words in installs)


def test_the_image_starts_the_command_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (entrypoint,) = (words[1:] for words in instructions() if words[0] == "ENTRYPOINT")

    assert entrypoint == [f"[{next(iter(project['scripts']))}]"]


@pytest.mark.parametrize(
    "source",
    [
        source
        for words in instructions()
        if words[0] == "COPY" and not words[1].startswith("--from")
        for source in words[1:-1]
    ],
)
def test_what_the_image_copies_exists_and_is_sent_to_the_build(source: str) -> None:
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert (ROOT / source).exists()
    assert f"!{source}" in sent
