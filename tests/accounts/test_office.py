"""The office: how one gets in, its menu and name, people and invitations (SEC-51)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Invitation, User
from apps.accounts.permissions import Role, roles_of
from apps.institution.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_it_works(person: Callable[..., User], sign_in: Callable[..., Any], client: Client) -> None:
    """Asked for without a sign-in, the office leads to the one form, and from there back."""
    person("r@people.example", Role.REGISTRAR)
    answer = client.get("/admin/institution/organization/", follow=True)
    assert answer.request["PATH_INFO"] == "/"
    there = sign_in("r@people.example", path=answer.redirect_chain[-1][0])
    assert there["Location"] == "/admin/institution/organization/"
    assert client.get(there["Location"]).status_code == 200


def test_the_old_sign_in_form_is_the_one_at_the_door(client: Client, db: None) -> None:
    """`/admin/login/` never sends anybody elsewhere."""
    assert client.get("/admin/login/")["Location"] == "/?next=%2Fadmin%2F"
    assert client.get("/admin/login/?next=//evil.example/x")["Location"] == "/?next=%2Fadmin%2F"


@pytest.mark.parametrize("role", [Role.LEARNER, Role.ADVISOR, Role.EMPLOYER])
def test_others_do_not_get_in(person: Callable[..., User], client: Client, role: Role) -> None:
    """A student, an advisor: sent home, without a word about what is there."""
    client.force_login(person("s@people.example", role))
    answer = client.get("/admin/", follow=True)
    assert not answer.request["PATH_INFO"].startswith("/admin/")
    assert client.get("/admin/accounts/user/").status_code == 302


def test_the_menu_shows_what_one_may_see(person: Callable[..., User], client: Client) -> None:
    """A registrar has no entry for keys and roles, an admin does; the head is the institution's."""
    client.force_login(person("r@people.example", Role.REGISTRAR))
    page = client.get("/admin/").content.decode()
    assert "Harbour Lantern University" in page
    assert "/admin/issuance/record/" in page
    assert "/admin/institution/signingkey/" not in page and "/admin/accounts/user/" not in page
    client.force_login(person("a@people.example", Role.ADMIN))
    page = client.get("/admin/").content.decode()
    assert "/admin/institution/signingkey/" in page and "/admin/accounts/user/" in page


def seen_state(client: Client, path: str) -> str:
    """What a form says of the state that it shows (REL-25)."""
    found = re.search(r'name="seen_state" value="([0-9a-f]{64})"', client.get(path).content.decode())
    assert found, path
    return found[1]


def test_two_at_the_same_form_do_not_overwrite_each_other(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client
) -> None:
    """REL-25: whoever saves second is refused and sees both states, field by field; saving again chooses theirs."""
    person("a@people.example", Role.ADMIN)
    user = person("m@people.example", Role.ADVISOR)
    sign_in("a@people.example")
    path = f"/admin/accounts/user/{user.pk}/change/"
    seen = seen_state(client, path)
    User.objects.filter(pk=user.pk).update(name="What another saved")
    form = {
        "email": "m@people.example",
        "name": "What I typed",
        "is_active": "on",
        "language": "",
        "roles": ["advisor"],
    }
    answer = client.post(path, {**form, "seen_state": seen})
    page = answer.content.decode()
    assert answer.status_code == 200 and "Somebody else saved this" in page
    assert "What another saved" in page and "What I typed" in page
    assert User.objects.get(pk=user.pk).name == "What another saved"
    now = re.search(r'name="seen_state" value="([0-9a-f]{64})"', page)
    assert now and now[1] != seen
    assert client.post(path, {**form, "seen_state": now[1]}).status_code == 302
    assert User.objects.get(pk=user.pk).name == "What I typed"


def test_a_form_that_does_not_say_what_it_showed_changes_nothing(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client
) -> None:
    """REL-25: nor one with a state that never was."""
    person("a@people.example", Role.ADMIN)
    user = person("m@people.example", Role.ADVISOR)
    sign_in("a@people.example")
    form = {"email": "m@people.example", "name": "Changed", "is_active": "on", "language": "", "roles": ["advisor"]}
    for seen in ({}, {"seen_state": "0" * 64}):
        client.post(f"/admin/accounts/user/{user.pk}/change/", {**form, **seen})
        assert User.objects.get(pk=user.pk).name != "Changed"


def test_the_admin_gives_and_takes_roles(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client
) -> None:
    """Roles change with the person's next click, and the trail says who gave them."""
    admin = person("a@people.example", Role.ADMIN)
    user = person("m@people.example", Role.ADVISOR)
    sign_in("a@people.example")
    path = f"/admin/accounts/user/{user.pk}/change/"
    form = {"email": "m@people.example", "name": "Mara", "is_active": "on", "language": ""}
    form["seen_state"] = seen_state(client, path)
    assert client.post(path, {**form, "roles": ["registrar", "approver"]}).status_code == 302
    user = User.objects.get(pk=user.pk)
    assert roles_of(user) == {Role.REGISTRAR, Role.APPROVER} and user.is_staff
    entry = AuditEntry.objects.get(action="roles.changed")
    assert entry.actor == admin and entry.details == {"given": ["approver", "registrar"], "taken": ["advisor"]}
    form["seen_state"] = seen_state(client, path)
    client.post(path, {**form, "roles": []})
    user = User.objects.get(pk=user.pk)
    assert not roles_of(user) and not user.is_staff


def test_addresses_are_one_persons_alone(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client
) -> None:
    """Letter case apart."""
    person("a@people.example", Role.ADMIN)
    user = person("m@people.example", Role.ADVISOR)
    sign_in("a@people.example")
    answer = client.post(f"/admin/accounts/user/{user.pk}/change/", {"email": "A@People.example", "is_active": "on"})
    assert answer.status_code == 200
    assert User.objects.get(pk=user.pk).email == "m@people.example"


def test_the_admin_invites_staff(
    person: Callable[..., User],
    sign_in: Callable[..., Any],
    client: Client,
    letters: Callable[[], list[Any]],
) -> None:
    """A form with address and roles; the letter goes out; nobody is made with a password typed by another."""
    person("a@people.example", Role.ADMIN)
    sign_in("a@people.example")
    answer = client.post("/admin/accounts/invitation/add/", {"email": "new@people.example", "roles": ["advisor"]})
    assert answer.status_code == 302
    invitation = Invitation.objects.get()
    assert invitation.kind == Invitation.Kind.STAFF and invitation.roles == ["advisor"]
    assert [letter.to for letter in letters()] == [["new@people.example"]]
    assert client.get("/admin/accounts/user/add/").status_code == 403


def test_invitations_are_withdrawn_and_sent_again(
    person: Callable[..., User], sign_in: Callable[..., Any], client: Client
) -> None:
    """From the list, on a selection."""
    from apps.accounts import inviting

    person("a@people.example", Role.ADMIN)
    sign_in("a@people.example")
    first = inviting.invite("new@people.example", kind=Invitation.Kind.STAFF, roles=[Role.ADVISOR])
    client.post("/admin/accounts/invitation/", {"action": "send_again", "_selected_action": [first.pk]})
    first.refresh_from_db()
    assert first.withdrawn_at is not None
    second = Invitation.objects.get(withdrawn_at=None)
    client.post("/admin/accounts/invitation/", {"action": "withdraw_selected", "_selected_action": [second.pk]})
    assert not Invitation.objects.filter(withdrawn_at=None).exists()


@pytest.mark.parametrize("query", ["q=%00", "q=%27%20OR%201%3D1", "o=999.-7.x&p=-1&all=", "p=1000000000", "zz__y=1"])
def test_odd_addresses_are_answered(person: Callable[..., User], client: Client, query: str) -> None:
    """Lists stand what people type into the address."""
    client.force_login(person("a@people.example", Role.ADMIN))
    for path in ("/admin/accounts/user/", "/admin/institution/auditentry/"):
        assert client.get(f"{path}?{query}").status_code in {200, 302, 400, 404}


@pytest.mark.parametrize("query", ["s=a&page=x", "s=a&page=999", "s=%00", "s=%3Cscript%3E", ""])
def test_the_search_of_the_menu_stands_odd_input(person: Callable[..., User], client: Client, query: str) -> None:
    """The theme's search field."""
    client.force_login(person("a@people.example", Role.ADMIN))
    assert client.get(f"/admin/search/?{query}").status_code in {200, 400, 404}
