"""Colours of the institution that can be read: contrast by WCAG 2.2, and an accent adjusted until it holds.

Colours are `#rrggbb`. Lightness is moved in HLS, so that the hue stays the institution's own.
"""

import colorsys
import re

WANTED = 4.5
"""Contrast of text, WCAG 2.2, success criterion 1.4.3 (AA)."""

LIGHT_PAPER, DARK_PAPER = "#f2f0ea", "#1e2024"
"""The papers of static/portal/tokens.css that are hardest to read on: light sunk, dark raised."""


def is_colour(text: str) -> bool:
    """Whether the text is a colour as it is stored."""
    return re.fullmatch(r"#[0-9a-fA-F]{6}", text) is not None


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _hex(channels: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)


def luminance(colour: str) -> float:
    """Relative luminance, 0 black to 1 white."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable_on(colour: str, paper: str, wanted: float = WANTED) -> str:
    """The colour, made darker or lighter only as far as text in it needs on this paper."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    step = -0.01 if luminance(paper) > 0.18 else 0.01
    while contrast(colour, paper) < wanted and 0 <= lightness <= 1:
        lightness += step
        colour = _hex(colorsys.hls_to_rgb(hue, min(1.0, max(0.0, lightness)), saturation))
    return colour


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on the colour."""
    return "#ffffff" if contrast("#ffffff", colour) >= contrast("#101214", colour) else "#101214"


def mixed(colour: str, paper: str, share: float) -> str:
    """The colour as a wash: this share of it, the rest paper."""
    one, other = _channels(colour), _channels(paper)
    return _hex(tuple(a * share + b * (1 - share) for a, b in zip(one, other, strict=True)))  # type: ignore[arg-type]


def accent_tokens(accent: str) -> tuple[dict[str, str], dict[str, str]]:
    """The --accent… tokens of the light and of the dark set for an institution's accent."""

    def tokens(paper: str, wash_share: float) -> dict[str, str]:
        colour = readable_on(accent, paper)
        return {
            "--accent": colour,
            "--accent-ink": ink_on(colour),
            "--accent-text": colour,
            "--accent-wash": mixed(colour, paper, wash_share),
            "--focus": colour,
        }

    return tokens(LIGHT_PAPER, 0.1), tokens(DARK_PAPER, 0.16)


def shades(accent: str) -> dict[str, str]:
    """Eleven shades of the accent by the names that the office's theme uses (50 light … 950 dark)."""
    dark = readable_on(accent, "#ffffff", 5.5)
    light = readable_on(accent, DARK_PAPER, 5.5)
    return {
        "50": mixed(dark, "#ffffff", 0.05),
        "100": mixed(dark, "#ffffff", 0.1),
        "200": mixed(dark, "#ffffff", 0.22),
        "300": mixed(dark, "#ffffff", 0.4),
        "400": light if contrast(light, DARK_PAPER) >= WANTED else mixed(dark, "#ffffff", 0.55),
        "500": light,
        "600": dark,
        "700": mixed(dark, "#000000", 0.85),
        "800": mixed(dark, "#000000", 0.7),
        "900": mixed(dark, "#000000", 0.55),
        "950": mixed(dark, "#000000", 0.35),
    }
