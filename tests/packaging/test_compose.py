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


def read(name: str) -> Any:
    """A YAML file of the checkout."""
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


COMPOSE: dict[str, Any] = read("docker-compose.yml")
NEO4J: dict[str, Any] = COMPOSE["services"]["neo4j"]
SERVICE_CONTAINER: dict[str, Any] = COMPOSE["services"]["identity-service"]
OVERLAY: dict[str, Any] = read("docker-compose.tls.yml")
CADDY: dict[str, Any] = OVERLAY["services"]["caddy"]
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"] | OVERLAY["services"]

EXACT = r"[a-z0-9]+:\d+\.\d+\.\d+-[a-z-]+"
"""An image of one release; its build may be renewed under the tag."""

each_container = pytest.mark.parametrize("name", CONTAINERS)


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


def default(value: str, variable: str) -> str:
    """What a variable of the operator's stands for where it is not set."""
    found = re.fullmatch(r"\$\{" + variable + r":-([^}]+)\}", value)
    assert found is not None, value
    return found[1]


def size(text: str) -> int:
    """Bytes of `512m` or `1g`."""
    return int(text[:-1]) * {"m": 1 << 20, "g": 1 << 30}[text[-1]]


def test_both_ways_to_run_use_one_version_of_neo4j() -> None:
    assert default(NEO4J["image"], "NEO4J_IMAGE") == f"neo4j:{VERSION}-community"


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


def test_only_the_service_reaches_neo4j_which_reaches_nothing() -> None:
    inside = {name for name, it in CONTAINERS.items() if "database" in it.get("networks", [])}

    assert inside == {"neo4j", "identity-service"}
    assert NEO4J["networks"] == ["database"]
    assert COMPOSE["networks"]["database"] == {"internal": True}
    assert CADDY["networks"] == ["default"]


@each_container
def test_a_container_gains_no_privileges(name: str) -> None:
    container = CONTAINERS[name]

    assert container["cap_drop"] == ["ALL"]
    assert container.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container.keys().isdisjoint({"privileged", "devices", "pid", "ipc", "network_mode"})


@each_container
def test_a_container_uses_bounded_memory_processes_files_and_logs(name: str) -> None:
    container = CONTAINERS[name]

    assert size(container["mem_limit"]) > 0
    assert container["pids_limit"] > 0
    assert container["ulimits"]["nofile"] >= 40_000, "what Neo4j recommends"
    assert {"max-size", "max-file"} <= container["logging"]["options"].keys()


@each_container
def test_a_container_that_ends_is_started_again_and_is_asked_how_it_does(name: str) -> None:
    container = CONTAINERS[name]
    in_image = any(words[0] == "HEALTHCHECK" for words in instructions())

    assert container["restart"] == "unless-stopped"
    assert "healthcheck" in container or ("build" in container and in_image)


@each_container
def test_only_neo4j_may_write_into_its_image(name: str) -> None:
    assert CONTAINERS[name].get("read_only", False) is (name != "neo4j")


@each_container
def test_a_container_writes_to_memory_within_its_limit(name: str) -> None:
    container = CONTAINERS[name]
    mounts = [mount.rpartition("size=")[2] for mount in container.get("tmpfs", [])]

    assert sum(map(size, mounts)) < size(container["mem_limit"])


def test_neo4j_runs_as_its_own_user_with_memory_to_spare() -> None:
    settings = neo4j_settings()
    heap = size(settings["server.memory.heap.max_size"])
    page_cache = size(settings["server.memory.pagecache.size"])

    assert NEO4J["user"] == "7474:7474"
    assert 2 * heap + page_cache < size(NEO4J["mem_limit"])


def test_no_command_line_holds_the_password() -> None:
    command = NEO4J["healthcheck"]["test"][1]

    assert "NEO4J_PASSWORD=" in command
    assert not re.search(r"cypher-shell.* (-p|--password)", command)


@pytest.mark.parametrize(
    ("container", "variable"), [(NEO4J, "NEO4J_IMAGE"), (CADDY, "CADDY_IMAGE")]
)
def test_an_image_is_one_release_and_can_be_pinned(
    container: dict[str, Any], variable: str
) -> None:
    assert re.fullmatch(EXACT, default(container["image"], variable))


def test_the_base_image_is_one_release_and_can_be_pinned() -> None:
    (given,) = (words[1] for words in instructions() if words[0] == "ARG")
    bases = {words[1] for words in instructions() if words[0] == "FROM"}
    variable, image = given.split("=")

    assert re.fullmatch(EXACT, image)
    assert bases == {f"${{{variable}}}"}
    assert SERVICE_CONTAINER["build"]["args"] == {variable: None}


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
    } - {"PATH"}

    assert set(SERVICE_CONTAINER["environment"]) <= known
    assert in_image <= known


def test_the_image_does_not_run_as_root() -> None:
    users = [words[1] for words in instructions() if words[0] == "USER"]

    assert users == ["10001"]


def test_the_image_is_unhealthy_only_where_a_restart_helps() -> None:
    (check,) = (" ".join(words) for words in instructions() if words[0] == "HEALTHCHECK")

    assert "/healthz" in check


def test_the_image_holds_no_neo4j_and_no_java() -> None:
    said = " ".join(" ".join(words) for words in instructions())

    assert "local" not in said.replace("localhost", "")
    assert "fetch" not in said
    assert "java" not in said


def test_all_that_the_image_installs_is_locked_by_hash_or_built_here() -> None:
    runs = [words for words in instructions() if words[0] == "RUN" and "pip" in words]
    locked = [words[words.index("-r") + 1] for words in runs if "--require-hashes" in words]

    assert locked == ["requirements/build.txt", "requirements/service.txt"]
    assert len(runs) == 4
    assert all("--no-deps" in words for words in runs)
    assert all("--no-index" in words for words in runs if "--require-hashes" not in words)


def test_the_wheel_is_built_by_the_backend_that_was_installed_by_hash() -> None:
    (build,) = (words for words in instructions() if words[:3] == ["RUN", "pip", "wheel"])
    lock = (ROOT / "requirements" / "build.txt").read_text(encoding="utf-8")
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"][
        "requires"
    ]

    assert "--no-build-isolation" in build
    assert f"{backend} \\\n" in lock


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
