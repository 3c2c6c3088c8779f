"""Pictures that people hand in: judged by content and drawn anew, so that only the image is kept (SEC-35)."""

import io

from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from apps.institution.designs import Picture
from apps.standards.baking.whole import whole_pictures_only

LARGEST_FILE = 10_000_000
LARGEST_AREA = 40_000_000  # pixels, known from the header before anything is decoded (SEC-27)
LONGEST_SIDE = 1600
FORMATS = ("PNG", "JPEG", "WEBP")


class PictureRefused(ValueError):
    """The file is not a picture that can be used; the text says why and what to do."""


def redrawn(content: bytes) -> Picture:
    """The picture as a PNG drawn anew, at most `LONGEST_SIDE` pixels long; raises `PictureRefused`."""
    if len(content) > LARGEST_FILE:
        raise PictureRefused(_("The picture is larger than 10 MB. Please make it smaller first."))
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > LARGEST_AREA:
                raise PictureRefused(_("The picture has more than 40 million pixels. Please make it smaller first."))
            with whole_pictures_only:
                picture.load()
            picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            kept = picture.convert("RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "RGB")
    except PictureRefused:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as fault:
        raise PictureRefused(_("This file is not a PNG, JPEG or WebP picture, or it is damaged.")) from fault
    kept.info.clear()
    out = io.BytesIO()
    kept.save(out, "PNG", optimize=True)
    return Picture(out.getvalue(), "image/png")
