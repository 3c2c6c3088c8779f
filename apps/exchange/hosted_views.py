"""The doors of hosted objects: `/ims/clr/v1p0/<kind>/<id>`, for anybody, as far as each is public.

Records have doors of their own in `clr1.host`, since a token opens them too.
"""

import hashlib
import logging
import uuid

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from apps.exchange import hosted, pages
from apps.exchange.clr1 import answers
from apps.exchange.clr1.answers import CLR, HTML, JOSE, JSON, JSON_LD, Refusal
from apps.issuance.documents import DocumentDamaged
from apps.network.headers import open_api

log = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "OPTIONS")
PAGES = frozenset({"clrs", "assertions", "achievements"})
"""Kinds that have a page for people at an address of their own."""


@csrf_exempt
@open_api(methods=", ".join(METHODS), headers="Accept, If-None-Match")
def hosted_object(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """One object at its own address; errors have the standard's status object (CLR1-P-08, P-14, P-23, P-24)."""
    if request.method not in METHODS:
        return answers.status_object(405, "This address is only read.", headers={"Allow": ", ".join(METHODS)})
    try:
        return _answer(request, kind, name)
    except Refusal as refusal:
        return answers.status_object(refusal.status, refusal.sentence, code=refusal.code, headers=refusal.headers)
    except DocumentDamaged as fault:  # REL-16
        log.critical("%s", fault)
        return answers.status_object(503, "This object cannot be given out now.", headers={"Retry-After": "600"})


def _answer(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    public_id = _id(name)
    if kind not in hosted.KINDS or public_id is None:
        raise Refusal(404, "There is nothing at this address.")
    offered = (JSON, JSON_LD, CLR, *([JOSE] if kind == "endorsements" else []), HTML)
    media_type = answers.wanted(request, offered)
    if media_type == HTML and kind not in PAGES:
        try:
            return pages.object_page(request, kind, public_id)
        except Http404:
            raise Refusal(404, "There is nothing at this address.") from None
    if media_type == HTML:
        return answers.dressed(HttpResponse(status=303, headers={"Location": f"/{kind}/{name}"}), public=True)
    status, document = hosted.answer(kind, public_id)
    if status != 200:
        response = HttpResponse(orjson.dumps(document), status=status, content_type=JSON)
        response.headers["Cache-Control"] = "no-store"
        patch_vary_headers(response, ["Accept"])
        return response
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    if media_type == JOSE:
        signed = hosted.public_endorsement(public_id)
        if signed is None or not signed.is_signed:
            raise Refusal(406, "This endorsement has no signed form.")
        body = bytes(signed.content)
    tag = f'"{hashlib.sha256(media_type.encode() + body).hexdigest()[:40]}"'
    public = kind not in hosted.PERSONAL
    return answers.unchanged(request, tag, public=public) or answers.document(
        request, body, media_type, tag, public=public
    )


def _id(name: str) -> uuid.UUID | None:
    """The id in an address, in its one spelling."""
    try:
        found = uuid.UUID(name)
    except ValueError:
        return None
    return found if str(found) == name else None
