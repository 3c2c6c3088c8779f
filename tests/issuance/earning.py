"""A small institution with learners who have earned things, for the tests of this room."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements.models import Achievement, Assertion, Result, ResultDescription
from apps.institution.models import Organization
from apps.issuance import batches, drafting, review, signing
from apps.issuance.models import Record
from apps.learners.models import AcademicSession, Course, Learner

SIGNED = b"."


@dataclass
class School:
    """The institution and its people."""

    home: Organization
    registrar: User
    approver: User
    fall: AcademicSession
    spring: AcademicSession
    courses: dict[str, Achievement] = field(default_factory=dict)

    def learner(self, number: int = 1, given: str = "Wanjiru", family: str = "Grünwald-Ōtani") -> Learner:
        """A learner with a number of their own."""
        return Learner.objects.create(
            given_name=given,
            family_name=family,
            student_id=f"S-{number:05}",
            email=f"s{number}@students.example",
            source="sis",
            source_id=f"learner-{number}",
        )

    def course(self, code: str, title: str = "", credits: str = "3") -> Achievement:
        """A course as an achievement with letter grade, grade points and status."""
        if code in self.courses:
            return self.courses[code]
        course = Course.objects.create(title=title or code, code=code, credits=Decimal(credits))
        achievement = Achievement.objects.create(
            achievement_type="Course",
            name=title or f"Title of {code}",
            human_code=code,
            issuer=self.home,
            course=course,
            credits_available=Decimal(credits),
        )
        for position, (name, kind, options) in enumerate(
            [
                ("Final grade", "LetterGrade", {"allowed_values": ["F", "D", "C", "B", "A"], "required_value": "D"}),
                ("Grade points", "GradePointAverage", {"value_min": "0.0", "value_max": "4.0"}),
                ("Status", "Status", {}),
            ]
        ):
            ResultDescription.objects.create(
                achievement=achievement, name=name, result_type=kind, position=position, **options
            )
        self.courses[code] = achievement
        return achievement

    def passes(
        self,
        learner: Learner,
        code: str,
        grade: str = "A",
        points: str = "4.0",
        *,
        session: AcademicSession | None = None,
        credits: str = "3",
        status: str = "Completed",
    ) -> Assertion:
        """A course of record."""
        session = session or self.fall
        achievement = self.course(code, credits=credits)
        assertion = Assertion.objects.create(
            learner=learner,
            achievement=achievement,
            issued_on=session.end_date,
            activity_start_date=session.start_date,
            activity_end_date=session.end_date,
            session=session,
            term=session.title,
            credits_attempted=Decimal(credits),
            credits_earned=Decimal(credits) if status == "Completed" else Decimal(0),
            role="Student",
        )
        said = {"LetterGrade": {"value": grade}, "GradePointAverage": {"value": points}, "Status": {"status": status}}
        for description in achievement.result_descriptions.all():
            values = said[description.result_type]
            if any(values.values()):
                Result.objects.create(
                    assertion=assertion,
                    result_description=description,
                    position=description.position,
                    **values,
                )
        return assertion

    def drafted(self, learner: Learner | None = None) -> Record:
        """A draft with two courses."""
        learner = learner or self.learner()
        if not learner.assertions.exists():
            self.passes(learner, "MATH 101")
            self.passes(learner, "CHEM 141", "B", "3.0", session=self.spring)
        return drafting.draft_for(learner, by=self.registrar)

    def in_review(self, learner: Learner | None = None) -> Record:
        """A record in review."""
        record = self.drafted(learner)
        review.submit(record, by=self.registrar, version=record.version)
        return record

    def approved(self, learner: Learner | None = None) -> Record:
        """An approved record."""
        record = self.in_review(learner)
        review.approve(record, by=self.approver, version=record.version)
        return record

    def many_approved(self, count: int) -> list[Record]:
        """Approved records of as many learners."""
        return [self.approved(self.learner(number)) for number in range(100, 100 + count)]

    def issued(self, learner: Learner | None = None) -> Record:
        """An issued record."""
        record = self.approved(learner)
        batches.start([record], by=self.registrar)
        signing.issue_due()
        record.refresh_from_db()
        return record


def found_school() -> School:
    """The institution, a registrar and an approver, two terms."""
    home = Organization.objects.create(name="Harbour Lantern University", is_home=True, official="Marta Quispe")
    registrar = User.objects.create_user("registrar@school.example", name="Registrar")
    approver = User.objects.create_user("approver@school.example", name="Approver")
    give_roles(registrar, Role.REGISTRAR, Role.APPROVER)
    give_roles(approver, Role.APPROVER)
    fall = AcademicSession.objects.create(
        title="Fall 2024",
        type="semester",
        start_date=date(2024, 8, 25),
        end_date=date(2024, 12, 19),
        school_year=2025,
        source="sis",
        source_id="fall",
    )
    spring = AcademicSession.objects.create(
        title="Spring 2025",
        type="semester",
        start_date=date(2025, 1, 12),
        end_date=date(2025, 5, 15),
        school_year=2025,
        source="sis",
        source_id="spring",
    )
    return School(home, registrar, approver, fall, spring)
