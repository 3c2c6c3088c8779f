"""The container stage: a zip or a folder, opened without ever trusting what it says of itself (ROST-04 to 06, SEC-26).

Nothing is unpacked to disk and no entry's name is ever used as a path.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO

from apps.standards.oneroster.issues import Issue, Issues, refuse
from apps.standards.oneroster.model import MANIFEST, Table

ARCHIVE_LIMIT = 100 * 1024 * 1024
UNPACKED_LIMIT = 512 * 1024 * 1024
ENTRY_FREE_OF_RATIO = 16 * 1024 * 1024
RATIO_LIMIT = 250
ENTRIES_LIMIT = 64
DIRECTORY_LIMIT = 1024 * 1024
"""Of the list of entries itself: 64 entries with the longest names still fit many times over."""

KNOWN_FILES = {MANIFEST, *(table.file_name for table in Table)}
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError, OverflowError)
_END = b"PK\x05\x06"
_END_LENGTH = 22


class _Reading(io.RawIOBase):
    """A stream of one file that counts, and turns every way to be broken into a refusal."""

    def __init__(self, stream: IO[bytes], name: str, bundle: Bundle) -> None:
        self._stream = stream
        self._name = name
        self._bundle = bundle

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            block = self._stream.read(len(buffer))
        except (*BROKEN, OSError, RuntimeError) as fault:
            raise refuse(
                "zip.unreadable",
                f"{self._name} cannot be read to its end; the archive is damaged. Export it again.",
                file=self._name,
            ) from fault
        self._bundle.note_read(len(block), self._name)
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._stream.close()
        super().close()


class Bundle:
    """An opened bundle: which files it has, and a byte stream of each."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.warnings = Issues()
        self._read = 0

    def open(self, name: str) -> IO[bytes]:
        """A buffered stream of one of `files`; reading may raise `BundleRefused`."""
        return io.BufferedReader(_Reading(self._open(name), name, self), 1 << 18)

    def digest(self) -> str:
        """SHA-256 of what was handed in, in hexadecimal."""
        raise NotImplementedError

    def note_read(self, count: int, name: str) -> None:
        """Counts while inflating: a header that lies about sizes gains nothing (SEC-26).

        Twice the limit, because a file with a fault may be read once more to name its row.
        """
        self._read += count
        if self._read > 2 * UNPACKED_LIMIT:
            raise refuse("zip.bomb", "The bundle holds more than 512 MiB.", file=name)

    def _open(self, name: str) -> IO[bytes]:
        raise NotImplementedError

    def _sort_names(self, names: list[str]) -> None:
        """Keeps the standard's files; names the others in warnings, never opening them."""
        self.files = [name for name in names if name in KNOWN_FILES]
        for name in names:
            if name not in KNOWN_FILES:
                self.warnings.add(Issue("zip.extra_file", "This file is not part of OneRoster and was ignored.", name))


class _Folder(Bundle):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        names: list[str] = []
        total = 0
        for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
            if entry.is_symlink() and entry.name in KNOWN_FILES:
                raise refuse(
                    "zip.unsafe_path",
                    "This entry is a link to another path; only ordinary files are read.",
                    file=entry.name,
                )
            if not entry.is_file(follow_symlinks=False):
                if entry.name in KNOWN_FILES:
                    raise refuse("zip.unsafe_path", "Only ordinary files are read.", file=entry.name)
                self.warnings.add(Issue("zip.extra_file", "Only the files of this folder are read.", entry.name))
                continue
            names.append(entry.name)
            if entry.name in KNOWN_FILES:
                total += entry.stat(follow_symlinks=False).st_size
        if total > UNPACKED_LIMIT:
            raise refuse("zip.bomb", "The files of the folder hold more than 512 MiB in all.")
        self._sort_names(names)

    def _open(self, name: str) -> IO[bytes]:
        handle = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise refuse("zip.unsafe_path", "Only ordinary files are read.", file=name)
        return os.fdopen(handle, "rb")

    def digest(self) -> str:
        total = hashlib.sha256()
        for name in sorted(self.files):
            with (self._path / name).open("rb") as stream:
                total.update(f"{name}\n{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
        return total.hexdigest()


class _Archive(Bundle):
    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        _check_directory_size(stream)
        try:
            self._zip = zipfile.ZipFile(stream)
        except (*BROKEN, OSError) as fault:
            raise refuse(
                "zip.unreadable", "This is not a readable zip archive; it may have been cut off on its way."
            ) from fault
        entries = self._zip.infolist()
        _check_entries(entries)
        self._sort_names([entry.filename for entry in entries])

    def _open(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(name)
        except (*BROKEN, OSError, RuntimeError) as fault:
            raise refuse("zip.unreadable", f"The archive's entry {name} is damaged.", file=name) from fault

    def digest(self) -> str:
        self._stream.seek(0)
        return hashlib.file_digest(self._stream, "sha256").hexdigest()  # type: ignore[arg-type]


def _check_directory_size(stream: IO[bytes]) -> None:
    """Refuses an archive whose list of entries is too long to be read in the first place (ROST-05)."""
    size = stream.seek(0, io.SEEK_END)
    if size > ARCHIVE_LIMIT:
        raise refuse("zip.bomb", "The archive is larger than 100 MB.")
    stream.seek(max(0, size - _END_LENGTH - 0xFFFF))
    tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_LENGTH:
        raise refuse(
            "zip.unreadable",
            "This is not a zip archive, or it was cut off on its way. Send the zip, or the folder of CSV files.",
        )
    _, _, _, _, count, length, _, _ = struct.unpack("<4s4H2LH", tail[at : at + _END_LENGTH])
    if count > ENTRIES_LIMIT or length > DIRECTORY_LIMIT:
        raise refuse("zip.bomb", f"The archive has more than {ENTRIES_LIMIT} entries.")


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    """Every rule on entries, before one of them is opened."""
    if len(entries) > ENTRIES_LIMIT:
        raise refuse("zip.bomb", f"The archive has more than {ENTRIES_LIMIT} entries.")
    for entry in entries:
        name = entry.orig_filename
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or "\\" in name or "\0" in name or name[1:2] == ":":
            raise refuse(
                "zip.unsafe_path",
                f"The entry {name!r} names a path outside the archive. Nothing was unpacked.",
                file=name,
            )
        if entry.create_system == 3 and stat.S_ISLNK(entry.external_attr >> 16):
            raise refuse(
                "zip.unsafe_path", "This entry is a link to another path; only ordinary files are read.", file=name
            )
    if sum(entry.file_size for entry in entries) > UNPACKED_LIMIT:
        raise refuse("zip.bomb", "The archive unpacks to more than 512 MiB.", file=_largest(entries))
    for entry in entries:
        if entry.file_size > ENTRY_FREE_OF_RATIO and entry.file_size > RATIO_LIMIT * entry.compress_size:
            raise refuse(
                "zip.bomb",
                f"The entry grows from {entry.compress_size:,} to {entry.file_size:,} bytes; no real export does.",
                file=entry.filename,
            )
    for entry in entries:
        if entry.flag_bits & 0x1:
            raise refuse("zip.encrypted", "The archive is encrypted. Send it without a password.", file=entry.filename)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise refuse("zip.unreadable", "The entry is packed by an unusual method.", file=entry.filename)
    for entry in entries:
        if "/" in entry.filename:
            raise refuse(
                "zip.subfolder",
                "All files must lie at the root of the archive, not in a folder. Zip the files, not their folder.",
                file=entry.filename,
            )
        if entry.filename.casefold().endswith(".zip"):
            raise refuse(
                "zip.subfolder",
                "The archive holds another archive; the CSV files must lie at its root.",
                file=entry.filename,
            )
    seen: dict[str, str] = {}
    for entry in entries:
        if (other := seen.setdefault(entry.filename.casefold(), entry.filename)) is not entry.filename:
            raise refuse(
                "zip.duplicate_entry", f"The archive holds {other!r} twice (letter case apart).", file=entry.filename
            )
    spans = sorted((entry.header_offset, entry.header_offset + 30 + entry.compress_size) for entry in entries)
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise refuse("zip.unreadable", "Entries of the archive overlap each other.")


def _largest(entries: list[zipfile.ZipInfo]) -> str:
    return max(entries, key=lambda entry: entry.file_size).filename


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Opens a folder or a zip; raises `BundleRefused` with a `zip.…` code, or OSError when there is nothing."""
    if path.is_dir():
        yield _Folder(path)
        return
    if not path.is_file():
        raise FileNotFoundError(f"There is no file or folder {path.name}.")
    with path.open("rb") as stream:
        yield _Archive(stream)
