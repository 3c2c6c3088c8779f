"""What was approved is signed exactly once, and becomes visible together or not at all (REL-01 to REL-12, I1 to I3)."""

import hashlib
import json
from datetime import timedelta

import orjson
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.institution import keys
from apps.institution.models import AuditEntry
from apps.issuance import batches, documents, review, signing
from apps.issuance.models import Approval, IssuedDocument, Record, RecordStep, Rendition, SigningWork, Snapshot
from apps.jobs.models import OutboxEntry
from apps.standards.clr1 import write
from apps.standards.proofs import jws
from tests.issuance.earning import School


def test_an_approved_record_becomes_a_valid_signed_document(school: School):
    """The happy path: bytes, digest, state, step, audit entry, notice and rendering work are there together (I2)."""
    record = school.issued()
    document = IssuedDocument.objects.get()
    token = documents.jws(record)
    signed = jws.read(token, algorithms=jws.RS256_ONLY)
    jws.verify(signed, jws.public_key_from_pem(document.key.public_pem))
    payload = orjson.loads(documents.payload(record))
    assert record.state == "issued"
    assert document.digest == hashlib.sha256(token).hexdigest()
    assert payload["id"] == document.document_id
    assert payload["verification"] == {"type": "Signed", "creator": keys.address(document.key)}
    assert RecordStep.objects.filter(record=record, to_state="issued").count() == 1
    assert AuditEntry.objects.filter(action="record.issued").get().details["digest"] == document.digest
    assert OutboxEntry.objects.filter(kind="record-issued", subject_id=str(record.public_id)).count() == 1
    assert Rendition.objects.filter(document=document, state="queued").count() == 1


def test_the_payload_less_its_envelope_is_what_was_approved(school: School):
    """Model, invariant 1: byte for byte."""
    record = school.issued()
    snapshot = Snapshot.objects.get()
    assert write.snapshot_of(documents.payload(record)) == bytes(snapshot.content or b"")
    assert Approval.objects.get().digest == snapshot.digest


def test_asking_again_issues_nothing_twice(school: School):
    """I1, REL-11: the second batch lists the record with the batch that issued it."""
    record = school.issued()
    second = batches.start([record], by=school.registrar)
    assert signing.issue_due().total == 0
    item = second.items.get()
    assert item.already
    assert item.elsewhere is not None
    assert IssuedDocument.objects.count() == 1


def test_one_row_of_work_for_a_snapshot_and_format(school: School):
    """REL-02."""
    record = school.approved()
    batches.start([record], by=school.registrar)
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningWork.objects.create(record=record, snapshot_id=record.snapshot_id)


def test_a_claim_fixes_the_envelope_and_a_retry_signs_the_same_bytes(school: School):
    """REL-03, F02: the worker died between signing and commit; another signs the same bytes."""
    record = school.approved()
    batches.start([record], by=school.registrar)
    [first] = signing.claim()
    signing.sign(first, keys.signer(first.work.key), *_own(school))
    SigningWork.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    [second] = signing.claim()
    assert second.fence == first.fence + 1
    signing.issue([second])
    assert documents.jws(record) == first.token


def test_a_retry_whose_digest_differs_fails_instead_of_signing(school: School):
    """REL-03."""
    record = school.approved()
    batches.start([record], by=school.registrar)
    [claimed] = signing.claim()
    claimed.work.payload_digest = "0" * 64
    done = signing.issue([claimed])
    assert (done.issued, done.failed) == (0, 1)
    assert SigningWork.objects.get().reason_code == "not_as_claimed"
    assert not IssuedDocument.objects.exists()


def test_a_late_owner_is_dropped_by_the_fence(school: School):
    """REL-04, F06: the lease lapsed while its owner was stopped."""
    record = school.approved()
    batches.start([record], by=school.registrar)
    [late] = signing.claim()
    SigningWork.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    [owner] = signing.claim()
    assert signing.issue([late]).dropped == 1
    assert not IssuedDocument.objects.exists()
    assert signing.issue([owner]).issued == 1
    assert IssuedDocument.objects.count() == 1


def test_a_row_that_took_its_worker_down_three_times_fails_and_the_batch_goes_on(school: School):
    """REL-08."""
    first, second = school.many_approved(2)
    batch = batches.start([first, second], by=school.registrar)
    SigningWork.objects.filter(record=first).update(
        attempt=3, state="leased", lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert signing.issue_due().issued == 1
    progress = batches.progress(batch)
    assert (progress.done, progress.failed) == (1, 1)
    assert progress.failures[0].code == "worker_lost"


@pytest.mark.parametrize("event", ["rotate", "retire", "compromise"])
def test_a_key_that_went_before_the_commit_sends_the_row_back(school: School, event: str):
    """REL-12, F13: the row is queued again and gets a new payload with the new key."""
    record = school.approved()
    batches.start([record], by=school.registrar)
    [claimed] = signing.claim()
    old = claimed.work.key
    assert old is not None
    if event == "rotate":
        keys.rotate(school.home)
    elif event == "retire":
        keys.retire(old)
    else:
        keys.compromise(old, since=timezone.now())
    assert signing.issue([claimed]).dropped == 1
    work = SigningWork.objects.get()
    assert (work.state, work.envelope) == ("queued", {})
    assert signing.issue_due().issued == 1
    assert IssuedDocument.objects.get().key != old


def test_a_missing_key_encryption_key_signs_nothing_and_keeps_the_work(school: School, settings):
    """F14: nothing signed; the row waits."""
    record = school.approved()
    batches.start([record], by=school.registrar)
    keys.ensure_active_key(school.home)
    keys.forget_signers()
    settings.KEK_FILE.unlink()
    with pytest.raises(signing.SigningClosed, match="key-encryption key"):
        signing.issue_due()
    assert SigningWork.objects.get().state == "queued"
    assert not keys.opens()


def test_what_the_verifier_does_not_accept_is_not_released(school: School, monkeypatch):
    """I6, REL-12: judged by the same engine as everybody's documents before it is out."""
    record = school.approved()
    batches.start([record], by=school.registrar)
    [claimed] = signing.claim()
    other = keys.create(school.home)
    monkeypatch.setattr(keys, "signer", lambda key, real=keys.signer: real(other))
    assert signing.issue([claimed]).failed == 1
    assert SigningWork.objects.get().reason_code == "not_valid"
    assert not IssuedDocument.objects.exists()


def test_a_record_returned_meanwhile_is_not_issued(school: School):
    """REL-01: approval was taken back between claim and commit."""
    record = school.approved()
    batches.start([record], by=school.registrar)
    [claimed] = signing.claim()
    SigningWork.objects.update(state="queued")
    review.return_(record, by=school.approver, version=record.version, comment="Wrong term.")
    SigningWork.objects.update(state="leased")
    assert signing.issue([claimed]).dropped == 1
    assert not IssuedDocument.objects.exists()
    assert SigningWork.objects.get().state == "cancelled"


def test_one_fault_in_a_chunk_stays_with_one_row(school: School):
    """I2: the others of the chunk are issued."""
    records = school.many_approved(4)
    batches.start(records, by=school.registrar)
    claimed = signing.claim()
    claimed[1].work.payload_digest = "f" * 64
    done = signing.issue(claimed)
    assert (done.issued, done.failed) == (3, 1)


def test_issuing_takes_a_constant_number_of_queries(school: School, django_assert_max_num_queries):
    """REL-05: whatever the chunk holds."""
    keys.ensure_active_key(school.home)
    batches.start(school.many_approved(2), by=school.registrar)
    with django_assert_max_num_queries(60):
        signing.issue_due()
    batches.start([school.approved(school.learner(number)) for number in range(300, 312)], by=school.registrar)
    with django_assert_max_num_queries(60):
        assert signing.issue_due().issued == 12


def test_the_moment_of_issue_is_not_before_the_approval(school: School):
    """REL-24."""
    record = school.issued()
    assert IssuedDocument.objects.get(record=record).issued_on >= Approval.objects.get().at.replace(microsecond=0)


def test_a_document_holds_no_more_than_the_approved_and_the_envelope(school: School):
    """Model, invariant 1: nothing is added in between."""
    payload = json.loads(documents.payload(school.issued()))
    assert set(payload) == {
        *("@context", "type", "name", "partial", "learner", "publisher", "assertions"),
        *("id", "issuedOn", "verification"),
    }


def _own(school: School):
    return signing._Published(school.home, keys.public_base()), timezone.now()


def test_records_that_are_not_approved_are_refused(school: School):
    """The batch says what to do."""
    record: Record = school.drafted()
    with pytest.raises(batches.BatchRefused, match="approve"):
        batches.start([record], by=school.registrar)
