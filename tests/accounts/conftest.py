"""People with sign-ins, letters that are kept in memory, and counters of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.institution.models import Organization
from apps.jobs import outbox
from apps.network import counting

PASSWORD = "seven-lanterns-1894"


@pytest.fixture(autouse=True)
def own_counters(settings: Any, tmp_path: Path) -> Iterator[None]:
    """Each test counts anew, and no broker is spoken to."""
    settings.DATA_DIR = tmp_path
    settings.REDIS_URL = ""
    settings.PRODUCTION = False
    counting.shared_counters.cache_clear()
    yield
    counting.shared_counters.cache_clear()


@pytest.fixture
def home(db: None) -> Organization:
    """The home institution."""
    return Organization.objects.create(name="Harbour Lantern University", is_home=True)


@pytest.fixture
def person(home: Organization) -> Callable[..., User]:
    """Makes somebody with roles and the password of the tests."""

    def make(email: str = "mara@people.example", *roles: Role) -> User:
        user = User.objects.create_user(email, PASSWORD, name="Mara")
        give_roles(user, *roles)
        return user

    return make


@pytest.fixture
def sign_in(client: Client) -> Callable[..., Any]:
    """Sends the form at `/` as a person would."""

    def send(email: str, password: str = PASSWORD, client: Client = client, path: str = "/", **extra: Any) -> Any:
        return client.post(path, {"login": email, "password": password}, **extra)

    return send


@pytest.fixture
def letters(settings: Any) -> Callable[[], list[Any]]:
    """Sends what the outbox holds and gives the letters."""

    def send() -> list[Any]:
        mail.outbox.clear()
        outbox.send_outbox()
        return list(mail.outbox)

    return send
