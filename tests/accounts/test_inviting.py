"""Invitations: the only way to a sign-in; a link works once, for its own person, for as long as the policy says."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.test import Client
from django.utils import timezone

from apps.accounts import inviting
from apps.accounts.models import Invitation, User
from apps.accounts.permissions import Role, roles_of
from apps.institution.models import Organization, Policy
from apps.learners import invitations
from apps.learners.models import Learner
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def learner(home: Organization) -> Learner:
    """Somebody with a record and an address."""
    return Learner.objects.create(given_name="Zoë", family_name="Canary-Quist", email="zoe@students.example")


def link_in(letter: Any) -> str:
    """The path of the link in a letter."""
    found = re.search(r"/invitation/[\w-]+/", letter.body)
    assert found
    return found[0]


def accept(path: str, client: Client, password: str = PASSWORD) -> Any:
    """Opens the link and sets a password."""
    return client.post(path, {"password1": password, "password2": password})


def test_it_works(
    learner: Learner, person: Callable[..., User], letters: Callable[[], list[Any]], client: Client
) -> None:
    """Invite, open, choose a password: the account is made, linked, and signed in."""
    registrar = person("registrar@people.example", Role.REGISTRAR)
    assert invitations.invite([learner], by=registrar).count == 1
    (letter,) = letters()
    assert letter.to == ["zoe@students.example"]
    path = link_in(letter)
    assert client.get(path).status_code == 200
    assert not User.objects.filter(email="zoe@students.example").exists()
    assert accept(path, client)["Location"] == "/records/"
    user = User.objects.get(email="zoe@students.example")
    learner.refresh_from_db()
    assert learner.user == user
    assert roles_of(user) == {Role.LEARNER}
    assert user.check_password(PASSWORD) and user.name == "Zoë Canary-Quist"
    assert client.get("/records/").status_code == 200


def test_a_link_works_once(learner: Learner, letters: Callable[[], list[Any]], client: Client) -> None:
    """The second time it is as if it had never been."""
    inviting.invite(learner.email, subject_id=learner.public_id)
    path = link_in(letters()[0])
    accept(path, client)
    assert Client().get(path).status_code == 404
    assert accept(path, Client(), "another-password-9").status_code == 404
    assert User.objects.get(email=learner.email).check_password(PASSWORD)


def test_a_link_ends_after_fourteen_days(learner: Learner) -> None:
    """The policy says how long; an hour later it is over."""
    invitation = inviting.invite(learner.email, subject_id=learner.public_id)
    assert abs(invitation.expires_at - timezone.now() - timedelta(days=14)) < timedelta(minutes=1)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(inviting.NotOpen):
        inviting.accept(inviting.token_of(invitation), password=PASSWORD)


def test_the_policy_says_how_long(learner: Learner) -> None:
    """`invitation_days`."""
    policy = Policy.current()
    policy.invitation_days = 3
    policy.save()
    invitation = inviting.invite(learner.email, subject_id=learner.public_id)
    assert abs(invitation.expires_at - timezone.now() - timedelta(days=3)) < timedelta(minutes=1)


def test_a_withdrawn_link_does_not_work(learner: Learner, client: Client) -> None:
    """What the office withdrew is gone at once."""
    invitation = inviting.invite(learner.email, subject_id=learner.public_id)
    assert inviting.withdraw(invitation, by=None)
    assert client.get(f"/invitation/{inviting.token_of(invitation)}/").status_code == 404


def test_a_newer_invitation_ends_the_older(learner: Learner, client: Client) -> None:
    """Sending again means one working link, not two."""
    first = inviting.invite(learner.email, subject_id=learner.public_id)
    second = inviting.invite(learner.email, subject_id=learner.public_id)
    assert client.get(f"/invitation/{inviting.token_of(first)}/").status_code == 404
    assert client.get(f"/invitation/{inviting.token_of(second)}/").status_code == 200


def test_unknown_used_and_expired_look_alike(learner: Learner, client: Client) -> None:
    """I4: a stranger learns nothing from a link that does not work."""
    used = inviting.invite(learner.email, subject_id=learner.public_id)
    inviting.accept(inviting.token_of(used), password=PASSWORD)
    answers = [client.get(f"/invitation/{token}/") for token in (inviting.token_of(used), "A" * 43, "x")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({str(answer.context["sentence"]) for answer in answers}) == 1


def test_only_the_digest_of_the_token_is_stored(learner: Learner, letters: Callable[[], list[Any]]) -> None:
    """SEC-43: 256 bits, of which a dump of the database shows nothing that could be used."""
    invitation = inviting.invite(learner.email, subject_id=learner.public_id)
    letters()
    token = inviting.token_of(invitation)
    assert len(token) == 43
    for model in apps.get_models():
        assert token not in serializers.serialize("json", model._default_manager.all())
    assert Invitation.objects.get().token_digest == inviting.digest_of(token)


def test_another_secret_key_gives_other_tokens(learner: Learner, settings: Any) -> None:
    """Whoever has the database alone cannot derive the links."""
    invitation = inviting.invite(learner.email, subject_id=learner.public_id)
    token = inviting.token_of(invitation)
    settings.SECRET_KEY = "another-key-altogether-of-some-length-0123456789"
    assert inviting.token_of(invitation) != token


def test_the_letter_says_nothing_private(learner: Learner, letters: Callable[[], list[Any]]) -> None:
    """PRIV-10: neither subject nor body name the person or what there is to see; both forms are there."""
    inviting.invite(learner.email, subject_id=learner.public_id)
    (letter,) = letters()
    ((page, media_type),) = letter.alternatives
    assert media_type == "text/html"
    for text in (letter.subject, letter.body, page):
        assert "Canary" not in text and "Zoë" not in text
    assert "Harbour Lantern University" in letter.subject
    assert "\n" not in letter.subject


def test_a_repeated_letter_carries_the_same_link(learner: Learner, letters: Callable[[], list[Any]]) -> None:
    """REL-09: sent again after a crash, it is the same letter."""
    from apps.jobs.models import OutboxEntry

    inviting.invite(learner.email, subject_id=learner.public_id)
    first = letters()[0]
    OutboxEntry.objects.update(sent_at=None)
    second = letters()[0]
    assert link_in(first) == link_in(second)
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]


def test_no_letter_once_it_was_used_or_withdrawn(learner: Learner, letters: Callable[[], list[Any]]) -> None:
    """What is no longer true is not told."""
    inviting.withdraw(inviting.invite(learner.email, subject_id=learner.public_id), by=None)
    assert letters() == []


def test_a_link_never_changes_the_password_of_an_account(
    learner: Learner, person: Callable[..., User], client: Client
) -> None:
    """Somebody who has an account signs in with their own password; then the record is added."""
    user = person("zoe@students.example", Role.ADVISOR)
    path = f"/invitation/{inviting.token_of(inviting.invite(learner.email, subject_id=learner.public_id))}/"
    accept(path, client, "stolen-password-99")
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    client.force_login(user)
    assert client.get(path).status_code == 200
    learner.refresh_from_db()
    assert learner.user is None, "a GET changes nothing"
    assert client.post(path).status_code == 302
    learner.refresh_from_db()
    assert learner.user == user
    assert Role.LEARNER in roles_of(User.objects.get(pk=user.pk))


def test_somebody_else_cannot_take_it(learner: Learner, person: Callable[..., User], client: Client) -> None:
    """A link that was passed on does not give the record to whoever is signed in."""
    client.force_login(person("eve@people.example", Role.LEARNER))
    path = f"/invitation/{inviting.token_of(inviting.invite(learner.email, subject_id=learner.public_id))}/"
    assert b"another address" in client.get(path).content
    client.post(path)
    accept(path, client)
    learner.refresh_from_db()
    assert learner.user is None


@pytest.mark.parametrize("password", ["short", "password1234", "zoe@students.example"])
def test_weak_passwords_are_refused(learner: Learner, client: Client, password: str) -> None:
    """SEC-53: at least 12 characters, not a common one, not one's own address."""
    path = f"/invitation/{inviting.token_of(inviting.invite(learner.email, subject_id=learner.public_id))}/"
    answer = accept(path, client, password)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not User.objects.exists()


def test_a_class_is_invited_at_once(home: Organization, person: Callable[..., User]) -> None:
    """Those with an address and no account get a letter; the others are named with the reason."""
    registrar = person("registrar@people.example", Role.REGISTRAR)
    learners = [
        Learner.objects.create(given_name=f"L{n}", family_name="Class", email=f"l{n}@students.example")
        for n in range(20)
    ]
    silent = Learner.objects.create(given_name="No", family_name="Address")
    there = Learner.objects.create(given_name="Has", family_name="Account", email="h@x.example", user=registrar)
    outcome = invitations.invite([*learners, silent, there], by=registrar)
    assert outcome.count == 20
    assert set(outcome.left_out) == {"No Address", "Has Account"}
    assert Invitation.objects.filter(kind=Invitation.Kind.LEARNER).count() == 20


def test_inviting_a_class_takes_few_queries(
    home: Organization, person: Callable[..., User], django_assert_max_num_queries: Any
) -> None:
    """The number of queries grows with the letters alone, not with look-ups."""
    registrar = person("registrar@people.example", Role.REGISTRAR)
    learners = [
        Learner.objects.create(given_name=f"L{n}", family_name="Class", email=f"l{n}@students.example")
        for n in range(50)
    ]
    with django_assert_max_num_queries(50 + 20):
        invitations.invite(learners, by=registrar)


def test_one_account_belongs_to_one_learner(learner: Learner, person: Callable[..., User], client: Client) -> None:
    """A second learner with the same address is not linked silently: the page says what to do, nothing changes."""
    user = person("zoe@students.example", Role.LEARNER)
    learner.user = user
    learner.save()
    twin = Learner.objects.create(given_name="Zoë", family_name="Twin", email="zoe@students.example")
    path = f"/invitation/{inviting.token_of(inviting.invite(twin.email, subject_id=twin.public_id))}/"
    client.force_login(user)
    assert client.post(path).status_code == 409
    twin.refresh_from_db()
    assert twin.user is None
    assert Invitation.objects.get(subject_id=twin.public_id).accepted_at is None


def test_staff_are_invited_with_their_roles(home: Organization, person: Callable[..., User], client: Client) -> None:
    """The admin invites an advisor; the roles come with the acceptance."""
    admin = person("admin@people.example", Role.ADMIN)
    invitation = inviting.invite(
        "new@people.example", kind=Invitation.Kind.STAFF, roles=[Role.REGISTRAR, Role.APPROVER], by=admin
    )
    accept(f"/invitation/{inviting.token_of(invitation)}/", client)
    user = User.objects.get(email="new@people.example")
    assert roles_of(user) == {Role.REGISTRAR, Role.APPROVER} and user.is_staff
    assert client.get("/admin/").status_code == 200
