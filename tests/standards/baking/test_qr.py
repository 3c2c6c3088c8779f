"""QR codes in pictures (SEC-27)."""

from __future__ import annotations

import struct
import sys
import zlib

import pytest
from PIL import ImageFile

from apps.standards.baking import qr
from apps.standards.errors import LimitExceeded, NoBadgeInImage
from tests.verification.qr_codes import blank, photo, scan

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "text", ["https://records.example/verify/abc", '{"name": "Núñez"}', "eyJ" + "a" * 1500 + ".b.c"]
)
def test_the_text_of_a_scan_is_read(text: str) -> None:
    assert qr.texts(scan(text)) == [text]


def test_the_text_of_a_turned_photo_is_read() -> None:
    assert qr.texts(photo("https://records.example/verify/abc")) == ["https://records.example/verify/abc"]


def test_several_codes_are_told_apart_and_the_same_one_counts_once() -> None:
    assert sorted(qr.texts(photo("one", "two"))) == ["one", "two"]
    assert qr.texts(photo("one", "one")) == ["one"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_without_a_code_gives_nothing(kind: str) -> None:
    assert qr.texts(blank(kind)) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"\xff\xd8\xff", scan("x")[:60], b"\xff\xd8\xff" + bytes(500)],
    ids=["nothing", "another kind", "a head alone", "broken off", "no picture"],
)
def test_what_is_no_picture_is_refused(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as the PDF library leaves it
    with pytest.raises(NoBadgeInImage):
        qr.texts(content)


def test_sec_27_the_limits_hold_before_anything_is_decoded() -> None:
    with pytest.raises(LimitExceeded):
        qr.texts(b"\xff\xd8\xff" + bytes(10_000_000))
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    huge = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    body = b"IDAT" + zlib.compress(bytes(100))
    huge += struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    with pytest.raises(LimitExceeded):
        qr.texts(huge)


def test_without_the_reader_no_code_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    assert qr.texts(scan("https://records.example/")) == []
