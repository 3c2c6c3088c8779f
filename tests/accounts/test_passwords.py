"""Changing and forgetting passwords."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.test import Client

from apps.accounts import signin
from apps.accounts.models import User
from apps.accounts.permissions import Role
from clrportal import settings as portal
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "a-lantern-for-the-harbour"


def ask(email: str, letters: Callable[[], list[Any]]) -> list[Any]:
    """Asks for a link and gives the letters that follow."""
    assert Client().post("/account/password/forgotten/", {"email": email}).status_code == 200
    return letters()


def link_in(letter: Any) -> str:
    """The path of the link."""
    found = re.search(r"/account/password/new/[^\s/]+/", letter.body)
    assert found
    return found[0]


def test_it_works(person: Callable[..., User], letters: Callable[[], list[Any]], sign_in: Callable[..., Any]) -> None:
    """Ask, open the letter's link, set a new password, sign in with it."""
    person("mara@people.example", Role.LEARNER)
    (letter,) = ask("Mara@people.example", letters)
    assert letter.to == ["mara@people.example"]
    path = link_in(letter)
    assert Client().get(path).status_code == 200
    assert Client().post(path, {"password1": NEW, "password2": NEW})["Location"] == "/"
    assert sign_in("mara@people.example", NEW).status_code == 302
    assert sign_in("mara@people.example", PASSWORD, client=Client()).status_code == 200


def test_a_reset_link_works_once(person: Callable[..., User], letters: Callable[[], list[Any]]) -> None:
    """After the new password the link is of no use."""
    person("mara@people.example")
    path = link_in(ask("mara@people.example", letters)[0])
    Client().post(path, {"password1": NEW, "password2": NEW})
    assert Client().get(path).status_code == 404


def test_a_reset_link_holds_an_hour(person: Callable[..., User], monkeypatch: Any) -> None:
    """An old letter in a mailbox opens nothing."""
    user = person("mara@people.example")
    monkeypatch.setattr(signing.time, "time", lambda: 1_000_000.0)
    token = signin.reset_token(user)
    monkeypatch.setattr(signing.time, "time", lambda: 1_000_000.0 + signin.RESET_HOLDS - 5)
    assert signin.user_of_reset(token) == user
    monkeypatch.setattr(signing.time, "time", lambda: 1_000_000.0 + signin.RESET_HOLDS + 5)
    assert signin.user_of_reset(token) is None


@pytest.mark.parametrize("token", ["x", "a:b:c", "A" * 300, "WyJhIiwiYiJd:1x:y"])
def test_a_made_up_link_opens_nothing(token: str, client: Client, db: None) -> None:
    """What we did not sign is answered like an old link."""
    assert client.get(f"/account/password/new/{token}/").status_code == 404


def test_asking_says_the_same_for_everybody(person: Callable[..., User], letters: Callable[[], list[Any]]) -> None:
    """The page does not tell whether the address has an account; nobody's address gets no letter."""
    person("mara@people.example")
    known = Client().post("/account/password/forgotten/", {"email": "mara@people.example"})
    unknown = Client().post("/account/password/forgotten/", {"email": "nobody@people.example"})
    assert known.status_code == unknown.status_code == 200
    token = rb'name="csrfmiddlewaretoken" value="\w+"'
    assert re.sub(token, b"", known.content) == re.sub(token, b"", unknown.content)
    assert [letter.to for letter in letters()] == [["mara@people.example"]]


def test_a_closed_account_gets_no_link(person: Callable[..., User], letters: Callable[[], list[Any]]) -> None:
    """What the office closed, a letter does not open."""
    user = person("mara@people.example")
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert ask("mara@people.example", letters) == []


def test_asking_too_often_is_refused(person: Callable[..., User]) -> None:
    """Nobody's mailbox is flooded: five letters an hour."""
    person("mara@people.example")
    statuses = [
        Client().post("/account/password/forgotten/", {"email": "mara@people.example"}).status_code for _ in range(6)
    ]
    assert statuses == [200] * 5 + [429]


def test_the_person_is_told_of_a_new_password(person: Callable[..., User], letters: Callable[[], list[Any]]) -> None:
    """A letter says so, without saying what it is."""
    person("mara@people.example")
    Client().post(link_in(ask("mara@people.example", letters)[0]), {"password1": NEW, "password2": NEW})
    (letter,) = letters()
    assert "changed" in letter.subject and NEW not in letter.body


def test_changing_needs_the_present_password(person: Callable[..., User], client: Client) -> None:
    """Somebody at an unlocked screen cannot take the account over."""
    user = person("mara@people.example", Role.LEARNER)
    client.force_login(user)
    answer = client.post("/account/password/", {"present": "a-guess-of-mine", "password1": NEW, "password2": NEW})
    assert answer.status_code == 200 and "present" in answer.context["form"].errors
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_the_two_must_be_the_same(person: Callable[..., User], client: Client) -> None:
    """A typing mistake is found before it locks somebody out."""
    client.force_login(person("mara@people.example", Role.LEARNER))
    answer = client.post("/account/password/", {"present": PASSWORD, "password1": NEW, "password2": NEW + "x"})
    assert "password2" in answer.context["form"].errors


def test_passwords_are_kept_by_a_slow_hash(settings: Any) -> None:
    """I7: Argon2, by the portal's own settings."""
    settings.PASSWORD_HASHERS = portal.PASSWORD_HASHERS
    assert make_password(PASSWORD).startswith("argon2")
