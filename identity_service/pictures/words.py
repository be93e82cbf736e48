"""The words of pictures: subtitles, numbers, durations, names that are safe to draw."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from identity_service.domain.journeys.parameters import ALWAYS, Kind, Parameter
from identity_service.domain.policies.durations import parse_duration
from identity_service.domain.timestamps import iso
from identity_service.services.journeys.figures import Figure

LINE: Final = 105
"""Characters of a line below a title."""

SHOWN: Final = frozenset({"first", "steps", "kinds"})
"""Parameters that a picture shows by itself, or that the line about the segment shows."""

_LONGEST: Final = 400
_UNITS: Final = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def clean(text: object) -> str:
    """A name as it can be drawn: no control characters, which no SVG may hold, and no end of it."""
    drawn = "".join(c if c.isprintable() else " " for c in str(text))
    return drawn if len(drawn) <= _LONGEST else f"{drawn[: _LONGEST - 1]}…"


def cut(text: str, most: int) -> str:
    """At most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def distinct(names: Iterable[object]) -> list[str]:
    """Names as they can be drawn, made different where they would look the same."""
    seen: Counter[str] = Counter()
    drawn: list[str] = []
    for name in map(clean, names):
        seen[name] += 1
        drawn.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return drawn


def shortened(value: str, most: int = 26) -> str:
    """The value of an identifier, shortened in its middle: ids of a kind often begin alike."""
    if len(value) <= most:
        return value
    end = most // 2
    return f"{value[: most - end - 1]}…{value[-end:]}"


def percent(share: float) -> str:
    """A share, as people read it."""
    return f"{share:.1%}"


def count(number: float) -> str:
    """A number, with no more places than say something."""
    return f"{number:,}" if isinstance(number, int) else f"{number:,.1f}"


def duration(seconds: float) -> str:
    """How long, in the largest unit of which there is one, to a tenth: `1.5 h`, `3 days`."""
    for unit, size in _UNITS:
        if seconds >= size:
            number = f"{seconds / size:.1f}".removesuffix(".0")
            many = "s" if unit == "day" and number != "1" else ""
            return f"{number} {unit}{many}"
    return f"{seconds:g} s"


def moment(at: int) -> str:
    """A moment to the minute, a midnight as its date; UTC."""
    text = iso(at)[:16].replace("T", " ")
    return text.removesuffix(" 00:00")


def subtitle(figure: Figure, *notes: str) -> list[str]:
    """What was asked, and what is to be known of the picture, in lines."""
    facts = [*_own(figure), *_segment(figure), _range(figure)]
    lines = textwrap.wrap(" · ".join(facts), LINE)
    return [*lines, *notes]


def _own(figure: Figure) -> Iterator[str]:
    for parameter in figure.journey.own:
        given = figure.asked.get(parameter.name)
        plain = parameter.kind is Kind.COUNT and given == parameter.default
        if given is not None and not plain and parameter.name not in SHOWN:
            yield f"{parameter.name.replace('_', ' ')} {_shown(parameter, given)}"


def _segment(figure: Figure) -> Iterator[str]:
    asked = figure.asked
    kinds = next(each for each in figure.journey.parameters if each.name == "kinds")
    if asked["kinds"] != sorted(kinds.default):
        yield f"customers that are {', '.join(asked['kinds'])}"
    if asked["did"] is not None:
        yield f"of those who did {clean(asked['did'])}"
    if asked["property"] is not None:
        name = clean(asked["property"]).removeprefix("p_")
        yield f"of those with {name} = {clean(asked['value'])}"
    if asked["audience"] is not None:
        yield f"of those in {clean(asked['audience'])}"
    if asked["feature"] is not None:
        name = clean(asked["feature"]).removeprefix("f_")
        yield f"of those whose {name} is {clean(asked['feature_value'])}"


def _range(figure: Figure) -> str:
    since, until = figure.asked["since"], figure.asked["until"]
    last = "" if until >= ALWAYS[1] else f"until {moment(until)} UTC"
    if since <= ALWAYS[0]:
        return last or "all times"
    return f"from {moment(since)} {last or 'UTC'}"


def _shown(parameter: Parameter, given: Any) -> str:
    match parameter.kind:
        case Kind.DURATION:
            return duration((given if isinstance(given, int) else parse_duration(given)) / 1000)
        case Kind.TEXTS:
            return " → ".join(map(clean, given))
        case Kind.PROPERTY:
            return clean(given).removeprefix("p_")
        case Kind.MOMENT:
            return moment(given)
        case _:
            return clean(given)
