"""How the endpoints for programs answer: JSON of RFC 6749, 7009 and 7591, never kept, never a page (BC-P-23)."""

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from apps.network.errors import register_form
from apps.network.limits import allow_body

BASIC = 'Basic realm="clrportal", charset="UTF-8"'
PROGRAMS = ("/o/token/", "/o/revoke_token/", "/o/introspect/", "/o/register/")

_CODES = {
    401: "invalid_client",
    404: "invalid_request",
    429: "temporarily_unavailable",
    500: "server_error",
    503: "temporarily_unavailable",
}


def unkept(response: HttpResponse) -> HttpResponse:
    """The answer with what RFC 6749, 5.1 demands of all that may hold a token."""
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    return response


def of(document: Any, status: int = 200) -> HttpResponse:
    """An answer in JSON."""
    return unkept(JsonResponse(document, status=status, json_dumps_params={"ensure_ascii": True}))


def error(code: str, sentence: str, status: int = 400) -> HttpResponse:
    """A refusal by its code and a sentence."""
    return of({"error": code, "error_description": sentence}, status)


def only(*methods: str) -> Callable[..., Any]:
    """Decorate a view: other methods get 405 in the form of this surface."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @functools.wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in methods:
                response = error("invalid_request", f"Use {' or '.join(methods)} here.", 405)
                response["Allow"] = ", ".join(methods)
                return response
            return view(request, *args, **kwargs)

        return checked

    return decorate


def _form(request: HttpRequest, status: int, sentence: str, request_id: str) -> HttpResponse:
    code = "invalid_client_metadata" if request.path_info.startswith("/o/register/") else "invalid_request"
    return error(_CODES.get(status, code), f"{sentence} ({request_id})", status)


def register() -> None:
    """Tells the edge how errors under these paths look, and how much a request may carry (SEC-46: 64 KB)."""
    for path in PROGRAMS:
        register_form(path, _form)
    allow_body("/o/", 0, members_only=False)  # and the 64 KB that the edge leaves for any form
