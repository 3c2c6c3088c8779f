"""Sample manifests as cases to run, with a fetcher that answers from their maps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.standards.errors import NotReachable
from apps.standards.verify.sources import Fetched

#: The moment of the sample collections.
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class MapFetcher:
    """Answers from a map of address to ``{file, status, content_type}``; remembers what it was asked."""

    def __init__(self, folder: Path, web: Mapping[str, Any]) -> None:
        self.folder = folder
        self.web = web
        self.asked: list[str] = []

    def fetch(self, url: str, *, kind: str) -> Fetched:
        self.asked.append(url)
        entry = self.web.get(url)
        if entry is None:
            raise NotReachable("Nobody answers there.")
        body = (self.folder / entry["file"]).read_bytes() if entry.get("file") else b""
        return Fetched(entry.get("status", 200), entry.get("content_type", ""), body, url)


@dataclass(frozen=True)
class Case:
    folder: Path
    entry: dict[str, Any]
    base_web: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.entry["id"])

    @property
    def source(self) -> bytes:
        return (self.folder / self.entry["file"]).read_bytes()

    @property
    def expected_recipients(self) -> list[str]:
        profile = self.entry.get("recipient_profile") or {}
        values: list[str] = []
        for value in profile.values():
            values += value if isinstance(value, list) else [value]
        return [value for value in values if isinstance(value, str)]

    def fetcher(self) -> MapFetcher:
        return MapFetcher(self.folder, {**self.base_web, **self.entry.get("web", {})})


def cases(shared: Path, collection: str) -> Iterator[Case]:
    folder = shared / "samples" / collection
    manifest = json.loads((folder / "manifest.json").read_text())
    base_web = json.loads((folder / manifest.get("base_web", "web.json")).read_text())
    for entry in manifest["cases"]:
        yield Case(folder, entry, base_web)


def by_id(shared: Path, collection: str) -> dict[str, Case]:
    return {case.id: case for case in cases(shared, collection)}
