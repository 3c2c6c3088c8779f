"""The forms of the CLR 1.0 API's answers: status objects, what kind of answer is wanted, tags and links.

Digest, sections 5.7 and 6.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode, urlsplit

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from apps.exchange.authorization.bearer import challenge
from apps.network.errors import register_form
from apps.standards.clr1 import model, write
from apps.standards.proofs.jws import MEDIA_TYPE as JOSE

BASE_PATH = "/ims/clr/v1p0"
JSON, JSON_LD, CLR, HTML = "application/json", "application/ld+json", model.MEDIA_TYPE, "text/html"
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_MEDIA_RANGE = re.compile(r"(?:\*/\*|[\w!#$&^.+-]+/(?:\*|[\w!#$&^.+-]+))", re.ASCII)


class Refusal(Exception):
    """The request is answered by a status object; the text is its sentence for people."""

    def __init__(self, status: int, sentence: str, *, code: str | None = None, **headers: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


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


# --- Which kind of answer ---------------------------------------------------------------------


def wanted(request: HttpRequest, offered: Iterable[str]) -> str:
    """The media type to answer with, of those offered (the first is given where nothing is asked for).

    A part of the Accept header that cannot be read counts as absent. Raises `Refusal` 406 (CLR1-P-23).
    """
    asked = _accepted(request.headers.get("Accept", ""))
    kinds = list(offered)
    if not asked:
        return kinds[0]
    best, best_quality = "", 0.0
    for kind in kinds:
        quality = _quality_of(kind, asked)
        if quality > best_quality:
            best, best_quality = kind, quality
    if not best:
        raise Refusal(406, f"This can be given as {', '.join(kinds)}; name one of them in Accept.")
    return best


def _accepted(header: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in header.lower()[:4_096].split(",")[:64]:
        media_range, *parameters = (each.strip() for each in part.split(";"))
        if not _MEDIA_RANGE.fullmatch(media_range):
            continue
        said = next((each[2:].strip() for each in parameters if each.startswith("q=")), "1")
        if _QUALITY.fullmatch(said):
            found[media_range] = float(said)
    return found


def _quality_of(kind: str, asked: Mapping[str, float]) -> float:
    """How much a media type is wanted: the most exact range that names it decides (RFC 9110, 12.5.1)."""
    for media_range in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if media_range in asked:
            return asked[media_range]
    return 0.0


# --- Answers ----------------------------------------------------------------------------------


def document(request: HttpRequest, body: bytes, kind: str, tag: str, *, public: bool = False) -> HttpResponse:
    """200 with a document, or 304 where the asker has it; personal unless it is public."""
    response = HttpResponse(body, content_type=kind)
    return dressed(response, tag, public=public)


def unchanged(request: HttpRequest, tag: str, *, public: bool = False) -> HttpResponse | None:
    """304 when the asker names this tag in If-None-Match, else None."""
    named = {each.removeprefix("W/") for each in parse_etags(request.headers.get("If-None-Match", "")[:8_192])}
    if tag not in named and "*" not in named:
        return None
    return dressed(HttpResponse(status=304), tag, public=public)


def dressed(response: HttpResponse, tag: str = "", *, public: bool = False) -> HttpResponse:
    """The headers of a document: its tag, and that nobody but the asker keeps it unless it is public."""
    if tag:
        response.headers["ETag"] = tag
    if public:
        response.headers["Cache-Control"] = "public, max-age=300"
    else:
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["X-Robots-Tag"] = "noindex"
    patch_vary_headers(response, ["Accept"] if public else ["Accept", "Authorization"])
    return response


def tag_of(*parts: object) -> str:
    """A strong tag of what an answer is made of: digests as stored, and what else decides its bytes."""
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:40]}"'


def links(*, limit: int, offset: int, total: int, since: str | None) -> str:
    """The value of `Link`: first, last, and where they exist next and prev (RFC 8288, CLR1-P-05)."""
    last = max(total - 1, 0) // limit * limit
    places = {"first": 0, "last": last}
    if offset + limit < total:
        places["next"] = offset + limit
    if offset > 0:
        places["prev"] = min(max(offset - limit, 0), last)
    return ", ".join(f'<{_page(limit, place, since)}>; rel="{relation}"' for relation, place in places.items())


def _page(limit: int, offset: int, since: str | None) -> str:
    query = {"limit": limit, "offset": offset, **({"since": since} if since else {})}
    return f"{settings.BASE_URL}{BASE_PATH}/clrs?{urlencode(query)}"


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
    "links",
    "register",
    "status_object",
    "tag_of",
    "unchanged",
    "wanted",
]
