"""Processes killed at every statement: web in the approval request (F15), a sender while it sends (REL-09, F31)."""

import email
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse

from apps.institution import audit
from apps.institution.models import AuditEntry
from apps.issuance.models import Approval, Record, RecordStep
from apps.jobs import outbox
from apps.jobs.models import OutboxEntry
from tests.faults.forked import killed_at, killed_at_every_statement
from tests.issuance.earning import School

KIND = "tests-letter"


def test_f15_an_approval_is_there_wholly_or_not(school: School):
    """F15: the request of the approver's browser, killed before its first, second, … last statement."""
    record = school.in_review()
    browser = Client()
    browser.force_login(school.approver)
    before = audit_of(record)

    def approve() -> None:
        answer = browser.post(
            reverse("admin:issuance_record_step", args=[record.pk]), {"step": "approve", "version": record.version}
        )
        assert answer.status_code == 302

    moments = 0
    for _moment in killed_at_every_statement(approve):
        moments += 1
        now = Record.objects.get(pk=record.pk)
        if now.state == "in_review":
            assert now.version == record.version
            assert not Approval.objects.exists()
            assert not RecordStep.objects.filter(record=record, to_state="approved").exists()
            assert audit_of(record) == before
        else:
            expect_approved(record)
    assert moments > 8
    expect_approved(record)
    assert audit.verify().is_whole


def audit_of(record: Record) -> list[str]:
    return list(
        AuditEntry.objects.filter(object_id=str(record.public_id)).order_by("seq").values_list("action", flat=True)
    )


def expect_approved(record: Record) -> None:
    """The state and all that proves it, once."""
    now = Record.objects.get(pk=record.pk)
    assert (now.state, now.version) == ("approved", record.version + 1)
    assert Approval.objects.get().snapshot_id == now.snapshot_id
    assert RecordStep.objects.filter(record=record, to_state="approved").count() == 1
    assert audit_of(record).count("record.approved") == audit_of(record).count("snapshot.approved") == 1


@pytest.fixture
def post_office(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Mails are written to files, as where no mail server is set."""
    settings.EMAIL_BACKEND = "apps.jobs.letterbox.LetterBox"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    monkeypatch.setitem(
        outbox.SENDERS, KIND, lambda entry: EmailMultiAlternatives("Hello", "There is news.", to=["ada@example.edu"])
    )
    yield tmp_path / "mail"


def letters(folder: Path) -> list[str]:
    """The Message-IDs of what was accepted."""
    return [str(email.message_from_bytes(file.read_bytes())["Message-ID"]) for file in sorted(folder.glob("*.eml"))]


def test_f31_rel_09_a_killed_sender_repeats_once_at_most_and_forgets_nobody(open_database: None, post_office: Path):
    """REL-09, F31: killed before or after the mail server accepted: the same Message-ID twice at most, never none."""
    outcomes = set()
    for moment in range(1, 50):
        outbox.put(KIND, f"record-{moment}", "ada")
        entry = OutboxEntry.objects.get(subject_id=f"record-{moment}")
        killed = killed_at(outbox.send_outbox, moment)
        accepted = letters(post_office).count(outbox.message_id(entry))
        OutboxEntry.objects.filter(sent_at=None).update(lease_until=None)  # two minutes later
        outbox.send_outbox()
        at_last = letters(post_office).count(outbox.message_id(entry))
        outcomes.add((accepted, at_last))
        assert at_last in (1, 2)
        assert at_last == 1 or accepted == 1
        assert OutboxEntry.objects.get(pk=entry.pk).sent_at is not None
        if not killed:
            break
    assert (0, 1) in outcomes, "killed before acceptance: sent once, later"
    assert (1, 2) in outcomes, "killed between acceptance and mark: the same letter once more"
