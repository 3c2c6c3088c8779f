"""Competency progress from what learners have earned (part E, CASE-40 to CASE-46)."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.achievements import frameworks
from apps.achievements.models import (
    Achievement,
    Framework,
    FrameworkItem,
    Result,
    ResultDescription,
    RubricCriterionLevel,
)
from apps.issuance.models import Revocation
from apps.learners.models import Learner
from apps.reporting.progress import Standing, coverage, learner_progress
from tests.achievements.factories import achievement
from tests.reporting.factories import aligned, earned, learner


def item(code: str) -> str:
    return str(FrameworkItem.objects.get(human_coding_scheme=code).identifier)


def share(framework: Framework, who: Learner, code: str) -> float:
    return coverage([who.pk], framework).share(who.pk, item(code))


def test_it_works(cedar: Framework) -> None:
    """CASE-40, CASE-47: one leaf of eight."""
    ada = learner()
    earned(ada, aligned("CF.1.1.a"))

    assert share(cedar, ada, "CF.1.1.a") == 1.0
    assert share(cedar, ada, "CF.1.1") == 0.5
    assert share(cedar, ada, "CF.1") == 0.125


@pytest.mark.parametrize("status", ["Failed", "Withdrew", "InProgress", "Enrolled", "OnHold"])
def test_what_was_not_passed_covers_nothing(cedar: Framework, status: str) -> None:
    """CASE-46."""
    ada = learner()
    earned(ada, aligned("CF.1.1.a"), status=status)

    assert share(cedar, ada, "CF.1.1.a") == 0.0


def test_what_does_not_stand_covers_nothing(cedar: Framework) -> None:
    """CASE-46: withdrawn, expired, revoked."""
    ada = learner()
    earned(ada, aligned("CF.1.1.a"), withdrawn_at=timezone.now())
    earned(ada, aligned("CF.1.1.b"), expires=timezone.now() - timedelta(days=1))
    revoked = earned(ada, aligned("CF.1.2.a"))
    Revocation.objects.create(assertion=revoked, document_id="urn:x", reason="Given by mistake")
    earned(ada, aligned("CF.1.2.b"), expires=timezone.now() + timedelta(days=1))

    assert [share(cedar, ada, code) for code in ("CF.1.1.a", "CF.1.1.b", "CF.1.2.a", "CF.1.2.b")] == [0, 0, 0, 1]


def test_what_goes_on_is_in_progress(cedar: Framework) -> None:
    """Achieved, in progress, not yet."""
    ada = learner()
    earned(ada, aligned("CF.1.1"))
    earned(ada, aligned("CF.1.2.a"), status="InProgress")
    progress = learner_progress(ada, cedar)
    standing = {line.entry.code: line.standing for line in progress.lines(item("CF.1"))}

    assert standing["CF.1.1"] == Standing.ACHIEVED
    assert standing["CF.1.2"] == Standing.IN_PROGRESS
    assert standing["CF.1.3"] == Standing.NOT_YET


def test_an_achievement_may_be_the_competency_itself(cedar: Framework) -> None:
    """G2: an achievement of type Competency."""
    ada = learner()
    earned(ada, achievement("C", competency=FrameworkItem.objects.get(human_coding_scheme="CF.2.1")))

    assert share(cedar, ada, "CF.2.1") == 1.0


def test_an_aligned_result_counts_for_itself(cedar: Framework) -> None:
    """G1: resultLearningObjectiveIds count when passing, whatever the course's grade; failing ones do not."""
    ada = learner()
    course = aligned("CF.1.2", "Course")
    assertion = earned(ada, course)
    about = ResultDescription.objects.create(achievement=course, name="Level", result_type="PerformanceLevel")
    for code, status in (("CF.2.1", "Completed"), ("CF.2.3", "Failed")):
        result = Result.objects.create(assertion=assertion, result_description=about, status=status)
        frameworks.align(result, FrameworkItem.objects.get(human_coding_scheme=code))

    assert share(cedar, ada, "CF.2.1") == 1.0
    assert share(cedar, ada, "CF.2.3") == 0.0
    assert share(cedar, ada, "CF.1.2") == 1.0


def test_a_required_level_must_be_reached(cedar: Framework) -> None:
    """Part E: covered only when the result reaches it."""
    course: Achievement = achievement("Rubric course")
    about = ResultDescription.objects.create(achievement=course, name="Question", result_type="RubricCriterionLevel")
    low, high = (
        RubricCriterionLevel.objects.create(result_description=about, name=name, position=position)
        for position, name in enumerate(("low", "high"))
    )
    about.required_level = high
    about.save()
    frameworks.align(about, FrameworkItem.objects.get(human_coding_scheme="CF.1.1"))
    ada, ben = learner("Ada"), learner("Ben")
    for who, level in ((ada, low), (ben, high)):
        assertion = earned(who, course, status="")
        Result.objects.create(assertion=assertion, result_description=about, achieved_level=level)

    assert share(cedar, ada, "CF.1.1") == 0.0
    assert share(cedar, ben, "CF.1.1") == 1.0


def test_evidence_says_what_it_names(cedar: Framework) -> None:
    """CASE-41: covered by a parent is shown as such, not as asserted."""
    ada = learner()
    direct = earned(ada, aligned("CF.1.1.a"))
    above = earned(ada, aligned("CF.1.1"))
    grounds = learner_progress(ada, cedar).grounds(item("CF.1.1.a"))

    assert [(ground.assertion, ground.is_direct) for ground in grounds] == [(direct, True), (above, False)]
    assert grounds[1].by_name.startswith("CF.1.1 ")


def test_the_number_of_queries_is_constant(cedar: Framework, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """Model: one learner or fifty, the same number of queries."""
    what = [aligned(code) for code in ("CF.1.1.a", "CF.2.1")]
    people = [learner(f"L{n}") for n in range(50)]
    for who in people:
        earned(who, what[who.pk % 2])
    coverage([people[0].pk], cedar)

    with django_assert_num_queries(6):
        coverage([people[0].pk], cedar)
    with django_assert_num_queries(6):
        found = coverage([who.pk for who in people], cedar)
    assert len(found.covered) == 50
