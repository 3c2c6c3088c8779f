"""Badges in PNG pictures: finding one and putting one in (SEC-27).

A badge is the text of an ``iTXt`` chunk whose keyword names the standard. The oldest badges have a ``tEXt``
chunk with the address of the hosted assertion instead.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from apps.standards.errors import LimitExceeded, NoBadgeInImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_SIZE = 10_000_000
MAX_PIXELS = 40_000_000
MAX_CHUNKS = 500
MAX_TEXT = 2_000_000

OPEN_BADGES_2 = b"openbadges"
OPEN_BADGES_3 = b"openbadgecredential"
CLR_2 = b"clrcredential"
KEYWORDS = (OPEN_BADGES_2, OPEN_BADGES_3, CLR_2)


def extract(image: bytes) -> str:
    """The text of the first badge chunk: JSON, a compact JWS, or (legacy) the address of an assertion.

    Raises ``NoBadgeInImage``, or ``LimitExceeded`` past the limits of SEC-27.
    """
    legacy: bytes | None = None
    for kind, data in _chunks(image):
        if kind == b"iTXt":
            keyword, _, rest = data.partition(b"\0")
            if keyword in KEYWORDS:
                return _text(_international_text(rest))
        elif kind == b"tEXt" and legacy is None:
            keyword, _, rest = data.partition(b"\0")
            if keyword in KEYWORDS:
                legacy = rest
    if legacy is not None:
        return _text(legacy)
    raise NoBadgeInImage("The picture carries no badge.")


def bake(image: bytes, text: str, *, keyword: bytes = OPEN_BADGES_2) -> bytes:
    """The picture with the text (JSON or compact JWS) as its one badge, directly after the header.

    Badge chunks that are already there are replaced. Raises as ``extract`` for a picture that is none.
    """
    body = keyword + b"\0\0\0\0\0" + text.encode("utf-8")
    parts = [SIGNATURE]
    for kind, data in _chunks(image):
        if kind in (b"iTXt", b"tEXt") and data.partition(b"\0")[0] in KEYWORDS:
            continue
        parts.append(_chunk(kind, data))
        if kind == b"IHDR":
            parts.append(_chunk(b"iTXt", body))
    return b"".join(parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks up to ``IEND``, each with its checksum verified."""
    if len(image) > MAX_SIZE:
        raise LimitExceeded(f"The picture is larger than {MAX_SIZE:,} bytes.")
    if not image.startswith(SIGNATURE):
        raise NoBadgeInImage("This is no PNG picture.")
    position = len(SIGNATURE)
    for number in range(MAX_CHUNKS):
        if position + 12 > len(image):
            raise NoBadgeInImage("The picture is cut off.")
        (length,) = struct.unpack_from(">I", image, position)
        end = position + 8 + length
        if end + 4 > len(image):
            raise NoBadgeInImage("The picture is cut off.")
        kind, data = image[position + 4 : position + 8], image[position + 8 : end]
        if zlib.crc32(image[position + 4 : end]) != struct.unpack_from(">I", image, end)[0]:
            raise NoBadgeInImage("A part of the picture is damaged.")
        if number == 0:
            _check_header(kind, data)
        yield kind, data
        if kind == b"IEND":
            return
        position = end + 4
    raise LimitExceeded(f"The picture has more than {MAX_CHUNKS} parts.")


def _check_header(kind: bytes, data: bytes) -> None:
    if kind != b"IHDR" or len(data) != 13:
        raise NoBadgeInImage("The picture has no header.")
    width, height = struct.unpack_from(">II", data)
    if width * height > MAX_PIXELS:
        raise LimitExceeded(f"The picture has more than {MAX_PIXELS:,} points.")


def _international_text(rest: bytes) -> bytes:
    """The text of an ``iTXt`` chunk after its keyword; language and translated keyword are passed over."""
    compressed, method = rest[:1], rest[1:2]
    _, _, after_language = rest[2:].partition(b"\0")
    _, _, text = after_language.partition(b"\0")
    if compressed == b"\0":
        return text
    if method != b"\0":
        raise NoBadgeInImage("The badge in the picture is packed in an unknown way.")
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(text, MAX_TEXT + 1)
    except zlib.error:
        raise NoBadgeInImage("The badge in the picture is damaged.") from None
    return inflated


def _text(data: bytes) -> str:
    if len(data) > MAX_TEXT:
        raise LimitExceeded(f"The badge in the picture is longer than {MAX_TEXT:,} bytes.")
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise NoBadgeInImage("The badge in the picture is not UTF-8 text.") from None
    if not text:
        raise NoBadgeInImage("The badge in the picture is empty.")
    return text
