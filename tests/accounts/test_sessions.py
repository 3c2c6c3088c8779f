"""Sessions: hidden in the database, ended when idle or old, renewed when roles change (SEC-54)."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from apps.accounts import sessions
from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock of the sessions on."""
    offset = [0.0]
    real = time.time
    monkeypatch.setattr(sessions.time, "time", lambda: real() + offset[0])

    def move(seconds: float) -> None:
        offset[0] += seconds

    return move


def is_in(client: Client) -> bool:
    """Whether the session still is one."""
    return client.get("/account/").status_code == 200


def key_of(client: Client, settings: Any) -> str:
    """The session id in the cookie."""
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


def test_the_table_does_not_hold_the_key(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client, settings: Any
) -> None:
    """I7: whoever reads the database cannot use what is in it."""
    person("mara@people.example", Role.LEARNER)
    sign_in("mara@people.example")
    key = key_of(client, settings)
    row = Session.objects.get()
    assert key not in row.session_key and key not in row.session_data
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = row.session_key
    assert not is_in(thief)


def test_signing_in_gives_a_new_id(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client, settings: Any
) -> None:
    """SEC-54: an id that somebody planted before is of no use after."""
    person("mara@people.example", Role.LEARNER)
    client.cookies[settings.SESSION_COOKIE_NAME] = "planted" * 4
    sign_in("mara@people.example")
    assert key_of(client, settings) != "planted" * 4


@pytest.mark.parametrize(
    ("role", "idle"), [(Role.REGISTRAR, sessions.STAFF_IDLE), (Role.LEARNER, sessions.OTHERS_IDLE)]
)
def test_idle_sessions_end(
    person: Callable[..., User],
    sign_in: Callable[..., Any],
    client: Client,
    later: Callable[[float], None],
    role: Role,
    idle: int,
) -> None:
    """SEC-54: 30 minutes for the office, 12 hours for others; every request counts as use."""
    person("mara@people.example", role)
    sign_in("mara@people.example")
    assert is_in(client)
    later(idle - 10)
    assert is_in(client)
    later(idle - 10)
    assert is_in(client)
    later(idle + 10)
    assert not is_in(client)
    assert not Session.objects.filter(session_data__contains="_auth_user_id").exists()


def test_no_session_lasts_longer_than_a_day(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client, later: Callable[[float], None]
) -> None:
    """SEC-54: 24 hours at most, used or not."""
    person("mara@people.example", Role.LEARNER)
    sign_in("mara@people.example")
    assert is_in(client)
    for _ in range(3):
        later(7 * 3600)
        assert is_in(client)
    later(4 * 3600)
    assert not is_in(client)


def test_changed_roles_give_a_new_id(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client, settings: Any
) -> None:
    """SEC-54: a new id at role change; the old one ends."""
    user = person("mara@people.example", Role.LEARNER)
    sign_in("mara@people.example")
    assert is_in(client)
    before = key_of(client, settings)
    give_roles(user, Role.ADVISOR)
    assert is_in(client)
    assert key_of(client, settings) != before
    old = Client()
    old.cookies[settings.SESSION_COOKIE_NAME] = before
    assert not is_in(old)


def test_a_new_password_ends_the_other_sessions(person: Callable[..., User], sign_in: Callable[..., Any]) -> None:
    """SEC-54: all others end; the one that changed it stays."""
    person("mara@people.example", Role.LEARNER)
    here, elsewhere = Client(), Client()
    sign_in("mara@people.example", client=here)
    sign_in("mara@people.example", client=elsewhere)
    new = "a-lantern-for-the-harbour"
    answer = here.post("/account/password/", {"present": PASSWORD, "password1": new, "password2": new})
    assert answer.status_code == 302
    assert is_in(here)
    assert not is_in(elsewhere)


def test_signing_out_ends_it_on_the_server(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client, settings: Any
) -> None:
    """SEC-54: a cookie that was kept is of no use after signing out."""
    person("mara@people.example", Role.LEARNER)
    sign_in("mara@people.example")
    kept = key_of(client, settings)
    client.post("/account/sign-out/")
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = kept
    assert not is_in(thief)


def test_the_cookie_is_guarded(person: Callable[..., User], sign_in: Callable[..., Any], client: Client) -> None:
    """SEC-54: no script reads it, no other site sends it along."""
    person("mara@people.example", Role.LEARNER)
    answer = sign_in("mara@people.example")
    cookie = answer.cookies["session"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/" and not cookie["domain"]
