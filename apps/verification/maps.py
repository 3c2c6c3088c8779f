"""A map that stands in for the network: the ``--web`` option of ``manage.py verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from apps.standards import strict_json
from apps.standards.errors import NotReachable, ParseFault
from apps.standards.verify.sources import Fetched

MAX_MAP = 25_000_000


class MapFault(Exception):
    """The map cannot be used; the text says why."""


class MapFetcher:
    """Answers from a map of addresses to files, and from nothing else."""

    def __init__(self, entries: dict[str, dict[str, Any]], folder: Path) -> None:
        self._entries = entries
        self._folder = folder

    @classmethod
    def read(cls, path: Path) -> MapFetcher:
        """Read a map: a JSON object address → ``{"file": path or null, "status": 200, "content_type": …}``.

        A relative ``file`` is relative to the map; null is an empty body. Raises ``MapFault``.
        """
        try:
            raw = path.read_bytes()
            if len(raw) > MAX_MAP:
                raise MapFault(f"The map {path} is too large.")
            entries = strict_json.loads(raw)
        except OSError as fault:
            raise MapFault(f"The map {path} cannot be read: {fault.strerror}.") from None
        except ParseFault as fault:
            raise MapFault(f"The map {path} is not usable: {fault}") from None
        if not isinstance(entries, dict):
            raise MapFault(f"The map {path} is not a JSON object from addresses to files.")
        for address, entry in entries.items():
            _check_entry(address, entry)
        return cls(entries, path.parent)

    def fetch(self, url: str, *, kind: str) -> Fetched:
        """The answer that the map gives for this address. Raises ``NotReachable`` where it has none."""
        entry = self._entries.get(url) or self._entries.get(urldefrag(url).url)
        if entry is None:
            raise NotReachable("Nobody answers at this address.")
        body = b""
        if entry.get("file") is not None:
            try:
                body = (self._folder / entry["file"]).read_bytes()
            except (OSError, ValueError):
                raise NotReachable("The file that the map names for this address cannot be read.") from None
        content_type = entry.get("content_type") or "application/json"
        return Fetched(entry.get("status", 200), content_type.partition(";")[0].strip().lower(), body, url)


def _check_entry(address: str, entry: Any) -> None:
    fits = (
        isinstance(entry, dict)
        and isinstance(entry.get("file"), str | None)
        and isinstance(entry.get("content_type"), str | None)
        and isinstance(entry.get("status", 200), int)
    )
    if not fits:
        raise MapFault(f"The map's entry for {address[:120]} is not of the form file, status, content_type.")
