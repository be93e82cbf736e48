"""Pages are compared with what comes: alike but for what differs from run to run."""

from __future__ import annotations

import pytest

from tests.docs.likeness import Likeness
from tests.docs.pages import Step, steps

ANN, BEN = "cus_" + 32 * "a", "cus_" + 32 * "b"
REAL_ANN, REAL_BEN = "cus_" + 32 * "1", "cus_" + 32 * "2"


def test_another_word_in_a_line_is_not_alike() -> None:
    with pytest.raises(AssertionError, match="-16 customers"):
        Likeness().assert_text_like("16 customers", "15 customers", "check")


@pytest.mark.parametrize("real", ["one\ntwo\nthree", "one\nthree", "one\n\nthree  \n"])
def test_dots_alone_on_a_line_stand_for_any_lines(real: str) -> None:
    Likeness().assert_text_like("one\n…\nthree\n", real, "check")


def test_a_line_too_many_is_not_alike() -> None:
    assert Likeness().compare("one", "one\ntwo") is None


def test_dots_in_a_line_stay_in_it() -> None:
    assert Likeness().compare("password …", "password secret") is not None
    assert Likeness().compare("password …\nend", "password\nsecret\nend") is None


def test_an_id_stands_for_the_same_one_everywhere() -> None:
    likeness = Likeness()

    likeness.assert_like({"id": ANN, "other": BEN}, {"id": REAL_ANN, "other": REAL_BEN})

    assert likeness.real(f"explain {BEN} {ANN}") == f"explain {REAL_BEN} {REAL_ANN}"
    likeness.assert_text_like(f"{ANN} again", f"{REAL_ANN} again", "later")
    with pytest.raises(AssertionError):
        likeness.assert_text_like(f"{ANN} again", f"{REAL_BEN} again", "later")


def test_two_ids_of_a_page_are_two() -> None:
    with pytest.raises(AssertionError, match="two stand for one"):
        Likeness().assert_text_like(f"{ANN} {BEN}", f"{REAL_ANN} {REAL_ANN}", "check")


def test_a_key_that_is_cut_short_stands_for_the_newest_of_its_role() -> None:
    likeness = Likeness()

    for character in "ab":
        likeness.assert_like("ids_admin_…", "ids_admin_" + 43 * character)

    assert likeness.real("# Key: ids_admin_…") == "# Key: ids_admin_" + 43 * "b"
    with pytest.raises(AssertionError):
        likeness.assert_like("ids_admin_…", "ids_agent_" + 43 * "c")


def test_moments_of_the_run_differ_and_those_of_the_events_do_not() -> None:
    likeness = Likeness()

    likeness.assert_text_like("at 2026-11-26T08:28:36.776Z", "at 2027-01-01T00:00:00.001Z", "run")

    assert likeness.real("as of 2026-11-26T08:28:36.776Z") == "as of 2027-01-01T00:00:00.001Z"
    assert likeness.compare("on 2026-10-05", "on 2026-10-06") is None
    assert likeness.compare("2026-10-25 19:00", "2026-10-25 19:01") is None
    assert likeness.compare("on 2026-11-26", "on 2027-01-01") is not None


def test_numbers_and_nothing_are_compared_as_they_are() -> None:
    with pytest.raises(AssertionError):
        Likeness().assert_like({"share": 0.5, "none": None}, {"share": 0.4, "none": None})
    with pytest.raises(AssertionError):
        Likeness().assert_like([1], [1, 2])


def test_a_console_is_commands_with_what_each_prints() -> None:
    assert steps("$ one\nprinted\n\nmore\n$ two \\\n    more\n") == [
        Step("one", "printed\n\nmore\n"),
        Step("two \\\n    more", ""),
    ]
