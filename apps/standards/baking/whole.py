"""Reading pictures whole or not at all, whatever another library in the process told Pillow."""

from __future__ import annotations

import threading
from types import TracebackType

from PIL import ImageFile


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


whole_pictures_only = _WholePicturesOnly()
