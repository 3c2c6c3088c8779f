"""What is kept how long, and what goes when a person is erased (PRIV-05, REL-14, REL-22)."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.institution import audit, erasing, files
from apps.institution.models import AuditEntry, Erasure
from apps.issuance import documents
from apps.issuance.models import IssuedDocument, Publicity, Record
from apps.jobs import retention
from apps.jobs.models import IdempotencyKey, Job
from apps.learners.models import ImportRun, Learner, LearnerIdentifier
from tests.issuance.conftest import own_files, school  # noqa: F401  the school and its own files
from tests.issuance.earning import School

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(school: School) -> Learner:  # noqa: F811
    """A learner with a sign-in, an issued public record, and a draft."""
    learner = school.learner(7, "Ada", "Quillfeather")
    learner.birth_date, learner.pronouns, learner.telephone = timezone.localdate(), "she", "555-0199"
    learner.user = User.objects.create_user("ada@students.example", name="Ada Quillfeather")
    learner.save()
    give_roles(learner.user, Role.LEARNER)
    LearnerIdentifier.objects.create(learner=learner, type="card", value="C-99")
    record = school.issued(learner)
    documents.pdf(record)
    Publicity.objects.update_or_create(record=record, defaults={"is_public": True})
    school.passes(learner, "HIST 201")
    school.drafted(learner)
    return learner


def test_priv_05_the_profile_goes_and_the_issued_record_stays_unpublished(
    ada: Learner, django_capture_on_commit_callbacks: Any
):
    """PRIV-05: sign-in, addresses, identifiers, drafts go; the transcript is shown to the registrar alone."""
    record = Record.objects.get(state="issued")
    address = f"/ims/clr/v1p0/clrs/{record.public_id}"
    assert Client().get(address).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        erasing.erase(ada.public_id, ground="asked for it")

    ada.refresh_from_db()
    assert (ada.email, ada.telephone, ada.pronouns, ada.birth_date, ada.user) == ("", "", "", None, None)
    assert ada.name == "Ada Quillfeather"  # what the registrar sees beside a record that stays
    assert not ada.identifiers.exists() and not ada.history.exists()
    user = User.objects.exclude(email__contains="school.example").get()
    assert not user.is_active and user.name == "" and "ada" not in user.email
    assert [each.state for each in Record.objects.filter(learner=ada)] == ["issued"]
    assert documents.jws(record)
    assert Client().get(address).status_code == 401  # as if it had never been (contract, addresses)
    assert Client().get(f"/verify/{record.code}").status_code == 404
    assert audit.verify().is_whole
    said = str(list(AuditEntry.objects.values_list("details", flat=True)))
    assert "Quillfeather" not in said


def test_priv_05_rel_14_at_the_end_of_retention_the_bytes_go_and_the_digests_stay(ada: Learner):
    """REL-14: only with the row of the erasure; `audit verify` names what was erased, and the chain is whole."""
    record = Record.objects.get(state="issued")
    page = record.documents.get().renditions.get().digest
    erasing.erase(ada.public_id, ground="end of retention", records=True)
    document = IssuedDocument.objects.get(record=record)
    assert document.content is None and document.digest
    with pytest.raises(files.FileMissing):
        files.get(page)
    ada.refresh_from_db()
    assert ada.name == ""
    report = audit.verify()
    assert report.is_whole
    assert f"issued document {document.digest}" in report.erased
    with pytest.raises(documents.DocumentErased):
        documents.jws(record)


def test_an_erasure_needs_a_ground(ada: Learner):
    with pytest.raises(ValueError, match="ground"):
        erasing.erase(ada.public_id, ground=" ")
    assert not Erasure.objects.exists()


def test_somebody_who_works_here_keeps_the_sign_in(ada: Learner):
    assert ada.user is not None
    give_roles(ada.user, Role.LEARNER, Role.ADVISOR)
    erasing.erase(ada.public_id, ground="asked for it")
    assert User.objects.get(pk=ada.user.pk).is_active


def test_priv_05_the_journal_is_applied_again_after_a_restore(
    ada: Learner, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
):
    """PRIV-05: an older database knows nothing of the erasure; the journal outside it does."""
    with django_capture_on_commit_callbacks(execute=True):
        erasing.erase(ada.public_id, ground="asked for it")
    assert erasing.is_applied()
    [entry] = erasing.journal()
    assert entry.learner == ada.public_id

    other = Learner.objects.create(given_name="Ada", family_name="Quillfeather", email="ada@students.example")
    Learner.objects.filter(pk=ada.pk).update(public_id=other.public_id.__class__(int=1))
    monkeypatch.setattr(erasing, "journal", lambda: iter([erasing.Entry(other.public_id, "asked", False, "")]))
    assert "erasures" in Client().get("/readyz").json()["failing"]
    retention.daily()
    other.refresh_from_db()
    assert other.email == ""
    assert erasing.is_applied()


# --- Retention ----------------------------------------------------------------------------------


def test_priv_05_every_rule_has_its_days_in_the_settings(settings: Any):
    assert set(retention.RULES) == set(settings.RETENTION)


def test_priv_05_a_dry_run_says_what_would_go_and_removes_nothing(school: School, capsys: Any):  # noqa: F811
    fill(school)
    before = {purged.name: purged.count for purged in retention.purge(dry_run=True)}
    assert before["drafts"] == before["requests"] == before["import_files"] == before["unnamed_files"] == 1
    assert {purged.name: purged.count for purged in retention.purge(dry_run=True)} == before
    call_command("purge", "--dry-run")
    assert "drafts: 1 older than 1095 days" in capsys.readouterr().out


def test_priv_05_the_purge_removes_what_is_over_and_nothing_else(school: School):  # noqa: F811
    issued = school.issued(school.learner(50))
    documents.pdf(issued)
    fill(school)
    fresh = school.drafted(school.learner(51))
    retention.purge(dry_run=False)
    assert set(Record.objects.values_list("pk", flat=True)) == {issued.pk, fresh.pk}
    assert not IdempotencyKey.objects.exists()
    assert documents.pdf(issued).startswith(b"%PDF-")
    assert audit.verify().is_whole
    assert AuditEntry.objects.filter(action="retention.purged").count() >= 4
    assert all(purged.count == 0 for purged in retention.purge(dry_run=True))


def test_priv_05_it_is_started_once_a_day(school: School):  # noqa: F811
    retention.daily()
    retention.daily()
    assert Job.objects.filter(kind=retention.KIND).count() == 1


def test_rel_22_a_file_that_nobody_names_is_swept_after_a_day(settings: Any, tmp_path: Path):
    """REL-22: what a row names stays, what came within the day stays."""
    settings.FILES_DIR = tmp_path / "files"
    orphan, fresh = files.put(b"orphan"), files.put(b"fresh")
    age(files.path_of(orphan), days=2)
    retention.purge(dry_run=False)
    assert not files.path_of(orphan).exists()
    assert files.path_of(fresh).exists()


def fill(school: School) -> None:  # noqa: F811
    """One old thing of several kinds."""
    old = timezone.now() - timedelta(days=4 * 365)
    record = school.drafted(school.learner(60))
    record.draft.__class__.objects.filter(record=record).update(edited_at=old, refreshed_at=old)
    from django.db import connection

    with connection.cursor() as cursor:  # the trigger keeps the day of a record's beginning
        from apps.issuance import immutability

        immutability.remove(connection)
        cursor.execute("UPDATE issuance_record SET created_at = %s WHERE id = %s", [old, record.pk])
        immutability.install(connection)
    IdempotencyKey.objects.create(user=school.registrar, endpoint="e", key="k", body_digest="d", created_at=old)
    export, orphan = files.put(b"an export"), files.put(b"nobody's")
    age(files.path_of(orphan), days=2)
    ImportRun.objects.create(kind="oneroster", file_name="e.zip", digest=export, created_at=old, errors=[{"row": 1}])


def age(file: Path, *, days: int) -> None:
    """Makes a file look as old."""
    then = time.time() - days * 86_400
    os.utime(file, (then, then))
