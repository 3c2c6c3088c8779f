"""A learner with records, an app of somebody else, and the browser between them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.institution import keys
from apps.network import counting
from tests.exchange.authorization.flow import App, Person
from tests.issuance.earning import School, found_school

BASE = "https://portal.example"


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> Iterator[None]:
    """Each test has its own keys, files and counters, and a portal with a public address."""
    settings.KEK_FILE, settings.CHECKPOINT_DIR, settings.FILES_DIR = tmp_path / "kek", tmp_path / "c", tmp_path / "f"
    settings.DATA_DIR, settings.REDIS_URL = tmp_path, ""
    settings.BASE_URL, settings.FETCH_ALLOW = BASE, []
    keys.forget_signers()
    counting.shared_counters.cache_clear()
    yield
    counting.shared_counters.cache_clear()


@pytest.fixture
def learner(db: None) -> User:
    """Somebody who may sign in, without a record."""
    user = User.objects.create_user("learner@people.example", "seven-lanterns-1894", name="Wanjiru Ōtani")
    give_roles(user, Role.LEARNER)
    return user


@pytest.fixture
def school(db: None) -> School:
    """The institution."""
    return found_school()


@pytest.fixture
def person(learner: User) -> Person:
    """The learner's browser, signed in."""
    return Person(learner)


@pytest.fixture
def app(db: None) -> App:
    """An app that has registered itself."""
    return App.registered()
