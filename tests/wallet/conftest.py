"""A learner with a wallet, and counters that no other test has counted on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.learners.models import Learner
from apps.network import counting


@pytest.fixture
def learner(db: None) -> Learner:
    """Somebody with an empty wallet."""
    return Learner.objects.create(given_name="Alma", family_name="Okonjo", email="alma@students.example")


@pytest.fixture(autouse=True)
def fresh_counters(settings: Any, tmp_path: Path) -> Iterator[None]:
    """Counters that no other test has counted on."""
    settings.DATA_DIR = tmp_path
    settings.REDIS_URL = ""
    counting.shared_counters.cache_clear()
    yield
    counting.shared_counters.cache_clear()
