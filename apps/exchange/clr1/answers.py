"""The forms of the CLR 1.0 API's answers: its media types and status objects.

Digest, sections 5.7 and 6; what all APIs have in common is in ``apps.exchange.answering``.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from apps.exchange.answering import HTML, JSON, JSON_LD, Refusal, document, dressed, tag_of, unchanged, wanted
from apps.exchange.authorization.bearer import challenge
from apps.network.errors import register_form
from apps.standards.clr1 import model, write
from apps.standards.proofs.jws import MEDIA_TYPE as JOSE

BASE_PATH = "/ims/clr/v1p0"
CLR = model.MEDIA_TYPE


# --- Status objects (CLR1-P-08) ---------------------------------------------------------------


def status_object(
    status: int, sentence: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """The imsx_StatusInfo of an answer that is not what was asked for; kept by nobody (SEC-60)."""
    system = urlsplit(settings.BASE_URL).hostname or "portal"
    body = write.status_info(http_status=status, description=sentence, system=system, code_minor=code)
    response = HttpResponse(orjson.dumps(body), status=status, content_type=JSON)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Access-Control-Allow-Origin"] = "*"  # SEC-57: programs in browsers read why, too
    for name, value in (headers or {}).items():
        response.headers[name] = value
    patch_vary_headers(response, ["Accept", "Authorization"])
    return response


def _error_form(request: HttpRequest, status: int, sentence: str, request_id: str) -> HttpResponse:
    """What the portal's edge refuses below this path: too large, too often, no such address, our own faults."""
    headers = {"WWW-Authenticate": challenge()} if status == 401 else {}
    return status_object(status, sentence, headers=headers)


def register() -> None:
    """Give everything below the address of CLR 1.0 the standard's form of error."""
    register_form(f"{BASE_PATH}/", _error_form)


__all__ = [
    "BASE_PATH",
    "CLR",
    "HTML",
    "JOSE",
    "JSON",
    "JSON_LD",
    "Refusal",
    "document",
    "dressed",
    "register",
    "status_object",
    "tag_of",
    "unchanged",
    "wanted",
]
