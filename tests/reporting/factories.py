"""Learners with an advisor, a framework and things earned, for the tests of reporting."""

from typing import Any

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements import frameworks
from apps.achievements.models import Achievement, Assertion, FrameworkItem, Result, ResultDescription
from apps.learners.models import AdvisorAssignment, Cohort, Learner
from tests.achievements.factories import achievement


def person(email: str, *roles: str) -> User:
    user = User.objects.create_user(email=email, password="a long enough password")
    give_roles(user, *roles)
    return user


def advisor(email: str = "advisor@example.edu") -> User:
    return person(email, Role.ADVISOR)


def learner(name: str = "Ada", *, in_care_of: User | None = None, cohort: Cohort | None = None) -> Learner:
    made = Learner(given_name=name, family_name="Example", student_id=f"S-{name}")
    made.set_search_fields()
    made.save()
    if in_care_of is not None:
        AdvisorAssignment.objects.create(advisor=in_care_of, learner=made)
    if cohort is not None:
        cohort.learners.add(made)
    return made


def aligned(code: str, name: str = "") -> Achievement:
    """An achievement aligned to the item with this code."""
    made = achievement(name or f"Shows {code}")
    frameworks.align(made, FrameworkItem.objects.get(human_coding_scheme=code))
    return made


def earned(by: Learner, what: Achievement, status: str = Result.Status.COMPLETED, **more: Any) -> Assertion:
    assertion = Assertion.objects.create(learner=by, achievement=what, **more)
    if status:
        description, _created = ResultDescription.objects.get_or_create(
            achievement=what, result_type="LetterGrade", defaults={"name": "Grade"}
        )
        Result.objects.create(assertion=assertion, result_description=description, status=status)
    return assertion
