"""Issuing many: one batch whatever is clicked, steerable, failures by reason (REL-06 to REL-11, F03 to F05, F17)."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.issuance import batches, signing, tasks
from apps.issuance.models import Batch, IssuedDocument, Record, SigningWork
from apps.jobs import running
from tests.issuance.earning import School


def test_a_batch_is_issued_and_says_how_far_it_is(school: School):
    """Live progress: total, done, per second."""
    batch = batches.start(Record.objects.filter(pk__in=[r.pk for r in school.many_approved(3)]), by=school.registrar)
    assert batches.progress(batch).waiting == 3
    assert tasks.sign_due() == 3
    progress = batches.progress(batch)
    assert (progress.total, progress.done, progress.failed, progress.waiting) == (3, 3, 0, 0)
    assert progress.is_over
    assert progress.per_second > 0


def test_progress_takes_a_constant_number_of_queries(school: School, django_assert_num_queries):
    """However many records there are."""
    batch = batches.start(school.many_approved(4), by=school.registrar)
    with django_assert_num_queries(3):
        batches.progress(batch)


def test_the_same_nonce_is_one_batch_twelve_times(school: School):
    """REL-10, F17."""
    records = school.many_approved(2)
    started = {batches.start(records, by=school.registrar, nonce="form").pk for _number in range(12)}
    assert len(started) == 1
    assert SigningWork.objects.count() == 2


def test_messages_twice_and_in_another_order_issue_once(school: School):
    """F03, F04: a message is a hint; nothing is issued again."""
    batches.start(school.many_approved(3), by=school.registrar)
    assert [tasks.sign_due() for _number in range(3)] == [3, 0, 0]
    assert IssuedDocument.objects.count() == 3


def test_without_any_message_the_dispatcher_finds_the_work(school: School, monkeypatch):
    """REL-06, F05: losing every message delays, loses nothing."""
    batches.start(school.many_approved(2), by=school.registrar)
    sent = []
    monkeypatch.setattr(signing, "announce", lambda workers=2: sent.append(workers))
    running.dispatch()
    assert sent


def test_pause_holds_and_resume_goes_on(school: School):
    """REL-11: within one chunk."""
    batch = batches.start(school.many_approved(2), by=school.registrar)
    assert batches.pause(batch, by=school.registrar)
    assert tasks.sign_due() == 0
    assert not batches.pause(batch, by=school.registrar)
    assert batches.resume(batch, by=school.registrar)
    assert tasks.sign_due() == 2


def test_a_cancelled_row_is_never_issued_but_may_be_asked_for_anew(school: School):
    """REL-11."""
    records = school.many_approved(2)
    batch = batches.start(records, by=school.registrar)
    assert batches.cancel(batch, by=school.registrar)
    assert tasks.sign_due() == 0
    assert not batches.resume(batch, by=school.registrar)
    assert batches.progress(batch).cancelled == 2
    again = batches.start(records, by=school.registrar)
    assert tasks.sign_due() == 2
    assert not again.items.filter(already=True).exists()


def test_two_batches_over_the_same_records(school: School):
    """REL-11: the second lists them with the first."""
    records = school.many_approved(2)
    first = batches.start(records, by=school.registrar)
    second = batches.start(records, by=school.registrar)
    assert [item.elsewhere for item in second.items.all()] == [first, first]
    assert batches.progress(second).already == 2
    tasks.sign_due()
    assert IssuedDocument.objects.count() == 2


def test_failed_ones_are_retried(school: School):
    """Failures with reason, by reason; retry of the failed ones."""
    batch = batches.start(school.many_approved(2), by=school.registrar)
    claimed = signing.claim()
    signing.fail(claimed[0], "test", "Because.")
    signing.issue(claimed[1:])
    [failure] = batches.progress(batch).failures
    assert (failure.code, failure.reason, failure.count) == ("test", "Because.", 1)
    assert batches.retry_failed(batch, by=school.registrar) == 1
    assert tasks.sign_due() == 1


def test_a_full_disk_begins_no_batch(school: School, monkeypatch):
    """REL-23: free space is checked before."""
    records = school.many_approved(1)
    monkeypatch.setattr(batches, "ROOM_FOR_ONE", 10**18)
    with pytest.raises(batches.BatchRefused, match="disk"):
        batches.start(records, by=school.registrar)
    assert not Batch.objects.exists()


def test_the_commands_draft_and_issue(school: School):
    """Contract: `draft_records`, `issue_records`, with JSON alone on stdout."""
    school.passes(school.learner(7), "MATH 101")
    out = StringIO()
    call_command("draft_records", "--all", "--json", stdout=out)
    assert json.loads(out.getvalue())["made"] == 1
    school.many_approved(2)
    out = StringIO()
    call_command("issue_records", "--all-approved", "--json", stdout=out)
    assert json.loads(out.getvalue())["issued"] == 2
    out = StringIO()
    call_command("issue_records", "--all-approved", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"batch": None, "issued": 0, "failed": 0, "already": 0}


@pytest.mark.parametrize("arguments", [[], ["--batch", "x", "--all-approved"], ["--all-approved", "--format", "pdf"]])
def test_wrong_use_exits_with_two(school: School, arguments: list[str]):
    """Contract."""
    with pytest.raises(CommandError) as wrong:
        call_command("issue_records", *arguments, stdout=StringIO())
    assert wrong.value.returncode == 2
