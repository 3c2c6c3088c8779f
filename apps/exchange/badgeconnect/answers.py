"""The form of the Badge Connect API's errors: the envelope with its status (digest, B8)."""

from collections.abc import Mapping

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from apps.exchange.answering import JSON
from apps.exchange.authorization.bearer import challenge
from apps.network.errors import register_form
from apps.standards.ob2 import connect


def refusal(
    status: int, sentence: str, *, text: str | None = None, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """An answer that is not what was asked for; kept by nobody (SEC-60)."""
    response = HttpResponse(orjson.dumps(connect.envelope(status, sentence, text)), status=status, content_type=JSON)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Access-Control-Allow-Origin"] = "*"  # SEC-57: programs in browsers read why, too
    for name, value in (headers or {}).items():
        response.headers[name] = value
    patch_vary_headers(response, ["Authorization"])
    return response


def _error_form(request: HttpRequest, status: int, sentence: str, request_id: str) -> HttpResponse:
    """What the portal's edge refuses below this path: too large, too often, no such address, our own faults."""
    return refusal(status, sentence, headers={"WWW-Authenticate": challenge()} if status == 401 else {})


def register() -> None:
    """Give everything below the address of Badge Connect the standard's form of error (BC-R-11)."""
    register_form(f"{connect.PATH}/", _error_form)
