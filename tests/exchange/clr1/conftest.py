"""A provider that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from apps.network import counting
from tests.exchange.clr1.scripted_provider import ScriptedProvider


@pytest.fixture
def provider(settings: Any) -> Iterator[ScriptedProvider]:
    """A running provider, an exception of the operator."""
    made = ScriptedProvider()
    settings.FETCH_ALLOW = [made.authority]
    counting.shared_counters.cache_clear()
    cache.clear()
    yield made
    made.close()
    cache.clear()
    counting.shared_counters.cache_clear()
