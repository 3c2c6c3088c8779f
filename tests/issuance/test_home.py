"""The office's home page and its one search."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements.models import Achievement
from apps.issuance.models import Record
from tests.issuance.earning import School

pytestmark = pytest.mark.django_db
HOME = "/admin/"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def somebody(*roles: str) -> Client:
    user = User.objects.create_user(f"{'-'.join(roles)}@office.example", "a long enough password")
    give_roles(user, *roles)
    return browser(user)


def queries_of(client: Client, address: str) -> int:
    client.get(address)  # what is remembered between requests is no part of the promise
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_it_works(school: School) -> None:
    """What waits, with where to go, and the next steps."""
    school.in_review(school.learner(1))
    school.approved(school.learner(2))
    shown = browser(school.registrar).get(HOME).content.decode()

    assert "record waits for approval" in shown and "record is approved and not issued" in shown
    assert reverse("admin:issuance_batch_class") in shown and reverse("admin:achievements_award_add") in shown


def test_who_approves_is_not_told_of_issuing(school: School) -> None:
    """Reliability, section 7."""
    school.approved(school.learner(2))
    school.in_review(school.learner(1))
    shown = browser(school.approver).get(HOME).content.decode()

    assert "waits for approval" in shown and "approved and not issued" not in shown


def test_the_admin_sees_keys_and_the_trail(school: School) -> None:
    """Keys and audit instead of records."""
    school.in_review()
    shown = somebody(Role.ADMIN).get(HOME).content.decode()

    assert reverse("admin:institution_signingkey_changelist") in shown and "record.in_review" in shown
    assert "waits for approval" not in shown


def test_a_reviewer_is_told_nothing_of_records(school: School) -> None:
    """SEC-51."""
    school.in_review()
    client = somebody(Role.REVIEWER)

    assert "waits for approval" not in client.get(HOME).content.decode()
    assert client.get("/admin/search/", {"q": "Wanjiru"}).status_code == 403


def test_home_costs_a_constant_number_of_queries(school: School) -> None:
    """Issue: however many rows."""
    client = browser(school.registrar)
    school.in_review(school.learner(1))
    school.approved(school.learner(2))
    few = queries_of(client, HOME)
    for number in range(3, 7):
        school.in_review(school.learner(number))
        school.approved(school.learner(number + 10))
    assert queries_of(client, HOME) == few <= 24


def test_search_finds_people_records_and_achievements(school: School) -> None:
    """One box: by name in any script and form, number, code of the PDF."""
    record = school.in_review()
    client = browser(school.registrar)

    named = client.get("/admin/search/", {"q": "grünwald-ōtani wanjiru"}).content.decode()
    assert reverse("admin:learners_learner_change", args=[record.learner_id]) in named
    assert reverse("admin:issuance_record_change", args=[record.pk]) in named
    for text in (record.code, str(record.public_id)):
        assert reverse("admin:issuance_record_change", args=[record.pk]) in (
            client.get("/admin/search/", {"q": text}).content.decode()
        )
    course = school.course("MATH 101")
    assert reverse("admin:achievements_achievement_change", args=[course.pk]) in (
        client.get("/admin/search/", {"q": "math 101"}).content.decode()
    )
    Achievement.objects.create(name="Élan vital, Überblick", field_of_study="Filosofía", issuer=course.issuer)
    for text in ("elan uberblick", "ÉLAN filosofia"):  # SEC-32
        assert "Überblick" in client.get("/admin/search/", {"q": text}).content.decode()
    assert "Nothing has" in client.get("/admin/search/", {"q": "nobody<b>"}).content.decode()


def test_search_costs_a_constant_number_of_queries(school: School) -> None:
    """Issue: however many are found."""
    client = browser(school.registrar)
    address = "/admin/search/?q=wanjiru"
    school.drafted(school.learner(1))
    few = queries_of(client, address)
    for number in range(2, 8):
        school.drafted(school.learner(number))
    assert queries_of(client, address) == few <= 16


def test_a_learners_page_shows_records_and_what_was_earned(school: School) -> None:
    """Product: identity card, assertions by term, records with state, the next sensible step."""
    record = school.issued()
    page = reverse("admin:learners_learner_change", args=[record.learner_id])
    client = browser(school.registrar)
    shown = client.get(page).content.decode()

    assert reverse("admin:issuance_record_change", args=[record.pk]) in shown
    assert "MATH 101" in shown and "Fall 2024" in shown and "Spring 2025" in shown
    assert f"{reverse('admin:issuance_record_add')}?learner={record.learner_id}" in shown
    few = queries_of(client, page)
    for number in range(6):
        school.passes(record.learner, f"HIST {number}")
    Record.objects.create(learner=record.learner)
    assert queries_of(client, page) == few


def test_a_very_long_search_is_cut_and_says_so(school: School) -> None:
    """SEC-32: any form of a letter is found; beyond twenty words or 200 letters nothing is looked for, said so."""
    school.learner(1, "Zoë", "Marchetti")
    client = somebody(Role.REGISTRAR)
    address = reverse("admin:search")
    assert "Marchetti" in client.get(address, {"q": "Zoe\u0308"}).content.decode()
    assert "Only the beginning" not in client.get(address, {"q": "Zoe"}).content.decode()
    for long in ("a " * 30, "a" * 300):
        answer = client.get(address, {"q": long})
        assert answer.status_code == 200 and "Only the beginning was looked for" in answer.content.decode()
