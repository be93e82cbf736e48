"""A picture: what Vega draws, and the files that can be made of it. No network is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any, Final

from identity_service.services.kit.optional import library

PIXELS: Final = 2
"""Pixels of a PNG for each unit of the picture: sharp on screens of double density."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: `spec` is Vega or Vega-Lite, as its `$schema` says; its data are in it.

    Every method raises MissingExtra without the extra `data`. Notebooks show it as SVG.
    """

    title: str
    spec: Mapping[str, Any]

    def to_html(self) -> str:
        """As a page of its own that asks for nothing else; the pointer shows each value."""
        page = (files("identity_service.pictures") / "page.html").read_text(encoding="utf-8")
        # `<` ends no script, whatever a sender called its events.
        spec = json.dumps(self.spec, ensure_ascii=False).replace("<", "\\u003c")
        parts = {
            "TITLE": escape(self.title),
            "LIBRARY": library("vl_convert").javascript_bundle().replace("</script", "<\\/script"),
            "SPEC": spec,
        }
        before, *rest = page.split("{{")
        for piece in rest:
            name, _, after = piece.partition("}}")
            before += parts[name] + after
        return before

    def to_svg(self) -> str:
        """As an SVG document."""
        return self._converted("svg")

    def to_png(self) -> bytes:
        """As a PNG."""
        return self._converted("png", scale=PIXELS)

    def _converted(self, kind: str, **more: Any) -> Any:
        language = "vegalite" if "vega-lite" in self.spec["$schema"] else "vega"
        convert = getattr(library("vl_convert"), f"{language}_to_{kind}")
        return convert(dict(self.spec), allowed_base_urls=[], **more)

    def _repr_svg_(self) -> str:
        return self.to_svg()
