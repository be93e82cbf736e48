import errno
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from identity_service.errors import RuntimeFailed
from identity_service.runtime.files import disk_errors, exclusive

HOLDER = """
import sys, time
from pathlib import Path
from identity_service.runtime.files import exclusive
with exclusive(Path(sys.argv[1]), "holding", patience=5):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def holder(lock: Path) -> Generator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    arguments = [sys.executable, "-c", HOLDER, str(lock)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.usefixtures("holder")
def test_a_second_process_waits_and_then_says_what_it_waits_for(lock: Path) -> None:
    with (
        pytest.raises(RuntimeFailed, match=r"has been fetching for more than 0\.2 s") as raised,
        exclusive(lock, "fetching", patience=0.2),
    ):
        pass

    assert str(lock) in raised.value.remedy


def test_kill_9_of_the_holder_frees_the_lock(lock: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()

    with exclusive(lock, "fetching", patience=0):
        assert lock.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_said_with_the_setting_that_helps(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeFailed, match="is full") as raised,
        disk_errors(tmp_path, "IDENTITY_DATA_DIR"),
    ):
        Path("/dev/full").write_bytes(b"x")

    assert "IDENTITY_DATA_DIR" in raised.value.remedy


def test_a_file_where_a_directory_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with (
        pytest.raises(RuntimeFailed, match="cannot be written"),
        disk_errors(tmp_path, "IDENTITY_DATA_DIR"),
    ):
        (tmp_path / "file" / "below").mkdir()


def test_other_errors_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), disk_errors(tmp_path, "IDENTITY_DATA_DIR"):
        raise OSError(errno.EPIPE, "broken")
