"""How often somebody may ask (SEC-59) and how much one request may carry (SEC-20)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from apps.network import counting, limits
from apps.network.counting import Counters, FileStore, MemoryStore, Store

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(settings: Settings, tmp_path: Path) -> Iterator[Client]:
    settings.ROOT_URLCONF = "tests.network.edge_urls"
    settings.DATA_DIR = tmp_path
    settings.REDIS_URL = ""
    counting.shared_counters.cache_clear()
    yield Client()
    counting.shared_counters.cache_clear()


def post(client: Client, address: str = "127.0.0.1") -> int:
    return client.post("/api/thing/", b"{}", content_type="application/json", REMOTE_ADDR=address).status_code


def test_it_works(client: Client) -> None:
    assert [post(client) for _ in range(4)] == [200, 200, 200, 429]


def test_sec_59_a_refusal_says_when_to_come_back(client: Client) -> None:
    for _ in range(3):
        post(client)
    answer = client.post("/api/thing/", b"{}", content_type="application/json")
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert answer.json()["status"] == 429


def test_sec_59_each_address_is_counted_apart(client: Client) -> None:
    for _ in range(4):
        post(client)
    assert post(client, "8.8.8.8") == 200


def test_sec_59_a_household_of_ipv6_is_one_asker(client: Client) -> None:
    answers = [post(client, f"2606:4700::{number}") for number in range(1, 5)]
    assert answers == [200, 200, 200, 429]
    assert post(client, "2606:4700:0:1::1") == 200


def test_sec_59_other_methods_do_not_count(client: Client) -> None:
    for _ in range(5):
        assert client.get("/api/thing/").status_code == 200


def test_sec_59_counters_survive_a_restart(client: Client) -> None:
    for _ in range(3):
        post(client)
    counting.shared_counters.cache_clear()
    assert post(client) == 429


def test_sec_59_a_view_that_counts_itself(client: Client) -> None:
    assert client.get("/itself/").status_code == 200
    assert client.get("/itself/").status_code == 429


def test_sec_59_the_published_rates() -> None:
    rates = {rate.name: (rate.times, rate.seconds) for rate in (limits.VERIFY, limits.TOKEN, limits.API)}
    assert rates == {"verify": (300, 600), "token": (300, 600), "api": (600, 600)}
    assert (limits.SHARE_MISS.times, limits.SHARE_MISS.seconds) == (100, 600)
    assert (limits.UPLOAD.times, limits.UPLOAD.seconds) == (60, 600)


def test_priv_04_no_address_stands_in_the_counters(client: Client, tmp_path: Path) -> None:
    post(client, "203.0.113.77")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("counters.sqlite3*"))
    assert b"test:" in stored
    assert b"203.0.113" not in stored


def test_failures_alone_can_be_counted(client: Client) -> None:
    rate = limits.Rate("failures", 2, 60)
    assert not limits.is_over(rate, "a")
    limits.count(rate, "a")
    limits.count(rate, "a")
    assert limits.is_over(rate, "a")
    limits.forget(rate, "a")
    assert not limits.is_over(rate, "a")


# --- The counters ---------------------------------------------------------------------------------------


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return FileStore(tmp_path / "counters.sqlite3") if request.param == "file" else MemoryStore()


def test_a_window_ends(store: Store) -> None:
    now = [1_000.0]
    counters = Counters(store, clock=lambda: now[0])
    assert [counters.add("a", window=60).value for _ in range(2)] == [1, 2]
    now[0] += 59
    assert counters.add("a", window=60) == counting.Count(3, 1)
    now[0] += 1
    assert counters.read("a") == 0
    assert counters.add("a", window=60).value == 1


def test_places_are_given_back_and_lapse(store: Store) -> None:
    now = [1_000.0]
    counters = Counters(store, clock=lambda: now[0])
    with counters.place("a", places=1, seconds=10) as first, counters.place("a", places=1, seconds=10) as second:
        assert (first, second) == (True, False)
        now[0] += 11
        with counters.place("a", places=1, seconds=10) as third:
            assert third
    with counters.place("a", places=1, seconds=10) as fourth:
        assert fourth


def test_counts_of_many_threads_add_up(tmp_path: Path) -> None:
    counters = Counters(FileStore(tmp_path / "counters.sqlite3"))

    def add() -> None:
        for _ in range(50):
            counters.add("a", window=600)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.read("a") == 200


def test_rel_23_what_was_counted_in_memory_stays_counted(tmp_path: Path) -> None:
    """A store that is locked or full for a moment loses no count."""
    folder = tmp_path / "later"
    counters = Counters(FileStore(folder / "counters.sqlite3"))
    assert counters.add("a", window=60).value == 1
    folder.mkdir()
    assert [counters.add("a", window=60).value for _ in range(2)] == [2, 3]
    assert counters.read("a") == 3
    counters.clear("a")
    assert counters.read("a") == 0


def test_rel_23_counting_goes_on_when_nothing_can_be_written(tmp_path: Path) -> None:
    counters = Counters(FileStore(tmp_path / "no such folder" / "counters.sqlite3"))
    assert [counters.add("a", window=60).value for _ in range(2)] == [1, 2]


# --- Bodies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip"])
def test_sec_20_packed_bodies_are_refused(encoding: str, client: Client) -> None:
    answer = client.post("/api/thing/", b"x", content_type="application/json", headers={"content-encoding": encoding})
    assert answer.status_code == 415


def test_sec_20_identity_is_no_packing(client: Client) -> None:
    answer = client.post("/api/thing/", b"x", content_type="application/json", headers={"content-encoding": "identity"})
    assert answer.status_code == 200


def test_sec_20_the_length_is_judged_before_anything_is_read(client: Client) -> None:
    answer = client.generic("POST", "/api/thing/", b"", CONTENT_LENGTH="5064000001")
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "0x10", "9" * 40])
def test_sec_20_a_length_that_is_none(length: str, client: Client) -> None:
    assert client.generic("POST", "/api/thing/", b"", CONTENT_LENGTH=length).status_code in {400, 413}


def test_sec_20_a_body_of_unknown_length_is_refused(client: Client) -> None:
    answer = client.generic("POST", "/api/thing/", b"", CONTENT_LENGTH="", headers={"transfer-encoding": "chunked"})
    assert answer.status_code == 411


def test_sec_20_paths_may_carry_more_members_more_still(rf: RequestFactory, django_user_model: type) -> None:
    from django.contrib.auth.models import AnonymousUser

    limits.allow_body("/test-verify/", limits.VERIFY_BODY, members_only=False)
    limits.allow_body("/test-import/", limits.IMPORT_BODY)
    request = rf.post("/test-verify/")
    assert limits.body_limit(request) >= 25_000_000
    request = rf.post("/test-import/")
    request.user = AnonymousUser()
    assert limits.body_limit(request) == 5_000_000
    request.user = django_user_model()
    assert limits.body_limit(request) >= 100_000_000
