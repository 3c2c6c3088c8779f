"""The doors of hosted Open Badges 2.0 objects: `/ims/ob/v2p0/<kind>/<id>`, for anybody, as far as each is public."""

import hashlib
import logging
import re
import uuid

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from apps.exchange import answering, hosted_badges
from apps.exchange.answering import HTML, JSON, JSON_LD, Refusal
from apps.issuance.badge_documents import PNG, SVG
from apps.issuance.documents import DocumentDamaged
from apps.network.errors import refuse
from apps.network.headers import open_api
from apps.standards.proofs.jws import MEDIA_TYPE as JOSE

log = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "OPTIONS")
PAGES = {"assertions": "badges", "badges": "achievements"}
"""Kinds that have a page for people, and where it is."""
_NAME = re.compile(r"([0-9a-f-]{36})(\.png|\.svg)?")


@csrf_exempt
@open_api(methods=", ".join(METHODS), headers="Accept, If-None-Match")
def badge_object(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """One object at its own address (OB20-I-03, OB20-I-04)."""
    if request.method not in METHODS:
        response = refuse(request, 405, "This address is only read.")
        response.headers["Allow"] = ", ".join(METHODS)
        return response
    try:
        return _answer(request, kind, name)
    except Refusal as refusal:
        return refuse(request, refusal.status, refusal.sentence)
    except DocumentDamaged as fault:  # REL-16
        log.critical("%s", fault)
        return refuse(request, 503, "This object cannot be given out now.", retry_after=600)


def _answer(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    match = _NAME.fullmatch(name)
    if match is None or kind not in hosted_badges.KINDS:
        raise Refusal(404, "There is nothing at this address.")
    try:
        public_id = uuid.UUID(match[1])
    except ValueError:
        raise Refusal(404, "There is nothing at this address.") from None
    if str(public_id) != match[1]:
        raise Refusal(404, "There is nothing at this address.")
    if kind == "images":
        return _image(request, public_id, match[2] or "")
    offered = (JSON_LD, JSON, *([JOSE] if kind == "assertions" else []), *([HTML] if kind in PAGES else []))
    media_type = answering.wanted(request, offered)
    found = hosted_badges.answer(kind, public_id, match[2] or "")
    if found.location:
        return _elsewhere(found.location, 302)
    if media_type == HTML and found.status in {200, 410}:
        return _elsewhere(f"/{PAGES[kind]}/{public_id}", 303)
    if found.status != 200:
        return _gone(request, found)
    return _given(request, found, found.signed if media_type == JOSE else found.body, media_type)


def _image(request: HttpRequest, public_id: uuid.UUID, suffix: str) -> HttpResponse:
    if not suffix:
        suffix = ".svg" if answering.wanted(request, (PNG, SVG)) == SVG else ".png"
    found = hosted_badges.answer("images", public_id, suffix)
    if found.status != 200:
        return _gone(request, found)
    response = _given(request, found, found.body, found.media_type)
    response.headers["Content-Security-Policy"] = "default-src 'none'; img-src data:; sandbox"  # SEC-25
    return response


def _given(request: HttpRequest, found: hosted_badges.Hosted, body: bytes, media_type: str) -> HttpResponse:
    tag = f'"{hashlib.sha256(media_type.encode() + body).hexdigest()[:40]}"'
    public = not found.is_personal
    return answering.unchanged(request, tag, public=public) or answering.document(
        request, body, media_type, tag, public=public
    )


def _gone(request: HttpRequest, found: hosted_badges.Hosted) -> HttpResponse:
    if found.status != 410 or not found.body:
        sentence = "There is nothing at this address." if found.status == 404 else "This does not hold any more."
        return refuse(request, found.status, sentence)
    response = HttpResponse(found.body, status=410, content_type=JSON_LD)
    response.headers["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept"])
    return response


def _elsewhere(address: str, status: int) -> HttpResponse:
    response = HttpResponse(status=status, headers={"Location": address})
    response.headers["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept"])
    return response
