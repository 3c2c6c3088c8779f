"""SEC-25 and SEC-27: badges in PNG and SVG pictures, and the pictures that are refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from apps.standards.baking import png, svg
from apps.standards.errors import LimitExceeded, NoBadgeInImage, ParseFault
from tests.standards.verify.world import World, codes

pytestmark = pytest.mark.once

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g/></svg>'


def chunk(kind: bytes, data: bytes, *, crc: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def picture(*chunks: bytes, width: int = 1, height: int = 1) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return png.SIGNATURE + header + b"".join(chunks) + chunk(b"IEND", b"")


def badge(text: bytes, keyword: bytes = b"openbadges", *, packed: bool = False) -> bytes:
    return chunk(b"iTXt", keyword + b"\0" + (b"\1" if packed else b"\0") + b"\0en\0Badge\0" + text)


@pytest.mark.parametrize("keyword", png.KEYWORDS)
def test_each_standard_has_its_keyword(keyword: bytes) -> None:
    assert png.extract(picture(badge(b"a.b.c", keyword))) == "a.b.c"
    assert png.extract(png.bake(picture(), "a.b.c", keyword=keyword)) == "a.b.c"


def test_the_first_badge_counts() -> None:
    assert png.extract(picture(badge(b"first"), badge(b"second"))) == "first"


def test_a_badge_is_preferred_to_the_address_of_the_oldest_pictures() -> None:
    legacy = chunk(b"tEXt", b"openbadges\0https://x.example/a")
    assert png.extract(picture(legacy)) == "https://x.example/a"
    assert png.extract(picture(legacy, badge(b"{}"))) == "{}"


def test_baking_writes_the_chunk_of_the_standard_and_only_one() -> None:
    """A5: keyword, five zero bytes, text; directly after the header."""
    baked = png.bake(picture(badge(b"old"), chunk(b"tEXt", b"openbadges\0old")), '{"a":1}')
    assert baked.count(b"openbadges") == 1
    assert baked[33:].startswith(struct.pack(">I", 22) + b"iTXtopenbadges\0\0\0\0\0{")


def test_a_packed_badge_is_unpacked_within_limits() -> None:
    assert png.extract(picture(badge(zlib.compress(b"a.b.c"), packed=True))) == "a.b.c"
    with pytest.raises(LimitExceeded):
        png.extract(picture(badge(zlib.compress(bytes(300_000_000)), packed=True)))


@pytest.mark.parametrize(
    "image",
    [
        b"",
        png.SIGNATURE,
        picture(),
        picture(badge(b"a.b.c"))[:60],
        picture(chunk(b"iTXt", b"openbadges\0\0\0\0\0a.b.c", crc=1)),
        picture(badge(b"\xff\xfe")),
        picture(badge(b"  ")),
        picture(badge(b"not packed", packed=True)),
        b"GIF89a" + bytes(40),
        png.SIGNATURE + chunk(b"IEND", b""),
    ],
    ids=[
        "empty",
        "only a signature",
        "no badge",
        "cut off",
        "checksum",
        "not UTF-8",
        "blank",
        "packing",
        "GIF",
        "no header",
    ],
)
def test_pictures_without_a_readable_badge(image: bytes) -> None:
    with pytest.raises(NoBadgeInImage):
        png.extract(image)


@pytest.mark.parametrize(
    "image",
    [
        picture(badge(b"x" * 2_000_001)),
        picture(*[chunk(b"tEXt", b"a\0b")] * 500),
        picture(badge(b"a.b.c"), width=60_000, height=60_000),
        picture(chunk(b"IDAT", bytes(10_000_001))),
    ],
    ids=["long badge", "many chunks", "many points", "large file"],
)
def test_pictures_past_the_limits_are_refused(image: bytes) -> None:
    """SEC-27"""
    with pytest.raises(LimitExceeded):
        png.extract(image)


def test_a_hosted_badge_in_a_drawing() -> None:
    baked = svg.bake(SVG, verify="https://x.example/a?b&c", body='{"a": "]]> <&"}')
    assert svg.extract(baked) == '{"a": "]]\\u003e <&"}'
    assert svg.verify_attribute(baked) == "https://x.example/a?b&c"


def test_a_signed_badge_in_a_drawing() -> None:
    for kind in (svg.OPEN_BADGES_2, svg.OPEN_BADGES_3, svg.CLR_2):
        assert svg.extract(svg.bake(SVG, verify="a.b.c", kind=kind)) == "a.b.c"


def test_a_drawing_takes_only_one_badge() -> None:
    with pytest.raises(NoBadgeInImage):
        svg.bake(svg.bake(SVG, verify="a.b.c"), verify="d.e.f")


def test_the_badge_is_found_by_namespace_not_by_prefix() -> None:
    assert (
        svg.extract(SVG.replace(b"<g/>", b'<b:assertion xmlns:b="http://openbadges.org" verify="a.b.c"/>')) == "a.b.c"
    )
    with pytest.raises(NoBadgeInImage):
        svg.extract(SVG.replace(b"<g/>", b'<openbadges:assertion xmlns:openbadges="http://x.example" verify="a.b.c"/>'))


def test_a_bare_doctype_is_passed_over() -> None:
    doctype = b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    assert svg.extract(svg.bake(b'<?xml version="1.0"?>' + doctype + SVG, verify="a.b.c")) == "a.b.c"


@pytest.mark.parametrize(
    "prolog",
    [
        b"<!DOCTYPE svg [<!ELEMENT svg ANY>]>",
        b'<!DOCTYPE svg [<!ENTITY a "b">]>',
        b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE svg [<!ENTITY % a SYSTEM "http://x.example/"> %a;]>',
    ],
)
def test_declarations_are_refused(prolog: bytes) -> None:
    """SEC-25: no internal subset, no entities, nothing external."""
    with pytest.raises(NoBadgeInImage):
        svg.extract(prolog + svg.bake(SVG, verify="a.b.c"))


@pytest.mark.parametrize(
    "inner", [b"<g>" * 200 + b"</g>" * 200, b"<g/>" * 60_000, b"<!-- " + b"x" * 2_000_001 + b" -->"]
)
def test_drawings_past_the_limits_are_refused(inner: bytes) -> None:
    with pytest.raises(LimitExceeded):
        svg.extract(SVG.replace(b"<g/>", inner))


@pytest.mark.parametrize(
    "image", [b"", b"<svg", b"<html></html>", b"<svg>&undefined;</svg>", SVG, SVG.decode().encode("utf-16")]
)
def test_drawings_without_a_readable_badge(image: bytes) -> None:
    with pytest.raises(ParseFault):
        svg.extract(image)


def test_what_is_found_is_judged_and_the_picture_is_not(shared: Path) -> None:
    world = World()
    result = world.judge(png.bake(picture(), '{"@context":"https://w3id.org/openbadges/v2","type":"Assertion"}'))
    assert result.checks[0].name == "image"
    assert not result.valid
    assert codes(world.judge(picture())) == ["NO_BADGE_IN_IMAGE", "PARSE_ERROR", "INPUT_INVALID"]
