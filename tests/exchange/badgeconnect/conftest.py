"""A host that is not ours, and the fetcher that may speak with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache

from apps.network import counting
from apps.network.counting import Counters, MemoryStore
from apps.network.fetching import Budget, GuardedFetcher
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


@pytest.fixture
def fetcher(settings: Any) -> Callable[[], GuardedFetcher]:
    """Makes fetchers with the operator's exceptions of the moment and counters of their own."""

    def make() -> GuardedFetcher:
        return GuardedFetcher(
            Budget.in_a_job(),
            allow=settings.FETCH_ALLOW,
            own_base=settings.BASE_URL,
            counters=Counters(MemoryStore()),
        )

    return make
