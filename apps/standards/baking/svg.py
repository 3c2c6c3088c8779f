"""Badges in SVG pictures: finding one and putting one in (SEC-25).

The picture is read as a stream: nothing external is loaded, no entity is declared or expanded, a bare DOCTYPE
is passed over, and depth, size and number of elements are limited.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import quoteattr

from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import DefusedXMLParser

from apps.standards.errors import LimitExceeded, NoBadgeInImage

MAX_SIZE = 2_000_000
MAX_DEPTH = 100
MAX_ELEMENTS = 50_000

OPEN_BADGES_2 = ("http://openbadges.org", "assertion")
OPEN_BADGES_3 = ("https://purl.imsglobal.org/ob/v3p0", "credential")
CLR_2 = ("https://purl.imsglobal.org/clr/v2p0", "credential")
_BADGE_TAGS = frozenset(f"{{{space}}}{name}" for space, name in (OPEN_BADGES_2, OPEN_BADGES_3, CLR_2))
_SVG_TAG = "{http://www.w3.org/2000/svg}svg"

_ROOT_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>\[]*>\s*)*<[^\s/>!?]+", re.DOTALL
)


class _Found:
    """Collects the first badge element while the picture streams by."""

    def __init__(self) -> None:
        self.depth = 0
        self.elements = 0
        self.root: str | None = None
        self.verify: str | None = None
        self.body: list[str] | None = None
        self._inside = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > MAX_DEPTH or self.elements > MAX_ELEMENTS:
            raise LimitExceeded("The picture has too many elements, or too many inside one another.")
        if self.root is None:
            self.root = tag
        if self.body is None and tag in _BADGE_TAGS:
            self.body = []
            self.verify = attributes.get("verify")
            self._inside = self.depth

    def end(self, tag: str) -> None:
        if self._inside == self.depth:
            self._inside = 0
        self.depth -= 1

    def data(self, text: str) -> None:
        if self._inside and self.body is not None:
            self.body.append(text)

    def close(self) -> None:
        return None


class _Parser(DefusedXMLParser):
    """Entities and external things are refused by defusedxml; an internal subset here."""

    def defused_start_doctype_decl(
        self, name: str, sysid: str | None, pubid: str | None, has_internal_subset: int
    ) -> None:
        if has_internal_subset:
            raise DTDForbidden(name, sysid, pubid)


def _read(image: bytes) -> _Found:
    if len(image) > MAX_SIZE:
        raise LimitExceeded(f"The picture is larger than {MAX_SIZE:,} bytes.")
    found = _Found()
    parser: Any = _Parser(target=found, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(image)
        parser.close()
    except (ParseError, ValueError, LookupError, DefusedXmlException):
        raise NoBadgeInImage("The picture is not well-formed, or declares what pictures have no need of.") from None
    return found


def extract(image: bytes) -> str:
    """The text of the first badge element: its body (JSON) if there is one, else its ``verify`` attribute.

    Raises ``NoBadgeInImage``, or ``LimitExceeded`` past the limits of SEC-25.
    """
    found = _read(image)
    if found.body is None:
        raise NoBadgeInImage("The picture carries no badge.")
    text = "".join(found.body).strip() or (found.verify or "").strip()
    if not text:
        raise NoBadgeInImage("The badge in the picture is empty.")
    return text


def verify_attribute(image: bytes) -> str | None:
    """The ``verify`` attribute of the badge element. Raises as ``extract``."""
    return _read(image).verify


def bake(image: bytes, *, verify: str, body: str | None = None, kind: tuple[str, str] = OPEN_BADGES_2) -> bytes:
    """The picture with one badge element as first child of its root.

    ``verify`` is the compact JWS, or for a hosted badge its address with the JSON as ``body``. Raises
    ``NoBadgeInImage`` for what is no SVG in UTF-8, or already carries a badge.
    """
    found = _read(image)
    if found.root != _SVG_TAG:
        raise NoBadgeInImage("This is no SVG picture.")
    if found.body is not None:
        raise NoBadgeInImage("The picture already carries a badge.")
    try:
        image.decode("utf-8")
    except UnicodeDecodeError:
        raise NoBadgeInImage("The picture is not UTF-8.") from None
    name_end, tag_end, closed = _root_tag(image)
    space, local = kind
    attribute = quoteattr(verify)
    if body is None:
        element = f"<openbadges:{local} verify={attribute}/>"
    else:
        safe = body.replace("]]>", "]]\\u003e")
        element = f"<openbadges:{local} verify={attribute}><![CDATA[{safe}]]></openbadges:{local}>"
    declaration = f" xmlns:openbadges={quoteattr(space)}".encode()
    opening = image[:name_end] + declaration + image[name_end:tag_end]
    if closed:
        name = image[:name_end].rpartition(b"<")[2]
        return opening + b">" + element.encode() + b"</" + name + b">" + image[tag_end + 2 :]
    return opening + b">" + element.encode() + image[tag_end + 1 :]


def _root_tag(image: bytes) -> tuple[int, int, bool]:
    """Where the name of the root's start tag ends, where its ``>`` or ``/>`` stands, and whether it is ``/>``."""
    match = _ROOT_START.match(image)
    if match is None:
        raise NoBadgeInImage("The beginning of the picture cannot be understood.")
    position, quote = match.end(), 0
    while position < len(image):
        byte = image[position]
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in b"\"'":
            quote = byte
        elif byte == ord(">"):
            closed = image[position - 1] == ord("/")
            return match.end(), position - closed, closed
        position += 1
    raise NoBadgeInImage("The beginning of the picture cannot be understood.")
