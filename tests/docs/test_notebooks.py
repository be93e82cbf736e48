"""The notebooks of `examples/` run from top to bottom, and their figures hold together."""

from __future__ import annotations

import json
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from identity_service.settings import Settings
from tests.support.neo4j import environment_of

pytestmark = [
    pytest.mark.neo4j,
    # The Jupyter libraries warn of each other.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
COMMAND = """#!{python}
import sys
from identity_service.cli import main
sys.exit(main())
"""

_NBFORMAT: Any = nbformat  # has no types


class Notebook:
    """A notebook of the examples, run in a folder and in spaces of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        text = (EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8")
        own = text.replace('\\"notebook', f'\\"nb{secrets.token_hex(6)}')
        self._notebook: Any = _NBFORMAT.reads(own, as_version=4)
        self._folder = folder

    def run(self, asked: str) -> Any:
        """Run it; returns the value of an expression at its end, as JSON has it."""
        cell = f"import json\nprint(json.dumps({asked}))"
        self._notebook.cells.append(_NBFORMAT.v4.new_code_cell(cell))
        NotebookClient(
            self._notebook, timeout=120, resources={"metadata": {"path": str(self._folder)}}
        ).execute()
        return json.loads(self._notebook.cells[-1].outputs[0].text)

    def shown(self) -> list[set[str]]:
        """The media types that the cells of code show, in order."""
        return [
            {kind for output in cell.outputs for kind in output.get("data", {})}
            for cell in self._notebook.cells
            if cell.cell_type == "code"
        ]


@pytest.fixture
def folder(database_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a notebook finds the database, the command and what lies beside it."""
    for name, value in environment_of(database_settings).items():
        monkeypatch.setenv(name, value)
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "identity-service"
    command.write_text(COMMAND.format(python=sys.executable), encoding="utf-8")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shutil.copy(EXAMPLES / "shop.py", tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_kept_without_what_they_answered(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]

    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


def test_events_become_a_sankey_a_funnel_and_the_table_of_phi(folder: Path) -> None:
    notebook = Notebook("from-events-to-a-sankey", folder)

    told = notebook.run("{'flows': list(flows), 'funnel': list(funnel), 'phi': list(correlation)}")

    customers = [row["customers"] for row in told["funnel"]]
    assert customers == sorted(customers, reverse=True)
    assert customers[-1] > 0
    assert told["funnel"][-1]["share"] == pytest.approx(customers[-1] / customers[0])
    everybody = {
        sum(row[part] for part in ("both", "event_only", "goal_only", "neither"))
        for row in told["phi"]
    }
    assert len(everybody) == 1
    assert told["phi"][0]["event"] == "Checkout Started"
    first = sum(row["customers"] for row in told["flows"] if row["step"] == 1)
    assert customers[0] <= first <= everybody.pop()
    assert [kinds for kinds in notebook.shown() if "image/svg+xml" in kinds] != []


def test_another_policy_makes_another_funnel_of_the_same_events(folder: Path) -> None:
    told = Notebook("policy-and-funnel", folder).run(
        "{'both': both.to_dict('records'), 'preview': preview['summary'],"
        " 'someone': someone, 'accounts': accounts, 'hidden': hidden.to_dict('records')}"
    )

    assert all(row["customers_greedy"] <= row["customers_careful"] for row in told["both"])
    assert told["both"][0]["customers_greedy"] < told["both"][0]["customers_careful"]
    assert told["someone"] in told["accounts"]
    assert len(told["accounts"]) > 1
    assert told["hidden"][0]["customers"] > 0
    assert told["preview"]["customersBefore"] > told["preview"]["customersAfter"]
