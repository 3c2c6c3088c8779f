"""Badges as pictures, drawn from a few choices: shape, colour, sign or letters, words on a band.

`svg` is a pure function of an `Emblem`, and what it gives needs no font and nothing else from outside: letters are
outlines, signs are those of lucide. `png` draws the same picture in points.
"""

import base64
import io
import math
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import lucide
import resvg_py
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont
from PIL import Image, ImageOps

from apps.institution import colours

SIDE = 512
"""Width and height of a badge, in points; its SVG scales."""
CARD = (1200, 630)
"""The size at which social pages show a picture."""
WEIGHT = 640
CAPITAL = 0.67
"""Height of capitals of the portal's serif, as a share of the line."""
LONGEST_LETTERS, LONGEST_BAND = 4, 18
PAPER = "#ffffff"

SHAPES = {
    "hexagon": _("Hexagon"),
    "circle": _("Circle"),
    "seal": _("Seal"),
    "shield": _("Shield"),
    "square": _("Square"),
}
ICONS = {
    "award": _("Rosette"),
    "badge-check": _("Check mark"),
    "book-open": _("Book"),
    "brain": _("Brain"),
    "briefcase": _("Briefcase"),
    "calculator": _("Calculator"),
    "clipboard-check": _("Assessment"),
    "code": _("Code"),
    "compass": _("Compass"),
    "flask-conical": _("Flask"),
    "globe": _("Globe"),
    "graduation-cap": _("Graduation cap"),
    "hand-heart": _("Helping hand"),
    "heart-pulse": _("Health"),
    "id-card": _("Card"),
    "landmark": _("Building"),
    "languages": _("Languages"),
    "leaf": _("Leaf"),
    "lightbulb": _("Idea"),
    "map": _("Map"),
    "medal": _("Medal"),
    "microscope": _("Microscope"),
    "music": _("Music"),
    "palette": _("Palette"),
    "pencil": _("Pencil"),
    "presentation": _("Talk"),
    "rocket": _("Rocket"),
    "scale": _("Scales"),
    "scroll": _("Scroll"),
    "shield-check": _("Shield"),
    "sprout": _("Sprout"),
    "star": _("Star"),
    "target": _("Target"),
    "trophy": _("Trophy"),
    "users": _("People"),
    "wrench": _("Tool"),
}
USUAL = {
    "Assessment": ("circle", "clipboard-check"),
    "Assignment": ("circle", "pencil"),
    "Award": ("seal", "trophy"),
    "Badge": ("hexagon", "badge-check"),
    "Certificate": ("seal", "award"),
    "Certification": ("shield", "shield-check"),
    "Co-Curricular": ("circle", "users"),
    "CommunityService": ("circle", "hand-heart"),
    "Competency": ("hexagon", "target"),
    "Course": ("square", "book-open"),
    "Degree": ("shield", "graduation-cap"),
    "Diploma": ("shield", "scroll"),
    "Fieldwork": ("circle", "compass"),
    "License": ("shield", "id-card"),
    "Membership": ("circle", "users"),
}
"""Shape and sign of a kind of achievement that nobody designed a badge for."""


class CannotDraw(ValueError):
    """These letters have no outline here; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emblem:
    """What a badge looks like. `icon` is a name of `ICONS`; empty: `letters` stand in its place."""

    shape: str = "hexagon"
    colour: str = "#1f3a5f"
    icon: str = "award"
    letters: str = ""
    band: str = ""
    picture: bytes = b""
    """A PNG that stands in the place of everything else."""


def usual(achievement_type: str, *, colour: str, band: str = "") -> Emblem:
    """The look of a badge that nobody designed: by the kind of achievement, in the institution's colour."""
    shape, icon = USUAL.get(achievement_type, ("hexagon", "award"))
    words = band if len(band) <= LONGEST_BAND and can_draw(band) else ""
    return Emblem(shape=shape, colour=colour, icon=icon, band=words)


def svg(emblem: Emblem, *, label: str = "") -> str:
    """The badge as SVG, 512 points wide; `label` is read to those who do not see it.

    Raises `CannotDraw` for letters without outlines.
    """
    title = f"<title>{_escaped(label)}</title>" if label else ""
    if emblem.picture:
        data = base64.b64encode(emblem.picture).decode()
        inside = f'<image width="400" height="400" href="data:image/png;base64,{data}"/>'
    else:
        inside = f'<g transform="translate(200 200)">{_drawn(emblem)}</g>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="{SIDE}" height="{SIDE}" role="img">'
        f"{title}{inside}</svg>"
    )


@lru_cache(maxsize=64)
def png(drawing: str, side: int = SIDE) -> bytes:
    """A drawing of `svg` as PNG, `side` points wide and high."""
    return resvg_py.svg_to_bytes(svg_string=drawing, width=side, height=side, skip_system_fonts=True)


def card(picture: bytes, colour: str) -> bytes:
    """A PNG in the format of previews in social networks, with the badge in its middle."""
    paper = colours.mixed(colours.readable_on(colour, PAPER), PAPER, 0.1)
    page = Image.new("RGB", CARD, paper)
    with Image.open(io.BytesIO(picture), formats=("PNG",)) as badge:
        drawn = ImageOps.contain(badge.convert("RGBA"), (CARD[1] - 90, CARD[1] - 90))
    page.paste(drawn, ((CARD[0] - drawn.width) // 2, (CARD[1] - drawn.height) // 2), drawn)
    out = io.BytesIO()
    page.save(out, "PNG", optimize=True)
    return out.getvalue()


def squared(picture: bytes) -> bytes:
    """A PNG on a square of 512 points without anything behind it, nothing cut off."""
    page = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    with Image.open(io.BytesIO(picture), formats=("PNG",)) as given:
        drawn = ImageOps.contain(given.convert("RGBA"), (SIDE, SIDE))
    page.paste(drawn, ((SIDE - drawn.width) // 2, (SIDE - drawn.height) // 2), drawn)
    out = io.BytesIO()
    page.save(out, "PNG", optimize=True)
    return out.getvalue()


# --- the drawing ------------------------------------------------------------------------------


def _drawn(emblem: Emblem) -> str:
    """Rim, field and line of the shape, the sign or letters on it, and the band; the middle is at 0, 0.

    The field is dark enough for a white band to stand out, and the sign in whichever of black and white reads on it.
    """
    field = colours.readable_on(emblem.colour, PAPER)
    rim, ink = colours.mixed(field, "#000000", 0.72), colours.ink_on(field)
    line = colours.mixed(ink, field, 0.55)
    path = _outline_of(emblem.shape)
    parts = [
        f'<path d="{path}" fill="{rim}"/>',
        f'<path d="{path}" fill="{field}" transform="scale(.925)"/>',
        f'<path d="{path}" fill="none" stroke="{line}" stroke-width="3" transform="scale(.85)"/>',
    ]
    middle = -28 if emblem.band else 0
    if emblem.icon:
        parts.append(_sign(emblem.icon, ink, middle))
    elif emblem.letters:
        parts.append(_written(emblem.letters, ink, centre=middle, height=96, width=230))
    if emblem.band:
        parts.append(_band(emblem.band, rim))
    return "".join(parts)


def _sign(name: str, ink: str, centre: int) -> str:
    source = lucide._render_icon(name if name in ICONS else "award", None)
    inner = "".join(ElementTree.tostring(each, encoding="unicode") for each in ElementTree.fromstring(source))  # noqa: S314  the package's own file
    return (
        f'<g transform="translate(0 {centre}) scale(7) translate(-12 -12)" fill="none" stroke="{ink}"'
        f' stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">{inner}</g>'
    )


def _band(words: str, ink: str) -> str:
    """A white band over the lower part, its ends folded back."""
    fold = colours.mixed(ink, PAPER, 0.55)
    return (
        f'<path d="M-172 92 h52 v52 h-52 l16 -26 z M172 92 h-52 v52 h52 l-16 -26 z" fill="{fold}"/>'
        f'<path d="M-148 76 h296 v54 h-296 z" fill="{PAPER}" stroke="{ink}" stroke-width="3"/>'
        + _written(words, ink, centre=103, height=26, width=272)
    )


@lru_cache(maxsize=16)
def _outline_of(shape: str) -> str:
    """The shape as a path around 0, 0, at most 190 from there."""
    if shape == "circle":
        return "M-186 0 a186 186 0 1 0 372 0 a186 186 0 1 0 -372 0 z"
    if shape == "seal":
        turns = [2 * math.pi * step / 384 for step in range(384)]
        return _closed([(177 - 9 * math.cos(24 * turn), turn) for turn in turns])
    if shape == "shield":
        return (
            "M0 -190 C-50 -160 -106 -148 -158 -146 Q-168 -145 -168 -134 V-6 C-168 92 -84 158 0 190"
            " C84 158 168 92 168 -6 V-134 Q168 -145 158 -146 C106 -148 50 -160 0 -190 z"
        )
    if shape == "square":
        return _rounded([(-172, -172), (172, -172), (172, 172), (-172, 172)], 44)
    return _rounded([(190 * math.sin(math.pi * n / 3), -190 * math.cos(math.pi * n / 3)) for n in range(6)], 26)


def _closed(polar: list[tuple[float, float]]) -> str:
    """A closed path through points given by their distance and turn."""
    points = [f"{radius * math.sin(turn):.1f} {-radius * math.cos(turn):.1f}" for radius, turn in polar]
    return "M" + " L".join(points) + " z"


def _rounded(corners: list[tuple[float, float]], radius: float) -> str:
    """A polygon whose corners are rounded off."""
    pieces: list[str] = []
    for place, (x, y) in enumerate(corners):
        ends = []
        for other in (corners[place - 1], corners[(place + 1) % len(corners)]):
            length = math.dist((x, y), other)
            ends.append((x + (other[0] - x) * radius / length, y + (other[1] - y) * radius / length))
        (ax, ay), (bx, by) = ends
        pieces.append(f"{'L' if pieces else 'M'}{ax:.1f} {ay:.1f} Q{x:.1f} {y:.1f} {bx:.1f} {by:.1f}")
    return " ".join(pieces) + " z"


# --- letters ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Letter:
    """A glyph of one of the portal's fonts; `unit` is how much one unit of that font is of the height of a line."""

    glyph: Any
    glyphs: Any
    unit: float

    @property
    def width(self) -> float:
        """Its advance, as a share of the height of a line."""
        return float(self.glyph.width) * self.unit

    def outline(self, em: float, x: float, baseline: float) -> str:
        """Its path, `em` high, from this point on."""
        pen = SVGPathPen(self.glyphs, ntos=lambda value: f"{value:.1f}".removesuffix(".0"))
        scale = self.unit * em
        self.glyph.draw(TransformPen(pen, (scale, 0, 0, -scale, x, baseline)))
        return str(pen.getCommands())


@lru_cache(maxsize=1)
def _fonts() -> list[tuple[dict[int, str], Any, float]]:
    """The portal's serif by script: its character map, its glyphs at the weight used here, its unit."""
    folder = Path(settings.BASE_DIR) / "static" / "portal" / "fonts"
    found = []
    for script in ("latin", "latin-ext", "vietnamese", "greek", "cyrillic"):
        font = TTFont(folder / f"source-serif-4-{script}-wght-normal.woff2", lazy=True)
        found.append((font.getBestCmap(), font.getGlyphSet(location={"wght": WEIGHT}), 1 / font["head"].unitsPerEm))
    return found


def _letter(character: str) -> _Letter | None:
    for names, glyphs, unit in _fonts():
        if name := names.get(ord(character)):
            return _Letter(glyphs[name], glyphs, unit)
    return None


def can_draw(text: str) -> bool:
    """Whether every letter has an outline here."""
    return all(_letter(each) is not None for each in unicodedata.normalize("NFC", text))


def _written(text: str, ink: str, *, centre: float, height: float, width: float) -> str:
    """A line of letters as outlines, in the middle, capitals `height` high, made smaller where it is too wide."""
    letters = []
    for each in unicodedata.normalize("NFC", text):
        letter = _letter(each)
        if letter is None:
            raise CannotDraw(each)
        letters.append(letter)
    whole = sum(letter.width for letter in letters)
    em = min(height / CAPITAL, width / whole if whole else height)
    x, baseline = -whole * em / 2, centre + em * CAPITAL / 2
    outlines = []
    for letter in letters:
        outlines.append(letter.outline(em, x, baseline))
        x += letter.width * em
    return f'<path d="{" ".join(outlines)}" fill="{ink}"/>'


def _escaped(text: str) -> str:
    """Text as it stands in XML: without the characters that XML does not have."""
    kept = "".join(one for one in text if unicodedata.category(one) not in {"Cc", "Cs"})
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
