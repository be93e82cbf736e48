"""Pictures as files: made without a network, and harmless whatever senders call their events."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from identity_service.errors import MissingExtra
from identity_service.pictures import draw
from tests.support import browser
from tests.support.figures import ROWS, figure

EVIL = "</script><script>document.title='stolen'</script><img src=x onerror=alert(1)>\x00&"


@pytest.mark.parametrize("name", ROWS)
def test_every_picture_is_an_svg_with_its_title_and_a_png(name: str) -> None:
    picture = draw(figure(name))

    root = ET.fromstring(picture.to_svg())  # noqa: S314  (made here)
    png = picture.to_png()

    assert root.tag.endswith("svg")
    assert picture.title in "".join(root.itertext())
    assert png.startswith(b"\x89PNG\r\n")


def test_a_name_from_outside_stays_text_in_an_svg() -> None:
    root = ET.fromstring(draw(figure("drop_off", [(EVIL, 1, 1.0)])).to_svg())  # noqa: S314

    assert not [each for each in root.iter() if each.tag.endswith(("script", "img"))]


def test_a_notebook_shows_a_picture_as_svg() -> None:
    picture = draw(figure("funnel"))

    assert picture._repr_svg_() == picture.to_svg()  # pyright: ignore[reportPrivateUsage]


def test_without_the_extra_a_picture_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    picture = draw(figure("funnel"))

    for made in (picture.to_html, picture.to_svg, picture.to_png):
        with pytest.raises(MissingExtra, match="needs vl-convert-python") as refused:
            made()
        assert refused.value.remedy == (
            "Run `make setup` in the checkout, or `pip install vl-convert-python`."
        )


@pytest.mark.skipif(browser.PROGRAM is None, reason="no browser on this machine")
@pytest.mark.parametrize("name", ["flows", "drop_off"])
def test_a_page_draws_itself_and_asks_for_nothing_else(name: str, tmp_path: Path) -> None:
    rows = [(1, EVIL, "Home", 3)] if name == "flows" else [(EVIL, 3, 1.0)]
    file = tmp_path / "picture.html"
    file.write_text(draw(figure(name, rows)).to_html(), encoding="utf-8")

    assert browser.PROGRAM
    with browser.page(browser.PROGRAM, tmp_path / "profile") as page:
        page.open(file.as_uri())
        page.wait_until("document.querySelector('#picture svg') !== null")
        drawn = page.value("document.querySelector('#picture svg').textContent")
        title = page.value("document.title")

        assert "</script><script>" in drawn
        assert title == figure(name).journey.question
        assert page.requested() == [file.as_uri()]
        assert page.complaints() == []
