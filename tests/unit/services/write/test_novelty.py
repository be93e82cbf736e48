"""Whether what is not in the cache may be taken to be new."""

from __future__ import annotations

from identity_service.services.write.novelty import Novelty


def test_a_space_is_tried_until_it_was_known_twice_in_a_row() -> None:
    novelty = Novelty()

    novelty.note("shop", was_new=False)
    once = novelty.is_likely("shop")
    novelty.note("shop", was_new=False)

    assert (once, novelty.is_likely("shop"), novelty.is_likely("app")) == (True, False, True)


def test_a_space_in_which_nothing_was_new_is_tried_again_after_enough_that_was() -> None:
    novelty = Novelty()
    for _ in range(100):
        novelty.note("shop", was_new=False)

    batches = 0
    while not novelty.is_likely("shop"):
        novelty.note("shop", was_new=True)
        batches += 1

    assert 10 < batches < 20


def test_one_known_batch_in_ten_does_not_matter() -> None:
    novelty = Novelty()

    for number in range(100):
        novelty.note("shop", was_new=number % 10 > 0)
        assert novelty.is_likely("shop")
