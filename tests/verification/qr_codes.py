"""Pictures of QR codes, as a scanner or a phone takes them."""

from __future__ import annotations

import io

import segno
from PIL import Image


def scan(text: str, *, scale: int = 6) -> bytes:
    """A clean PNG of one code."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=scale)
    return out.getvalue()


def photo(*texts: str, turned: float = 14.0) -> bytes:
    """A JPEG as from a phone: the codes on a desk, turned, not large in the picture."""
    desk = Image.new("RGB", (2400, 1800), (196, 186, 170))
    for number, text in enumerate(texts):
        code = Image.open(io.BytesIO(scan(text))).convert("RGB")
        code = code.rotate(turned, expand=True, fillcolor=(196, 186, 170)).resize((800, 800))
        desk.paste(code, (150 + 1100 * number, 400))
    out = io.BytesIO()
    desk.save(out, "JPEG", quality=70)
    return out.getvalue()


def blank(kind: str = "PNG") -> bytes:
    """A picture of nothing."""
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(out, kind)
    return out.getvalue()
