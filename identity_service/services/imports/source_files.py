"""The files that say how databases and CRMs are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from identity_service.collect.source_file import PolledSource, read_source
from identity_service.errors import BadInput


def read_files(paths: Sequence[Path]) -> list[PolledSource]:
    """The sources of files, and of all files `.yaml` and `.yml` of directories.

    Raises BadInput where a file cannot be read, or two are of the same source.
    """
    files = [file for path in paths for file in _files(path)]
    sources = [_read(file) for file in files]
    for name, count in Counter(source.name for source in sources).items():
        if count > 1:
            raise BadInput(
                f"{count} files are of the source “{name}”.",
                remedy="Write all of its calls into one.",
            )
    return sources


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in (".yaml", ".yml"))


def _read(file: Path) -> PolledSource:
    try:
        return read_source(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(
            f"{file} cannot be read: {error.strerror}.", remedy="Name another file."
        ) from None
    except UnicodeDecodeError:
        raise BadInput(f"{file} is not UTF-8.", remedy="Encode it as UTF-8.") from None
    except BadInput as error:
        raise BadInput(f"{file}: {error.message}", remedy=error.remedy) from None
