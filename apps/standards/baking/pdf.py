"""The record inside our PDF: exactly one attachment ``clr.jws`` that the catalogue names as associated file.

A PDF is a hostile format (SEC-28). Only the way from the catalogue to that attachment is walked; nothing is
run, shown or followed. The attachment is unpacked here with a limit, and before the reader is let near the
file, all its packed streams are measured, since the reader itself would unpack some of them without one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pikepdf

from apps.standards.errors import AttachmentFault, LimitExceeded, ParseFault

NAME = "clr.jws"
MAX_SIZE = 25_000_000
MAX_OBJECTS = 5_000
MAX_ATTACHMENTS = 20
MAX_INFLATED = 50_000_000
MAX_RECOVERED_SIZE = 2_000_000

_STREAM = re.compile(rb"stream(?:\r\n|\n|\r)")
_HEX_NAME = re.compile(rb"#([0-9A-Fa-f]{2})")
_OTHER_PACKING = re.compile(rb"/(?:LZWDecode|LZW|RunLengthDecode|RL)[\s/\]>\[]")


def extract(data: bytes) -> bytes:
    """The bytes of the one attachment that is ours.

    Raises ``AttachmentFault`` (ATTACHMENT_INVALID) when the file is encrypted, carries none or several, or
    the attachment is damaged; ``LimitExceeded`` past SEC-28; ``ParseFault`` when it is no readable PDF.
    """
    if len(data) > MAX_SIZE:
        raise LimitExceeded(f"The PDF is larger than {MAX_SIZE:,} bytes.", code="INPUT_INVALID")
    _measure_streams(data)
    try:
        with pikepdf.open(BytesIO(data), attempt_recovery=len(data) <= MAX_RECOVERED_SIZE) as pdf:
            if pdf.is_encrypted:
                raise _encrypted()
            return _our_attachment(pdf)
    except pikepdf.PasswordError:
        raise _encrypted() from None
    except (pikepdf.PdfError, pikepdf.ForeignObjectError, RuntimeError, ValueError, TypeError, KeyError):
        raise ParseFault("The PDF is damaged and cannot be read.", code="INPUT_INVALID") from None


def _encrypted() -> AttachmentFault:
    return AttachmentFault("The PDF is encrypted. Save it without a password and try again.")


def _measure_streams(data: bytes) -> None:
    """Refuse a file whose packed streams would unpack to more than is allowed in all."""
    if b"LZW" in data or b"RunLength" in data or b"RL" in data or b"#" in data:
        plain = _HEX_NAME.sub(lambda match: bytes((int(match[1], 16),)), data) if b"#" in data else data
        if _OTHER_PACKING.search(plain):
            raise LimitExceeded("The PDF is packed in a way that is not read here.", code="INPUT_INVALID")
    left = MAX_INFLATED
    for match in _STREAM.finditer(data):
        packed: bytes | memoryview = memoryview(data)[match.end() :]
        for _ in range(3):  # packed, perhaps more than once
            if not len(packed) or packed[0] & 0x0F != 8:
                break
            unpacked = _inflate(packed, left)
            left -= len(unpacked)
            if left <= 0:
                raise LimitExceeded("The PDF unpacks to more than is allowed.", code="INPUT_INVALID")
            packed = unpacked


def _inflate(packed: bytes | memoryview, limit: int) -> bytes:
    """What zlib makes of the beginning of some bytes, at most ``limit`` + 1 bytes; damage ends it quietly."""
    inflater = zlib.decompressobj()
    pieces: list[bytes] = []
    total = position = 0
    try:
        while total <= limit and position < len(packed) and not inflater.eof:
            piece = inflater.decompress(packed[position : position + 65_536], limit + 1 - total)
            position += 65_536
            while piece:
                pieces.append(piece)
                total += len(piece)
                if total > limit or not inflater.unconsumed_tail:
                    break
                piece = inflater.decompress(inflater.unconsumed_tail, limit + 1 - total)
    except zlib.error:
        pass
    return b"".join(pieces)


def _our_attachment(pdf: pikepdf.Pdf) -> bytes:
    associated = list(_associated_files(pdf))
    ours = [specification for specification in associated if _file_name(specification) == NAME]
    named = [specification for specification in _named_files(pdf) if _file_name(specification) == NAME]
    known = {specification.objgen for specification in ours}
    further = [specification for specification in named if specification.objgen not in known]
    if not ours:
        raise AttachmentFault("The PDF carries no record that could be verified.")
    if len(ours) > 1 or further:
        raise AttachmentFault("The PDF carries several records, so it is not clear which one is meant.")
    return _content(ours[0])


def _associated_files(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """File specifications that the catalogue's associated-files entry names."""
    entries = pdf.Root.get("/AF")
    if entries is None:
        return
    listed = list(entries)[: MAX_ATTACHMENTS + 1] if isinstance(entries, pikepdf.Array) else [entries]
    if len(listed) > MAX_ATTACHMENTS:
        raise AttachmentFault(f"The PDF has more than {MAX_ATTACHMENTS} attachments.")
    for entry in listed:
        if isinstance(entry, pikepdf.Dictionary):
            yield entry


def _named_files(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """File specifications in the tree of embedded files, walked once and within limits."""
    names = pdf.Root.get("/Names")
    root = names.get("/EmbeddedFiles") if isinstance(names, pikepdf.Dictionary) else None
    waiting = [root] if isinstance(root, pikepdf.Dictionary) else []
    seen: set[tuple[int, int]] = set()
    visited = found = 0
    while waiting:
        node = waiting.pop()
        visited += 1
        if visited > MAX_OBJECTS:
            raise LimitExceeded("The PDF lists its attachments in too many steps.", code="INPUT_INVALID")
        if node.objgen != (0, 0):
            if node.objgen in seen:
                continue
            seen.add(node.objgen)
        pairs = node.get("/Names")
        if isinstance(pairs, pikepdf.Array):
            for entry in list(pairs)[1::2]:
                found += 1
                if found > MAX_ATTACHMENTS:
                    raise AttachmentFault(f"The PDF has more than {MAX_ATTACHMENTS} attachments.")
                if isinstance(entry, pikepdf.Dictionary):
                    yield entry
        kids = node.get("/Kids")
        if isinstance(kids, pikepdf.Array):
            waiting += [kid for kid in list(kids)[:MAX_OBJECTS] if isinstance(kid, pikepdf.Dictionary)]


def _file_name(specification: Any) -> str | None:
    for key in ("/UF", "/F"):
        name = specification.get(key)
        if isinstance(name, pikepdf.String):
            return str(name)
    return None


def _content(specification: Any) -> bytes:
    files = specification.get("/EF")
    stream = None
    if isinstance(files, pikepdf.Dictionary):
        stream = files.get("/UF") if "/UF" in files else files.get("/F")
    if not isinstance(stream, pikepdf.Stream):
        raise AttachmentFault("The attachment of the PDF is empty.")
    packing = stream.get("/Filter")
    filters = [str(item) for item in packing] if isinstance(packing, pikepdf.Array) else []
    if isinstance(packing, pikepdf.Name):
        filters = [str(packing)]
    raw = stream.read_raw_bytes()
    if not filters:
        return raw
    if filters != ["/FlateDecode"] or stream.get("/DecodeParms") is not None:
        raise AttachmentFault("The attachment of the PDF is packed in a way that is not read here.")
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(raw, MAX_INFLATED)
    except zlib.error:
        raise AttachmentFault("The attachment of the PDF is damaged: the file was changed.") from None
    if not inflater.eof:
        raise AttachmentFault("The attachment of the PDF is cut off or too large.")
    return content
