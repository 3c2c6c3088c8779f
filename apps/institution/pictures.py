"""Pictures that people hand in: judged by content and drawn anew, so that only the image is kept (SEC-35)."""

import io
import threading
from types import TracebackType

from django.utils.translation import gettext as _
from PIL import Image, ImageFile, UnidentifiedImageError

from apps.institution.designs import Picture

LARGEST_FILE = 10_000_000
LARGEST_AREA = 40_000_000  # pixels, known from the header before anything is decoded (SEC-27)
LONGEST_SIDE = 1600
FORMATS = ("PNG", "JPEG", "WEBP")


class _WholePicturesOnly:
    """While it holds, a picture that breaks off is a fault: the PDF library tells Pillow otherwise for the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before = False

    def __enter__(self) -> None:
        self._lock.acquire()
        self._before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        ImageFile.LOAD_TRUNCATED_IMAGES = self._before
        self._lock.release()


_whole_pictures_only = _WholePicturesOnly()


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
            with _whole_pictures_only:
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
