"""Limits at the edge: how often somebody may ask (SEC-59), and how much one request may carry (SEC-20).

A view counts itself with ``limited(RATE)`` or ``count(RATE, who)``; going over answers 429 with Retry-After
and never makes a request wait. Counters are shared by all processes and survive a restart (``counting``).
"""

from __future__ import annotations

import codecs
import functools
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.network.counting import shared_counters
from apps.network.errors import refuse

MEGABYTE = 1_000_000
V = TypeVar("V", bound=Callable[..., HttpResponseBase])


# --- How often (SEC-59) ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rate:
    """At most ``times`` within ``seconds`` for one and the same asker."""

    name: str
    times: int
    seconds: int


VERIFY = Rate("verify", 300, 600)
TOKEN = Rate("token", 300, 600)
API = Rate("api", 600, 600)
SHARE_MISS = Rate("share-miss", 100, 600)
UPLOAD = Rate("upload", 60, 600)
REGISTRATION_TRY = Rate("registration-try", 60, 600)  # SEC-46
REGISTRATION = Rate("registration", 20, 3_600)  # SEC-46
REGISTRATION_ALL = Rate("registration-all", 500, 86_400)  # SEC-46, with the asker "portal"
SIGN_IN_ADDRESS = Rate("sign-in-address", 100, 900)  # SEC-53
SIGN_IN_ACCOUNT = Rate("sign-in-account", 10, 900)  # SEC-53


class TooMany(Exception):
    """Somebody asked more often than a rate allows; ``seconds`` says when the next try is welcome."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many requests, wait {seconds} s")
        self.seconds = seconds


def asker_of(request: HttpRequest) -> str:
    """Who asks, as far as the network shows: the address, of IPv6 the network of a household (/64)."""
    text = request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def count(rate: Rate, who: str) -> None:
    """Count one request of ``who``; raises ``TooMany`` when it is over the rate.

    ``who`` is stored only as a keyed digest (PRIV-04).
    """
    counted = shared_counters().add(_key(rate, who), window=rate.seconds)
    if counted.value > rate.times:
        raise TooMany(counted.seconds_left)


def is_over(rate: Rate, who: str) -> bool:
    """Has ``who`` used the rate up? Counts nothing: for rates that count failures alone."""
    return shared_counters().read(_key(rate, who)) >= rate.times


def forget(rate: Rate, who: str) -> None:
    """Begin to count anew, as after a sign-in that succeeded."""
    shared_counters().clear(_key(rate, who))


def _key(rate: Rate, who: str) -> str:
    digest = hmac.new(settings.SECRET_KEY.encode(), f"{rate.name}\n{who}".encode(), hashlib.sha256)
    return f"{rate.name}:{digest.hexdigest()[:32]}"


def limited(
    rate: Rate, *, methods: tuple[str, ...] = ("POST",), by: Callable[[HttpRequest], str] = asker_of
) -> Callable[[V], V]:
    """Decorate a view: requests of these methods count, those over the rate are answered 429."""

    def decorate(view: V) -> V:
        @functools.wraps(view)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in methods:
                try:
                    count(rate, by(request))
                except TooMany as fault:
                    return refuse(request, 429, retry_after=fault.seconds)
            return view(request, *args, **kwargs)

        return cast(V, counted)

    return decorate


# --- How much (SEC-20) ----------------------------------------------------------------------------------

ORDINARY_BODY = 5 * MEGABYTE
VERIFY_BODY = 25 * MEGABYTE
IMPORT_BODY = 100 * MEGABYTE
_ROOM_FOR_FORM = 64 * 1024  # the other fields and the boundaries around a file


@dataclass(frozen=True)
class BodyLimit:
    """Paths that may carry more than the ordinary body; ``members_only``: for people signed in."""

    path: re.Pattern[str]
    size: int
    members_only: bool


_body_limits: list[BodyLimit] = []


def allow_body(pattern: str, size: int, *, members_only: bool = True) -> None:
    """Let requests whose path begins with the regular expression ``pattern`` carry up to ``size`` bytes."""
    limit = BodyLimit(re.compile(pattern), size, members_only)
    if limit not in _body_limits:
        _body_limits.append(limit)


def body_limit(request: HttpRequest) -> int:
    """The most bytes that the body of this request may have."""
    for limit in _body_limits:
        if limit.path.match(request.path_info) and (not limit.members_only or _is_member(request)):
            return limit.size + _ROOM_FOR_FORM
    return ORDINARY_BODY


_FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def _is_other_text(request: HttpRequest) -> bool:
    """Whether the request names a character set, known to Python, that is not UTF-8: some are no character sets."""
    return request.encoding is not None and codecs.lookup(request.encoding).name not in {"utf-8", "ascii"}


def _is_member(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return user is not None and user.is_authenticated


class LimitsMiddleware:
    """Refuses bodies by their length before anything reads them, and turns ``TooMany`` into 429.

    The length is the one that the server counts while it hands the body on: a longer body is cut there, a
    body without a length is refused. Stands after the session is known and before any form is read.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        refusal = self._refusal(request)
        return refusal if refusal is not None else self._get_response(request)

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        # SEC-20: nothing is unpacked here, so nothing can grow.
        if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
            return refuse(request, 415, _("Packed content (Content-Encoding) is not taken; send it as it is."))
        if _is_other_text(request):  # SEC-21: what is text here is UTF-8
            if request.content_type in _FORM_TYPES:
                return refuse(request, 415, _("Forms are taken in UTF-8 only."))
            request.encoding = "utf-8"
        length = request.META.get("CONTENT_LENGTH", "")
        if not length:
            if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
                return refuse(request, 411)
            return None
        if not (length.isascii() and length.isdigit()):
            return refuse(request, 400)
        if len(length) > 15 or int(length) > body_limit(request):
            return refuse(request, 413)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """429 for a view that counted by itself."""
        if isinstance(exception, TooMany):
            return refuse(request, 429, retry_after=exception.seconds)
        return None
