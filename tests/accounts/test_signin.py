"""Signing in at `/`: where it leads, what it says, and how guessing is slowed (SEC-53)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts import signin
from apps.accounts.models import User
from apps.accounts.permissions import Role
from apps.network.counting import shared_counters
from apps.network.limits import TooMany

pytestmark = pytest.mark.django_db


def words(response: Any) -> str:
    """What the page says was wrong."""
    return str(response.context["form"].errors)


def test_it_works(person: Callable[..., User], sign_in: Callable[..., Any], client: Client) -> None:
    """E-mail and password in one form; then one is in."""
    person("mara@people.example", Role.LEARNER)
    page = client.get("/")
    assert page.status_code == 200
    assert b'type="password"' in page.content and b'name="login"' in page.content
    response = sign_in("mara@people.example")
    assert response.status_code == 302
    assert client.get("/account/").status_code == 200


@pytest.mark.parametrize(
    ("roles", "place"),
    [
        ([Role.LEARNER], "/records/"),
        ([Role.ADVISOR], "/advising/"),
        ([Role.REGISTRAR], "/admin/"),
        ([Role.ADMIN], "/admin/"),
        ([Role.LEARNER, Role.REGISTRAR], "/admin/"),
        ([], "/account/"),
    ],
)
def test_one_comes_home_to_ones_role(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client, roles: list[Role], place: str
) -> None:
    """`/` leads to the home of one's role, after signing in and whenever one is signed in."""
    person("mara@people.example", *roles)
    assert sign_in("mara@people.example")["Location"] == place
    assert client.get("/")["Location"] == place


def test_letter_case_of_the_address_does_not_matter(person: Callable[..., User], sign_in: Callable[..., Any]) -> None:
    """People type their address as they like."""
    person("mara@people.example", Role.LEARNER)
    assert sign_in("Mara@People.Example").status_code == 302


def test_one_goes_on_to_where_one_wanted(person: Callable[..., User], sign_in: Callable[..., Any]) -> None:
    """A page that asked to sign in first comes after."""
    person("mara@people.example", Role.LEARNER)
    assert sign_in("mara@people.example", path="/?next=/account/password/")["Location"] == "/account/password/"


@pytest.mark.parametrize("target", ["//evil.example/x", "https://evil.example/", "/%5cevil.example", "/\\evil.example"])
def test_nobody_is_sent_elsewhere(person: Callable[..., User], sign_in: Callable[..., Any], target: str) -> None:
    """After signing in one stays in the portal, whatever the address says."""
    person("mara@people.example", Role.LEARNER)
    response = sign_in("mara@people.example", path=f"/?next={target}")
    assert response.status_code == 302
    assert response["Location"].startswith("/") and not response["Location"].startswith(("//", "/\\"))


def test_wrong_password_and_unknown_address_sound_the_same(
    person: Callable[..., User], sign_in: Callable[..., Any]
) -> None:
    """SEC-53: the words do not tell whether the account exists."""
    person("mara@people.example")
    wrong = sign_in("mara@people.example", "not-the-password")
    unknown = sign_in("nobody@people.example", "not-the-password")
    assert wrong.status_code == unknown.status_code == 200
    assert words(wrong) == words(unknown)
    assert "not right" in words(wrong)


def test_an_unknown_address_costs_a_hashing(sign_in: Callable[..., Any], db: None, monkeypatch: Any) -> None:
    """SEC-53: the time does not tell either: for nobody's address a password is hashed all the same."""
    hashed: list[str] = []
    real = User.set_password
    monkeypatch.setattr(User, "set_password", lambda self, raw: (hashed.append(raw), real(self, raw))[1])
    sign_in("nobody@people.example", "not-the-password")
    assert hashed == ["not-the-password"]


def test_a_closed_account_stays_out(person: Callable[..., User], sign_in: Callable[..., Any], client: Client) -> None:
    """Somebody whose account was closed does not get a session."""
    user = person("mara@people.example", Role.LEARNER)
    User.objects.filter(pk=user.pk).update(is_active=False)
    sign_in("mara@people.example")
    assert client.get("/records/").status_code == 302


def test_a_password_of_200_kilobytes_is_not_hashed(
    person: Callable[..., User], sign_in: Callable[..., Any], monkeypatch: Any
) -> None:
    """SEC-53: at most 1,024 bytes are hashed; the answer is the ordinary one."""
    person("mara@people.example")
    monkeypatch.setattr(signin.EmailBackend, "authenticate", lambda *a, **k: pytest.fail("it was tried"))
    response = sign_in("mara@people.example", "A" * 200_000)
    assert response.status_code == 200
    assert "not right" in words(response)


def test_a_name_with_nul_is_refused(sign_in: Callable[..., Any], db: None, client: Client) -> None:
    """A NUL in the address is no fault of the portal's."""
    assert sign_in("a\x00b@people.example").status_code == 200
    assert not client.session.keys()


def test_guessing_one_account_is_slowed_within_forty(sign_in: Callable[..., Any], db: None) -> None:
    """SEC-53: ten tries are free, then each further one waits; 429 with Retry-After, for nobody's address too."""
    answers = [sign_in("nobody@people.example", "guess") for _ in range(40)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:10] == [200] * 10
    assert statuses[-1] == 429
    assert 0 < int(answers[-1]["Retry-After"]) <= signin.LONGEST_WAIT


def test_waits_double(db: None, monkeypatch: Any) -> None:
    """SEC-53: 15 seconds, 30, 60 …: the delay grows, up to an hour."""
    now = [1_000_000.0]
    monkeypatch.setattr(shared_counters(), "_clock", lambda: now[0])
    for _ in range(10):
        signin.count_try("mara")
    waits = []
    for _ in range(12):
        signin.count_try("mara")
        with pytest.raises(TooMany) as fault:
            signin.count_try("mara")
        waits.append(fault.value.seconds)
        now[0] += fault.value.seconds + 1
    assert waits[:4] == [15, 30, 60, 120]
    assert max(waits) == signin.LONGEST_WAIT


def test_a_success_forgets_the_failures(person: Callable[..., User], sign_in: Callable[..., Any]) -> None:
    """Who knows the password after nine tries begins anew."""
    person("mara@people.example", Role.LEARNER)
    for _ in range(3):
        for _ in range(9):
            assert sign_in("mara@people.example", "guess", client=Client()).status_code == 200
        assert sign_in("mara@people.example", client=Client()).status_code == 302


def test_strangers_cannot_keep_a_person_out(person: Callable[..., User], sign_in: Callable[..., Any]) -> None:
    """SEC-53: not a lock others can trigger for ever: a device that was used before is counted apart."""
    person("mara@people.example", Role.LEARNER)
    own = Client()
    assert sign_in("mara@people.example", client=own).status_code == 302
    own.post("/account/sign-out/")
    for _ in range(30):
        last = sign_in("mara@people.example", "guess", client=Client())
    assert last.status_code == 429
    assert sign_in("mara@people.example", client=own).status_code == 302


def test_a_device_of_somebody_else_is_no_help(person: Callable[..., User], sign_in: Callable[..., Any]) -> None:
    """The cookie of a known device counts for its own person alone."""
    person("mara@people.example", Role.LEARNER)
    person("eve@people.example", Role.LEARNER)
    device = Client()
    sign_in("eve@people.example", client=device)
    device.post("/account/sign-out/")
    statuses = [sign_in("mara@people.example", "guess", client=device).status_code for _ in range(30)]
    statuses_elsewhere = sign_in("mara@people.example", "guess", client=Client()).status_code
    assert statuses[-1] == 429
    assert statuses_elsewhere == 429


def test_one_address_cannot_try_many_accounts(sign_in: Callable[..., Any], db: None) -> None:
    """SEC-53: 100 failures of one network address in a quarter of an hour, whatever the accounts."""
    statuses = [sign_in(f"person{n}@people.example", "guess", client=Client()).status_code for n in range(102)]
    assert statuses[:100] == [200] * 100
    assert statuses[-1] == 429


def test_nobody_makes_an_account_alone(client: Client, db: None) -> None:
    """There is no open sign-up, under no usual address."""
    for path in ("/account/signup/", "/accounts/signup/", "/signup/", "/register/"):
        assert client.get(path).status_code == 404
        assert client.post(path, {"email": "x@people.example"}).status_code == 404
    assert not User.objects.exists()


def test_signing_out_needs_more_than_a_picture(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client
) -> None:
    """SEC-55: a GET changes nothing; the form ends the session on the server."""
    person("mara@people.example", Role.REGISTRAR)
    sign_in("mara@people.example")
    for path in ("/account/sign-out/", "/admin/logout/"):
        client.get(path)
        assert client.get("/admin/").status_code == 200
    client.post("/account/sign-out/")
    assert client.get("/admin/").status_code == 302


def test_forms_without_their_token_are_refused(person: Callable[..., User]) -> None:
    """SEC-55: signing in, too, needs the token of its form."""
    person("mara@people.example")
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/", {"login": "mara@people.example", "password": "x"}).status_code == 403
