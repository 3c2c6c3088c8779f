"""One achievement for many learners: filter or CSV, preview, job, undo (issue: *Awards*; SEC-29)."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from apps.achievements import granting, versions
from apps.achievements.models import Achievement, Assertion, ResultDescription
from apps.institution.models import Organization
from apps.issuance import depending
from apps.jobs import running
from apps.learners.models import Learner

DAY = date(2026, 5, 31)


@pytest.fixture
def degree(db: None) -> Achievement:
    """A degree, and five people who may get it."""
    home = Organization.objects.create(name="Harbour Lantern University", is_home=True)
    for number in range(5):
        Learner.objects.create(
            given_name=f"P{number}", student_id=f"S-{number}", source="sis", source_id=f"id-{number}"
        )
    return Achievement.objects.create(achievement_type="Degree", name="Bachelor of Arts", issuer=home)


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    """Keys of the test's own."""
    settings.KEK_FILE = tmp_path / "kek.key"


def give(preview: granting.Preview) -> Any:
    """Awards, and does the job at once."""
    award = granting.award(preview, by=None)
    running.run_now(award.job)
    return award


def test_the_learners_of_a_filter_get_it_once(degree: Achievement):
    """The second preview says who has it already."""
    give(granting.preview(degree, awarded_on=DAY, learners=Learner.objects.all()))
    assert Assertion.objects.filter(achievement=degree, issued_on=DAY).count() == 5
    again = granting.preview(degree, awarded_on=DAY, learners=Learner.objects.all())
    assert (len(again.given), len(again.already)) == (0, 5)
    with pytest.raises(granting.AwardRefused):
        granting.award(again, by=None)


def test_a_csv_names_date_honours_and_result(degree: Achievement):
    """Identifier by student number or source id; BOM and blank lines do no harm."""
    table = "\ufeffidentifier,date,honours,result\r\nS-1,2026-06-01,magna cum laude,Distinction\r\n\r\nid-2,,,\r\n"
    preview = granting.preview(degree, awarded_on=DAY, csv_file=table.encode())
    assert preview.refused == []
    give(preview)
    first, second = Assertion.objects.order_by("learner__student_id")
    assert first.issued_on == date(2026, 6, 1)
    assert {each.result_description.result_type: each.value for each in first.results.all()} == {
        granting.HONOURS: "magna cum laude",
        "Result": "Distinction",
    }
    assert second.issued_on == DAY


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("identifier\nS-9\n", "identifier"),
        ("identifier\nS-1\nS-1\n", "identifier"),
        ("identifier,date\nS-1,31.05.2026\n", "date"),
        ("identifier,date\nS-1,2026-02-30\n", "date"),
        ("identifier,date\nS-1\n", ""),
        ("identifier,result\nS-1,Z\n", "result"),
    ],
)
def test_a_bad_line_is_refused_with_line_column_and_reason(degree: Achievement, table: str, column: str):
    """SEC-29."""
    ResultDescription.objects.create(achievement=degree, name="R", result_type="Result", allowed_values=["A"])
    preview = granting.preview(degree, awarded_on=DAY, csv_file=table.encode())
    [refused] = preview.refused
    assert refused.column == column
    assert refused.line >= 2
    assert refused.reason


@pytest.mark.parametrize("content", [b"\xff\xfe", b"identifier\nS-\x001\n", b"name\nS-1\n", b'identifier\n"S-1\n', b""])
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(degree: Achievement, content: bytes):
    """SEC-29."""
    with pytest.raises(granting.AwardRefused):
        granting.preview(degree, awarded_on=DAY, csv_file=content)


def test_the_same_nonce_awards_once(degree: Achievement):
    """REL-10."""
    preview = granting.preview(degree, awarded_on=DAY, learners=Learner.objects.all())
    assert granting.award(preview, by=None, nonce="n") == granting.award(preview, by=None, nonce="n")


def test_a_job_that_runs_twice_awards_once(degree: Achievement):
    """REL-06."""
    award = give(granting.preview(degree, awarded_on=DAY, learners=Learner.objects.all()))
    granting._give(award, award.rows)
    assert Assertion.objects.count() == 5


def test_an_award_is_undone_as_a_whole(degree: Achievement):
    """Its assertions are withdrawn; the learners may get it again."""
    award = give(granting.preview(degree, awarded_on=DAY, learners=Learner.objects.all()))
    assert granting.undo(award, by=None) == 5
    assert not Assertion.objects.standing().exists()
    with pytest.raises(granting.AwardRefused, match="before"):
        granting.undo(award, by=None)
    assert len(granting.preview(degree, awarded_on=DAY, learners=Learner.objects.all()).given) == 5


def test_an_award_that_issued_records_hold_is_not_undone(degree: Achievement, monkeypatch):
    """Nothing issued loses what it holds."""
    award = give(granting.preview(degree, awarded_on=DAY, learners=Learner.objects.all()))
    monkeypatch.setattr(granting, "ISSUED_OF", [lambda ids: 2])
    with pytest.raises(granting.AwardRefused, match="2 issued records"):
        granting.undo(award, by=None)


def test_honours_on_an_achievement_that_was_issued_make_a_new_version(degree: Achievement, monkeypatch):
    """Model: never edited in place."""
    monkeypatch.setattr(versions, "NAMED_BY_RECORDS", [lambda asked: asked])
    award = granting.award(
        granting.preview(degree, awarded_on=DAY, csv_file=b"identifier,honours\nS-1,cum laude\n"), by=None
    )
    assert award.achievement.version == 2
    assert not degree.result_descriptions.exists()


def test_the_room_above_answers_who_holds_what(db: None):
    """`issuance` registers its answers at start."""
    assert depending.named_achievements in versions.NAMED_BY_RECORDS
    assert depending.issued_of in granting.ISSUED_OF
