"""Codes and refresh tokens that come twice at once (F30, SEC-40, SEC-44)."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

from apps.accounts.models import User
from apps.exchange.models import ClientConsent, RefreshToken
from tests.exchange.authorization.flow import App, Person, opens


def at_once(times: int, ask: Any) -> list[Any]:
    """The answers to the same request, sent so often at once."""

    def one(_number: int) -> Any:
        try:
            return ask()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.fixture
def committed(committed_db: str, django_db_blocker: Any) -> Any:
    """A database that other threads see."""
    with django_db_blocker.unblock():
        yield
        connection.close()


def test_a_code_sent_eight_times_at_once_gives_one_token_at_most(committed: None):
    """SEC-40: under a lock, not a look and then a write."""
    app = App.registered()
    person = Person(User.objects.create_user("learner@people.example", "seven-lanterns-1894"))
    code = person.code(app)
    answers = at_once(8, lambda: app.exchange(code))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[200] <= 1
    assert set(statuses) <= {200, 400}
    for answer in answers:
        if answer.status_code == 200:  # it was used twice, so even that one ended
            assert not opens(answer.json()["access_token"])


def test_a_refresh_token_used_at_once_from_two_places_ends_one_family(committed: None):
    """F30: no 500, and nobody keeps a token."""
    app = App.registered()
    person = Person(User.objects.create_user("learner@people.example", "seven-lanterns-1894"))
    kept, told = person.tokens(app), person.tokens(app)
    answers = at_once(4, lambda: app.refresh(told["refresh_token"]))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[200] <= 1
    assert set(statuses) <= {200, 400}
    for answer in answers:
        if answer.status_code == 200:
            assert answer.json()["access_token"]
            assert not opens(answer.json()["access_token"])
    ended = ClientConsent.objects.get(ended_how=ClientConsent.Ended.MISUSED)
    assert not RefreshToken.objects.filter(consent=ended, revoked=None).exists()
    assert opens(kept["access_token"])
