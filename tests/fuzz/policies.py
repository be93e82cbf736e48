"""Texts of policies: presets and made ones, mutated line by line, and anything like YAML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from identity_service.domain.policies.parse import preset_names, preset_text

CORPUS: Final = Path(__file__).parent / "corpus" / "policies"
HARD_TO_READ: Final = {path.name: path.read_bytes().decode() for path in sorted(CORPUS.iterdir())}
"""Texts that other readers of YAML are slow, too trusting, or wrong with."""

MAX_MUTATIONS: Final = 4

_SMALL: Final = (
    "extends: quarantine\n",
    "{extends: merge_all, order: priority}",
    "extends: quarantine\ntypes:\n  crm: {priority: 77, kind: person, limit: 2, within: 7d}\n",
    "extends: quarantine\nblocked:\n- {value: x}  # why\n- pattern: '^-*$'\n  types: [user_id]\n",
    '{"extends": "quarantine", "blocked": [{"value": "-1"}], "limited_sources": ["web"]}',
)

_LINES: Final = (
    "", "---", "...", "%YAML 1.2", "# only a comment", "\t", "blocked:", "blocked: []", "types:",
    "  - {value: null}", "  email: {priority: 2, kind: person}", "? x", ": y", "order: time",
    "other: null", "max_component: 5", "max_identifiers: 0", "limited_sources: [web, web]",
    "extends: [quarantine]", "  kind: |-", "    device", "&a x: *a", "!!set {x}", "'", '"', "[",
    "{", "}", "- ", "<<: {extends: quarantine}", "blocked: [{value: x}", "]", "\ufeff", "\x85",
)  # fmt: skip

_SCALARS: Final[st.SearchStrategy[Any]] = st.one_of(
    st.sampled_from(
        [
            None, True, 0, 1, -1, 2**63, 1e308, "", "quarantine", "merge", "first", "isolate",
            "person", "device", "priority", "time", "7d", "0d", "101y", "email", "phone(NL)",
            "phone(", "(", "[0-9]+", "(?=x)", "a{1,1000}", "\x00", "😀", "user_id", "on", "1:30",
        ]
    ),
    st.text(max_size=10),
)  # fmt: skip

_KEYS: Final = st.sampled_from(
    [
        "extends", "order", "types", "other", "max_component", "max_identifiers",
        "limited_sources", "blocked", "priority", "kind", "limit", "within", "shared", "owners",
        "dominance", "max_links", "per_event", "ttl", "normalise", "format", "allow", "value",
        "pattern", "email", "user_id", "",
    ]
)  # fmt: skip

_VALUES: Final = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)

made: Final = st.dictionaries(_KEYS, _VALUES, max_size=6).map(json.dumps)
"""Words of policies in any place, with any value; JSON is YAML."""


POLICIES: Final = (*_SMALL, *map(preset_text, preset_names()))
"""Policies without mistakes."""


@st.composite
def mutated(draw: st.DrawFn, good: Sequence[str] = POLICIES) -> str:
    """A text without mistakes, some of its lines dropped, doubled, moved, added or changed."""
    text = draw(st.sampled_from(good))
    lines = text.splitlines(keepends=True)
    for _ in range(draw(st.integers(0, MAX_MUTATIONS))):
        place = draw(st.integers(0, len(lines)))
        match draw(st.sampled_from(("add", "drop", "double", "indent", "cut", "change"))):
            case "add":
                lines.insert(place, draw(st.sampled_from(_LINES)) + draw(_ENDS))
            case "drop":
                del lines[place : place + 1]
            case "double":
                lines[place:place] = lines[place : place + 2]
            case "indent":
                lines[place : place + 1] = [f" {line}" for line in lines[place : place + 1]]
            case "cut":
                lines[place : place + 1] = [line.rstrip() for line in lines[place : place + 1]]
            case _:
                lines[place : place + 1] = [
                    _changed(draw, line) for line in lines[place : place + 1]
                ]
    return "".join(lines)


_ENDS: Final = st.sampled_from(("\n", "\r\n", "\r", ""))


def _changed(draw: st.DrawFn, line: str) -> str:
    place = draw(st.integers(0, len(line)))
    more = draw(
        st.sampled_from(("", " ", "#", ":", ",", "{", "]", "'", "|", "\t", "\x00", "9", "é"))
    )
    return line[:place] + more + line[place + draw(st.integers(0, 2)) :]


texts: Final = st.one_of(mutated(), made, st.text(max_size=200))
"""Any text that somebody could take for a policy."""
