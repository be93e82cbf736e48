"""What users are told to install: packages that are there, never this project from an index.

The project is on no index. Whoever took its name there would be installed instead.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from identity_service.errors import MissingExtra
from identity_service.runtime.jars import NEEDS_LOCAL
from identity_service.services.kit.optional import library

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
READ_BY_USERS = (
    "CHANGELOG.md",
    "Dockerfile",
    "Makefile",
    "README.md",
    "benchmarks",
    "cypher",
    "docs",
    "examples",
    "explorer",
    "hatch_build.py",
    "identity_service",
)
FROM_AN_INDEX = re.compile(r"\b(pip|pipx|uv|uvx)\b.*\bidentity-service\b|\bidentity-service\[")


def texts() -> Iterator[tuple[Path, str]]:
    """Every text that may tell users what to install, with its path."""
    for name in READ_BY_USERS:
        path = ROOT / name
        for file in path.rglob("*") if path.is_dir() else (path,):
            if file.suffix in {"", ".md", ".py", ".ipynb", ".json", ".cypher"} and file.is_file():
                yield file, file.read_text(encoding="utf-8")


def extra(name: str) -> set[str]:
    """The packages of one of the project's extras, without versions."""
    return {re.split("[<>=]", entry)[0] for entry in PROJECT["optional-dependencies"][name]}


def test_nothing_says_to_install_the_project_from_an_index() -> None:
    said = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file, text in texts()
        for line in text.splitlines()
        if FROM_AN_INDEX.search(line)
    ]

    assert said == []


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("vl_convert", "vl-convert-python"),
        ("pyarrow", "pyarrow"),
        ("pyarrow.parquet", "pyarrow"),
        ("sqlalchemy", "sqlalchemy"),
    ],
)
def test_without_a_library_of_the_extra_its_package_is_named(
    module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(MissingExtra, match=f"needs {package}, which is not installed") as raised:
        library(module)

    assert raised.value.remedy == f"Run `make setup` in the checkout, or `pip install {package}`."
    assert package in extra("data") | extra("sql")


def test_without_a_managed_neo4j_the_packages_of_its_extra_are_named() -> None:
    (named,) = re.findall(r"`pip install (.+?)`", NEEDS_LOCAL)

    assert "`make setup`" in NEEDS_LOCAL
    assert set(named.split()) == extra("local")
