"""What is released: an sdist that is complete, and a wheel built from it that works alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.neo4j import Neo4jServer

ROOT = Path(__file__).parents[2]
SOURCES = (
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "cypher",
    "explorer",
    "hatch_build.py",
    "identity_service",
    "pyproject.toml",
)
IGNORED = (".env", "debug.log")
SECRET = "not-for-others"


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Standard output of a command; fails with its standard error."""
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, with ignored files in every folder that is shipped."""
    copy = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=ignored)
        else:
            shutil.copy(source, copy / name)
    for folder in ("identity_service", "identity_service/domain", "cypher", "explorer"):
        for name in IGNORED:
            (copy / folder / name).write_text(SECRET)
    return copy


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the sdist and the wheel, the second built from the first."""
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, checkout, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel; its dependencies are those of this one."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment)
    python = environment / "bin" / "python"
    install = ("install", "--quiet", "--no-deps", "--no-index", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *install, cwd=environment)
    (site_packages,) = environment.glob("lib/python*/site-packages")
    # A path in a .pth file is searched last, and the .pth files in it are not read: neither the
    # checkout nor its editable install can stand in for the wheel.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment / "bin"


def shipped(source: Path, target: str) -> set[str]:
    """The files under a folder of the checkout but the ignored ones, as they stand in the wheel."""
    return {
        f"{target}/{path.relative_to(source).as_posix()}"
        for path in source.rglob("*")
        if path.is_file() and path.name not in IGNORED
    }


def test_the_wheel_holds_every_file_of_the_package_and_every_statement(
    wheel: Path, checkout: Path
) -> None:
    expected = shipped(checkout / "identity_service", "identity_service")
    expected |= shipped(checkout / "cypher", "identity_service/cypher")
    expected.remove("identity_service/cypher/README.md")

    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert names == expected
    kinds = {Path(name).suffix for name in names}
    assert {".py", ".cypher", ".graphql", ".html", ".js", ".css", ".lock"} <= kinds
    assert "identity_service/api/graphql/explorer/assets/graphiql.min.js" in names


def test_nothing_that_git_ignores_is_released(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    for wheel in built.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            names += archive.namelist()
            assert all(SECRET.encode() not in archive.read(name) for name in archive.namelist())

    assert [name for name in names if Path(name).name in IGNORED or name.endswith(".pyc")] == []


def test_the_wheel_carries_the_licences_of_what_others_wrote(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        licences = {Path(name).name for name in archive.namelist() if "LICENSE" in name}

    assert licences == {"LICENSE", "graphiql.LICENSE", "react.LICENSE", "react-dom.LICENSE"}


def test_a_wheel_without_the_explorer_cannot_be_built(checkout: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(checkout, bare, ignore=shutil.ignore_patterns("assets"))
    (bare / "explorer" / "package.json").write_text("not JSON")

    with pytest.raises(AssertionError, match="a wheel without them would serve an empty page"):
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", bare, cwd=tmp_path)


def test_every_module_imports_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    program = (
        "import importlib, pkgutil, identity_service as package\n"
        "print(package.__file__)\n"
        "for module in pkgutil.walk_packages(package.__path__, 'identity_service.'):\n"
        "    importlib.import_module(module.name)\n"
    )

    found = run(installed / "python", "-c", program, cwd=tmp_path)

    assert Path(found.strip()).is_relative_to(installed.parent)


def test_the_explorer_of_the_wheel_is_complete(installed: Path, tmp_path: Path) -> None:
    program = "from identity_service.api.graphql import explorer; print(explorer.page().body)"

    assert "graphiql.min." in run(installed / "python", "-c", program, cwd=tmp_path)


@pytest.mark.neo4j
def test_the_command_of_the_wheel_checks_itself_from_an_empty_directory(
    installed: Path, neo4j_server: Neo4jServer, tmp_path: Path
) -> None:
    environment = {
        "IDENTITY_NEO4J_URI": neo4j_server.uri,
        "IDENTITY_NEO4J_USER": neo4j_server.user,
        "IDENTITY_NEO4J_DATABASE": neo4j_server.database,
    }
    if neo4j_server.password is not None:
        environment["IDENTITY_NEO4J_PASSWORD"] = neo4j_server.password

    run(installed / "identity-service", "check", cwd=tmp_path, **environment)
