"""QR codes in pictures: the text that a photo or a scan shows (SEC-27).

The reader (``zxing-cpp``) is an optional part: where it is not installed, pictures are simply said to hold no
code that can be read here. Nothing is decoded before the picture's own header has been held against the limits.
"""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from apps.standards.baking.png import MAX_PIXELS, MAX_SIZE
from apps.standards.baking.whole import whole_pictures_only
from apps.standards.errors import LimitExceeded, NoBadgeInImage

JPEG_SIGNATURE = b"\xff\xd8\xff"
_FORMATS = ("PNG", "JPEG")
#: Codes are looked for in a picture of this size first: quicker by far, and a photo's noise goes.
_SMALLER_SIDE = 1600


def texts(image: bytes) -> list[str]:
    """The different texts of the QR codes in a PNG or JPEG picture, in the order in which they were found.

    Raises ``NoBadgeInImage`` for what is no such picture or is damaged, ``LimitExceeded`` past SEC-27.
    """
    if len(image) > MAX_SIZE:
        raise LimitExceeded(f"The picture is larger than {MAX_SIZE:,} bytes.")
    try:
        with whole_pictures_only, Image.open(io.BytesIO(image), formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise LimitExceeded(f"The picture has more than {MAX_PIXELS:,} points.")
            grey = _grey(picture)
    except LimitExceeded:
        raise
    except Image.DecompressionBombError:  # its own limit lies above ours
        raise LimitExceeded(f"The picture has more than {MAX_PIXELS:,} points.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise NoBadgeInImage("The picture is damaged.") from None
    if max(grey.size) > _SMALLER_SIDE:
        smaller = grey.copy()
        smaller.thumbnail((_SMALLER_SIDE, _SMALLER_SIDE))
        if found := _read(smaller):
            return found
    return _read(grey)


def _grey(picture: Image.Image) -> Image.Image:
    """The picture in shades of grey; what is transparent is white paper."""
    if "A" in picture.getbands() or "transparency" in picture.info:
        shades, opacity = picture.convert("RGBA").convert("LA").split()
        paper = Image.new("L", shades.size, 255)
        paper.paste(shades, mask=opacity)
        return paper
    picture.draft("L", picture.size)  # a JPEG is decoded to grey at once
    return picture.convert("L")


def _read(picture: Image.Image) -> list[str]:
    try:
        import zxingcpp
    except ImportError:
        return []
    codes = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return list(dict.fromkeys(code.text.strip() for code in codes if code.valid and code.text.strip()))
