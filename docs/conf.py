"""How these pages are built: `make docs`."""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parents[1]))

project = "identity-service"
author = "the identity-service authors"
language = "en"

extensions = ["myst_parser", "docs._ext.generated", "docs._ext.pictures"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "identity-service"
html_static_path = ["_static"]
html_css_files = ["graph.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False

RESTS_ON_CODE = re.compile(r"^(<!-- generated: |```\{case\})", re.MULTILINE)


def setup(app: Sphinx) -> None:
    """Read pages anew whose content is made from the code, which Sphinx does not watch."""
    app.connect("env-get-outdated", resting_on_code)


def resting_on_code(app: Sphinx, *_: object) -> list[str]:
    pages = {page: Path(app.env.doc2path(page)) for page in app.env.found_docs}
    return [page for page, path in pages.items() if RESTS_ON_CODE.search(path.read_text("utf-8"))]
