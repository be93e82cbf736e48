"""How these pages are built: `make docs`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

project = "identity-service"
author = "the identity-service authors"
language = "en"

extensions = ["myst_parser", "generated", "pictures"]
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
