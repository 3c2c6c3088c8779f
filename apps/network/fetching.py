"""The one guarded fetcher: every request to the outside that a stranger may have caused (SEC-01 to SEC-14).

``GuardedFetcher.fetch(url, kind=…)`` serves the verifier (the ``Fetcher`` of ``apps.standards.verify``);
``GuardedFetcher.send(…)`` serves rooms that speak a protocol with a host chosen by others. One fetcher serves
one verification or one task: it holds that one's budget. A refusal is one of the errors of
``apps.standards.errors`` and says no more than SEC-12 allows.
"""

from __future__ import annotations

import hashlib
import logging
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http.client import HTTPException
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core.cache import cache as default_cache
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from apps.network.addresses import REFUSAL, Target, checked_addresses, normal_exceptions, read_url
from apps.network.counting import Counters, shared_counters
from apps.standards.errors import (
    AnswerTooLarge,
    AnswerTooSlow,
    BudgetExhausted,
    FetchRefused,
    NotADocument,
    NotReachable,
    RefusedByPolicy,
)

log = logging.getLogger(__name__)

MAX_REDIRECTS = 5  # SEC-05
REDIRECTS = frozenset({301, 302, 303, 307, 308})  # SEC-05
CONNECT_SECONDS = 3.0  # SEC-06
FIRST_BYTE_SECONDS = 5.0  # SEC-06
MAX_HEADERS = 64 * 1024  # SEC-06
MEGABYTE = 1_000_000
HOST_AT_ONCE = 4  # SEC-13
HOST_A_MINUTE = 60  # SEC-13
CIRCUIT_FAILURES = 5  # SEC-13
CIRCUIT_SECONDS = 60  # SEC-13
NEGATIVE_SECONDS = 60  # SEC-14
KEPT_SIZE = 200_000  # larger answers are fetched each time: the cache lives in memory
USER_AGENT = "clrportal"  # SEC-08, SEC-60: no version

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?(?:json|ld)|application/(?:json|vc|vp|clr|case)|text/json")
_TOKEN = re.compile(r"application/(?:[\w.+-]+\+)?(?:jose|jwt|sd-jwt)|application/jwk(?:-set\+json)?")
_LOOSE = re.compile(r"text/plain|application/octet-stream|binary/octet-stream|application/x-pem-file|")
_PICTURE = re.compile(r"image/(?:png|svg\+xml|jpeg|gif|webp)")
_PDF = re.compile(r"application/pdf")


@dataclass(frozen=True)
class Kind:
    """What is expected behind an address, and the most seconds that an answer may be kept (0: never)."""

    accept: str
    types: tuple[re.Pattern[str], ...]
    limit: int
    longest: int = 0


_TEXTS = (_JSON, _TOKEN, _LOOSE)
KINDS: Mapping[str, Kind] = {
    # What somebody asks to be verified: may be a picture or a PDF, and is never kept (PRIV-08).
    "document": Kind(
        "application/ld+json, application/json, application/jose, image/png, image/svg+xml, application/pdf, */*;q=0.1",
        (*_TEXTS, _PICTURE, _PDF),
        5 * MEGABYTE,
    ),
    # What a record names (profiles, keys, revocation and status lists): kept as long as the host itself says,
    # with the bound for revocation, since an address does not tell which of them it is.
    "json": Kind("application/ld+json, application/json;q=0.9, */*;q=0.1", _TEXTS, 5 * MEGABYTE, longest=300),
    "token": Kind("application/jwt, application/jose, */*;q=0.1", _TEXTS, 5 * MEGABYTE, longest=300),
    "image": Kind("image/png, image/svg+xml, image/*;q=0.5", (_PICTURE, _LOOSE), 5 * MEGABYTE),
    "case": Kind("application/json", (_JSON, _LOOSE), 50 * MEGABYTE),
}


@dataclass(frozen=True)
class Fetched:
    """An answer: its final address, status, type (lower case, without parameters) and decoded body."""

    final_url: str
    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Resolver(Protocol):
    """Gives the addresses of a name, as text. Raises ``OSError`` when there are none."""

    def __call__(self, host: str, port: int) -> Sequence[str]: ...


class Connector(Protocol):
    """Opens a TCP connection to exactly this address. Raises ``OSError``."""

    def __call__(self, address: str, port: int, timeout: float) -> socket.socket: ...


def resolve(host: str, port: int) -> list[str]:
    """The addresses of ``host`` by the system's resolver; rooted, so no search domain is tried."""
    found = socket.getaddrinfo(host + ".", port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def connect(address: str, port: int, timeout: float) -> socket.socket:
    """A TCP connection to a numeric address: nothing is resolved here (SEC-03)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.settimeout(timeout)
        made.connect((address, port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        made.close()
        raise
    return made


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Budget:
    """What one verification may still spend: requests, bytes, seconds. Rule: SEC-07."""

    def __init__(
        self,
        *,
        seconds: float,
        each: float,
        requests: int = 30,
        size: int = 20 * MEGABYTE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.each = each
        self._end = clock() + seconds
        self._requests = requests
        self._size = size

    @classmethod
    def somebody_waits(cls) -> Budget:
        """The budget while a person or program waits for the answer."""
        return cls(seconds=8, each=6)

    @classmethod
    def in_a_job(cls) -> Budget:
        """The budget of a job in the background or of the command line."""
        return cls(seconds=20, each=10)

    def begin_request(self) -> float:
        """Take one request out of the budget; gives the moment at which that request must have ended."""
        now = self.clock()
        if self._requests <= 0 or self._size <= 0 or now >= self._end:
            raise BudgetExhausted("This verification has used up what it may fetch, so it stays undecided.")
        self._requests -= 1
        return min(self._end, now + self.each)

    @property
    def size_left(self) -> int:
        """How many bytes may still be received."""
        return self._size

    def spend(self, size: int) -> None:
        """Take received bytes out of the budget."""
        self._size -= size


class GuardedFetcher:
    """Fetches documents from addresses that strangers chose. One object for one verification.

    ``allow``: the operator's exceptions as ``host:port``; ``own_base``: this portal's own base address, whose
    host is never asked; ``own(url)``: the look-up of own documents. Resolver, connector, TLS settings, budget
    (with its clock), counters and cache can be replaced, which tests do.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        allow: Collection[str] = (),
        own_base: str = "",
        own: Callable[[str], Fetched | None] | None = None,
        counters: Counters | None = None,
        resolver: Resolver = resolve,
        connector: Connector = connect,
        tls: ssl.SSLContext | None = None,
        cache: Any = None,
    ) -> None:
        self._budget = budget
        self._allow = normal_exceptions(allow)
        self._own_authority = _authority(own_base)
        self._own = own
        self._counters = counters or shared_counters()
        self._resolver = resolver
        self._connector = connector
        self._tls = tls
        self._cache = default_cache if cache is None else cache
        self._seen: dict[tuple[str, str], Fetched | FetchRefused] = {}

    @classmethod
    def from_settings(cls, budget: Budget, *, own: Callable[[str], Fetched | None] | None = None) -> GuardedFetcher:
        """The fetcher as the operator set it up (``CLRPORTAL_FETCH_ALLOW``, ``CLRPORTAL_BASE_URL``)."""
        return cls(budget, allow=settings.FETCH_ALLOW, own_base=settings.BASE_URL, own=own)

    # --- what others call ---------------------------------------------------------------------

    def fetch(self, url: str, *, kind: str = "document") -> Fetched:
        """GET ``url`` and give the answer, whatever its status; ``kind`` is a name of ``KINDS``.

        The same address is asked once in one verification (the visited set of SEC-07). Raises
        ``FetchRefused`` in one of its forms; 404 and 410 are answers, not refusals.
        """
        expected = KINDS.get(kind) or KINDS["document"]
        key = (url, expected.accept)
        if key not in self._seen:
            try:
                self._seen[key] = self._own_or_fetched(url, expected)
            except FetchRefused as refusal:
                self._seen[key] = refusal
        result = self._seen[key]
        if isinstance(result, FetchRefused):
            raise type(result)(result.sentence)
        return result

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int = 5 * MEGABYTE,
    ) -> Fetched:
        """One request of a protocol client (registration, token, upsert), under the same rules as ``fetch``.

        Nothing is kept (SEC-14) and no redirect followed: a 3xx is the answer. Raises ``FetchRefused``.
        """
        target = self._target(url)
        return self._ask(method, target, dict(headers or {}), body, limit, self._budget.begin_request())

    # --- one address, with redirects ------------------------------------------------------------

    def _own_or_fetched(self, url: str, expected: Kind) -> Fetched:
        own = self._own(url) if self._own is not None else None
        if own is not None:
            return own  # SEC-09
        target = self._target(url)
        deadline = self._budget.begin_request()  # SEC-06: redirects and DNS are inside the one clock
        for hop in range(MAX_REDIRECTS + 1):
            kept = self._kept(target, expected)
            if kept is not None:
                return kept
            if hop:
                deadline = min(deadline, self._budget.begin_request())
            try:
                answer = self._ask("GET", target, {"Accept": expected.accept}, None, expected.limit, deadline)
            except (NotReachable, AnswerTooSlow) as refusal:
                self._keep_refusal(target, expected, refusal)
                raise
            following = answer.headers.get("location", "")
            if answer.status in REDIRECTS and following:
                target = self._next(target, following)
                continue
            if answer.status == 200 and not _is_type(answer.content_type, expected.types):
                # SEC-11: a page for people is no document
                raise NotADocument("What stands at this address is not a document that can be checked.")
            self._keep(target, expected, answer)
            return answer
        raise NotReachable("The address leads from one address to the next without end.")

    def _target(self, url: str) -> Target:
        target = read_url(url, allow=self._allow)
        if target.authority == self._own_authority:
            raise RefusedByPolicy(REFUSAL)  # SEC-09: what is ours was looked up before, the rest is not asked
        return target

    def _next(self, target: Target, location: str) -> Target:
        """Where a redirect leads, judged as the first address was (SEC-05)."""
        try:
            following = self._target(urljoin(target.url, location))
        except ValueError:
            raise RefusedByPolicy(REFUSAL) from None
        if target.scheme == "https" and following.scheme != "https" and not following.allowed:
            raise RefusedByPolicy(REFUSAL)
        return following

    # --- the cache ------------------------------------------------------------------------------

    def _kept(self, target: Target, expected: Kind) -> Fetched | None:
        if not expected.longest:
            return None
        held = self._cache.get(_cache_key(target, expected))
        if held is None:
            return None
        if "refused" in held:
            raise _REFUSALS.get(held["refused"], NotReachable)(held["sentence"])
        return Fetched(**held)

    def _keep(self, target: Target, expected: Kind, answer: Fetched) -> None:
        """Keep an answer as long as it may be believed, under the address it came from (SEC-14)."""
        if not expected.longest or len(answer.body) > KEPT_SIZE:
            return
        said = _lifetime(answer.headers)
        if answer.status == 200:
            seconds = min(expected.longest, said or 0)
        else:
            seconds = min(NEGATIVE_SECONDS, NEGATIVE_SECONDS if said is None else said)
        if seconds > 0:
            plain = {
                "final_url": answer.final_url,
                "status": answer.status,
                "content_type": answer.content_type,
                "body": answer.body,
            }
            self._cache.set(_cache_key(target, expected), plain, timeout=seconds)

    def _keep_refusal(self, target: Target, expected: Kind, refusal: FetchRefused) -> None:
        if expected.longest:
            note = {"refused": type(refusal).__name__, "sentence": refusal.sentence}
            self._cache.set(_cache_key(target, expected), note, timeout=NEGATIVE_SECONDS // 4)

    # --- one request ----------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        target: Target,
        headers: dict[str, str],
        body: bytes | None,
        limit: int,
        deadline: float,
    ) -> Fetched:
        """One request to one judged target, within the limits of its host (SEC-13)."""
        host = hashlib.sha256(target.authority.encode()).hexdigest()[:32]
        if self._counters.read(f"circuit:{host}") >= CIRCUIT_FAILURES:
            raise NotReachable("This host failed to answer several times, so it is left alone for a minute.")
        if self._counters.add(f"asked:{host}", window=60).value > HOST_A_MINUTE:
            raise BudgetExhausted("This host was asked as often as one host may be asked in a minute.")
        with self._counters.place(f"asking:{host}", places=HOST_AT_ONCE, seconds=15) as free:
            if not free:
                raise BudgetExhausted("This host is already being asked as often as one host may be at once.")
            try:
                addresses = self._addresses(target, deadline)
                answer = self._exchange(method, target, addresses, headers, body, limit, deadline)
            except (NotReachable, AnswerTooSlow):
                self._counters.add(f"circuit:{host}", window=CIRCUIT_SECONDS)
                raise
        self._counters.clear(f"circuit:{host}")
        return answer

    def _addresses(self, target: Target, deadline: float) -> list[str]:
        """The addresses to connect to: resolved once, every one judged (SEC-03)."""
        if target.address is not None:
            return [str(target.address)]
        found = _within(deadline - self._budget.clock(), lambda: self._resolver(target.host, target.port))
        if not found:
            raise NotReachable("There is no such host.")
        if target.allowed:
            return list(dict.fromkeys(found))
        return [str(address) for address in checked_addresses(found)]

    def _connected(self, target: Target, addresses: Sequence[str], deadline: float) -> socket.socket:
        connect_end = min(deadline, self._budget.clock() + CONNECT_SECONDS)
        for address in addresses[:3]:
            left = connect_end - self._budget.clock()
            if left <= 0:
                break
            with suppress(OSError):
                return self._connector(address, target.port, left)
        raise NotReachable("Nobody answers at this address.")

    def _exchange(
        self,
        method: str,
        target: Target,
        addresses: Sequence[str],
        headers: dict[str, str],
        body: bytes | None,
        limit: int,
        deadline: float,
    ) -> Fetched:
        """Connect, ask and read, all before ``deadline`` by the wall clock (SEC-06)."""
        plain = self._connected(target, addresses, deadline)
        clock = self._budget.clock
        with _Watchdog(plain, deadline - clock()) as watchdog:
            connection = _over(plain, target, self._tls)
            try:
                plain.settimeout(max(0.01, min(FIRST_BYTE_SECONDS, deadline - clock())))
                # SEC-08: no cookies, no credentials but the caller's, no proxy, our own name.
                connection.connect()
                watchdog.guard(connection.sock)
                connection.request(
                    method,
                    target.path,
                    body=body,
                    headers={
                        "Host": target.host_header,
                        "User-Agent": USER_AGENT,
                        "Accept-Encoding": "gzip, identity",
                        "Connection": "close",
                        **headers,
                    },
                    preload_content=False,
                    decode_content=False,
                    enforce_content_length=True,
                )
                answer = connection.getresponse()
                content = self._content(answer, limit, deadline, watchdog)
            except FetchRefused:
                raise
            except (HTTPError, HTTPException, OSError, ValueError):
                if watchdog.fired or clock() >= deadline:
                    raise AnswerTooSlow("The answer did not arrive in time.") from None
                raise NotReachable("The host gave no answer that could be read.") from None
            finally:
                connection.close()
                plain.close()
        kept = {name.lower(): value for name, value in answer.headers.items()}
        content_type = kept.get("content-type", "").partition(";")[0].strip().lower()
        return Fetched(target.url, answer.status, content_type, content, kept)

    def _content(self, answer: HTTPResponse | Any, limit: int, deadline: float, watchdog: _Watchdog) -> bytes:
        """The decoded body; sizes are counted while reading and after decompression (SEC-06)."""
        if sum(len(name) + len(value) + 4 for name, value in answer.headers.items()) > MAX_HEADERS:
            raise AnswerTooLarge("The answer is larger than any record.")
        encoding = answer.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip"}:
            raise NotADocument("The answer is packed in a way that is not read here.")
        unpack = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
        most = min(limit, self._budget.size_left)
        pieces: list[bytes] = []
        size = received = 0
        try:
            while True:
                raw = answer.read1(65_536, decode_content=False)
                received += len(raw)
                if watchdog.fired or self._budget.clock() >= deadline:
                    raise AnswerTooSlow("The answer did not arrive in time.")
                if not raw:
                    break
                piece = raw if unpack is None else unpack.decompress(raw, most - size + 1)
                size += len(piece)
                if size > most or received > most or (unpack is not None and unpack.unconsumed_tail):
                    raise AnswerTooLarge("The answer is larger than any record.")
                pieces.append(piece)
        except zlib.error:
            raise NotADocument("The answer is packed in a way that cannot be read.") from None
        finally:
            self._budget.spend(max(size, received))
        if unpack is not None and not unpack.eof:
            raise NotADocument("The packed answer ends too early.")
        return b"".join(pieces)


class _Watchdog:
    """Ends a connection at a moment by the wall clock, however slowly the other side keeps writing."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self.fired = False
        self._connection: socket.socket = connection
        self._timer = threading.Timer(max(0.0, seconds), self._end)
        self._timer.daemon = True

    def guard(self, connection: socket.socket | None) -> None:
        """Watch the socket that stands over the first one (TLS takes its file descriptor over)."""
        if connection is not None:
            self._connection = connection
        if self.fired:
            self._end()

    def _end(self) -> None:
        self.fired = True
        with suppress(OSError):
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)

    def __enter__(self) -> _Watchdog:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _over(plain: socket.socket, target: Target, tls: ssl.SSLContext | None) -> HTTPConnection:
    """An HTTP connection that uses the connected socket; SNI and certificate keep the name (SEC-03)."""

    class Pinned(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return plain

    class PinnedOverTls(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return plain

    if target.scheme == "http":
        return Pinned(target.host, target.port)
    return PinnedOverTls(target.host, target.port, ssl_context=tls or _tls(), server_hostname=target.host)


_looking_up = threading.BoundedSemaphore(16)


def _within(seconds: float, look_up: Callable[[], Sequence[str]]) -> Sequence[str]:
    """The result of a name look-up that may hang, or ``AnswerTooSlow`` after ``seconds`` (SEC-06, F29)."""
    if not _looking_up.acquire(blocking=False):
        raise NotReachable("Too many names are being looked up at the moment.")
    found: list[Sequence[str]] = []

    def run() -> None:
        try:
            with suppress(OSError, UnicodeError):
                found.append(look_up())
        finally:
            _looking_up.release()

    thread = threading.Thread(target=run, daemon=True, name="name-look-up")
    thread.start()
    thread.join(max(0.0, seconds))
    if thread.is_alive():
        raise AnswerTooSlow("The host's name could not be found in time.")
    return found[0] if found else []


_REFUSALS: Mapping[str, type[FetchRefused]] = {
    "NotReachable": NotReachable,
    "AnswerTooSlow": AnswerTooSlow,
}


def _authority(base: str) -> str:
    parts = urlsplit(base)
    if not parts.hostname:
        return ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"[{parts.hostname}]:{port}" if ":" in parts.hostname else f"{parts.hostname}:{port}"


def _cache_key(target: Target, expected: Kind) -> str:
    text = f"{expected.accept}\n{expected.longest}\n{target.url}"
    return "fetched:" + hashlib.sha256(text.encode()).hexdigest()


def _is_type(content_type: str, types: Sequence[re.Pattern[str]]) -> bool:
    return any(pattern.fullmatch(content_type) for pattern in types)


def _lifetime(headers: Mapping[str, str]) -> int | None:
    """How many seconds the host lets its answer be kept; None where it says nothing (RFC 9111)."""
    said = headers.get("cache-control", "").lower()
    if re.search(r"\b(?:no-store|no-cache|private)\b", said):
        return 0
    found = re.search(r"\bmax-age=\"?(\d{1,9})", said)
    if not found:
        return 0 if headers.get("pragma", "").lower() == "no-cache" else None
    age = headers.get("age", "0").strip()
    return max(0, int(found[1]) - (int(age) if age.isascii() and age.isdigit() and len(age) < 10 else 0))
