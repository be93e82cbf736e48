"""One value more is blocked; everything else of a policy's text stays as it was."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.block_value import with_blocked
from identity_service.domain.policies.parse import (
    MAX_POLICY_BYTES,
    parse_policy,
    preset_names,
    preset_text,
)
from identity_service.domain.policies.policy import Blocked
from identity_service.errors import PolicyInvalid

TABLET = Identifier("anonymous_id", "tablet")

TEXTS = {
    "short": "extends: quarantine\n",
    "without a last newline": "extends: quarantine",
    "a comment at the end": "extends: quarantine\n# that is all",
    "spaces at the end": "extends: quarantine\n   ",
    "windows": "extends: quarantine\r\norder: priority\r\n",
    "a byte order mark": "\ufeffextends: quarantine\n",
    "an indented root": "  extends: quarantine\n  order: priority\n",
    "marks of a document": "%YAML 1.1\n---\nextends: quarantine\n...\n",
    "only its end": "extends: quarantine\n...\n# nothing follows",
    "a block scalar last": "extends: quarantine\nother:\n  priority: 99\n  kind: |-\n    device\n",
    "a folded key last": "max_component: 5\nextends: >-\n  quarantine",
    "flow": "{extends: quarantine, order: priority}",
    "flow over lines": "{ # all of it\n  extends: quarantine,\n  max_component: 9,\n}\n",
    "json": '{"extends": "quarantine", "blocked": [{"value": "-1"}]}',
    "a list": "extends: quarantine\nblocked:\n  # those\n  - {value: x}  # first\n  - value: b\n",
    "a list that is not indented": "blocked:\n- {value: x}\n- pattern: y\nextends: quarantine\n",
    "a list in the middle": "extends: quarantine\nblocked:\n    - value: x\norder: priority",
    "a flow list": "extends: quarantine\nblocked: [{value: x}, {pattern: y}]  # two\n",
    "a flow list over lines": "extends: quarantine\nblocked: [\n  {value: x},\n]\n",
    "a flow list with a comment": "extends: quarantine\nblocked: [ # why\n  {value: x}]\n",
    "an empty list": "blocked: []\nextends: quarantine\n",
    "no list yet": "extends: quarantine\nblocked:   # none yet\norder: priority\n",
    "no list at the end": "extends: quarantine\nblocked:",
    "a null": "extends: quarantine\nblocked: null # none\n",
    "a tilde": "{blocked: ~, extends: quarantine}",
    "a key in quotes": 'extends: quarantine\n"blocked":\n  - {value: x}\n',
    "explicit keys": "? extends\n: quarantine\n? blocked\n: - {value: x}\n",
    "a type of that name": "extends: quarantine\ntypes:\n  blocked: {priority: 77, kind: device}\n",
    "letters of the world": "extends: quarantine  # Ünïcödé 🦊\nblocked: [{value: 🦊}]\n",
}

values = st.text(min_size=1, max_size=40).filter(
    lambda text: text.strip() and not any("\ud800" <= char <= "\udfff" for char in text)
)
types = st.sampled_from(["anonymous_id", "ios.id", "true", "12", "null", "-", "1.5"])


def assert_one_more_is_blocked(text: str, identifier: Identifier) -> str:
    before, added = parse_policy(text), with_blocked(text, identifier)
    after = parse_policy(added)

    entry = Blocked(value=identifier.value, types=frozenset({identifier.type}))
    assert sorted(after.blocked, key=repr) == sorted((*before.blocked, entry), key=repr)
    assert (after.rules, after.order, after.other, after.max_component) == (
        before.rules,
        before.order,
        before.other,
        before.max_component,
    )
    return added


def without_what_was_added(text: str, added: str) -> bool:
    """Whether the text is what is left when one stretch is cut out, but for `null` and spaces."""
    same = 0
    while same < min(len(text), len(added)) and text[same] == added[same]:
        same += 1
    rest = text[same:].removeprefix("null").removeprefix("~")
    return added.endswith(rest) and len(added) > len(text)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_of_any_form_keeps_all_that_it_holds(name: str) -> None:
    text = TEXTS[name]

    added = assert_one_more_is_blocked(text, TABLET)

    assert without_what_was_added(text, added)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_keeps_all_that_it_holds(name: str) -> None:
    added = assert_one_more_is_blocked(preset_text(name), TABLET)

    assert without_what_was_added(preset_text(name), added)


@settings(deadline=None)
@given(st.sampled_from(sorted(TEXTS.values())), types, values)
def test_any_value_is_blocked_as_it_is(text: str, kind: str, value: str) -> None:
    assert_one_more_is_blocked(text, Identifier(kind, value))


@settings(deadline=None)
@given(st.lists(values, min_size=2, max_size=4, unique=True), st.sampled_from(sorted(TEXTS)))
def test_values_are_added_one_after_the_other(several: list[str], name: str) -> None:
    text = TEXTS[name]

    for value in several:
        text = assert_one_more_is_blocked(text, Identifier("anonymous_id", value))


def test_the_entry_is_written_as_people_would_write_it() -> None:
    assert with_blocked("extends: quarantine\n", TABLET) == (
        'extends: quarantine\nblocked:\n  - {value: "tablet", types: ["anonymous_id"]}\n'
    )


@pytest.mark.parametrize("text", ["", "types: 5", "extends: [", "a: 1\n---\nb: 2"])
def test_a_text_with_mistakes_is_refused(text: str) -> None:
    with pytest.raises(PolicyInvalid):
        with_blocked(text, TABLET)


def test_a_text_that_grows_too_long_is_refused() -> None:
    text = "extends: quarantine\n#"

    with pytest.raises(PolicyInvalid, match="too many"):
        with_blocked(text + "x" * (MAX_POLICY_BYTES - len(text)), TABLET)
