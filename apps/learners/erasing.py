"""What the rooms of people hold of a learner, and what of it goes (PRIV-05)."""

from datetime import datetime
from uuid import UUID

from apps.accounts import forgetting
from apps.institution import erasing, files
from apps.institution.models import Erasure
from apps.jobs import retention
from apps.jobs.models import OutboxEntry
from apps.learners.importing import protocols
from apps.learners.models import AdvisorAssignment, CourseResult, ImportChange, ImportRun, Learner, LearnerIdentifier

PROFILE = (
    *("preferred_given_name", "preferred_middle_name", "preferred_family_name", "pronouns", "email", "telephone"),
    *("master_identifier",),
)
NAME = ("given_name", "additional_name", "family_name", "student_id")


def erase(learner_id: UUID, records: bool) -> int:
    """The profile, the sign-in, who advises; with the records also name, number and comments."""
    learner = Learner.objects.select_related("user").filter(public_id=learner_id).first()
    if learner is None:
        return 0
    user, learner.user = learner.user, None
    for column in (*PROFILE, *(NAME if records else ())):
        setattr(learner, column, "")
    learner.birth_date, learner.metadata = None, {}
    learner.save()
    learner.history.all().delete()
    learner.cohorts.clear()
    LearnerIdentifier.objects.filter(learner=learner).delete()
    AdvisorAssignment.objects.filter(learner=learner).delete()
    ImportChange.objects.filter(model__iendswith="learner", row=learner.pk).update(before={})
    OutboxEntry.objects.filter(recipient_id=str(learner_id), sent_at=None).delete()
    if records:
        CourseResult.objects.filter(learner=learner).update(comment="")
    forgetting.forget_invitations(learner_id)
    if user is not None:
        forgetting.forget_user(user)
    return 1


def erase_again_after_import(run: ImportRun) -> None:
    """A newer export that still holds somebody who was erased does not bring the profile back."""
    for learner_id, records in Erasure.objects.values_list("learner_id", "records"):
        if Learner.objects.filter(public_id=learner_id, import_run=run).exists():
            erase(learner_id, records)


@retention.rule("import_files")
def import_files(before: datetime, dry_run: bool) -> int:
    """The files that were imported; what came of them stands in the tables."""
    old = set(ImportRun.objects.filter(created_at__lt=before).values_list("digest", flat=True)) - {""}
    old -= set(ImportRun.objects.filter(created_at__gte=before).values_list("digest", flat=True))
    there = [digest for digest in old if files.path_of(digest).exists()]
    return len(there) if dry_run else sum(files.remove(digest) for digest in there)


@retention.rule("import_reports")
def import_reports(before: datetime, dry_run: bool) -> int:
    """What an import found wrong, row by row."""
    old = ImportRun.objects.filter(created_at__lt=before).exclude(errors=[], warnings=[], preview={})
    return old.count() if dry_run else old.update(errors=[], warnings=[], preview={})


def register() -> None:
    """Names the eraser, and watches imports."""
    erasing.register("profile", erase)
    protocols.after_import(erase_again_after_import)
