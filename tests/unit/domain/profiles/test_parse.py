"""The text of profiles: what it means, and how every mistake is named."""

from __future__ import annotations

from decimal import Decimal

import pytest

from identity_service.domain.profiles.definitions import (
    Aggregate,
    Arithmetic,
    By,
    CauseKind,
    Comparison,
    Did,
    FollowUp,
    Function,
    ListOrder,
    Of,
    Operation,
    Operator,
    Part,
    PropertyIs,
    Selection,
    SessionMeasure,
    Take,
    Times,
    TraitRule,
    Unit,
    Window,
)
from identity_service.domain.profiles.parse import (
    MAX_PROFILES_BYTES,
    parse_profiles,
    parse_profiles_mapping,
)
from identity_service.domain.profiles.read_features import MAX_FEATURES
from identity_service.domain.profiles.vocabulary import (
    CONDITIONS,
    FUNCTIONS,
    MODIFIERS,
    OPERATIONS,
    OPERATORS,
)
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.errors import BadInput, ProfilesInvalid
from tests.support.profile_evidence import DAY, HOUR, MINUTE

DOCUMENTED = """
traits:
  plan:    {take: latest}
  name:    {prefer: [crm, app], take: latest}
  city:    {take: most_frequent}
  birthday: {take: first}
features:
  orders:          {count: Order Completed}
  orders_30d:      {count: Order Completed, within: 30d}
  revenue_eur:     {sum: revenue, of: Order Completed, where: {currency: EUR}}
  last_category:   {last: category, of: [Product Viewed, Product Added]}
  favourite:       {most_frequent: category, of: Product Viewed, at_least: 2}
  bought:          {list: product_id, of: Order Completed, each: products, limit: 50, order: last}
  by_weekday:      {counts: at, part: weekday, of: any, timezone: Europe/Berlin}
  visits_7d:       {sessions: any, pause: 10m, within: 7d}
  visit_length:    {sessions: any, average: seconds}
  days_idle:       {since_last: any, unit: h}
  old_orders:      {count: Order Completed, between: [90d, 30d], sources: [shop]}
  plans:           {list: plan, of: {call: identify}, kinds_of_events: [identify]}
  net_revenue:     {minus: [revenue_eur, refunds, 0.5]}
  refunds:         {sum: amount, of: Order Refunded, as: number, since: 2026-01-01}
account_features:
  seats_active:    {distinct: customer, of: any, within: 30d, by: members}
audiences:
  abandoned_cart:
    who:
      all:
        - did: Product Added
          within: 7d
          then_not: {did: Order Completed, within: 2h, same: cart_id}
        - not: {in: complained}
        - consent: {purpose: marketing}
  loyal:
    who: {all: [{feature: revenue_eur, gte: 1000}, {did: Order Completed, times: {gte: 3}}]}
    kinds: [KNOWN, ANONYMOUS]
    starts_campaigns: [EVENT, MERGE]
  complained:
    who: {did: Ticket Created, where: {tag: complaint}, within: 30d}
    enabled: false
  at_risk_accounts:
    of: accounts
    who: {all: [{trait: plan, is: business}, {members: {none: {did: any, within: 14d}}}]}
"""
ORDERS = frozenset({"Order Completed"})


def problems(text: str) -> dict[str, str]:
    with pytest.raises(ProfilesInvalid) as caught:
        parse_profiles(text)
    return {problem.path: problem.message for problem in caught.value.problems}


def feature_problems(feature: str) -> dict[str, str]:
    return problems(f"features:\n  f: {feature}\n")


def who_problems(who: str, of: str = "customers") -> dict[str, str]:
    return problems(f"audiences:\n  a: {{of: {of}, who: {who}}}\n")


def warnings(text: str) -> dict[str, str]:
    return {warning.path: warning.message for warning in parse_profiles(text).warnings}


def test_the_documented_example_is_read_in_full() -> None:
    profiles = parse_profiles(DOCUMENTED)

    assert profiles.traits == {
        "plan": TraitRule(),
        "name": TraitRule(Take.LATEST, ("crm", "app")),
        "city": TraitRule(Take.MOST_FREQUENT),
        "birthday": TraitRule(Take.FIRST),
    }
    assert profiles.warnings == ()
    of = profiles.features
    assert of["orders"] == Aggregate(Function.COUNT, Selection(ORDERS))
    assert of["orders_30d"] == Aggregate(
        Function.COUNT, Selection(ORDERS, window=Window(oldest=30 * DAY))
    )
    assert of["revenue_eur"] == Aggregate(
        Function.SUM,
        Selection(ORDERS, where=PropertyIs("currency", (Comparison(Operator.IS, "EUR"),))),
        property="revenue",
    )
    assert of["favourite"] == Aggregate(
        Function.MOST_FREQUENT,
        Selection(frozenset({"Product Viewed"})),
        property="category",
        at_least=2,
    )
    assert of["bought"] == Aggregate(
        Function.LIST,
        Selection(ORDERS, each="products"),
        property="product_id",
        limit=50,
        order=ListOrder.LAST,
    )
    assert of["by_weekday"] == Aggregate(
        Function.COUNTS, Selection(), property="at", part=Part.WEEKDAY, timezone="Europe/Berlin"
    )
    assert of["visits_7d"] == Aggregate(
        Function.SESSIONS, Selection(window=Window(oldest=7 * DAY)), pause=10 * MINUTE
    )
    assert of["visit_length"] == Aggregate(
        Function.SESSIONS, Selection(), measure=SessionMeasure.AVERAGE_SECONDS
    )
    assert of["days_idle"] == Aggregate(Function.SINCE_LAST, Selection(), unit=Unit.HOUR)
    assert of["old_orders"] == Aggregate(
        Function.COUNT,
        Selection(
            ORDERS, window=Window(oldest=90 * DAY, newest=30 * DAY), sources=frozenset({"shop"})
        ),
    )
    assert of["plans"] == Aggregate(
        Function.LIST,
        Selection(call="identify", types=frozenset({"identify"})),
        property="plan",
    )
    assert of["net_revenue"] == Arithmetic(
        Operation.MINUS, ("revenue_eur", "refunds", Decimal("0.5"))
    )
    assert of["refunds"] == Aggregate(
        Function.SUM,
        Selection(frozenset({"Order Refunded"}), window=Window(since=1_767_225_600_000)),
        property="amount",
        as_number=True,
    )
    assert profiles.account_features == {
        "seats_active": Aggregate(
            Function.DISTINCT,
            Selection(window=Window(oldest=30 * DAY), by=By.MEMBERS),
            property="customer",
        )
    }
    loyal, accounts = profiles.audiences["loyal"], profiles.audiences["at_risk_accounts"]
    assert loyal.kinds == {CustomerKind.KNOWN, CustomerKind.ANONYMOUS}
    assert loyal.campaign_causes == {CauseKind.EVENT, CauseKind.MERGE}
    assert not profiles.audiences["complained"].enabled
    assert accounts.of is Of.ACCOUNTS


@pytest.mark.parametrize("text", ["", "features:", "features: {}\naudiences: {}"])
def test_a_text_may_say_nothing(text: str) -> None:
    assert parse_profiles(text).features == {}


def test_a_mapping_inside_other_yaml_is_read_alike() -> None:
    found = parse_profiles_mapping({"features": {"n": {"count": "A"}}})

    assert found.features == {"n": Aggregate(Function.COUNT, Selection(frozenset({"A"})))}


def test_a_sequence_of_steps_is_read() -> None:
    who = "{did: A, then: {did: [B, C], within: 2h, same: x, sources: [web]}}"

    assert parse_profiles(f"audiences: {{a: {{who: {who}}}}}").audiences["a"].who == Did(
        Selection(frozenset({"A"})),
        then=FollowUp(Selection(frozenset({"B", "C"}), sources=frozenset({"web"})), 2 * HOUR, "x"),
    )


@pytest.mark.parametrize(
    ("times", "read"),
    [
        ("0", Times(0, 0)),
        ("2", Times(2, 2)),
        ("{gte: 2}", Times(2)),
        ("{lte: 3}", Times(None, 3)),
        ("{gte: 2, lte: 3}", Times(2, 3)),
    ],
)
def test_how_often_is_read(times: str, read: Times) -> None:
    profiles = parse_profiles(f"audiences: {{a: {{who: {{did: A, times: {times}}}}}}}")

    assert profiles.audiences["a"].who == Did(Selection(frozenset({"A"})), times=read)


def test_numbers_are_those_that_stand_there() -> None:
    profiles = parse_profiles("features: {n: {count: A, where: {x: {gte: 0.1, lt: 1e2}}}}")

    found = profiles.features["n"]
    assert isinstance(found, Aggregate)
    assert found.selection.where == PropertyIs(
        "x",
        (Comparison(Operator.GTE, Decimal("0.1")), Comparison(Operator.LT, Decimal(100))),
    )


MISTAKES: dict[str, tuple[str, str]] = {
    # text: path, a part of the message
    "featurs: {}": ("featurs", "did you mean features?"),
    "[]": ("profiles", "this list is not a mapping"),
    "features: []": ("features", "this list is not a mapping"),
    "traits: {plan: {take: latst}}": ("traits.plan.take", "did you mean latest?"),
    "traits: {plan: {tak: latest}}": ("traits.plan.tak", "did you mean take?"),
    "traits: {plan: {}}": ("traits.plan", "write take, prefer or search"),
    "traits: {plan: {search: 1}}": ("traits.plan.search", "neither true nor false"),
    "traits: {a: {search: true}, b: {search: true}, c: {search: true}, d: {search: true}}": (
        "traits.d.search",
        "one more than 3",
    ),
    "traits: {plan: {prefer: crm}}": ("traits.plan.prefer", "a list of 1 to 100"),
    "traits: {plan: {prefer: [1]}}": ("traits.plan.prefer.0", 'put it in quotes, "1"'),
    "traits: {plan: {prefer: [null]}}": ("traits.plan.prefer.0", "is empty"),
    "features: {1x: {count: A}}": ("features.1x", "a letter, then up to 63"),
    "features: {n: {cont: A}}": ("features.n", "did you mean count?"),
    "features: {n: {count: A, sum: x}}": ("features.n", "names count and sum: write one"),
    "features: {n: count}": ("features.n", "is not a mapping"),
    "features: {n: {count: A, withn: 3d}}": ("features.n.withn", "did you mean within?"),
    "features: {n: {count: A, limit: 3}}": ("features.n.limit", "there is no such key"),
    "features: {n: {sum: x, part: hour}}": ("features.n.part", "there is no such key"),
    "features: {n: {count: A, by: members}}": ("features.n.by", "there is no such key"),
    "features: {n: {count: null}}": ("features.n.count", "name a step"),
    "features: {n: {count: [A, 3]}}": ("features.n.count.1", 'put it in quotes, "3"'),
    "features: {n: {count: 3}}": ("features.n.count", 'put it in quotes, "3"'),
    "features: {n: {count: []}}": ("features.n.count", "a list of 1 to 100"),
    "features: {n: {count: {call: identfy}}}": ("features.n.count.call", "did you mean identify?"),
    "features: {n: {count: {cal: identify}}}": ("features.n.count.cal", "did you mean call?"),
    "features: {n: {sum: x, of: null}}": ("features.n.of", "name a step"),
    "features: {n: {sum: null, of: A}}": ("features.n.sum", "names no property"),
    "features: {n: {sum: 3, of: A}}": ("features.n.sum", 'put it in quotes, "3"'),
    "features: {n: {sum: '', of: A}}": ("features.n.sum", "1 to 1,024 characters"),
    "features: {n: {sum: x, as: text}}": ("features.n.as", "write number"),
    "features: {n: {count: A, within: 3}}": ("features.n.within", "is not a duration"),
    "features: {n: {count: A, within: 3 weeks}}": ("features.n.within", "30m or 7d"),
    "features: {n: {count: A, within: 3d, since: 2026-01-01}}": ("features.n", "write one of them"),
    "features: {n: {count: A, between: 3d}}": ("features.n.between", "takes two durations"),
    "features: {n: {count: A, between: [3d]}}": ("features.n.between", "takes two durations"),
    "features: {n: {count: A, between: [3d, 9d]}}": ("features.n.between", "the longer duration"),
    "features: {n: {count: A, between: [3d, x]}}": ("features.n.between.1", "is not a duration"),
    "features: {n: {count: A, since: soon}}": ("features.n.since", "2026-01-31"),
    "features: {n: {count: A, since: 3}}": ("features.n.since", "2026-01-31"),
    "features: {n: {count: A, kinds_of_events: [pge]}}": (
        "features.n.kinds_of_events.0",
        "did you mean page?",
    ),
    "features: {n: {list: x, limit: 1001}}": ("features.n.limit", "1 to 1,000"),
    "features: {n: {list: x, order: newest}}": ("features.n.order", "Possible: text, first, last"),
    "features: {n: {most_frequent: x, at_least: 0}}": ("features.n.at_least", "whole number"),
    "features: {n: {since_last: A, unit: w}}": ("features.n.unit", "Possible: s, m, h, d"),
    "features: {n: {sessions: A, pause: x}}": ("features.n.pause", "is not a duration"),
    "features: {n: {sessions: A, measure: hours}}": ("features.n.measure", "write seconds"),
    "features: {n: {sessions: A, measure: seconds, average: seconds}}": (
        "features.n",
        "write one of them",
    ),
    "features: {n: {counts: at, part: year}}": ("features.n.part", "Possible: hour, weekday"),
    "features: {n: {days: any, timezone: Mars}}": ("features.n.timezone", "no time zone"),
    "features: {n: {days: any, timezone: 3}}": ("features.n.timezone", "no time zone"),
    "features: {n: {days: any, timezone: ../../etc}}": ("features.n.timezone", "no time zone"),
    "features: {n: {list: x, timezone: UTC}}": ("features.n.timezone", "only with `part`"),
    "features: {n: {plus: [oders, 2]}, orders: {count: A}}": (
        "features.n.plus.0",
        "did you mean orders?",
    ),
    "features: {n: {plus: [1]}}": ("features.n.plus", "2 to 100 features or numbers"),
    "features: {n: {plus: n}}": ("features.n.plus", "2 to 100 features or numbers"),
    "features: {n: {plus: [1, {sum: x}]}}": ("features.n.plus.1", "no name of a feature"),
    "features: {n: {plus: [1, true]}}": ("features.n.plus.1", "no name of a feature"),
    "features: {n: {plus: [1, 2], within: 3d}}": ("features.n.within", "there is no such key"),
    "features: {a: {plus: [b, 1]}, b: {plus: [a, 1]}}": ("features.a", "from itself: a ← b ← a"),
    "account_features: {n: {plus: [m, 1]}}\nfeatures: {m: {count: A}}": (
        "account_features.n.plus.0",
        "there is no feature “m”",
    ),
    "account_features: {n: {count: any, by: all}}": ("account_features.n.by", "event, members"),
    "features: {n: {count: A, where: {}}}": ("features.n.where", "test a property"),
    "features: {n: {count: A, where: x}}": ("features.n.where", "is not a mapping"),
    "features: {n: {count: A, where: {x: null}}}": ("features.n.where.x", "exists: false"),
    "features: {n: {count: A, where: {x: [1]}}}": ("features.n.where.x", "this list is no value"),
    "features: {n: {count: A, where: {x: {}}}}": ("features.n.where.x", "compares nothing"),
    "features: {n: {count: A, where: {x: {gte: true}}}}": (
        "features.n.where.x.gte",
        "neither a number nor text",
    ),
    "features: {n: {count: A, where: {x: {mor: 1}}}}": ("features.n.where.x.mor", "no such key"),
    "features: {n: {count: A, where: {x: {in: 1}}}}": ("features.n.where.x.in", "a list of 1"),
    "features: {n: {count: A, where: {x: {in: [a, null]}}}}": (
        "features.n.where.x.in.1",
        "is empty",
    ),
    "features: {n: {count: A, where: {x: {starts: 1}}}}": ("features.n.where.x.starts", "quotes"),
    "features: {n: {count: A, where: {x: {matches: '('}}}}": (
        "features.n.where.x.matches",
        "not a regular expression of re2",
    ),
    "features: {n: {count: A, where: {x: {exists: 1}}}}": (
        "features.n.where.x.exists",
        "neither true nor false",
    ),
    "features: {n: {count: A, where: {x: {before: 2026-01-01}}}}": (
        "features.n.where.x.before",
        "there is no such key",
    ),
    "features: {n: {count: A, where: {any: {x: 1}}}}": ("features.n.where.any", "a list of 1"),
    "features: {n: {count: A, where: {any: [{x: {}}]}}}": ("features.n.where.any.0.x", "nothing"),
    "features: {n: {count: A, where: {not: [1]}}}": ("features.n.where.not", "is not a mapping"),
    "audiences: {a b: {who: {did: A}}}": ("audiences.a b", "a letter, then up to 63"),
    "audiences: {a: {}}": ("audiences.a.who", "say who is in it"),
    "audiences: {a: {whom: {did: A}}}": ("audiences.a.whom", "did you mean who?"),
    "audiences: {a: {who: {did: A}, kinds: [known]}}": ("audiences.a.kinds.0", "KNOWN"),
    "audiences: {a: {who: {did: A}, kinds: KNOWN}}": ("audiences.a.kinds", "is not a list"),
    "audiences: {a: {who: {did: A}, of: accounts, kinds: [KNOWN]}}": (
        "audiences.a.kinds",
        "holds accounts",
    ),
    "audiences: {a: {who: {did: A}, enabled: 1}}": ("audiences.a.enabled", "true nor false"),
    "audiences: {a: {who: {did: A}, of: people}}": ("audiences.a.of", "customers, accounts"),
    "audiences: {a: {who: {did: A}, starts_campaigns: [MRGE]}}": (
        "audiences.a.starts_campaigns.0",
        "MERGE",
    ),
    "audiences: {a: {who: {in: a}}}": ("audiences.a", "from itself: a ← a"),
    "audiences: {a: {who: {in: b}}, b: {who: {not: {in: a}}}}": ("audiences.a", "a ← b ← a"),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_named_with_its_path_and_what_would_be_right(text: str) -> None:
    path, message = MISTAKES[text]

    found = problems(text)

    assert message in found[path]


WHO_MISTAKES: dict[str, tuple[str, str]] = {
    "[]": ("", "is not a mapping"),
    "{dit: A}": ("", "did you mean did?"),
    "{did: A, has: email}": (".has", "there is no such key"),
    "{has: email, in: a}": ("", "write one condition"),
    "{did: A, withn: 3d}": (".withn", "did you mean within?"),
    "{did: A, by: members}": (".by", "there is no such key"),
    "{did: A, then: {did: B}, then_not: {did: C, within: 1h}}": ("", "write two conditions"),
    "{did: A, then: {did: B}, times: 3}": (".times", "write two conditions"),
    "{did: A, then_not: {did: B}}": (".then_not.within", "say how long to wait"),
    "{did: A, then: {within: 3d}}": (".then.did", "name a step"),
    "{did: A, then: {did: B, between: [3d, 1d]}}": (".then.between", "there is no such key"),
    "{did: A, times: {}}": (".times", "gte, lte or both"),
    "{did: A, times: {gte: 3, lte: 2}}": (".times", "is impossible"),
    "{did: A, times: -1}": (".times", "0 to 1,000,000,000"),
    "{did: A, times: {gt: 1}}": (".times.gt", "did you mean gte?"),
    "{feature: x, gte: 1}": (".feature", "the text has none"),
    "{feature: 3, gte: 1}": (".feature", "there is no such feature"),
    "{trait: plan}": ("", "compares nothing"),
    "{trait: plan, is: null}": (".is", "is empty"),
    "{trait: plan, within: 3d}": (".within", "there is no such key"),
    "{trait: plan, before: soon}": (".before", "2026-01-31"),
    "{trait: plan, before: null}": (".before", "is empty"),
    "{trait: plan, in_last: 3}": (".in_last", "is not a duration"),
    "{trait: 3, is: 3}": (".trait", "quotes"),
    "{has: e mail}": (".has", "no identifier type"),
    "{in: b}": (".in", "there is no audience “b”"),
    "{in: [a]}": (".in", "there is no audience this list"),
    "{consent: marketing}": (".consent", "is not a mapping"),
    "{consent: {}}": (".consent.purpose", "is missing"),
    "{consent: {porpose: x}}": (".consent.porpose", "did you mean purpose?"),
    "{members: {any: {did: A}}}": (".members", "needs `of: accounts`"),
    "{all: {did: A}}": (".all", "a list of 1 to 100 conditions"),
    "{all: []}": (".all", "a list of 1 to 100 conditions"),
    "{any: [{did: A}, {hs: x}]}": (".any.1", "did you mean has?"),
    "{not: {hs: x}}": (".not", "did you mean has?"),
    "{not: {did: A}, within: 3d}": (".within", "there is no such key"),
}


@pytest.mark.parametrize("who", WHO_MISTAKES)
def test_a_mistake_in_a_condition_is_named(who: str) -> None:
    path, message = WHO_MISTAKES[who]

    found = who_problems(who)

    assert message in found[f"audiences.a.who{path}"]


ACCOUNT_MISTAKES: dict[str, tuple[str, str]] = {
    "{has: email}": (".has", "ask it of its `members`"),
    "{consent: {purpose: x}}": (".consent", "ask it of its `members`"),
    "{members: {any: {did: A}, all: {did: A}}}": (".members", "takes one of any, all, none"),
    "{members: {some: {did: A}}}": (".members.some", "there is no such key"),
    "{members: [1]}": (".members", "is not a mapping"),
    "{members: {any: {members: {any: {did: A}}}}}": (".members.any.members", "of: accounts"),
    "{members: {any: {did: A, by: event}}}": (".members.any.by", "there is no such key"),
    "{members: {any: {in: c}}}": ("", "asks accounts again"),
    "{members: {any: {in: b}}}": ("", "asks accounts again"),
    "{in: d}": (".in", "ask it of `members`"),
}


@pytest.mark.parametrize("who", ACCOUNT_MISTAKES)
def test_a_mistake_in_an_audience_of_accounts_is_named(who: str) -> None:
    path, message = ACCOUNT_MISTAKES[who]

    found = problems(f"""
audiences:
  a: {{of: accounts, who: {who}}}
  b: {{of: accounts, who: {{did: A}}}}
  c: {{who: {{any: [{{in: d}}, {{in: b}}]}}}}
  d: {{who: {{did: A}}}}
""")

    assert message in found[f"audiences.a.who{path}"]


def test_all_mistakes_are_named_at_once() -> None:
    found = problems("features: {n: {cout: A}, m: {sum: 1}}\naudiences: {a: {who: {dd: B}}}")

    assert found.keys() == {"features.n", "features.m.sum", "audiences.a.who"}


def test_mistakes_of_a_feature_are_those_of_an_account_feature() -> None:
    assert (
        "did you mean count?" in problems("account_features: {n: {cont: A}}")["account_features.n"]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("features: {n: {count: A}", "not YAML"),
        ("features: &a {n: {count: A}}\naudiences: *a", "aliases"),
        ("features: " + "[" * 50, "nested too deeply"),
        ("x" * (MAX_PROFILES_BYTES + 1), "bytes are too many"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    (found,) = problems(text).values()

    assert message in found


def test_a_key_that_stands_twice_is_a_mistake() -> None:
    assert "stands twice" in problems("features: {n: {count: A}, n: {count: B}}")["features.n"]


def test_too_many_names_are_refused_and_not_all_listed() -> None:
    many = ", ".join(f"n{n}: {{count: A}}" for n in range(MAX_FEATURES + 1))

    assert "at most 500" in problems(f"features: {{{many}}}")["features"]
    few = ", ".join(f"n{n}: {{count: A}}" for n in range(40))
    found = problems(f"features: {{{few}, x: {{plus: [n41, 1]}}}}")["features.x.plus.0"]
    assert "did you mean n" in found
    assert "Possible" not in found


def test_the_error_names_the_first_mistake_and_how_many_follow() -> None:
    with pytest.raises(BadInput, match=r"at features\.n: names no function.*\(and 1 more\)"):
        parse_profiles("features: {n: {}, m: {}}")


WARNED: dict[str, tuple[str, str]] = {
    "audiences: {a: {who: {not: {trait: plan, is: x}}}}": (
        "audiences.a.who.not",
        "write any: [{trait: plan, exists: false}, {not: …}]",
    ),
    "features: {l: {last: x}}\naudiences: {a: {who: {all: [{not: {feature: l, is: x}}]}}}": (
        "audiences.a.who.all.0.not",
        "who has no feature l",
    ),
    "audiences: {a: {of: accounts, who: {members: {any: {not: {trait: p, is: x}}}}}}": (
        "audiences.a.who.members.any.not",
        "who has no trait p",
    ),
    "features: {n: {since_last: any, unit: s}}": ("features.n.unit", "changes all the time"),
    "features: {n: {count: m}, m: {count: A}}": ("features.n", "not the feature of that name"),
    "audiences: {a: {who: {did: A, within: 1h, then_not: {did: B, within: 2h}}}}": (
        "audiences.a.who",
        "never holds",
    ),
}


@pytest.mark.parametrize("text", WARNED)
def test_what_is_probably_not_meant_is_a_warning(text: str) -> None:
    path, message = WARNED[text]

    assert message in warnings(text)[path]


@pytest.mark.parametrize(
    "text",
    [
        "audiences: {a: {who: {trait: plan, not: x}}}",
        "audiences: {a: {who: {not: {trait: plan, exists: true}}}}",
        "audiences: {a: {who: {all: [{trait: p, exists: true}, {not: {trait: p, is: x}}]}}}",
        "audiences: {a: {who: {any: [{trait: p, exists: false}, {not: {trait: p, is: x}}]}}}",
        "features: {n: {count: A}}\naudiences: {a: {who: {not: {feature: n, gte: 3}}}}",
        "audiences: {a: {who: {not: {any: [{did: A}, {has: email}]}}}}",
        "features: {n: {since_last: any, unit: h}}",
    ],
)
def test_what_is_meant_gives_no_warning(text: str) -> None:
    assert warnings(text) == {}


def test_every_word_is_in_the_vocabulary() -> None:
    assert FUNCTIONS.keys() == set(Function)
    assert OPERATIONS.keys() == set(Operation)
    assert OPERATORS.keys() == set(Operator)
    assert set(MODIFIERS) > {"of", "where", "each", "within", "by"}
    assert {"did", "members", "consent"} < set(CONDITIONS)
