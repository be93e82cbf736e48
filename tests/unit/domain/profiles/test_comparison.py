"""What another text would change is counted, and some of it named."""

from __future__ import annotations

from decimal import Decimal

from identity_service.domain.profiles.comparison import MAX_SAMPLE, Comparison, ValueChange
from identity_service.domain.profiles.evaluate import Evaluation, FeatureValue


def evaluation(*audiences: str, **features: object) -> Evaluation:
    values = {name: FeatureValue(value) for name, value in features.items()}
    return Evaluation(values, frozenset(audiences))


def test_who_stays_enters_and_leaves_is_counted() -> None:
    comparison = Comparison([], ["buyers", "idle"])
    comparison.add("c", evaluation("buyers"), evaluation("buyers"))
    comparison.add("b", evaluation("idle"), evaluation("buyers"))
    comparison.add("a", evaluation(), evaluation("buyers"))

    buyers, idle = comparison.audiences()

    assert (buyers.before, buyers.after, buyers.enter, buyers.leave) == (1, 3, 2, 0)
    assert (buyers.sample, buyers.entering, buyers.leaving) == (["a", "b", "c"], ["a", "b"], [])
    assert (idle.before, idle.after, idle.enter, idle.leave) == (1, 0, 0, 1)
    assert idle.leaving == ["b"]
    assert comparison.compared == 3


def test_a_value_changes_where_another_number_text_or_nothing_comes() -> None:
    comparison = Comparison(["revenue"], [])
    comparison.add("same", evaluation(revenue=1), evaluation(revenue=Decimal("1.0")))
    comparison.add("more", evaluation(revenue=1), evaluation(revenue=Decimal("1.5")))
    comparison.add("text", evaluation(revenue=1), evaluation(revenue="1"))
    comparison.add("gone", evaluation(revenue=1), evaluation())
    comparison.add("never", evaluation(), evaluation(revenue=None))

    [revenue] = comparison.features()

    assert revenue.changed == 3
    assert revenue.sample == [
        ValueChange("gone", 1, None),
        ValueChange("more", 1, Decimal("1.5")),
        ValueChange("text", 1, "1"),
    ]


def test_samples_hold_the_first_by_id_whatever_the_order() -> None:
    ids = [f"cus_{n:03}" for n in range(3 * MAX_SAMPLE)]
    comparison = Comparison(["n"], ["all"])
    for each in reversed(ids):
        comparison.add(each, evaluation(n=0), evaluation("all", n=1))

    [everybody], [n] = comparison.audiences(), comparison.features()

    assert everybody.entering == ids[:MAX_SAMPLE]
    assert (everybody.enter, n.changed) == (len(ids), len(ids))
    assert [each.id for each in n.sample] == ids[:MAX_SAMPLE]
