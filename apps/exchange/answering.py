"""What answers of all APIs of the exchange have in common: refusals, the kind that is wanted, tags, who keeps them."""

import hashlib
import re
from collections.abc import Iterable, Mapping

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

JSON, JSON_LD, HTML = "application/json", "application/ld+json", "text/html"
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_MEDIA_RANGE = re.compile(r"(?:\*/\*|[\w!#$&^.+-]+/(?:\*|[\w!#$&^.+-]+))", re.ASCII)


class Refusal(Exception):
    """The request is answered in the error form of its API; the text is its sentence for people."""

    def __init__(self, status: int, sentence: str, *, code: str | None = None, **headers: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


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
