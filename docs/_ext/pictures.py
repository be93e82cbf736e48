"""The directive `case`: a worked case as a picture, drawn from what the policy makes of it.

    ```{case} Q-tablet
    ```

The case is resolved while the page is built, and held against what it expects, so that picture,
sentences and outcome cannot drift from the code. Cases are found in `concepts/cases/` and in the
tests' `cases/`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape
from itertools import permutations
from pathlib import Path
from typing import Any, ClassVar, Final

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from identity_service.domain.explain.explanation import describe_decision
from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.resolution.cases import Case, check_case, load_case
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.resolve import Resolution, resolve, strength

DOCS: Final = Path(__file__).parents[1]
FOLDERS: Final = (DOCS / "concepts" / "cases", DOCS.parent / "tests" / "cases")

NOBODY: Final = "belongs to nobody"
CONNECTS: Final = "joins nothing"
OUTSIDERS: Final = (NOBODY, CONNECTS)

TIMES: Final = "\u00d7"

NODE_HEIGHT: Final = 44
ROW: Final = 104
GAP: Final = 26
BETWEEN: Final = 44
"""Room between customers: a reason must fit there."""
MARGIN: Final = 18
NEARER: Final = 0.42
"""Where on a line its label stands: nearer to the end with fewer links, where there is room."""
FAR: Final = 170
"""Lines that reach further to the side than this carry their label nearer still."""
CHARACTER: Final = 8.8
"""Width of a character of the label's font, a little generous, in pixels."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case and what its policy makes of it."""

    case: Case
    evidence: Evidence
    resolution: Resolution

    def sentences(self) -> list[str]:
        """Why each refused link is refused, each sentence once."""
        said = [
            describe_decision(n, self.evidence, self.resolution, self.case.policy).message
            for n in sorted(self.resolution.refusals)
        ]
        return list(dict.fromkeys(said))


def case_file(name: str) -> Path:
    """The file of a case. Raises FileNotFoundError."""
    for folder in FOLDERS:
        if (path := folder / f"{name}.yaml").is_file():
            return path
    raise FileNotFoundError(f"There is no case {name} in {' or '.join(map(str, FOLDERS))}.")


def decide(case: Case) -> Outcome:
    """Resolve a case. Raises ValueError when it does not come out as it says."""
    result = check_case(case)
    if not result.passed:
        raise ValueError(result.message)
    evidence = case.evidence()
    return Outcome(case, evidence, resolve(evidence, case.policy))


def draw(outcome: Outcome) -> str:
    """The case as SVG: a row for each type, strongest on top; a frame for each customer."""
    return _Drawing(outcome).svg()


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a node stands: its middle, and its width."""

    x: float
    y: float
    width: float


class _Drawing:
    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._names = outcome.evidence.identifiers
        self._clusters = self._ordered(outcome.resolution.clusters())
        policy = outcome.case.policy
        types = {i.type: strength(i, policy)[0] for i in self._names}
        self._row = {name: n for n, name in enumerate(sorted(types, key=lambda t: (types[t], t)))}
        self._degree = Counter(end for link in outcome.evidence.links for end in (link.a, link.b))
        self._boxes, self._frames, self._width = self._placed()
        links = [(link.a, link.b) for link in outcome.evidence.links]
        links += [(self._names.index(j.a), self._names.index(j.b)) for j in outcome.case.judgements]
        lowest = max(box.y for box in self._boxes.values())
        hanging = any(self._boxes[a].y == self._boxes[b].y == lowest for a, b in links)
        self._height = lowest + NODE_HEIGHT / 2 + 2 * MARGIN + (ROW / 4 if hanging else 0)

    def svg(self) -> str:
        title = escape(f"{self._outcome.case.title}. {' '.join(self._outcome.sentences())}")
        width, height = round(self._width), round(self._height)
        body = [*self._draw_frames(), *self._draw_links(), *self._draw_nodes()]
        return (
            f'<svg class="graph" role="img" viewBox="0 0 {width} {height}" '
            f'style="max-width:{width}px" xmlns="http://www.w3.org/2000/svg">'
            f"<title>{title}</title>{''.join(body)}</svg>"
        )

    def _ordered(self, clusters: list[list[int]]) -> list[list[int]]:
        """Customers from left to right, so that links between them are short."""
        clusters = sorted(clusters, key=lambda members: min(self._names[i] for i in members))
        if len(clusters) > 6:
            return clusters
        home = {i: n for n, members in enumerate(clusters) for i in members}
        between = [(home[link.a], home[link.b]) for link in self._outcome.evidence.links]

        def length(order: tuple[int, ...]) -> int:
            return sum((order.index(a) - order.index(b)) ** 2 for a, b in between)

        best = min(permutations(range(len(clusters))), key=lambda order: (length(order), order))
        return [clusters[n] for n in best]

    def _placed(self) -> tuple[dict[int, _Box], list[tuple[float, float]], float]:
        boxes: dict[int, _Box] = {}
        frames: list[tuple[float, float]] = []
        left = float(MARGIN)
        for members in self._clusters:
            rows: dict[int, list[int]] = {}
            for i in sorted(members, key=lambda i: self._names[i]):
                rows.setdefault(self._row[self._names[i].type], []).append(i)
            widths = {
                row: sum(self._width_of(i) for i in here) + GAP * (len(here) - 1)
                for row, here in rows.items()
            }
            inner = max(*widths.values(), self._caption_width(members))
            for row, here in rows.items():
                x = left + MARGIN + (inner - widths[row]) / 2
                for i in here:
                    width = self._width_of(i)
                    y = MARGIN + 26 + NODE_HEIGHT / 2 + row * ROW
                    boxes[i] = _Box(x + width / 2, y, width)
                    x += width + GAP
            frames.append((left, inner + 2 * MARGIN))
            left += inner + 2 * MARGIN + BETWEEN
        return boxes, frames, left - BETWEEN + MARGIN

    def _width_of(self, position: int) -> float:
        kind, value = self._names[position]
        return max(len(kind) * 6.4, len(value) * CHARACTER) + 24

    def _caption_width(self, members: list[int]) -> float:
        return len(self._caption(members)) * 6.6

    def _caption(self, members: list[int]) -> str:
        if any(i in self._outcome.resolution.contested for i in members):
            return NOBODY
        if any(i in self._outcome.resolution.super_connectors for i in members):
            return CONNECTS
        rules = [self._outcome.case.policy.rule_of(self._names[i].type) for i in members]
        persons = any(rule and rule.kind is IdentifierKind.PERSON for rule in rules)
        return "a known customer" if persons else "anonymous"

    def _style(self, number: int) -> str:
        captions = [self._caption(members) for members in self._clusters[: number + 1]]
        if captions[-1] in OUTSIDERS:
            return "nobody"
        return f"c{sum(caption not in OUTSIDERS for caption in captions[:-1]) % 5}"

    def _draw_frames(self) -> list[str]:
        drawn: list[str] = []
        for number, ((left, width), members) in enumerate(
            zip(self._frames, self._clusters, strict=True)
        ):
            ys = [self._boxes[i].y for i in members]
            top = min(ys) - NODE_HEIGHT / 2 - 28
            height = max(ys) + NODE_HEIGHT / 2 + 12 - top
            drawn.append(
                f'<g class="{self._style(number)}"><rect class="customer" x="{left:g}" '
                f'y="{top:g}" width="{width:g}" height="{height:g}" rx="16"/>'
                f'<text class="caption" x="{left + width / 2:g}" y="{top + 18:g}">'
                f"{self._caption(members)}</text></g>"
            )
        return drawn

    def _draw_links(self) -> list[str]:
        lines: list[str] = []
        labels: list[str] = []
        for number, link in enumerate(self._outcome.evidence.links):
            refusal = self._outcome.resolution.refusals.get(number)
            few, many = sorted((link.a, link.b), key=lambda i: self._degree[i])
            path, (x, y) = self._path(self._boxes[few], self._boxes[many])
            lines.append(f'<path class="{"refused" if refusal else "joined"}" d="{path}"/>')
            if refusal:
                times = f" {link.times_seen}{TIMES}" if link.times_seen > 1 else ""
                labels.append(_pill("reason", f"{refusal.reason}{times}", x, y))
            elif link.times_seen > 1:
                times = f"{link.times_seen}{TIMES}"
                labels.append(f'<text class="times" x="{x + 6:g}" y="{y + 4:g}">{times}</text>')
        for judgement in self._outcome.case.judgements:
            ends = (self._names.index(judgement.a), self._names.index(judgement.b))
            path, (x, y) = self._path(*(self._boxes[i] for i in ends), aside=26)
            lines.append(f'<path class="judged {judgement.verdict}" d="{path}"/>')
            labels.append(_pill("judgement", f"judged {judgement.verdict}", x, y))
        return lines + labels

    def _path(self, a: _Box, b: _Box, aside: float = 0) -> tuple[str, tuple[float, float]]:
        """A line from node to node, bent around what stands between; and where its label goes.

        `aside`: how far it must keep from the straight line, where another one runs. The label
        goes nearer to `a`.
        """
        high, low = sorted((a, b), key=lambda box: box.y)
        between = [box for box in self._boxes.values() if high.y < box.y < low.y]
        blocked = any(abs(box.x - _x_at(box.y, high, low)) < box.width / 2 + 8 for box in between)
        x, y = (a.x + b.x) / 2, (a.y + b.y) / 2
        if a.y == b.y:
            y += 2 * NODE_HEIGHT
        elif blocked:
            x += max(box.width for box in between) + 28 + aside
        elif aside:
            x += 2 * aside
        else:
            share = NEARER * min(1, FAR / max(abs(b.x - a.x), 1))
            share = max(share, (NODE_HEIGHT / 2 + 12) / (low.y - high.y))
            near = (a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share)
            return f"M {a.x:g} {a.y:g} L {b.x:g} {b.y:g}", near
        middle = ((a.x + 2 * x + b.x) / 4, (a.y + 2 * y + b.y) / 4)
        return f"M {a.x:g} {a.y:g} Q {x:g} {y:g} {b.x:g} {b.y:g}", middle

    def _draw_nodes(self) -> list[str]:
        style_of = {i: self._style(n) for n, members in enumerate(self._clusters) for i in members}
        return [
            f'<g class="{style_of[i]}"><rect class="node" x="{box.x - box.width / 2:g}" '
            f'y="{box.y - NODE_HEIGHT / 2:g}" width="{box.width:g}" height="{NODE_HEIGHT}" '
            f'rx="12"/><text class="type" x="{box.x:g}" y="{box.y - 6:g}">'
            f'{escape(self._names[i].type)}</text><text class="value" x="{box.x:g}" '
            f'y="{box.y + 12:g}">{escape(self._names[i].value)}</text></g>'
            for i, box in self._boxes.items()
        ]


class CaseDirective(SphinxDirective):
    """The picture, its caption, and why each refused link is refused."""

    required_arguments = 1
    option_spec: ClassVar[Any] = {"quiet": directives.flag}

    def run(self) -> list[nodes.Node]:
        path = case_file(self.arguments[0])
        self.env.note_dependency(str(path))
        outcome = decide(load_case(path))
        picture = nodes.raw("", f'<div class="graph">{draw(outcome)}</div>', format="html")
        caption = nodes.paragraph(classes=["graph-caption"])
        caption += nodes.Text(_sentence(outcome.case.title))
        found: list[nodes.Node] = [picture, caption]
        if "quiet" not in self.options and (sentences := outcome.sentences()):
            reasons = nodes.bullet_list(classes=["reasons"])
            for sentence in sentences:
                reasons += nodes.list_item("", nodes.paragraph("", sentence))
            found.append(reasons)
        return found


def _x_at(y: float, high: _Box, low: _Box) -> float:
    """Where the straight line between two nodes of different rows is at a height."""
    return high.x + (low.x - high.x) * (y - high.y) / (low.y - high.y)


def _pill(style: str, text: str, x: float, y: float) -> str:
    width = len(text) * 7 + 14
    return (
        f'<rect class="pill {style}" x="{x - width / 2:g}" y="{y - 10:g}" width="{width}" '
        f'height="20" rx="10"/><text class="pill {style}" x="{x:g}" y="{y + 4:g}">{text}</text>'
    )


def _sentence(title: str) -> str:
    return f"{title[:1].upper()}{title[1:]}."


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's entry point."""
    app.add_directive("case", CaseDirective)
    return {"version": "1", "parallel_read_safe": True}
