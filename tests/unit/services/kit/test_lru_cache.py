"""What is kept is bounded by bytes, and what was used last stays."""

from __future__ import annotations

from identity_service.services.kit.lru_cache import LruCache


def test_what_was_used_longest_ago_goes_when_there_is_too_much() -> None:
    cache: LruCache[str, int] = LruCache(10)
    cache.put("a", 1, 5)
    cache.put("b", 2, 5)
    cache.get("a")

    cache.put("c", 3, 1)

    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


def test_a_value_beyond_the_bound_is_not_kept_and_costs_no_other_its_place() -> None:
    cache: LruCache[str, int] = LruCache(10)
    cache.put("a", 1, 10)

    cache.put("b", 2, 11)

    assert (cache.get("a"), cache.get("b")) == (1, None)


def test_a_value_that_is_put_again_counts_once() -> None:
    cache: LruCache[str, int] = LruCache(10)
    cache.put("a", 1, 5)
    cache.put("b", 2, 5)

    cache.put("b", 3, 5)

    assert (cache.get("a"), cache.get("b"), len(cache)) == (1, 3, 2)
