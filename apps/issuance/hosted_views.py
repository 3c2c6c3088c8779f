"""The doors of hosted objects: `/ims/clr/v1p0/<kind>/<id>`, for anybody, as far as each is public."""

import hashlib
import logging
import uuid
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags
from django.views.decorators.csrf import csrf_exempt

from apps.issuance import documents, hosted
from apps.issuance.models import Record
from apps.standards.proofs.jws import MEDIA_TYPE as JOSE

log = logging.getLogger(__name__)

LIFETIME = 300
"""Seconds that anybody may keep a copy; a revocation reaches everyone within them (REL-13, SEC-14)."""
PERSONAL = ("clrs", "assertions")
METHODS = ("GET", "HEAD", "OPTIONS")


@csrf_exempt
def hosted_object(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """One object at its own address; errors have the standard's status object (CLR1-P-08, P-14, P-24)."""
    if request.method == "OPTIONS":
        return _with_headers(HttpResponse(status=204, headers={"Allow": ", ".join(METHODS)}), kind, 204)
    if request.method not in METHODS:
        response = _json(*hosted.absent(405, "This address is only read."))
        response["Allow"] = ", ".join(METHODS)
        return _with_headers(response, kind, 405)
    try:
        public_id = uuid.UUID(name)
    except ValueError:
        public_id = None
    if kind not in hosted.KINDS or public_id is None or str(public_id) != name:
        status, document = hosted.absent(404)
        return _with_headers(_json(status, document), kind, status)
    try:
        status, body = hosted.answer(kind, public_id)
        if kind == "clrs" and status == 200 and _wants(request, JOSE):
            token = documents.jws(Record.objects.get(public_id=public_id))
            return _with_headers(HttpResponse(token, content_type=JOSE), kind, 200)
    except documents.DocumentDamaged as fault:  # REL-16
        log.critical("%s", fault)
        status, body = hosted.absent(503, "This object cannot be given out now.")
    content_type = "application/ld+json" if _wants(request, "application/ld+json") else "application/json"
    response = _json(status, body, content_type)
    if status == 200:
        tag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
        if tag in parse_etags(request.headers.get("If-None-Match", "")):
            response = HttpResponse(status=304)
        response["ETag"] = tag
    return _with_headers(response, kind, status)


def _json(status: int, document: dict[str, Any] | bytes, content_type: str = "application/json") -> HttpResponse:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return HttpResponse(body, status=status, content_type=content_type)


def _wants(request: HttpRequest, media_type: str) -> bool:
    """Whether the caller names this very type, and prefers it to plain JSON."""
    accepted = [each.strip() for each in request.headers.get("Accept", "").split(",")]
    named = [each.split(";")[0].strip().lower() for each in accepted]
    if media_type not in named:
        return False
    return "application/json" not in named or request.get_preferred_type([media_type, "application/json"]) == media_type


def _with_headers(response: HttpResponse, kind: str, status: int) -> HttpResponse:
    response["Vary"] = "Accept"
    response["X-Content-Type-Options"] = "nosniff"
    if kind in PERSONAL:
        response["X-Robots-Tag"] = "noindex"
        response["Cache-Control"] = "private, no-store"
        if status == 401:
            response["WWW-Authenticate"] = "Bearer"
        if status == 200:
            response["Access-Control-Allow-Origin"] = "*"
    else:
        response["Access-Control-Allow-Origin"] = "*"  # SEC-57
        response["Cache-Control"] = f"public, max-age={LIFETIME}" if status in {200, 304} else "no-cache"
    return response
