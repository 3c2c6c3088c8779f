"""The network of the CLR 1.0 samples: what their hosts answer, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.network import counting
from apps.network.fetching import GuardedFetcher
from apps.verification.maps import MapFetcher


@pytest.fixture
def clr1(shared: Path) -> Path:
    """The folder of the CLR 1.0 samples."""
    return shared / "samples" / "clr-1.0"


@pytest.fixture
def network(clr1: Path, monkeypatch: pytest.MonkeyPatch) -> MapFetcher:
    """The guarded fetcher of the doors answers from the samples' map."""
    fetcher = MapFetcher.read(clr1 / "web.json")
    monkeypatch.setattr(GuardedFetcher, "from_settings", lambda *args, **kwargs: fetcher)
    return fetcher


@pytest.fixture(autouse=True)
def fresh_counters(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Counters that no other test has counted on."""
    settings.DATA_DIR = tmp_path
    settings.REDIS_URL = ""
    counting.shared_counters.cache_clear()
    yield
    counting.shared_counters.cache_clear()
