"""The locks for pip: installed as they stand, and proved complete."""

from __future__ import annotations

import hashlib
import re
import runpy
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
LOCKS = ("build.txt", "service.txt", "local.txt", "dev.txt")
PROVE: dict[str, Any] = runpy.run_path(str(REQUIREMENTS / "prove.py"))


def pinned(name: str) -> set[str]:
    """The packages of a lock, each with its version."""
    lines = (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()
    return {line.split()[0] for line in lines if not line.startswith(" ")}


def installs() -> list[str]:
    """Every command of the Makefile and the Dockerfile that installs a lock."""
    lines: list[str] = []
    for name in ("Makefile", "Dockerfile"):
        lines += (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return [line for line in lines if re.search(r"\binstall\b.* -r \S*requirements", line)]


def write_wheel(folder: Path, name: str, *metadata: str) -> str:
    """Put a wheel that holds no module into the folder; returns its line of a lock."""
    file = folder / f"{name}-1-py3-none-any.whl"
    lines = ("Metadata-Version: 2.1", f"Name: {name}", "Version: 1", *metadata)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}-1.dist-info/METADATA", "\n".join(lines))
        archive.writestr(
            f"{name}-1.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any",
        )
        archive.writestr(f"{name}-1.dist-info/RECORD", "")
    return f"{name}==1 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Python of an environment that holds nothing but pip, and finds wheels in `tmp_path`."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (site_packages,) = environment.glob("lib/python*/site-packages")
    (site_packages / "pip").symlink_to(Path(sysconfig.get_path("purelib"), "pip"))
    return environment / "bin" / "python"


def test_each_lock_is_a_part_of_the_next_larger_one() -> None:
    build, service, local, dev = (pinned(name) for name in LOCKS)

    assert build
    assert service
    assert build | service <= local <= dev


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_versions_and_hashes_and_no_address(name: str) -> None:
    text = (REQUIREMENTS / name).read_text(encoding="utf-8")

    for entry in re.split(r"\n(?=\S)", text.strip()):
        first, *hashes = entry.split(" \\\n")
        assert re.fullmatch(r"[a-z0-9-]+==[^\s;]+( ; .+)?", first)
        assert hashes
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", line) for line in hashes)


def test_locks_are_installed_by_hash_and_nothing_besides() -> None:
    commands = installs()

    assert len(commands) == 4
    assert all(" --no-deps --require-hashes " in command for command in commands)


def test_the_proof_knows_every_python_that_is_supported() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    supported = {(3, int(minor)) for minor in re.findall(r"python3\.(\d+)", makefile)}

    assert supported
    assert supported == PROVE["OLDEST_PIP"].keys()


def test_the_proof_asks_for_the_groups_that_a_group_includes() -> None:
    declared = PROVE["declared"](["data"], ["dev"])

    some_of_each = {"neo4j>=6.4.1,<6.5", "pyarrow", "pytest", "ruff", "sphinx", "hatchling"}
    assert some_of_each <= set(declared)


def test_the_lock_of_the_clients_generator_is_proved_by_itself() -> None:
    lock, required = PROVE["clients_lock"]()

    assert lock == ROOT / "client" / "requirements.txt"
    assert required == ["ariadne-codegen"]


@pytest.fixture
def lines(tmp_path: Path) -> dict[str, str]:
    """The lines of a complete lock for a project that requires `first`."""
    more = ("Provides-Extra: more", 'Requires-Dist: third; extra == "more"')
    return {
        "first": write_wheel(tmp_path, "first", "Requires-Dist: second[more]"),
        "second": write_wheel(tmp_path, "second", *more),
        "third": write_wheel(tmp_path, "third"),
    }


def test_a_complete_lock_is_proved(tmp_path: Path, python: Path, lines: dict[str, str]) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("".join(lines.values()))

    PROVE["install"](python, lock)

    PROVE["check"](python, ["first"])


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("second", "first 1 requires second, which is not installed"),
        ("third", "No matching distribution found for third"),
        ("first", "No matching distribution found for first"),
    ],
    ids=["required", "required by an extra", "required by the project"],
)
def test_a_lock_that_lacks_a_package_is_not_proved(
    tmp_path: Path, python: Path, lines: dict[str, str], missing: str, said: str
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("".join(line for name, line in lines.items() if name != missing))
    PROVE["install"](python, lock)

    with pytest.raises(PROVE["PipError"], match=said):
        PROVE["check"](python, ["first"])
