"""Advisors put in charge by a file: all of it or nothing (SEC-29)."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.institution.models import Organization
from apps.learners import advising
from apps.learners.models import AdvisorAssignment, Cohort, Learner, Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(db: None) -> User:
    """An admin, an advisor, two learners, a program and a cohort."""
    Organization.objects.create(name="Harbour Lantern University", is_home=True)
    admin = User.objects.create_user("admin@people.example", "seven-lanterns-1894")
    give_roles(admin, Role.ADMIN)
    give_roles(User.objects.create_user("ada@people.example"), Role.ADVISOR)
    for number in (1, 2):
        Learner.objects.create(given_name="L", family_name=str(number), student_id=f"S-{number}")
    Program.objects.create(title="Marine Ecology", code="MECO")
    Cohort.objects.create(title="Class of 2026")
    return admin


def test_it_works(admin: User) -> None:
    """A learner, a program by code or title, a cohort; a second time nothing changes."""
    content = (
        "advisor,learner,program,cohort\r\n"
        "ada@people.example,S-1,,\r\n"
        "ADA@people.example,,meco,\r\n"
        "ada@people.example,,,Class of 2026\r\n"
    ).encode("utf-8-sig")
    first = advising.assign(content, by=admin)
    assert (first.made, first.known, first.refused) == (3, 0, [])
    second = advising.assign(content, by=admin)
    assert (second.made, second.known) == (0, 3)
    assert AdvisorAssignment.objects.count() == 3


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("advisor,learner\nnobody@people.example,S-1\n", 2, "advisor"),
        ("advisor,learner\nada@people.example,S-9\n", 2, "learner"),
        ("advisor,program\nada@people.example,Nope\n", 2, "program"),
        ("advisor,cohort\nada@people.example,Nope\n", 2, "cohort"),
        ("advisor,learner,cohort\nada@people.example,S-1,Class of 2026\n", 2, "learner, cohort"),
        ("advisor,learner\nada@people.example,\n", 2, ""),
        ("advisor,learner\nada@people.example,S-1,x,y\n", 2, ""),
        ("learner\nS-1\n", 1, ""),
        ("advisor,salary\nada@people.example,1\n", 1, "salary"),
        ("", 1, ""),
        ('advisor,learner\nada@people.example,"S-1\n', 3, ""),
        ("advisor,learner\nada@people.example,S\x00-1\n", 1, ""),
    ],
)
def test_a_bad_line_stops_the_file(admin: User, content: str, line: int, column: str) -> None:
    """Which line, which column, why; and nothing of the rest is taken."""
    good = "ada@people.example,S-2\n" if content.startswith("advisor,learner\n") else ""
    outcome = advising.assign((content + good).encode(), by=admin)
    assert (line, column) in {(fault.line, fault.column) for fault in outcome.refused}
    assert all(fault.reason for fault in outcome.refused)
    assert not AdvisorAssignment.objects.exists()


def test_a_file_that_is_not_utf_8_is_refused(admin: User) -> None:
    """With what to do about it."""
    (fault,) = advising.assign("advisor,learner\nadä@x,S-1".encode("latin-1"), by=admin).refused
    assert "UTF-8" in fault.reason


def test_a_number_that_two_have_is_refused(admin: User) -> None:
    """Nobody is guessed."""
    Learner.objects.create(given_name="L", family_name="twin", student_id="S-1")
    (fault,) = advising.assign(b"advisor,learner\nada@people.example,S-1\n", by=admin).refused
    assert fault.column == "learner"


def test_the_page_shows_the_reasons(admin: User) -> None:
    """In the office, with line and column; text of the file is text."""
    client = Client()
    client.force_login(admin)
    path = "/admin/learners/advisorassignment/from-file/"
    assert client.get(path).status_code == 200
    bad = SimpleUploadedFile("a.csv", b"advisor,<script>alert(1)</script>\nx,y\n", "text/csv")
    answer = client.post(path, {"file": bad})
    assert answer.status_code == 200 and b"<script>alert" not in answer.content
    good = SimpleUploadedFile("a.csv", b"advisor,learner\nada@people.example,S-1\n", "text/csv")
    assert client.post(path, {"file": good}).status_code == 302
    assert AdvisorAssignment.objects.count() == 1
