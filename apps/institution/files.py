"""The store of files, each named by the SHA-256 of its content, outside any served folder (REL-16, REL-22, SEC-35)."""

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Container, Iterable
from pathlib import Path

from django.conf import settings

_DIGEST = re.compile(r"[0-9a-f]{64}")


class FileMissing(Exception):
    """The store has no file of this digest."""


class FileDamaged(Exception):
    """The file's bytes are not those that were stored; they must not be served (REL-16)."""


def path_of(digest: str) -> Path:
    """Where the file of this digest stands, if it is there."""
    if not _DIGEST.fullmatch(digest):
        raise FileMissing(digest)
    return Path(settings.FILES_DIR) / digest[:2] / digest


def put(content: bytes) -> str:
    """Stores a file and gives its digest."""
    return put_chunks([content])[0]


def put_chunks(chunks: Iterable[bytes]) -> tuple[str, int]:
    """Stores a file that comes in pieces; gives digest and size. Nothing is left of one that breaks off."""
    folder = Path(settings.FILES_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        target = path_of(digest.hexdigest())
        target.parent.mkdir(mode=0o700, exist_ok=True)
        Path(name).replace(target)
        _sync_folder(target.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return digest.hexdigest(), size


def get(digest: str) -> bytes:
    """The bytes of a file, proven to be those that were stored; raises `FileMissing` or `FileDamaged`."""
    try:
        content = path_of(digest).read_bytes()
    except FileNotFoundError:
        raise FileMissing(digest) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise FileDamaged(digest)
    return content


def remove(digest: str) -> bool:
    """Removes a file whose time is over; whether it was there."""
    try:
        path_of(digest).unlink()
    except FileNotFoundError:
        return False
    return True


def sweep(known: Container[str], *, older_than: float = 86_400, dry_run: bool = False) -> int:
    """Removes files that nothing names, a day after they came (REL-22); gives how many."""
    removed, limit = 0, time.time() - older_than
    for file in Path(settings.FILES_DIR).rglob("*"):
        if file.is_file() and file.name not in known and file.stat().st_mtime < limit:
            if not dry_run:
                file.unlink(missing_ok=True)
            removed += 1
    return removed


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
