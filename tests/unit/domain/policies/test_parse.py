"""The text of a policy: what it means, and how every mistake is named."""

from __future__ import annotations

import pytest

from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.policies.parse import (
    DEFAULT_POLICY_TEXT,
    MAX_POLICY_BYTES,
    parse_policy,
    parse_policy_mapping,
    parse_stored_policy,
    preset,
)
from identity_service.domain.policies.policy import (
    Blocked,
    Normaliser,
    Order,
    Policy,
    Rule,
    Sharing,
)
from identity_service.errors import PolicyInvalid

DOCUMENTED = """
extends: quarantine            # a preset
order: priority                # or: time
types:
  user_id:      {priority: 1, kind: person, limit: 1}
  email:        {priority: 2, kind: person, limit: 5, shared: quarantine, normalise: email}
  anonymous_id: {priority: 9, kind: device, limit: 5, within: 7d, shared: quarantine, owners: 1,
                 max_links: 1000}
  stripe_customer_id: {priority: 4, kind: person, allow: ["0"]}
other: {priority: 99, kind: device, limit: 5, shared: quarantine}
max_component: 10000
blocked:
  - {value: "-1"}
  - {pattern: "^[0-]*$", types: [user_id, anonymous_id]}
"""

DAY = 86_400_000


def problems(text: str) -> dict[str, str]:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(text)
    return {problem.path: problem.message for problem in caught.value.problems}


def rule_problems(rule: str) -> dict[str, str]:
    return problems(f"types:\n  a: {{{rule}}}\n")


def test_the_documented_example_is_read_in_full() -> None:
    policy = parse_policy(DOCUMENTED)

    assert policy.order is Order.PRIORITY
    assert policy.max_component == 10_000
    assert policy.rules["user_id"] == Rule(1, IdentifierKind.PERSON, limit=1)
    assert policy.rules["anonymous_id"] == Rule(
        priority=9,
        kind=IdentifierKind.DEVICE,
        limit=5,
        within=7 * DAY,
        shared=Sharing.QUARANTINE,
        max_links=1_000,
    )
    assert policy.rules["email"].normalise is Normaliser.EMAIL
    assert policy.rules["stripe_customer_id"].allow == {"0"}
    assert policy.other == Rule(99, IdentifierKind.DEVICE, limit=5, shared=Sharing.QUARANTINE)
    assert policy.blocked[-2:] == (
        Blocked(value="-1"),
        Blocked(pattern="^[0-]*$", types=frozenset({"user_id", "anonymous_id"})),
    )


def test_the_default_text_is_the_quarantine_preset() -> None:
    assert parse_policy(DEFAULT_POLICY_TEXT) == preset("quarantine")


def test_the_same_text_always_gives_the_same_policy() -> None:
    assert parse_policy(DOCUMENTED) == parse_policy(DOCUMENTED)


def test_a_type_replaces_the_rule_of_the_preset_whole() -> None:
    policy = parse_policy("extends: quarantine\ntypes: {email: {priority: 2, kind: person}}")

    assert policy.rules["email"] == Rule(2, IdentifierKind.PERSON)
    assert policy.rules["phone"] == preset("quarantine").rules["phone"]


def test_blocked_values_add_to_those_of_the_preset() -> None:
    policy = parse_policy('extends: quarantine\nblocked: [{value: "x"}]')

    assert policy.blocked == (*preset("quarantine").blocked, Blocked(value="x"))


def test_other_can_be_taken_away_from_a_preset() -> None:
    assert parse_policy("extends: quarantine\nother: null").other is None


def test_a_policy_that_extends_nothing_has_only_what_it_says() -> None:
    policy = parse_policy("types: {user_id: {priority: 1, kind: person}}")

    assert policy == Policy(rules={"user_id": Rule(1, IdentifierKind.PERSON)})


def test_a_mapping_inside_other_yaml_is_read_alike() -> None:
    assert parse_policy_mapping({"extends": "quarantine"}) == preset("quarantine")


def test_words_that_older_yaml_takes_for_booleans_are_names_of_types() -> None:
    policy = parse_policy(
        "types: {on: {priority: 1, kind: person}, no: {priority: 2, kind: person}}"
    )

    assert set(policy.rules) == {"on", "no"}


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [("90s", 90_000), ("30m", 1_800_000), ("1.5h", 5_400_000), ("7d", 7 * DAY)],
)
def test_durations_are_a_number_and_a_unit(written: str, milliseconds: int) -> None:
    policy = parse_policy(
        f"types: {{a: {{priority: 1, kind: device, limit: 1, within: {written}}}}}"
    )

    assert policy.rules["a"].within == milliseconds


@pytest.mark.parametrize("written", ["0", "1000001", "some", '"5"'])
def test_the_most_identifiers_of_a_customer_are_a_whole_number(written: str) -> None:
    assert list(problems(f"extends: quarantine\nmax_identifiers: {written}")) == ["max_identifiers"]


def test_values_on_an_event_and_identifiers_of_a_customer_can_be_bounded() -> None:
    policy = parse_policy(
        "types: {a: {priority: 1, kind: person, per_event: 1}}\nmax_identifiers: 40"
    )

    assert policy.rules["a"].per_event == 1
    assert policy.max_identifiers == 40
    assert parse_policy("extends: quarantine").max_identifiers is None


def test_a_ttl_is_refused_since_nothing_expires_by_it() -> None:
    found = problems(
        """
        types: {a: {priority: 1, kind: device, ttl: 30d}}
        other: {priority: 9, kind: device, ttl: 1d}
        """
    )

    assert set(found) == {"types.a.ttl", "other.ttl"}
    assert "no effect" in found["other.ttl"]
    assert "`limit` with `within`" in found["other.ttl"]


def test_a_policy_with_a_ttl_that_is_in_force_is_still_read() -> None:
    policy = parse_stored_policy("types: {a: {priority: 1, kind: device, ttl: 30d}}")

    assert policy.rules["a"] == Rule(1, IdentifierKind.DEVICE, ttl=30 * DAY)
    with pytest.raises(PolicyInvalid):
        parse_stored_policy("types: {a: {priority: 1, kind: device, ttl: 0s}}")


def test_every_mistake_is_named_at_once() -> None:
    found = problems(
        """
        extends: quarantin
        order: tme
        types:
          user_id: {priority: 1, kind: persn}
          mail: {priorty: 2, kind: person}
        max_component: 0
        blokked: []
        """
    )

    assert set(found) == {
        "extends",
        "order",
        "types.user_id.kind",
        "types.mail.priority",
        "types.mail.priorty",
        "max_component",
        "blokked",
    }


@pytest.mark.parametrize(
    ("text", "path", "meant"),
    [
        ("extends: quarantin", "extends", "quarantine"),
        ("extends: quarantine\nodrer: time", "odrer", "order"),
        ("extends: merge_all\norder: tme", "order", "time"),
        ("types: {a: {priority: 1, kind: Person}}", "types.a.kind", "person"),
        ("types: {a: {priority: 1, kind: person, normalize: lower}}", "types.a.normalize", "norm"),
        ("types: {a: {priority: 1, kind: person, shared: lastest}}", "types.a.shared", "latest"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_right_one(text: str, path: str, meant: str) -> None:
    assert f"did you mean {meant}" in problems(text)[path]


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("priority: 0, kind: person", "types.a.priority"),
        ("priority: true, kind: person", "types.a.priority"),
        ("priority: 1.5, kind: person", "types.a.priority"),
        ("priority: 1001, kind: person", "types.a.priority"),
        ("priority: 1", "types.a.kind"),
        ("kind: person", "types.a.priority"),
        ("priority: 1, kind: person, limit: 0", "types.a.limit"),
        ('priority: 1, kind: person, limit: "5"', "types.a.limit"),
        ("priority: 1, kind: person, limit: yes", "types.a.limit"),
        ("priority: 1, kind: person, max_links: 0", "types.a.max_links"),
        ("priority: 1, kind: person, shared: quarantine, owners: 0", "types.a.owners"),
        ("priority: 1, kind: person, owners: 2", "types.a.owners"),
        ("priority: 1, kind: person, shared: first, dominance: 0.6", "types.a.dominance"),
        ("priority: 1, kind: person, shared: quarantine, dominance: 0.5", "types.a.dominance"),
        ("priority: 1, kind: person, shared: quarantine, dominance: 1.1", "types.a.dominance"),
        ("priority: 1, kind: person, shared: quarantine, dominance: true", "types.a.dominance"),
        ("priority: 1, kind: person, within: 7d", "types.a.within"),
        ("priority: 1, kind: person, limit: 1, within: 7", "types.a.within"),
        ("priority: 1, kind: person, limit: 1, within: 7w", "types.a.within"),
        ("priority: 1, kind: person, per_event: 0", "types.a.per_event"),
        ("priority: 1, kind: person, per_event: 51", "types.a.per_event"),
        ("priority: 1, kind: person, ttl: 0s", "types.a.ttl"),
        ("priority: 1, kind: person, ttl: 99999d", "types.a.ttl"),
        ("priority: 1, kind: person, format: 5", "types.a.format"),
        ("priority: 1, kind: person, allow: [0]", "types.a.allow.0"),
        ('priority: 1, kind: person, allow: "0"', "types.a.allow"),
        ('priority: 1, kind: person, allow: [""]', "types.a.allow.0"),
    ],
)
def test_a_value_out_of_place_is_named_by_its_path(rule: str, path: str) -> None:
    assert list(rule_problems(rule)) == [path]


@pytest.mark.parametrize("dominance", ["0.51", "1"])
def test_dominance_is_a_share_above_one_half(dominance: str) -> None:
    text = (
        f"types: {{a: {{priority: 1, kind: device, shared: quarantine, dominance: {dominance}}}}}"
    )

    assert parse_policy(text).rules["a"].dominance == float(dominance)


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("{}", "blocked.0"),
        ('{value: "a", pattern: "b"}', "blocked.0"),
        ("{value: -1}", "blocked.0.value"),
        ("{value: null}", "blocked.0.value"),
        ('{pattern: "("}', "blocked.0.pattern"),
        ('{value: "a", types: []}', "blocked.0.types"),
        ('{value: "a", types: ["b c"]}', "blocked.0.types.0"),
        ('"a"', "blocked.0"),
    ],
)
def test_a_blocked_entry_out_of_place_is_named_by_its_path(entry: str, path: str) -> None:
    assert list(problems(f"extends: quarantine\nblocked: [{entry}]")) == [path]


@pytest.mark.parametrize(("number", "named"), [(100, []), (101, ["blocked"])])
def test_a_policy_holds_at_most_a_hundred_patterns(number: int, named: list[str]) -> None:
    text = "extends: quarantine\nblocked:\n" + '  - {pattern: "a+"}\n' * number

    found = problems(text + "x: 1")

    assert [path for path in found if path != "x"] == named


@pytest.mark.parametrize(
    ("pattern", "reason"), [("(", "missing )"), ("(?=a)b", "(?="), (r"(a)\\1", "\\1")]
)
def test_a_bad_regular_expression_is_answered_with_the_reason(pattern: str, reason: str) -> None:
    found = rule_problems(f'priority: 1, kind: person, format: "{pattern}"')

    assert reason in found["types.a.format"]


def test_two_types_of_one_priority_are_both_named() -> None:
    found = problems("types: {a: {priority: 3, kind: person}, b: {priority: 3, kind: person}}")

    assert list(found) == ["types.b.priority"]
    assert "both a and b" in found["types.b.priority"]


def test_a_priority_that_the_preset_has_given_away_is_named_with_its_holder_and_a_free_one() -> (
    None
):
    found = problems("extends: quarantine\ntypes: {crm_id: {priority: 3, kind: person}}")

    assert "phone (of the preset) and crm_id" in found["types.crm_id.priority"]
    assert "next free one is 5" in found["types.crm_id.priority"]


def test_other_needs_a_priority_of_its_own() -> None:
    found = problems("types: {a: {priority: 3, kind: person}}\nother: {priority: 3, kind: device}")

    assert list(found) == ["other.priority"]


def test_a_type_may_be_called_other() -> None:
    policy = parse_policy(
        "types: {other: {priority: 1, kind: person}}\nother: {priority: 2, kind: device}"
    )

    assert policy.rules["other"].priority == 1
    assert policy.rule_of("unlisted") == Rule(2, IdentifierKind.DEVICE)


@pytest.mark.parametrize("shared", ["latest", "quarantine"])
def test_order_time_refuses_what_needs_levels(shared: str) -> None:
    found = problems(f"order: time\ntypes: {{a: {{priority: 1, kind: device, shared: {shared}}}}}")

    assert list(found) == ["types.a.shared"]
    assert "merge, first, isolate" in found["types.a.shared"]


@pytest.mark.parametrize("shared", ["merge", "first", "isolate"])
def test_order_time_takes_what_needs_no_levels(shared: str) -> None:
    text = f"order: time\ntypes: {{a: {{priority: 1, kind: device, shared: {shared}}}}}"

    assert parse_policy(text).order is Order.TIME


def test_order_time_over_a_preset_that_needs_levels_is_refused_at_the_order() -> None:
    assert list(problems("extends: quarantine\norder: time")) == ["order"]


@pytest.mark.parametrize("name", ["a b", "a:b", "é", "x" * 65, ""])
def test_a_type_needs_a_plain_name(name: str) -> None:
    found = problems(f'types: {{"{name}": {{priority: 1, kind: person}}}}')

    assert "64 letters" in next(iter(found.values()))


def test_a_key_that_stands_twice_is_refused_with_both_lines() -> None:
    found = problems("types:\n  a: {priority: 1, kind: person}\n  a: {priority: 2, kind: person}")

    assert found == {"types.a": "stands twice, in lines 2 and 3: keep one"}


def test_a_slip_in_the_yaml_is_named_by_line_and_column() -> None:
    assert list(problems("types:\n  a: {priority: 1\n  b: ]")) == ["line 3, column 4"]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_text_is_answered_with_the_shortest_policy(text: str) -> None:
    assert "extends: quarantine" in problems(text)["policy"]


@pytest.mark.parametrize("text", ["hello", "[a, b]", "5"])
def test_a_text_that_is_no_mapping_is_refused(text: str) -> None:
    assert list(problems(text)) == ["policy"]


def test_a_policy_needs_types_or_a_preset() -> None:
    assert list(problems("order: priority")) == ["types"]


def test_a_text_beyond_the_bound_is_refused_unread() -> None:
    assert str(MAX_POLICY_BYTES) in problems("#" * (MAX_POLICY_BYTES + 1))["policy"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: &x [1]\nb: [*x, *x]", "aliases"),
        ("a: &x [*x]", "aliases"),
        ("a: !!python/object/apply:os.system [ls]", "tags"),
        ("[" * 100_000, "nested too deeply"),
        ("a: 1\n---\nb: 2", "second document"),
        ("? [a]\n: 1", "plain text"),
        ("a: \x00", "not YAML"),
    ],
)
def test_yaml_that_could_do_harm_is_refused(text: str, what: str) -> None:
    assert what in next(iter(problems(text).values()))


def test_limited_sources_are_named_in_a_list() -> None:
    policy = parse_policy('extends: quarantine\nlimited_sources: [page, "command line"]')

    assert policy.limited_sources == {"page", "command line"}
    assert parse_policy("extends: quarantine").limited_sources == frozenset()
    assert parse_policy("extends: quarantine\nlimited_sources:").limited_sources == frozenset()


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("page", "limited_sources"),
        ("{page: true}", "limited_sources"),
        ("[17]", "limited_sources.0"),
        ("[page, null]", "limited_sources.1"),
        ('[page, " "]', "limited_sources.1"),
        (f"[{', '.join(f's{n}' for n in range(1_001))}]", "limited_sources"),
        (f"[{'x' * 1_025}]", "limited_sources.0"),
    ],
)
def test_what_is_no_name_of_a_source_is_a_mistake(written: str, path: str) -> None:
    assert list(problems(f"extends: quarantine\nlimited_sources: {written}")) == [path]
