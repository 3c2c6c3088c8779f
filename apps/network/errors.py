"""Error answers: one sentence and a request id, in the form of the surface that was asked (SEC-60).

A room whose standard has its own form of error registers it for its paths with ``register_form``; the rest is
JSON under ``/api/`` and for callers that ask for JSON, and a page for people elsewhere. No answer carries a
trace, a path, a query or a version.
"""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Callable

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.html import format_html
from django.utils.translation import gettext as _

log = logging.getLogger(__name__)

ErrorForm = Callable[[HttpRequest, int, str, str], HttpResponse]
_forms: dict[str, ErrorForm] = {}


def register_form(prefix: str, form: ErrorForm) -> None:
    """Answer errors under the path ``prefix`` by ``form(request, status, sentence, request_id)``."""
    _forms[prefix] = form


def request_id(request: HttpRequest) -> str:
    """The id of this request, as it stands in the header ``X-Request-ID`` and in the log."""
    known = getattr(request, "request_id", None)
    if known is None:
        known = secrets.token_hex(8)
        request.request_id = known  # type: ignore[attr-defined]
    return str(known)


def refuse(request: HttpRequest, status: int, sentence: str = "", *, retry_after: int | None = None) -> HttpResponse:
    """An error answer with this status; ``sentence`` says what happened and what to do."""
    text = sentence or _sentence(status)
    form = _form_for(request)
    response = form(request, status, text, request_id(request))
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    response["Cache-Control"] = "no-store"
    return response


def _sentence(status: int) -> str:
    return {
        400: _("The request could not be read. Nothing was changed."),
        401: _("Please sign in first."),
        403: _("This is not allowed with your sign-in. Nothing was changed."),
        404: _("There is nothing here, or it is not yours to see."),
        405: _("This address does not take that kind of request."),
        411: _("The request must say how long it is (Content-Length)."),
        413: _("That is larger than can be taken here."),
        415: _("That kind of content is not taken here."),
        429: _("That was asked too often in a short time. Please wait and try again."),
        503: _("The portal cannot answer just now. Please try again in a minute."),
    }.get(status, _("Something went wrong here, and it has been noted. Nothing was changed."))


def _form_for(request: HttpRequest) -> ErrorForm:
    path = request.path_info
    fitting = [prefix for prefix in _forms if path.startswith(prefix)]
    if fitting:
        return _forms[max(fitting, key=len)]
    if path.startswith("/api/") or not _wants_page(request):
        return _as_json
    return _as_page


def _wants_page(request: HttpRequest) -> bool:
    accepted = request.headers.get("Accept", "").lower()
    return "html" in accepted or "json" not in accepted


def _as_json(request: HttpRequest, status: int, sentence: str, id: str) -> HttpResponse:
    response = JsonResponse({"error": sentence, "status": status, "request_id": id}, status=status)
    patch_vary_headers(response, ["Accept"])
    return response


def _as_page(request: HttpRequest, status: int, sentence: str, id: str) -> HttpResponse:
    title = {
        403: _("Not allowed"),
        404: _("There is no such page"),
        413: _("Too large"),
        429: _("Too many tries"),
        503: _("Not available"),
    }.get(status, _("The request failed") if status < 500 else _("Something went wrong"))
    known = {"status": status, "title": title, "sentence": sentence, "request_id": id}
    try:
        # Without the request: the page must come also when sessions or the database do not answer.
        page = render_to_string("error.html", known)
    except (TemplateDoesNotExist, TemplateSyntaxError, ValueError):
        log.exception("the error page could not be rendered")
        page = format_html("<!doctype html><title>{}</title><h1>{}</h1><p>{}</p><p>{}</p>", title, title, sentence, id)
    response = HttpResponse(page, status=status)
    patch_vary_headers(response, ["Accept"])
    return response


# --- Django's own error views ---------------------------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 where a body was longer than Django takes (SEC-20)."""
    if isinstance(exception, RequestDataTooBig):
        return refuse(request, 413)
    sentence = str(exception) if type(exception) is BadRequest and str(exception) else ""
    return refuse(request, 400, sentence)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403; a sentence given with ``PermissionDenied`` is shown."""
    sentence = str(exception) if type(exception) is PermissionDenied else ""
    return refuse(request, 403, sentence)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without its token (SEC-55)."""
    return refuse(
        request,
        403,
        _("This form is no longer fresh. Go back, load the page again and send it once more."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, the same words for absent and for somebody else's (I4)."""
    return refuse(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500; or 503 with Retry-After when the database does not answer (REL-21)."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return refuse(request, 503, retry_after=5)
    return refuse(request, 500)
