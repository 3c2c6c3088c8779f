"""The audit trail shows every change, removal and swap, and that its end was cut off (REL-17, REL-18)."""

from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from apps.institution import audit, keys
from apps.institution.models import AuditEntry, AuditHead, Organization


@pytest.fixture
def trail(home: Organization) -> Organization:
    """Twelve entries by nobody in particular."""
    keys.ensure_active_key(home)
    audit.record_many([audit.act("test.done", home, number=number) for number in range(12)])
    return home


def without_triggers(statement: str) -> None:
    """What somebody with the file in hand could do."""
    from apps.issuance import immutability

    immutability.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_fresh_trail_is_whole(trail: Organization):
    """REL-17."""
    report = audit.verify()
    assert report.is_whole
    assert report.entries == AuditEntry.objects.count() >= 12


def test_entries_follow_each_other(trail: Organization):
    """REL-17: no gap, no fork."""
    entries = list(AuditEntry.objects.order_by("seq"))
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry.previous for entry in entries[1:]] == [entry.digest for entry in entries[:-1]]
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.create(
            seq=len(entries) + 1, at=entries[0].at, action="x", previous=entries[3].previous, digest="f" * 64
        )


def test_a_chunk_takes_the_head_once(trail: Organization, django_assert_num_queries):
    """REL-17: batches do not queue for the head."""
    with django_assert_num_queries(5):  # savepoint, head, entries, head, release
        audit.record_many([audit.act("test.done", trail, number=number) for number in range(60)])


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE institution_auditentry SET action = 'other' WHERE seq = 5", "audit entry 5"),
        ("UPDATE institution_auditentry SET object_id = 'x' WHERE seq = 7", "audit entry 7"),
        ("DELETE FROM institution_auditentry WHERE seq = 6", "audit entry 7"),
        ("UPDATE institution_auditentry SET seq = 1000 - seq WHERE seq IN (5, 6)", "audit entry 7"),
    ],
)
def test_a_changed_removed_or_swapped_entry_is_found_with_its_place(trail: Organization, statement: str, place: str):
    """REL-17, F21."""
    without_triggers(statement)
    assert place in [fault.place for fault in audit.verify().faults]


def test_a_trail_cut_off_at_its_end_is_found_against_the_checkpoint(trail: Organization):
    """REL-18, F22: the chain alone would look whole."""
    file = keys.checkpoint()
    assert file is not None
    assert audit.verify().is_whole
    size = AuditEntry.objects.count()
    without_triggers(f"DELETE FROM institution_auditentry WHERE seq > {size - 10}")
    last = AuditEntry.objects.order_by("-seq").first()
    assert last is not None
    AuditHead.objects.update(seq=last.seq, digest=last.digest)
    faults = audit.verify().faults
    assert [fault.place for fault in faults] == [f"checkpoint {file.name}"]
    assert audit.is_behind()


def test_a_checkpoint_signed_by_somebody_else_counts_as_a_fault(trail: Organization, settings):
    """REL-18."""
    file = keys.checkpoint()
    assert file is not None
    text = bytearray(file.read_bytes())
    text[-5] = ord("A") if text[-5] != ord("A") else ord("B")
    file.write_bytes(bytes(text))
    assert [fault.place for fault in audit.verify().faults] == [f"checkpoint {file.name}"]


def test_each_key_event_leaves_a_checkpoint(home: Organization, settings, django_capture_on_commit_callbacks):
    """REL-18."""
    with django_capture_on_commit_callbacks(execute=True):
        keys.ensure_active_key(home)
        keys.rotate(home)
    assert len(list(Path(settings.CHECKPOINT_DIR).glob("*.jws"))) >= 2
