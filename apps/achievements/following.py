"""What follows an import of student data here: assertions are made right after, and taken back before an undo."""

from typing import Any

from django.db import transaction

from apps.achievements import awarding
from apps.achievements.models import Achievement, Assertion, FrameworkItem
from apps.jobs import running
from apps.jobs.models import Job
from apps.jobs.running import Progress
from apps.learners import importing
from apps.learners.models import Course, CourseSection, Enrollment, ImportRun, Learner
from apps.standards.case.model import is_uuid

KIND = "award-results"


@running.kind(KIND)
def work(job: Job, progress: Progress) -> None:
    """Brings the assertions of one student system up to its results."""
    outcome = awarding.award_results(
        job.arguments["source"],
        by=job.created_by,
        progress=lambda done, total: progress.update(done=done, total=total),
    )
    job.result.update(
        made=outcome.made, changed=outcome.changed, withdrawn=outcome.withdrawn, achievements=outcome.achievements
    )


def start(source: str, *, by: Any = None, nonce: str | None = None) -> Job:
    """Queues the work for one student system."""
    return running.start(KIND, "Assertions from imported results", arguments={"source": source}, user=by, nonce=nonce)


def finish_waiting() -> int:
    """Does what is queued in this process, for commands that need the assertions now; gives how many jobs ran."""
    waiting = list(Job.objects.filter(kind=KIND, state=Job.State.QUEUED).order_by("pk"))
    for job in waiting:
        running.run_now(job)
    return len(waiting)


def after_import(run: ImportRun) -> None:
    """Right after an import, so that advisors see progress before anybody drafts a record."""
    if run.kind == ImportRun.Kind.ONEROSTER:
        start(run.source, by=run.created_by, nonce=f"award-{run.public_id}")


def before_undo(run: ImportRun) -> None:
    """Takes away what was derived from rows that go, and derives the rest anew afterwards."""
    going = {model: importing.added_by(run, model).values("pk") for model in (Learner, CourseSection, Enrollment)}
    derived = Assertion.objects.filter(source=run.source, award=None)
    for field, model in (("learner", Learner), ("section", CourseSection), ("enrollment", Enrollment)):
        derived.filter(**{f"{field}__in": going[model]}).delete()
    Assertion.objects.filter(import_run=run).update(import_run=None)
    courses = importing.added_by(run, Course).values("pk")
    Achievement.objects.filter(course__in=courses, assertions=None).delete()
    Achievement.objects.filter(import_run=run).update(import_run=None)
    transaction.on_commit(lambda: start(run.source))


def known_objectives(names: set[str]) -> set[str]:
    """Of learning objectives, those whose framework is stored (ROST-37)."""
    by_identifier = {name.removeprefix("urn:uuid:").lower(): name for name in names}
    asked = [identifier for identifier in by_identifier if is_uuid(identifier)]
    stored = FrameworkItem.objects.filter(identifier__in=asked).values_list("identifier", flat=True)
    return {by_identifier[str(identifier)] for identifier in stored}


def register() -> None:
    """Tells the imports of student data."""
    importing.after_import(after_import)
    importing.before_undo(before_undo)
    importing.register_objectives(known_objectives)
