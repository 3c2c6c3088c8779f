"""Credits and grade point average by the repeat rules of B5 (ROST-31, ROST-32)."""

import csv
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from apps.learners.totals import Attempt, totals

NAMES = {
    "letter_grade": "metadata.letterGrade",
    "grade_points": "metadata.gradePoints",
    "credits_attempted": "metadata.creditsAttempted",
    "credits_earned": "metadata.creditsEarned",
}
FALL, SPRING = date(2025, 8, 25), date(2026, 1, 12)


def attempt(course="MATH 101", began=FALL, letter="B", points="3.0", credits="3", earned=None, status="fully graded"):
    metadata = {"metadata.letterGrade": letter, "metadata.gradePoints": points, "metadata.creditsAttempted": credits}
    if earned is not None:
        metadata["metadata.creditsEarned"] = earned
    return Attempt.of(course=course, began=began, status=status, letter="", metadata=metadata, names=NAMES)


def _table(folder: Path, name: str) -> dict[str, dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["sourcedId"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def learners(shared: Path) -> dict[str, list[Attempt]]:
    """The attempts of record in the sample, by learner."""
    folder = shared / "samples" / "oneroster" / "cases" / "valid-1.1-main"
    items, classes, courses, terms, kinds = (
        _table(folder, name) for name in ("lineItems", "classes", "courses", "academicSessions", "categories")
    )
    found: dict[str, list[Attempt]] = {}
    for row in _table(folder, "results").values():
        item = items[row["lineItemSourcedId"]]
        if kinds[item["categorySourcedId"]]["title"] != "Final Grade":
            continue
        section = classes[item["classSourcedId"]]
        course = courses[section["courseSourcedId"]]
        found.setdefault(row["studentSourcedId"], []).append(
            Attempt.of(
                course=course["sourcedId"],
                began=date.fromisoformat(terms[section["termSourcedIds"].split(",")[0]]["startDate"]),
                status=row["scoreStatus"],
                letter="",
                metadata=row,
                names=NAMES,
                course_credits=Decimal(course["metadata.credits"]),
            )
        )
    return found


@pytest.mark.parametrize("rule", ["latest", "highest", "all"])
def test_rost_32_gives_the_totals_of_the_sample(shared, learners, rule):
    expected = json.loads((shared / "samples" / "oneroster" / "totals.json").read_text(encoding="utf-8"))["cases"]
    cases = [case for case in expected if case["repeatRule"] == rule]
    assert cases
    for case in cases:
        got = totals(learners[case["learner"]], rule)
        assert got.results == case["results"]
        assert got.attempted == Decimal(case["attempted"])
        assert got.earned == Decimal(case["earned"])
        assert got.gpa_credits == Decimal(case["gpaCredits"])
        assert got.quality_points == Decimal(case["qualityPoints"])
        assert got.gpa == (None if case["gpa"] is None else Decimal(case["gpa"]))


def test_a_repeated_course_counts_once_and_earns_once():
    tries = [attempt(letter="A", points="4.0"), attempt(began=SPRING, letter="C", points="2.0")]
    assert totals(tries, "latest").gpa == Decimal("2.00")
    assert totals(tries, "latest").counting == (False, True)
    assert totals(tries, "highest").gpa == Decimal("4.00")
    assert totals(tries, "all").gpa == Decimal("3.00")
    assert {totals(tries, rule).earned for rule in ("latest", "highest", "all")} == {Decimal(3)}
    assert {totals(tries, rule).attempted for rule in ("latest", "highest", "all")} == {Decimal(6)}


@pytest.mark.parametrize(
    "later",
    [
        attempt(began=SPRING, letter="W", points="", status="exempt"),
        attempt(began=SPRING, letter="I", points="", status="partially graded"),
        attempt(began=SPRING, letter="AU", points=""),
        attempt(began=SPRING, letter="", points="", status="not submitted"),
    ],
)
def test_rost_31_withdrawn_incomplete_audit_and_missing_never_replace(later):
    got = totals([attempt(), later], "latest")
    assert (got.attempted, got.earned, got.gpa) == (Decimal(6), Decimal(3), Decimal("3.00"))


def test_pass_no_pass_earns_without_weight():
    got = totals([attempt(letter="P", points=""), attempt("ART 1", letter="NP", points="")])
    assert (got.earned, got.gpa_credits, got.gpa) == (Decimal(3), Decimal(0), None)


def test_no_credits_give_no_average_rather_than_zero():
    assert totals([]).gpa is None


def test_rounds_half_up():
    assert totals([attempt(points="2.5"), attempt("B", points="2.51")], "all").gpa == Decimal("2.51")


def test_failing_without_sent_credits_earns_nothing():
    assert totals([attempt(letter="F", points="0.0")]).earned == Decimal(0)


def test_highest_without_points_takes_the_last():
    assert totals([attempt(points="", earned="2"), attempt(began=SPRING, points="")], "highest").counting == (
        False,
        True,
    )


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="repeat rule"):
        totals([], "best")
