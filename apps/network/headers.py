"""What every answer carries: request id, security headers, caching; and whom a request is believed to be from.

SEC-56 (content policy), SEC-57 (other headers, CORS), SEC-58 (Host and forwarded headers).
"""

from __future__ import annotations

import functools
import ipaddress
import json
import secrets
from collections.abc import Callable
from typing import Any, TypeVar, cast

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.network.errors import refuse

V = TypeVar("V", bound=Callable[..., HttpResponseBase])

PERMISSIONS = (
    "accelerometer=(), autoplay=(), camera=(self), display-capture=(), encrypted-media=(), fullscreen=(self), "
    "geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=(), "
    "browsing-topics=()"
)
_FORWARDED = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
    "HTTP_X_ORIGINAL_URL",
    "HTTP_X_REWRITE_URL",
)


class ContentPolicyMiddleware(CSPMiddleware):
    """The content policy of the settings on every answer (SEC-56).

    One exception: the theme of the admin builds functions from text and sets styles on elements, so pages
    under ``/admin/`` may evaluate and style; scripts still are our own files alone
    (``docs/decisions/0010-content-policy-of-the-admin.md``).
    """

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """The policy, with the admin's exception where it applies."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith("/admin/"):
            parts.replace = {
                **(parts.replace or {}),
                "script-src": [SELF, UNSAFE_EVAL],
                "style-src": [SELF, UNSAFE_INLINE],
            }
        return parts


class EdgeMiddleware:
    """The outermost step: believes only a configured proxy, checks the Host, dresses every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._proxies = [ipaddress.ip_network(text, strict=False) for text in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.request_id = secrets.token_hex(8)  # type: ignore[attr-defined]
        self._settle_peer(request)
        response: HttpResponseBase
        try:
            request.get_host()  # SEC-58
        except DisallowedHost:
            response = refuse(request, 400)
        else:
            response = self._get_response(request)
        _dress(request, response)
        return response

    def _settle_peer(self, request: HttpRequest) -> None:
        """Take address and scheme from a configured proxy; forget what strangers forward (SEC-58)."""
        meta = request.META
        if self._is_proxy(meta.get("REMOTE_ADDR", "")):
            # The last address that no proxy of ours added is the one that came to us.
            hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
            outside = [hop for hop in hops if not self._is_proxy(hop)]
            if outside and _is_address(outside[-1]):
                meta["REMOTE_ADDR"] = outside[-1]
            if meta.get("HTTP_X_FORWARDED_PROTO", "").lower() in {"http", "https"}:
                meta["wsgi.url_scheme"] = meta["HTTP_X_FORWARDED_PROTO"].lower()
        elif any(meta.get(name) for name in _FORWARDED):
            meta["network.forwarded"] = True  # somebody between us and the asker, unknown to us (/metrics)
            meta["wsgi.url_scheme"] = "https" if settings.HTTPS else "http"
        for name in _FORWARDED:
            meta.pop(name, None)

    def _is_proxy(self, text: str) -> bool:
        if not self._proxies or not _is_address(text):
            return False
        return any(ipaddress.ip_address(text) in network for network in self._proxies)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _dress(request: HttpRequest, response: HttpResponseBase) -> None:
    """The headers of every answer (SEC-57); a view's own value stays."""
    response.headers["X-Request-ID"] = str(request.request_id)  # type: ignore[attr-defined]
    response.headers.setdefault("Permissions-Policy", PERMISSIONS)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if not response.has_header("Cache-Control"):
        response.headers["Cache-Control"] = "no-store"
    if response.headers["Cache-Control"] == "no-store" or response.has_header("Set-Cookie"):
        patch_vary_headers(response, ["Cookie"])


# --- Answers for other origins --------------------------------------------------------------------------


def public_object(*, max_age: int, immutable: bool = False) -> Callable[[V], V]:
    """Decorate the view of something public: any origin may read it, caches keep it ``max_age`` seconds.

    An answer other than 200 or 304 is not cached. Status and revocation lists give at most 300 (REL-13).
    """

    def decorate(view: V) -> V:
        @functools.wraps(view)
        def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            if response.status_code in {200, 304} and not response.has_header("Cache-Control"):
                keep = ", immutable" if immutable else ""
                response.headers["Cache-Control"] = f"public, max-age={max_age}{keep}"
            return response

        return cast(V, opened)

    return decorate


def open_api(*, methods: str, headers: str = "Authorization, Content-Type") -> Callable[[V], V]:
    """Decorate a view of an API that programs in browsers of any origin call; never with credentials.

    Answers the preflight (OPTIONS) itself. ``methods`` and ``headers`` are comma-separated lists.
    """

    def decorate(view: V) -> V:
        @functools.wraps(view)
        def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = HttpResponse(status=204) if request.method == "OPTIONS" else view(request, *args, **kwargs)
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            if request.method == "OPTIONS":
                response.headers["Allow"] = methods
                response.headers["Access-Control-Allow-Methods"] = methods
                response.headers["Access-Control-Allow-Headers"] = headers
                response.headers["Access-Control-Max-Age"] = "600"
            else:
                response.headers["Access-Control-Expose-Headers"] = "Link, X-Total-Count, Retry-After, X-Request-ID"
            return response

        return cast(V, opened)

    return decorate


_BLOCK = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def data_block(value: Any, media_type: str = "application/ld+json") -> SafeString:
    """A ``<script>`` element that holds data and nothing that a browser could take for markup (SEC-56)."""
    text = json.dumps(value, ensure_ascii=False).translate(_BLOCK)
    return format_html('<script type="{}">{}</script>', media_type, mark_safe(text))  # noqa: S308  escaped above
