"""The guarded fetcher: SEC-01 to SEC-14, one host that misbehaves at a time."""

from __future__ import annotations

import gzip
import socket
import threading
import time

import pytest

from apps.network.addresses import REFUSAL
from apps.network.counting import Counters, MemoryStore
from apps.network.fetching import Budget, Fetched, GuardedFetcher
from apps.standards.errors import (
    AnswerTooLarge,
    AnswerTooSlow,
    BudgetExhausted,
    NotADocument,
    NotReachable,
    RefusedByPolicy,
)
from tests.network.conftest import MakeFetcher, Reached
from tests.network.scripted_host import HOST, PUBLIC, ScriptedHost, leads_to, says

BASE = f"https://{HOST}"


def test_it_works(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/clr?a=1"] = says(b'{"id": 1}', content_type="application/ld+json; charset=utf-8")
    answer = public_fetcher().fetch(f"{BASE}/clr?a=1")
    assert (answer.status, answer.content_type, answer.body) == (200, "application/ld+json", b'{"id": 1}')
    assert answer.final_url == f"{BASE}/clr?a=1"


def test_other_statuses_are_answers(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/gone"] = says(b"", status="410 Gone")
    assert public_fetcher().fetch(f"{BASE}/gone").status == 410
    assert public_fetcher().fetch(f"{BASE}/absent").status == 404


# --- SEC-01 to SEC-04 ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://issuer.example/", "https://127.1/", "https://localhost/", f"https://{HOST}:444/", "file:///etc/passwd"],
)
def test_sec_01_02_refused_addresses_reach_neither_resolver_nor_network(
    url: str, public_fetcher: MakeFetcher, reached: Reached
) -> None:
    with pytest.raises(RefusedByPolicy) as refusal:
        public_fetcher().fetch(url)
    assert refusal.value.sentence == REFUSAL
    assert (reached.names, reached.addresses) == ([], [])


def test_sec_03_the_checked_address_is_the_one_connected_to(
    https_host: ScriptedHost, public_fetcher: MakeFetcher, reached: Reached
) -> None:
    """SEC-03."""
    https_host.answers["/"] = says(b"{}")
    public_fetcher().fetch(f"{BASE}/")
    assert (reached.names, reached.addresses) == ([HOST], [PUBLIC])
    assert https_host.server_names == [HOST]
    assert f"\r\nHost: {HOST}\r\n" in https_host.requests[0]


def test_sec_03_rebinding_has_no_second_look_up_to_win(public_fetcher: MakeFetcher, reached: Reached) -> None:
    """F29: the name server says a public address first and 127.0.0.1 ever after."""
    said = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    fetcher = public_fetcher(resolver=lambda host, port: next(said))
    fetcher.fetch(f"{BASE}/first")
    with pytest.raises(RefusedByPolicy):
        fetcher.fetch(f"{BASE}/second")
    assert reached.addresses == [PUBLIC]


@pytest.mark.parametrize("found", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::1"], [PUBLIC] * 99 + ["fd00::1"]])
def test_sec_03_every_address_of_a_name_must_be_public(
    found: list[str], public_fetcher: MakeFetcher, reached: Reached
) -> None:
    with pytest.raises(RefusedByPolicy) as refusal:
        public_fetcher(resolver=lambda host, port: found).fetch(f"{BASE}/")
    assert refusal.value.sentence == REFUSAL
    assert reached.addresses == []


def test_sec_03_a_certificate_of_another_name_is_not_believed(public_fetcher: MakeFetcher) -> None:
    with pytest.raises(NotReachable):
        public_fetcher().fetch("https://somebody.else.example/")


def test_a_name_that_does_not_exist_is_not_reachable(public_fetcher: MakeFetcher) -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such name")

    with pytest.raises(NotReachable):
        public_fetcher(resolver=nobody).fetch(f"{BASE}/")


# --- SEC-05 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_sec_05_redirects_are_followed(status: str, https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/a"] = leads_to("/b", status)
    https_host.answers["/b"] = says(b"{}")
    assert public_fetcher().fetch(f"{BASE}/a").final_url == f"{BASE}/b"


def test_sec_05_other_3xx_are_answers(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/a"] = leads_to("/b", "300 Multiple Choices")
    assert public_fetcher().fetch(f"{BASE}/a").status == 300


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1/",
        "https://169.254.169.254/latest",
        "//localhost/x",
        "file:///etc/passwd",
        f"http://{HOST}/plain",
        "https://a@b.example/",
        "https://[::1/",
        f"https://{HOST}:22/",
    ],
)
def test_sec_05_each_hop_is_judged_as_the_first(
    location: str, https_host: ScriptedHost, public_fetcher: MakeFetcher, reached: Reached
) -> None:
    https_host.answers["/a"] = leads_to(location)
    with pytest.raises(RefusedByPolicy) as refusal:
        public_fetcher().fetch(f"{BASE}/a")
    assert refusal.value.sentence == REFUSAL
    assert reached.addresses == [PUBLIC]


def test_sec_05_five_redirects_and_no_more(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    for number in range(10):
        https_host.answers[f"/{number}"] = leads_to(f"/{number + 1}")
    https_host.answers["/10"] = says(b"{}")
    assert public_fetcher().fetch(f"{BASE}/5").status == 200
    with pytest.raises(NotReachable):
        public_fetcher().fetch(f"{BASE}/4")


# --- SEC-06 -------------------------------------------------------------------------------------


def _drips(connection: socket.socket, path: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def _drips_headers(connection: socket.socket, path: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        connection.sendall(b"a")
        time.sleep(0.05)


def _says_nothing(connection: socket.socket, path: str) -> None:
    connection.recv(1)


@pytest.mark.parametrize("answer", [_drips, _drips_headers, _says_nothing])
def test_sec_06_the_whole_request_ends_by_the_wall_clock(answer: object, plain_host: ScriptedHost) -> None:
    """A byte now and then keeps no request alive; the socket's own time-out would never strike."""
    plain_host.answers["/"] = answer  # type: ignore[assignment]
    fetcher = GuardedFetcher(
        Budget(seconds=8, each=0.6), allow=[f"127.0.0.1:{plain_host.port}"], counters=Counters(MemoryStore())
    )
    with pytest.raises(AnswerTooSlow):
        fetcher.fetch(f"http://127.0.0.1:{plain_host.port}/")


def test_sec_06_a_slow_tls_host_is_ended_too(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/"] = _drips
    with pytest.raises(AnswerTooSlow):
        public_fetcher(budget=Budget(seconds=8, each=0.6)).fetch(f"{BASE}/")


def test_sec_06_a_name_server_that_hangs_is_inside_the_clock(public_fetcher: MakeFetcher) -> None:
    """F29."""
    hang = threading.Event()

    def hanging(host: str, port: int) -> list[str]:
        hang.wait(20)
        return [PUBLIC]

    with pytest.raises(AnswerTooSlow):
        public_fetcher(budget=Budget(seconds=8, each=0.2), resolver=hanging).fetch(f"{BASE}/")
    hang.set()


def test_sec_06_a_host_that_does_not_accept_is_not_reachable(public_fetcher: MakeFetcher) -> None:
    def refuses(address: str, port: int, timeout: float) -> socket.socket:
        raise ConnectionRefusedError

    with pytest.raises(NotReachable):
        public_fetcher(connector=refuses).fetch(f"{BASE}/")


def test_sec_06_a_body_without_end_is_too_large(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    def endless(connection: socket.socket, path: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            connection.sendall(b" " * 65_536)

    https_host.answers["/"] = endless
    with pytest.raises(AnswerTooLarge):
        public_fetcher().fetch(f"{BASE}/")


def test_sec_06_the_limit_counts_after_unpacking(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/small"] = says(gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")
    https_host.answers["/bomb"] = says(gzip.compress(b" " * 30_000_000), Content_Encoding="gzip")
    assert public_fetcher().fetch(f"{BASE}/small").body == b'{"a": 1}'
    with pytest.raises(AnswerTooLarge):
        public_fetcher().fetch(f"{BASE}/bomb")


def test_sec_06_headers_of_more_than_64_kb_are_too_large(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    many = {f"X-{number}": "a" * 1_500 for number in range(50)}
    https_host.answers["/"] = says(b"{}", **many)
    with pytest.raises(AnswerTooLarge):
        public_fetcher().fetch(f"{BASE}/")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "x"])
def test_sec_06_identity_and_gzip_alone(encoding: str, https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/"] = says(b"{}", Content_Encoding=encoding)
    with pytest.raises(NotADocument):
        public_fetcher().fetch(f"{BASE}/")


def test_sec_06_broken_and_cut_gzip(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/broken"] = says(b"not packed", Content_Encoding="gzip")
    https_host.answers["/cut"] = says(gzip.compress(b'{"a": 1}' * 99)[:-9], Content_Encoding="gzip")
    for path in ("/broken", "/cut"):
        with pytest.raises(NotADocument):
            public_fetcher().fetch(BASE + path)


def test_a_body_that_ends_before_its_length_is_no_answer(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/"] = lambda connection, _: connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"a": 1}'
    )
    with pytest.raises(NotReachable):
        public_fetcher().fetch(f"{BASE}/")


# --- SEC-07 -------------------------------------------------------------------------------------


def test_sec_07_thirty_requests(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    fetcher = public_fetcher()
    for number in range(30):
        fetcher.fetch(f"{BASE}/{number}")
    with pytest.raises(BudgetExhausted) as refusal:
        fetcher.fetch(f"{BASE}/30")
    assert refusal.value.code == "NOT_DECIDED"
    assert len(https_host.requests) == 30


def test_sec_07_redirects_count(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/a"] = leads_to("/b")
    https_host.answers["/b"] = says(b"{}")
    with pytest.raises(BudgetExhausted):
        public_fetcher(budget=Budget(seconds=8, each=6, requests=1)).fetch(f"{BASE}/a")


def test_sec_07_bytes_of_all_requests_together(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/a"] = says(b" " * 600)
    https_host.answers["/b"] = says(b"  " * 300)
    fetcher = public_fetcher(budget=Budget(seconds=8, each=6, size=1_000))
    fetcher.fetch(f"{BASE}/a")
    with pytest.raises(AnswerTooLarge):
        fetcher.fetch(f"{BASE}/b")
    with pytest.raises(BudgetExhausted):
        fetcher.fetch(f"{BASE}/c")


def test_sec_07_time_of_all_requests_together(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    now = [0.0]
    fetcher = public_fetcher(budget=Budget(seconds=8, each=6, clock=lambda: now[0]))
    fetcher.fetch(f"{BASE}/a")
    now[0] = 8.0
    with pytest.raises(BudgetExhausted):
        fetcher.fetch(f"{BASE}/b")


def test_sec_07_an_address_is_asked_once(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/a"] = says(b"{}")
    https_host.answers["/html"] = says(b"<p>", content_type="text/html")
    fetcher = public_fetcher()
    assert fetcher.fetch(f"{BASE}/a") is fetcher.fetch(f"{BASE}/a")
    for _ in range(2):
        with pytest.raises(NotADocument):
            fetcher.fetch(f"{BASE}/html")
    assert len(https_host.requests) == 2


# --- SEC-08 -------------------------------------------------------------------------------------


def test_sec_08_no_cookies_no_credentials_no_proxy(
    https_host: ScriptedHost, public_fetcher: MakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    https_host.answers["/"] = says(b"{}", Set_Cookie="a=b")
    https_host.answers["/2"] = says(b"{}")
    fetcher = public_fetcher()
    fetcher.fetch(f"{BASE}/")
    fetcher.fetch(f"{BASE}/2")
    for head in https_host.requests:
        names = {line.partition(":")[0].lower() for line in head.split("\r\n")[1:] if line}
        assert names == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert "User-Agent: clrportal\r\n" in head


def test_sec_08_an_answer_without_a_status_line_is_none(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/"] = lambda connection, _: connection.sendall(b'{"a": 1}')
    with pytest.raises(NotReachable):
        public_fetcher().fetch(f"{BASE}/")


# --- SEC-09 to SEC-12 ---------------------------------------------------------------------------


def test_sec_09_own_documents_are_looked_up_and_never_requested(public_fetcher: MakeFetcher, reached: Reached) -> None:
    ours = Fetched(f"{BASE}/clrs/1", 200, "application/json", b'{"ours": true}')
    fetcher = public_fetcher(own_base=BASE, own=lambda url: ours if url == ours.final_url else None)
    assert fetcher.fetch(f"{BASE}/clrs/1").body == b'{"ours": true}'
    with pytest.raises(RefusedByPolicy):
        fetcher.fetch(f"{BASE}/readyz")
    assert reached.addresses == []


def test_sec_09_not_even_through_a_redirect_or_an_exception(
    https_host: ScriptedHost, public_fetcher: MakeFetcher
) -> None:
    https_host.answers["/a"] = leads_to("http://127.0.0.1:8000/admin/")
    fetcher = public_fetcher(own_base="http://127.0.0.1:8000", allow=["127.0.0.1:8000"])
    with pytest.raises(RefusedByPolicy):
        fetcher.fetch(f"{BASE}/a")


def test_sec_10_an_exception_of_the_operator_is_asked_over_http(plain_host: ScriptedHost) -> None:
    plain_host.answers["/"] = says(b"{}")
    allow = [f"127.0.0.1:{plain_host.port}"]
    fetcher = GuardedFetcher(Budget.somebody_waits(), allow=allow, counters=Counters(MemoryStore()))
    assert fetcher.fetch(f"http://127.0.0.1:{plain_host.port}/").status == 200


@pytest.mark.parametrize("content_type", ["text/html", "application/xhtml+xml", "text/css", "video/mp4"])
def test_sec_11_a_page_is_no_document(content_type: str, https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/"] = says(b"<html>", content_type=content_type)
    with pytest.raises(NotADocument):
        public_fetcher().fetch(f"{BASE}/")


def test_sec_12_all_refusals_by_policy_read_alike(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/a"] = leads_to("https://10.0.0.1/")
    sentences = set()
    for url in ("https://10.0.0.1/", "http://issuer.example:22/", f"{BASE}/a", "gopher://x.example/"):
        with pytest.raises(RefusedByPolicy) as refusal:
            public_fetcher().fetch(url)
        sentences.add((refusal.value.sentence, refusal.value.at, refusal.value.code))
    assert len(sentences) == 1


# --- SEC-13 -------------------------------------------------------------------------------------


def test_sec_13_sixty_a_minute_for_one_host_over_all_verifications(
    https_host: ScriptedHost, public_fetcher: MakeFetcher
) -> None:
    now = [1_000.0]
    counters = Counters(MemoryStore(), clock=lambda: now[0])
    for number in range(60):
        public_fetcher(counters=counters).fetch(f"{BASE}/{number}")
    with pytest.raises(BudgetExhausted):
        public_fetcher(counters=counters).fetch(f"{BASE}/more")
    now[0] += 61
    assert public_fetcher(counters=counters).fetch(f"{BASE}/more").status == 404


def test_sec_13_four_at_once_for_one_host(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    go, counters = threading.Event(), Counters(MemoryStore())
    asked = threading.Semaphore(0)

    def waits(connection: socket.socket, path: str) -> None:
        asked.release()
        go.wait(10)
        says(b"{}")(connection, path)

    for number in range(4):
        https_host.answers[f"/{number}"] = waits
    threads = [
        threading.Thread(target=public_fetcher(counters=counters).fetch, args=(f"{BASE}/{number}",))
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert asked.acquire(timeout=10)
    with pytest.raises(BudgetExhausted):
        public_fetcher(counters=counters).fetch(f"{BASE}/fifth")
    go.set()
    for thread in threads:
        thread.join()
    assert public_fetcher(counters=counters).fetch(f"{BASE}/fifth").status == 404


def test_sec_13_the_circuit_opens_after_five_failures_for_a_minute(
    https_host: ScriptedHost, public_fetcher: MakeFetcher
) -> None:
    now, tries = [1_000.0], [0]
    counters = Counters(MemoryStore(), clock=lambda: now[0])

    def refuses(address: str, port: int, timeout: float) -> socket.socket:
        tries[0] += 1
        raise ConnectionRefusedError

    for number in range(7):
        with pytest.raises(NotReachable):
            public_fetcher(counters=counters, connector=refuses).fetch(f"{BASE}/{number}")
    assert tries == [5]
    now[0] += 61
    assert public_fetcher(counters=counters).fetch(f"{BASE}/x").status == 404


# --- SEC-14 -------------------------------------------------------------------------------------


def _asked(https_host: ScriptedHost, public_fetcher: MakeFetcher, kind: str, **headers: str) -> int:
    https_host.answers["/x"] = says(b"{}", **headers)
    for _ in range(2):
        public_fetcher().fetch(f"{BASE}/x", kind=kind)
    return len(https_host.requests)


@pytest.mark.parametrize(
    ("kind", "headers", "requests"),
    [
        ("json", {"cache_control": "max-age=60"}, 1),
        ("token", {"cache_control": "public, max-age=60"}, 1),
        ("json", {}, 2),
        ("json", {"cache_control": "max-age=0"}, 2),
        ("json", {"cache_control": "no-store"}, 2),
        ("json", {"cache_control": "private, max-age=60"}, 2),
        ("json", {"cache_control": "max-age=60", "age": "60"}, 2),
        ("document", {"cache_control": "max-age=60"}, 2),
    ],
)
def test_sec_14_what_is_kept(
    kind: str, headers: dict[str, str], requests: int, https_host: ScriptedHost, public_fetcher: MakeFetcher
) -> None:
    """Also PRIV-08: what is to be verified is never kept."""
    assert _asked(https_host, public_fetcher, kind, **headers) == requests


class _Noted:
    """A cache that notes for how long things are kept."""

    def __init__(self) -> None:
        self.timeouts: list[int] = []

    def get(self, key: str) -> None:
        return None

    def set(self, key: str, value: object, timeout: int) -> None:
        self.timeouts.append(timeout)


@pytest.mark.parametrize(
    ("kind", "status", "longest"),
    [("json", "200 OK", 300), ("token", "200 OK", 300), ("json", "404 Not Found", 60)],
)
def test_sec_14_lifetimes_have_an_upper_bound(
    kind: str, status: str, longest: int, https_host: ScriptedHost, public_fetcher: MakeFetcher
) -> None:
    https_host.answers["/x"] = says(b"{}", status=status, cache_control="max-age=999999")
    noted = _Noted()
    public_fetcher(cache=noted).fetch(f"{BASE}/x", kind=kind)
    assert noted.timeouts == [longest]


def test_sec_14_kept_under_the_final_address(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/a"] = leads_to("/b")
    https_host.answers["/b"] = says(b"{}", cache_control="max-age=60")
    https_host.answers["/c"] = says(b"[]", cache_control="max-age=60")
    public_fetcher().fetch(f"{BASE}/a", kind="json")
    https_host.answers["/a"] = leads_to("/c")
    assert public_fetcher().fetch(f"{BASE}/a", kind="json").body == b"[]"
    assert public_fetcher().fetch(f"{BASE}/b", kind="json").body == b"{}"
    assert len(https_host.requests) == 4


def test_sec_14_what_was_sent_with_a_token_is_not_kept(https_host: ScriptedHost, public_fetcher: MakeFetcher) -> None:
    https_host.answers["/x"] = says(b"{}", cache_control="max-age=600")
    for _ in range(2):
        public_fetcher().send("GET", f"{BASE}/x", headers={"Authorization": "Bearer abc"})
    assert len(https_host.requests) == 2
    assert "Authorization: Bearer abc" in https_host.requests[0]


def test_sec_05_send_follows_nothing_so_no_header_travels_to_another_host(
    https_host: ScriptedHost, public_fetcher: MakeFetcher
) -> None:
    https_host.answers["/x"] = leads_to("https://other.example/")
    answer = public_fetcher().send("POST", f"{BASE}/x", headers={"Authorization": "Bearer abc"}, body=b"{}")
    assert answer.status == 302
    assert len(https_host.requests) == 1
