"""Results of record become assertions right after an import (digest CASE/OneRoster, B1 to B5; ROST-30 to 33, 37)."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.achievements import awarding, versions
from apps.achievements.models import Achievement, Assertion
from apps.institution.models import Policy
from apps.issuance import content, drafting
from apps.issuance.models import Draft, DraftItem, Record
from apps.learners.importing import import_bundle, undo
from apps.learners.models import CourseResult, ImportRun, Learner

CASES = "samples/oneroster/cases"


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    """Keys and files of the test's own."""
    settings.KEK_FILE = tmp_path / "kek.key"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    settings.FILES_DIR = tmp_path / "files"


@pytest.fixture(scope="module")
def imported(shared: Path, module_db: None) -> str:
    """The main sample, imported and awarded once for all tests of this module; gives its source."""
    outcome = import_bundle(shared / CASES / "valid-1.1-main.zip")
    assert outcome.accepted
    awarding.award_results(outcome.source)
    return outcome.source


@pytest.fixture
def source(imported: str, db: None) -> str:
    """The same, within what this test may change."""
    return imported


def of_record(shared: Path) -> list[dict[str, str]]:
    """The lines of the sample that are of record."""
    with (shared / CASES / "valid-1.1-main" / "results.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["lineItemSourcedId"].endswith(".final")]


def test_every_result_of_record_becomes_one_assertion_with_its_values(source: str, shared: Path):
    """ROST-30: credits, letter, score and grade points each arrive; others are never issued (B1)."""
    rows = of_record(shared)
    with_result = Assertion.objects.filter(results__status__in=["Completed", "Failed", "Withdrew", "InProgress"])
    assert with_result.distinct().count() == len(rows)
    row = next(row for row in rows if row["metadata.letterGrade"] == "B+")
    section = row["lineItemSourcedId"].removesuffix(".final")
    assertion = Assertion.objects.get(source_id=f"{section}|{row['studentSourcedId']}")
    values = {each.result_description.result_type: each.value for each in assertion.results.all()}
    assert values["LetterGrade"] == "B+"
    assert Decimal(values["Percent"]) == Decimal(row["score"])
    assert Decimal(values["GradePointAverage"]) == Decimal(row["metadata.gradePoints"])
    assert assertion.credits_earned == Decimal(row["metadata.creditsEarned"])
    assert assertion.credits_attempted == Decimal(row["metadata.creditsAttempted"])
    assert assertion.role == "Student"
    assert assertion.issued_on == assertion.session.end_date
    assert assertion.achievement.human_code
    assert assertion.assessor.kind == "department"


@pytest.mark.parametrize(
    ("letter", "status", "earned", "takes_part"),
    [("W", "Withdrew", 0, False), ("I", "InProgress", 0, False), ("NP", "Failed", 0, True), ("F", "Failed", 0, True)],
)
def test_what_earns_nothing_says_so(source: str, shared: Path, letter: str, status: str, earned: int, takes_part: bool):
    """ROST-31, REG-05: attempted, not earned, and shown by its code."""
    row = next(row for row in of_record(shared) if row["metadata.letterGrade"] == letter)
    section = row["lineItemSourcedId"].removesuffix(".final")
    assertion = Assertion.objects.get(source_id=f"{section}|{row['studentSourcedId']}")
    [told] = [each for each in assertion.results.all() if each.status]
    assert told.status == status
    assert assertion.credits_earned == earned
    assert assertion.credits_attempted == Decimal(row["metadata.creditsAttempted"])
    if not takes_part:
        assert told.value == letter
    assert not [
        each
        for each in assertion.results.all()
        if letter != "F" and each.result_description.result_type == "GradePointAverage"
    ]


@pytest.mark.parametrize("rule", ["latest", "highest", "all"])
def test_the_totals_of_the_sample_come_out_exactly(source: str, shared: Path, rule: str):
    """ROST-32, REG-04: for each repeat rule, as the record says them."""
    Policy.current()
    Policy.objects.update(repeat_rule=rule)
    expected = json.loads((shared / "samples/oneroster/totals.json").read_text())["cases"]
    wanted = {case["learner"]: case for case in expected if case["repeatRule"] == rule}
    drafting.draft_many(Learner.objects.filter(source_id__in=wanted), by=None)
    drafts = content.drafts_with_all(Draft.objects.all())
    material = content.gather(drafts)
    assert len(drafts) == len(wanted)
    for draft in drafts:
        transcript = material.clr_of(draft).assertions[-1]
        names = {each.id: each.name for each in transcript.achievement.result_descriptions}
        said = {names[each.result_description]: each.value for each in transcript.results}
        case = wanted[draft.record.learner.source_id]
        for name, key in (
            ("credits attempted", "attempted"),
            ("credits earned", "earned"),
            ("GPA credits", "gpaCredits"),
            ("quality points", "qualityPoints"),
            ("grade point average", "gpa"),
        ):
            assert Decimal(said[f"Cumulative: {name}"]) == Decimal(case[key])


def test_awarding_again_changes_nothing(source: str):
    """Idempotent: the second run finds everything unchanged."""
    outcome = awarding.award_results(source)
    assert (outcome.made, outcome.changed, outcome.withdrawn, outcome.achievements) == (0, 0, 0, 0)
    assert outcome.unchanged == Assertion.objects.count()


def test_a_changed_result_makes_the_draft_stale_and_leaves_the_version_behind(source: str):
    """ROST-33: the assertion changes its version; what holds the old one can be seen."""
    learner = CourseResult.objects.filter(score_status="fully graded").first().learner
    drafting.draft_many([learner.pk], by=None)
    result = CourseResult.objects.filter(learner=learner, score_status="fully graded").filter(
        line_item__category__title="Final Grade"
    )[0]
    result.text_score = "D" if result.text_score != "D" else "C"
    result.save()
    assert awarding.award_results(source).changed == 1
    [stale] = [item for item in DraftItem.objects.all() if item.source_version != item.assertion.version]
    assert stale.assertion.source_id.endswith(learner.source_id)
    assert Record.objects.with_staleness().get().is_stale


def test_a_result_that_went_is_withdrawn_and_comes_back(source: str):
    """A7: ended results make no records; nothing is deleted."""
    result = CourseResult.objects.filter(line_item__category__title="Final Grade").first()
    CourseResult.objects.filter(pk=result.pk).update(ended_at="2026-01-01T00:00Z")
    section, learner = result.line_item.section, result.learner
    section.enrollments.filter(learner=learner).update(ended_at="2026-01-01T00:00Z")
    assert awarding.award_results(source).withdrawn == 1
    CourseResult.objects.filter(pk=result.pk).update(ended_at=None)
    assert awarding.award_results(source).changed == 1
    assert not Assertion.objects.exclude(withdrawn_at=None).exists()


def test_two_results_of_record_are_a_problem_of_the_assertion(source: str):
    """B1: an error in the draft, not in the import."""
    result = CourseResult.objects.filter(line_item__category__title="Final Grade").first()
    result.pk, result.source_id = None, "second"
    result.save()
    awarding.award_results(source)
    assert Assertion.objects.exclude(problem="").count() == 1


def test_an_achievement_that_a_record_names_gets_a_new_version(source: str, monkeypatch):
    """Model: never edited in place."""
    achievement = Achievement.objects.filter(course__isnull=False).first()
    monkeypatch.setattr(versions, "NAMED_BY_RECORDS", [lambda asked: asked & {achievement.pk}])
    achievement.course.title = "Renamed"
    achievement.course.save()
    awarding.award_results(source)
    achievement.refresh_from_db()
    assert achievement.name != "Renamed"
    assert achievement.replaced_by.name == "Renamed"
    assert achievement.replaced_by.version == 2
    assert achievement.replaced_by.result_descriptions.count() == achievement.result_descriptions.count()


def test_an_undone_import_takes_its_assertions_and_drafts_with_it(source: str):
    """An import can be undone as a whole while nothing issued depends on it."""
    drafting.draft_many(Learner.objects.all(), by=None)
    undo(ImportRun.objects.get())
    assert not Assertion.objects.exists()
    assert not Draft.objects.exists()
    assert not Learner.objects.exists()
