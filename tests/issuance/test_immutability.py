"""What the database refuses, whoever asks (REL-01, REL-14, REL-15, REL-26; model, invariants 1, 2 and 5)."""

import random
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import Error, IntegrityError, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from apps.institution.models import AuditEntry, Disclosure, Erasure, Policy
from apps.issuance import documents, immutability, revoking
from apps.issuance.models import (
    Approval,
    IssuedDocument,
    Record,
    RecordStep,
    Revocation,
    SigningWork,
    Snapshot,
    Supersession,
)
from tests.issuance.earning import School


def run(statement: str, *parameters: object) -> None:
    """Raw SQL within a savepoint."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.fixture
def everything(school: School) -> School:
    """A school with one of everything that never changes."""
    record = school.issued()
    revoking.revoke(record, by=school.registrar, reason="Test.")
    old = school.issued(school.learner(2))
    new = school.issued(school.learner(3))
    Supersession.objects.create(old=old, new=_of_same_learner(school, old, new), by=school.registrar)
    Disclosure.objects.create(
        learner_id=record.learner.public_id,
        object_type="issuance.record",
        object_id="x",
        recipient="Somebody",
        purpose="test",
        basis="consent",
    )
    Erasure.objects.create(learner_id=old.learner.public_id, ground="test")
    return school


def _of_same_learner(school: School, old: Record, other: Record) -> Record:
    return school.issued(old.learner)


KEPT = [Snapshot, Approval, IssuedDocument, Revocation, Supersession, RecordStep, AuditEntry, Disclosure, Erasure]


@pytest.mark.parametrize("model", KEPT)
def test_update_and_delete_are_refused_in_sql_and_by_the_orm(everything: School, model: type[models.Model]):
    """REL-14: raw SQL, `QuerySet.update()`, `bulk_update`, `save`, `delete`."""
    table = model._meta.db_table
    row = model._default_manager.order_by("-pk").first()
    assert row is not None
    column = next(
        field.column
        for field in model._meta.concrete_fields
        if isinstance(field, (models.CharField, models.TextField)) and not field.primary_key
    )
    before = model._default_manager.values().get(pk=row.pk)
    with pytest.raises(IntegrityError):
        run(f"UPDATE {table} SET {column} = 'x' WHERE id = %s", row.pk)
    with pytest.raises(IntegrityError):
        run(f"DELETE FROM {table} WHERE id = %s", row.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        model._default_manager.filter(pk=row.pk).update(**{_field(model, column): "x"})
    with pytest.raises(IntegrityError), transaction.atomic():
        setattr(row, _field(model, column), "y")
        model._default_manager.bulk_update([row], [_field(model, column)])
    with pytest.raises(Error), transaction.atomic():
        row.delete()
    assert model._default_manager.values().get(pk=row.pk) == before


def _field(model: type[models.Model], column: str) -> str:
    return next(field.name for field in model._meta.concrete_fields if field.column == column)


@pytest.mark.parametrize("model", KEPT)
def test_replacing_a_row_is_refused(everything: School, model: type[models.Model]):
    """REL-14: on SQLite `INSERT OR REPLACE` deletes without asking unless triggers are recursive."""
    table = model._meta.db_table
    if connection.vendor == "sqlite":
        with pytest.raises(IntegrityError):
            run(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE id = (SELECT MAX(id) FROM {table})")
    else:
        run("SET CONSTRAINTS ALL IMMEDIATE")  # what the test itself left pending would refuse before the trigger does
        with pytest.raises(IntegrityError):
            run(f"TRUNCATE {table} CASCADE")


def test_bytes_may_go_only_with_a_note_of_erasure(school: School):
    """REL-14: the digest stays, `audit verify` names them."""
    record = school.issued()
    document, snapshot = IssuedDocument.objects.get(), Snapshot.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        IssuedDocument.objects.update(content=None)
    Erasure.objects.create(learner_id=record.learner.public_id, ground="asked for")
    IssuedDocument.objects.update(content=None)
    Snapshot.objects.update(content=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        IssuedDocument.objects.update(content=None, size=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        IssuedDocument.objects.update(content=b"other")
    document.refresh_from_db()
    assert document.digest
    with pytest.raises(documents.DocumentErased):
        documents.jws(record)
    from apps.institution import audit

    report = audit.verify()
    assert report.is_whole
    assert sorted(report.erased) == sorted([f"snapshot {snapshot.pk}", f"issued document {document.digest}"])


def test_random_steps_of_a_record_by_raw_sql(school: School):
    """REL-01: only the steps of the list, each only with what proves it, and the version grows by one."""
    records = [
        school.drafted(school.learner(1)),
        school.in_review(school.learner(2)),
        school.approved(school.learner(3)),
    ]
    records += [school.issued(school.learner(4))]
    states = Record.State.values
    generator = random.Random(4)
    for _attempt in range(300):
        record = generator.choice(records)
        record.refresh_from_db()
        to_state = generator.choice(states)
        step = generator.choice([0, 1, 1, 2])
        allowed = (record.state, to_state) in Record.STEPS or record.state == to_state == "draft"
        try:
            run(
                "UPDATE issuance_record SET state = %s, version = version + %s WHERE id = %s", to_state, step, record.pk
            )
        except IntegrityError:
            record.refresh_from_db()
            continue
        assert allowed
        assert step == 1
        assert to_state not in {"superseded", "revoked"}  # nothing proves these here
        if to_state == "in_review":
            assert Snapshot.objects.filter(record=record).exists()
        if to_state == "approved":
            assert Approval.objects.filter(snapshot=record.snapshot_id).exists()
        if to_state == "issued":
            assert IssuedDocument.objects.filter(snapshot=record.snapshot_id).exists()


@pytest.mark.parametrize("column", ["public_id", "code", "learner_id", "created_at"])
def test_nothing_else_of_a_record_changes(school: School, column: str):
    """REL-14: not even in draft."""
    record, other = school.drafted(school.learner(1)), school.drafted(school.learner(2))
    with pytest.raises(IntegrityError):
        run(
            f"UPDATE issuance_record SET version = version + 1, {column} = "
            f"(SELECT {column} FROM issuance_record WHERE id = %s) WHERE id = %s",
            other.pk,
            record.pk,
        )


def test_a_record_begins_as_a_draft(school: School):
    """REL-01: none is born issued."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Record.objects.create(learner=school.learner(), state="issued")


def test_only_a_record_that_was_never_approved_can_be_deleted(school: School):
    """REL-01, REL-14."""
    draft, approved = school.drafted(school.learner(1)), school.approved(school.learner(2))
    with pytest.raises(IntegrityError):
        run("DELETE FROM issuance_record WHERE id = %s", approved.pk)
    draft.delete()
    assert not Record.objects.filter(pk=draft.pk).exists()


def test_signing_work_needs_an_approval(school: School):
    """Model, invariant 1: held by the database."""
    record = school.in_review()
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningWork.objects.create(record=record, snapshot_id=record.snapshot_id)


def test_the_database_wants_a_second_person_where_policy_says_so(school: School):
    """REL-26: also past every function of ours."""
    policy = Policy.current()
    policy.second_person_approves = True
    policy.save()
    record = school.in_review()
    snapshot = Snapshot.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.create(snapshot=snapshot, digest=snapshot.digest, by=school.registrar)
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.create(snapshot=snapshot, digest="0" * 64, by=school.approver)
    Approval.objects.create(snapshot=snapshot, digest=snapshot.digest, by=school.approver)
    assert record.pk


def test_a_missing_or_changed_trigger_is_named(db, django_db_blocker):
    """REL-15: system check and readiness."""
    assert immutability.missing(connection) == []
    assert immutability.is_ready()
    immutability.remove(connection)
    assert "keep_issuance_record_update" in immutability.missing(connection)
    assert not immutability.is_ready()
    [error] = immutability.check_triggers(databases=["default"])
    assert error.id == "issuance.E001"
    immutability.install(connection)
    assert immutability.missing(connection) == []


def test_after_a_migration_that_rebuilds_a_table_the_triggers_are_back(committed_db: str, django_db_blocker):
    """REL-15: Django's SQLite schema editor copies, drops and renames."""
    with django_db_blocker.unblock():
        immutability.before_migrate("default", plan=[("anything", False)])
        if connection.vendor == "sqlite":
            with connection.schema_editor() as editor:
                editor._remake_table(IssuedDocument)
            assert immutability.missing(connection)
        call_command("migrate", verbosity=0)
        assert immutability.missing(connection) == []
        assert not MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())


def test_superseding_needs_the_same_learner(school: School):
    """Model, invariant 5."""
    one, other = school.issued(school.learner(1)), school.issued(school.learner(2))
    with pytest.raises(IntegrityError), transaction.atomic():
        Supersession.objects.create(old=one, new=other)


def test_times_are_moments_in_utc(school: School):
    """Model, invariant 10."""
    school.issued()
    document = IssuedDocument.objects.get()
    assert document.issued_on.utcoffset() == timedelta(0)
    assert document.created_at <= timezone.now()
