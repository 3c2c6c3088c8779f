"""The demo institution's seal and its registrar's signature, drawn here as SVG."""

import math


def seal(ink: str = "#1f3a5f") -> bytes:
    """A round seal: beaded rim, initials, waves of the bay."""
    beads = "".join(
        f'<circle cx="{100 + 90 * math.cos(turn):.2f}" cy="{100 + 90 * math.sin(turn):.2f}" r="2.1"/>'
        for turn in (2 * math.pi * bead / 60 for bead in range(60))
    )
    rays = "".join(
        f'<path d="M100 44 l1.6 -14 h-3.2 z" transform="rotate({angle} 100 44)"/>' for angle in range(-60, 61, 20)
    )
    waves = "".join(
        f'<path d="M{52 + 4 * row} {128 + 11 * row} q8 -7 16 0 t16 0 t16 0 t16 0 t16 0 t16 0" fill="none" '
        f'stroke="{ink}" stroke-width="3" stroke-dasharray="{96 - 8 * row} 200"/>'
        for row in range(3)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" width="200" height="200">'
        f'<g fill="{ink}">'
        f'<circle cx="100" cy="100" r="97" fill="none" stroke="{ink}" stroke-width="3"/>'
        f'<circle cx="100" cy="100" r="82" fill="none" stroke="{ink}" stroke-width="1.5"/>'
        f"{beads}{rays}"
        '<text x="100" y="108" text-anchor="middle" font-family="Noto Serif" font-size="42">ABU</text>'
        f"{waves}"
        '<text x="100" y="170" text-anchor="middle" font-family="Noto Serif" font-size="12">1894</text>'
        "</g></svg>"
    ).encode()


def signature() -> bytes:
    """A signature that nobody has."""
    return (
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 70" width="240" height="70">'
        b'<path d="M12 52 C 28 6, 44 4, 40 34 S 22 66, 34 60 S 58 30, 64 34 S 60 54, 70 48 S 84 30, 88 36'
        b' S 86 52, 98 46 S 118 12, 122 16 S 108 58, 120 52 S 140 30, 146 36 S 142 52, 154 46 S 178 34, 228 30"'
        b' fill="none" stroke="#1b2a4a" stroke-width="2.6" stroke-linecap="round"/></svg>'
    )
