"""The second factor, and being asked again (SEC-53)."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.test import Client

from apps.accounts import signin
from apps.accounts.models import User
from apps.accounts.permissions import Role
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def code(secret: str) -> str:
    """What an authenticator app shows now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


@pytest.fixture
def secret() -> str:
    """A shared secret."""
    return str(generate_totp_secret())


def test_it_works(person: Callable[..., User], sign_in: Callable[..., Any], client: Client, secret: str) -> None:
    """With a second factor set up, the password alone does not sign in; the code does."""
    TOTP.activate(person("mara@people.example", Role.REGISTRAR), secret)
    answer = sign_in("mara@people.example")
    assert answer["Location"].startswith("/account/second-factor/authenticate/")
    assert client.get("/admin/").status_code == 302
    assert client.post("/account/second-factor/authenticate/", {"code": "000000"}).status_code == 200
    assert client.get("/admin/").status_code == 302
    client.post("/account/second-factor/authenticate/", {"code": code(secret)})
    assert client.get("/admin/").status_code == 200


def test_the_secret_is_encrypted(person: Callable[..., User], secret: str) -> None:
    """I7: a backup does not hold what the authenticator app knows."""
    TOTP.activate(person("mara@people.example", Role.REGISTRAR), secret)
    assert secret not in str(Authenticator.objects.get().data)


def test_staff_must_set_it_up_in_production(person: Callable[..., User], settings: Any, secret: str) -> None:
    """SEC-53: before anything else; students are not asked."""
    settings.PRODUCTION = True
    registrar, student = person("r@people.example", Role.REGISTRAR), person("s@people.example", Role.LEARNER)
    office, desk = Client(), Client()
    office.force_login(registrar)
    desk.force_login(student)
    assert office.get("/admin/")["Location"] == "/account/second-factor/totp/activate/"
    assert desk.get("/account/").status_code == 200
    assert desk.get("/records/").status_code == 200
    TOTP.activate(registrar, secret)
    assert office.get("/admin/").status_code == 200


def test_nobody_is_asked_outside_of_production(person: Callable[..., User], client: Client) -> None:
    """The demo people sign in with a password alone (contract, settings)."""
    client.force_login(person("r@people.example", Role.REGISTRAR))
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("path", ["", "totp/activate/"])
def test_its_pages_stand_in_the_portals_frame(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client, path: str
) -> None:
    """Setting up is possible for everybody; it asks for the password once more, then shows."""
    person("mara@people.example", Role.LEARNER)
    sign_in("mara@people.example")
    client.post("/account/confirm/", {"password": PASSWORD})
    answer = client.get(f"/account/second-factor/{path}")
    assert answer.status_code == 200
    assert b'class="site-header"' in answer.content


def test_roles_ask_again_after_ten_minutes(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client, monkeypatch: Any
) -> None:
    """SEC-53: keys, roles and institution ask for the password again; what was asked for is shown after."""
    user = person("admin@people.example", Role.ADMIN)
    sign_in("admin@people.example")
    path = f"/admin/accounts/user/{user.pk}/change/"
    assert client.get(path).status_code == 200
    real = time.time
    monkeypatch.setattr(signin.time, "time", lambda: real() + signin.CONFIRMED_FOR + 1)
    answer = client.get(path)
    assert answer.status_code == 302 and answer["Location"].startswith("/account/confirm/")
    monkeypatch.setattr(signin.time, "time", real)
    back = client.post(answer["Location"], {"password": PASSWORD})
    assert back["Location"] == path
    assert client.get(path).status_code == 200
