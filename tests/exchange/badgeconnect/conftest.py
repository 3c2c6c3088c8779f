"""A host that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from apps.network import counting
from tests.exchange.badgeconnect.scripted_host import ScriptedHost


@pytest.fixture
def other(settings: Any) -> Iterator[ScriptedHost]:
    """A running host, an exception of the operator."""
    made = ScriptedHost()
    settings.FETCH_ALLOW = [made.authority]
    counting.shared_counters.cache_clear()
    cache.clear()
    yield made
    made.close()
    cache.clear()
    counting.shared_counters.cache_clear()
