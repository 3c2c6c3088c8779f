"""Counters and places shared by several machines, on a real Redis: SEC-59."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from apps.network.counting import Counters, RedisStore
from tests import servers

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with servers.redis() as settings:
        yield settings["REDIS_URL"]


@pytest.fixture
def counters(address: str) -> Counters:
    import redis

    redis.Redis.from_url(address).flushdb()
    return Counters(RedisStore(address))


def test_it_works(counters: Counters, address: str) -> None:
    assert [counters.add("a", window=60).value for _ in range(2)] == [1, 2]
    assert Counters(RedisStore(address)).add("a", window=60, amount=3).value == 5
    assert counters.read("a") == 5
    assert counters.read("b") == 0
    counters.clear("a")
    assert counters.read("a") == 0


def test_a_window_ends(counters: Counters) -> None:
    counters.add("a", window=1)
    end = time.monotonic() + 30
    while counters.read("a") and time.monotonic() < end:
        time.sleep(0.1)
    assert counters.add("a", window=60).value == 1


def test_a_later_count_does_not_lengthen_the_window(counters: Counters) -> None:
    counters.add("a", window=60)
    assert counters.add("a", window=6000).seconds_left <= 60


def test_counts_of_many_threads_add_up(counters: Counters) -> None:
    def add() -> None:
        for _ in range(50):
            counters.add("a", window=600)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.read("a") == 200


def test_places_are_given_back_and_lapse(address: str) -> None:
    now = [1_000.0]
    counters = Counters(RedisStore(address), clock=lambda: now[0])
    with counters.place("a", places=1, seconds=10) as first, counters.place("a", places=1, seconds=10) as second:
        assert (first, second) == (True, False)
        now[0] += 11
        with counters.place("a", places=1, seconds=10) as third:
            assert third
    with counters.place("a", places=1, seconds=10) as fourth:
        assert fourth


def test_a_long_place_is_held_as_long_as_it_was_asked_for(counters: Counters, address: str) -> None:
    import redis

    with counters.place("a", places=1, seconds=600) as held:
        assert held
        assert redis.Redis.from_url(address).ttl("place:a") >= 600


def test_counting_goes_on_without_redis() -> None:
    counters = Counters(RedisStore(f"redis://127.0.0.1:{servers.free_port()}/0"))
    assert [counters.add("a", window=60).value for _ in range(2)] == [1, 2]
