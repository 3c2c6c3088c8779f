"""The demo institution: imported, awarded, drafted, reviewed and issued by the same functions as a real one's data."""

import json
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements import granting
from apps.achievements import importing as case_importing
from apps.achievements.models import Achievement, AchievementAssociation
from apps.demo import elsewhere, emblem, outcomes, roster
from apps.institution import branding, keys
from apps.institution.models import CertificateDesign, Organization, Policy
from apps.issuance import batches, drafting, review, revoking, signing
from apps.issuance.models import Record
from apps.jobs import running
from apps.jobs.models import Job, OutboxEntry
from apps.learners.importing import import_bundle
from apps.learners.models import AcademicSession, AdvisorAssignment, Cohort, Learner

PASSWORD = "demo-portal-2026"  # noqa: S105  printed by the quick start; production refuses to start with it
PEOPLE = (
    ("registrar@demo.example", "Rosalind Achterberg", (Role.REGISTRAR, Role.APPROVER)),
    ("student@demo.example", "", (Role.LEARNER,)),
    ("advisor@demo.example", "Tobias Lindqvist", (Role.ADVISOR,)),
    ("admin@demo.example", "Ngozi Fairweather", (Role.ADMIN,)),
)
GRADES = [
    {"grade": letter, "points": points, "meaning": meaning}
    for letter, points, meaning in (
        ("A", "4.0", "Excellent"),
        ("A-", "3.7", ""),
        ("B+", "3.3", ""),
        ("B", "3.0", "Good"),
        ("B-", "2.7", ""),
        ("C+", "2.3", ""),
        ("C", "2.0", "Satisfactory"),
        ("D", "1.0", "Lowest passing grade"),
        ("F", "0.0", "No credit"),
        ("W", "", "Withdrew; no credit, not in the average"),
        ("I", "", "Incomplete; becomes F after one term"),
    )
]
LEGEND = """\
**Calendar.** Two semesters of fifteen weeks. **Credit.** One semester credit stands for about 45 hours of work.

**Average.** Grade points times credits, divided by the credits graded by points. When a course is taken again, the
latest attempt counts; every attempt stays on the record.

**Levels.** 100–299 lower division, 300–399 upper division.

**Accreditation.** Regional Board for Coastal Universities (a made-up body).
"""
STATEMENT = (
    "This record is released to its holder. It must not be passed on to others without the holder's written consent "
    "(34 CFR 99.33)."
)
ACTIVITIES = (
    ("Peer Tutor", "Co-Curricular", "Tutored first-year students for a semester, after a two-day training."),
    ("Student Senate", "Membership", "Elected by the student body for one academic year."),
    ("Estuary Clean-up", "CommunityService", "At least 20 hours on the shore with the county's volunteers."),
    ("Undergraduate Research Day", "Co-Curricular", "Presented own research as a poster or talk."),
    ("Community Clinic Volunteer", "CommunityService", "At least 40 hours at the harbor clinic's front desk."),
)
DEGREES = {
    "BS Data Science": "Bachelor of Science in Data Science",
    "BS Computer Science": "Bachelor of Science in Computer Science",
    "BS Biology": "Bachelor of Science in Biology",
    "BA Linguistics": "Bachelor of Arts in Linguistics",
    "BA Public Policy": "Bachelor of Arts in Public Policy",
    "BS Business Administration": "Bachelor of Science in Business Administration",
}

Say = Callable[[str], None]


def load(say: Say = lambda sentence: None) -> None:
    """Fills an empty database."""
    say("Importing the student system's export")
    _import_roster()
    home = _institution()
    people = _people()
    registrar = people["registrar@demo.example"]
    say("Importing the competency framework")
    case_importing.import_package(json.dumps(outcomes.package()).encode(), file_name="alder-bay-outcomes.json")
    say("Making achievements of the results")
    _finish_jobs()
    say("Awarding degrees and activities")
    _catalogue(home, registrar)
    graduates = _cohorts(registrar)
    _awards(registrar, graduates)
    _finish_jobs()
    say("Drafting, reviewing and issuing records")
    student = _student(people["student@demo.example"], graduates)
    _advising(people["advisor@demo.example"], registrar, student)
    _records(registrar, graduates, student)
    say("Gathering what the student earned elsewhere")
    elsewhere.gather(student)
    OutboxEntry.objects.filter(sent_at=None).update(sent_at=timezone.now())


def _import_roster() -> None:
    with tempfile.TemporaryDirectory(prefix="clrportal-demo-") as folder:
        bundle = Path(folder) / "alder-bay-spring-2026.zip"
        bundle.write_bytes(roster.archive())
        outcome = import_bundle(bundle)
    if not outcome.accepted:
        raise RuntimeError(f"The demo export was refused: {outcome.as_json()['errors'][:3]}")


def _finish_jobs() -> None:
    """Does the work that is due in this process, as a worker would."""
    for job in Job.objects.filter(state=Job.State.QUEUED).order_by("pk"):
        done = running.run_now(job)
        if done.state != Job.State.DONE:
            raise RuntimeError(f"{done.title}: {done.error}")


def _institution() -> Organization:
    home = Organization.objects.get(is_home=True)
    home.url = "https://www.alder-bay.example/"
    home.email = "registrar@alder-bay.example"
    home.telephone = "+1-555-0142"
    home.official = "Rosalind Achterberg, University Registrar"
    home.street_address = "1 Harbor Walk"
    home.address_locality = "Alder Bay"
    home.address_region = "WA"
    home.postal_code = "98000"
    home.address_country = "US"
    home.save()
    policy = Policy.current()
    policy.time_zone = "America/Los_Angeles"
    policy.save()
    keys.ensure_active_key(home)
    design = branding.current_design(home)
    CertificateDesign.objects.filter(pk=design.pk).update(
        institution_place="Alder Bay, Washington",
        seal=emblem.seal(),
        seal_type="image/svg+xml",
        signature=emblem.signature(),
        signature_type="image/svg+xml",
        signatory_name="Rosalind Achterberg",
        signatory_office="University Registrar",
        legend=LEGEND,
        grades=GRADES,
        statement=STATEMENT,
    )
    return home


def _people() -> dict[str, User]:
    people = {}
    for email, name, roles in PEOPLE:
        people[email] = User.objects.create_user(email, PASSWORD, name=name)
        give_roles(people[email], *roles)
    return people


def _catalogue(home: Organization, registrar: User) -> None:
    """Degrees with the courses of their program, and what students do beside their courses."""
    departments = dict(zip(roster.PROGRAMS, (key for key, _name in roster.DEPARTMENTS), strict=True))
    for program, title in DEGREES.items():
        degree = Achievement.objects.create(
            achievement_type=Achievement.Type.DEGREE,
            name=title,
            human_code=program,
            issuer=home,
            level="Bachelor",
            field_of_study=program.partition(" ")[2],
            description=f"Awarded after the courses of the program {program} and the general education requirements.",
            criteria_narrative="At least the courses of the program, and a **cumulative average of 2.0**.",
        )
        courses = Achievement.objects.current().filter(course__organization__source_id=departments[program])
        AchievementAssociation.objects.bulk_create(
            AchievementAssociation(achievement=course, association_type="isPartOf", target=degree) for course in courses
        )
    for name, kind, criteria in ACTIVITIES:
        Achievement.objects.create(
            achievement_type=kind, name=name, issuer=home, description=criteria, criteria_narrative=criteria
        )
    Achievement.objects.create(
        achievement_type=Achievement.Type.AWARD,
        name="Dean's List",
        issuer=home,
        description="A term average of 3.7 or better in at least twelve credits.",
        criteria_narrative="A term average of **3.7 or better** in at least twelve graded credits.",
    )


def _cohorts(registrar: User) -> Cohort:
    graduating = [student.source_id for student in roster.build().students if student.is_graduating]
    graduates = Cohort.objects.create(title="Class of 2026", description="Graduates of May 2026", created_by=registrar)
    graduates.learners.set(Learner.objects.filter(source_id__in=graduating))
    return graduates


def _award(name: str, learners: Any, on: date, by: User) -> None:
    achievement = Achievement.objects.current().get(name=name)
    found = granting.preview(achievement, awarded_on=on, learners=learners)
    granting.award(found, by=by, description=name)


def _awards(registrar: User, graduates: Cohort) -> None:
    for program, title in DEGREES.items():
        learners = graduates.learners.filter(program__title=program)
        if learners.exists():
            _award(title, learners, date(2026, 5, 16), registrar)
    everybody = list(Learner.objects.order_by("pk").values_list("pk", flat=True))
    chosen = list(graduates.learners.order_by("pk").values_list("pk", flat=True))
    for place, (name, _kind, _criteria) in enumerate(ACTIVITIES):
        some = {*everybody[place::7], *chosen[place::3]}
        _award(name, Learner.objects.filter(pk__in=some), date(2026, 4, 3 + place * 4), registrar)
    _award("Dean's List", Learner.objects.filter(pk__in=everybody[3::9]), date(2026, 1, 9), registrar)


def _student(user: User, graduates: Cohort) -> Learner:
    """The demo student is a graduate with activities; the sign-in takes the learner's name."""
    candidates = graduates.learners.filter(program__title="BS Data Science").order_by("pk")
    learner = next((one for one in candidates if one.name.isascii()), candidates[0])
    user.name = learner.name
    user.save(update_fields=["name"])
    learner.user = user
    learner.save(update_fields=["user"])
    return learner


def _advising(advisor: User, registrar: User, student: Learner) -> None:
    """Twenty learners in care, the demo student among them."""
    others = Learner.objects.exclude(pk=student.pk).filter(program=student.program).order_by("pk")[:19]
    caseload = Cohort.objects.create(title="Caseload of Tobias Lindqvist", created_by=registrar)
    caseload.learners.set([student, *others])
    AdvisorAssignment.objects.create(advisor=advisor, cohort=caseload, created_by=registrar)


def _approve(records: Any, by: User) -> list[Record]:
    """Sends drafts to review and approves what goes through."""
    drafts = list(records.select_related("learner", "draft"))
    _snapshots, refused = review.submit_many(drafts, by=by)
    approved = []
    for record in Record.objects.filter(pk__in=[one.pk for one in drafts if one.pk not in refused]):
        review.approve(record, by=by, version=record.version)
        approved.append(record)
    return approved


def _issue(records: Any, by: User, title: str) -> None:
    batch = batches.start(records, by=by, title=title)
    ids = list(batch.work.values_list("pk", flat=True))
    while signing.issue_due(only=ids).issued:
        pass


def _records(registrar: User, graduates: Cohort, student: Learner) -> None:
    """Issued, half-issued, waiting and drafted records; the student's own with a replaced and a revoked one."""
    term = {one.source_id: one for one in AcademicSession.objects.filter(type="semester")}
    early = drafting.draft_for(student, by=registrar, term=term["spring-2025"], title="Record of Spring 2025")
    _issue(_approve(Record.objects.filter(pk=early.pk), registrar), registrar, "Record of Spring 2025")
    early.refresh_from_db()
    revoking.revoke(early, by=registrar, reason="The course list was that of another term.")
    drafting.draft_many(graduates.learners.all(), by=registrar, title="Official academic record")
    open_drafts = Record.objects.filter(learner__in=graduates.learners.all(), state=Record.State.DRAFT)
    approved = _approve(open_drafts, registrar)
    [own] = [one for one in approved if one.learner_id == student.pk]
    _issue([own], registrar, "Official academic record")
    own.refresh_from_db()
    correction = revoking.reissue(own, by=registrar, reason="Honors were left out.")
    _issue(_approve(Record.objects.filter(pk=correction.pk), registrar), registrar, "Correction")
    class_batch = batches.start(approved, by=registrar, title="Class of 2026, May conferral")
    batches.pause(class_batch, by=registrar)
    work = list(class_batch.work.order_by("pk").values_list("pk", flat=True))
    batches.resume(class_batch, by=registrar)
    signing.issue_due(only=work[: len(work) // 2])
    batches.pause(class_batch, by=registrar)
    others = Learner.objects.exclude(cohorts=graduates).filter(program__title="BA Linguistics")
    outcome = drafting.draft_many(others, by=registrar)
    _snapshots, _refused = review.submit_many(
        list(Record.objects.filter(pk__in=outcome.records[:8]).select_related("learner", "draft")), by=registrar
    )
