"""Issued records are revoked, or corrected and issued anew; nothing revoked comes back (REG-07, REL-01, REL-13)."""

import pytest

from apps.issuance import batches, documents, drafting, review, revoking, signing
from apps.issuance.models import DraftItem, IssuedDocument, Record, Revocation, Supersession
from apps.issuance.review import StepRefused
from apps.jobs.models import OutboxEntry
from tests.issuance.earning import School


def issue_correction(school: School, correction: Record) -> None:
    """Review, approval and signing of a correction."""
    review.submit(correction, by=school.registrar, version=correction.version)
    review.approve(correction, by=school.approver, version=correction.version)
    batches.start([correction], by=school.registrar)
    assert signing.issue_due().issued == 1


def test_a_revocation_is_there_at_once_with_its_reason(school: School):
    """REL-13: row, state, step, audit and notice in one transaction."""
    record = school.issued()
    revocation = revoking.revoke(record, by=school.registrar, reason="Wrong person.")
    record.refresh_from_db()
    assert record.state == "revoked"
    assert revocation.document_id == IssuedDocument.objects.get().document_id
    assert record.steps.last().comment == "Wrong person."
    assert OutboxEntry.objects.filter(kind="record-revoked").count() == 1


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_revocation_needs_a_reason(school: School, reason: str):
    """The reason is shown to whoever verifies."""
    with pytest.raises(StepRefused, match="why"):
        revoking.revoke(school.issued(), by=school.registrar, reason=reason)


def test_only_what_was_issued_is_revoked_and_only_once(school: School):
    """REL-01."""
    record = school.issued()
    revoking.revoke(record, by=school.registrar, reason="One.")
    with pytest.raises(StepRefused):
        revoking.revoke(record, by=school.registrar, reason="Two.")
    with pytest.raises(StepRefused):
        revoking.revoke(school.drafted(school.learner(2)), by=school.registrar, reason="Three.")


def test_two_who_revoke_at_once_revoke_once(school: School):
    """F16."""
    record = school.issued()
    other = Record.objects.get(pk=record.pk)
    revoking.revoke(record, by=school.registrar, reason="One.")
    with pytest.raises(StepRefused, match="meanwhile"):
        revoking.revoke(other, by=school.approver, reason="Two.")
    assert Revocation.objects.get().reason == "One."


def test_a_selection_is_revoked_like_one(school: School):
    """Product: works on a selection as on one record."""
    records = [school.issued(school.learner(1)), school.drafted(school.learner(2))]
    done, refused = revoking.revoke_many(records, by=school.registrar, reason="All wrong.")
    assert (done, list(refused)) == (1, [records[1].pk])


def test_a_correction_supersedes_and_links_both_ways(school: School):
    """REG-07: the old one stays valid, superseded; every version has its own id."""
    old = school.issued()
    before = documents.jws(old)
    correction = revoking.reissue(old, by=school.registrar, reason="Wrong title.")
    assert correction.state == "draft"
    assert DraftItem.objects.filter(draft__record=correction).count() == 2
    issue_correction(school, correction)
    old.refresh_from_db()
    assert old.state == "superseded"
    assert documents.jws(old) == before
    link = Supersession.objects.get()
    assert (link.old, link.new) == (old, correction)
    first, second = IssuedDocument.objects.order_by("pk")
    assert first.document_id != second.document_id
    assert second.issued_on > first.issued_on  # REL-24
    assert not Revocation.objects.exists()


def test_correct_and_revoke_takes_the_old_one_back_with_it(school: School):
    """Product: the default when a result was wrong."""
    old = school.issued()
    issue_correction(school, revoking.reissue(old, by=school.registrar, reason="Grade.", revoke_old=True))
    old.refresh_from_db()
    assert old.state == "revoked"
    assert [step.to_state for step in old.steps.all()][-2:] == ["superseded", "revoked"]
    assert Revocation.objects.get().reason == "Grade."


def test_a_superseded_record_can_still_be_revoked(school: School):
    """REL-01."""
    old = school.issued()
    issue_correction(school, revoking.reissue(old, by=school.registrar))
    old.refresh_from_db()
    revoking.revoke(old, by=school.registrar, reason="Also wrong.")
    assert Record.objects.get(pk=old.pk).state == "revoked"


def test_asking_twice_opens_one_correction(school: School):
    """One open correction of a record."""
    old = school.issued()
    assert revoking.reissue(old, by=school.registrar) == revoking.reissue(old, by=school.registrar)
    correction = Record.objects.get(draft__corrects=old)
    issue_correction(school, correction)
    with pytest.raises(StepRefused, match="already corrected"):
        revoking.reissue(old, by=school.registrar)


def test_a_correction_begins_from_the_sources_of_today(school: School):
    """What changed since stands in it; hand edits are kept."""
    old = school.issued()
    school.passes(old.learner, "HIST 210", session=school.spring)
    correction = revoking.reissue(old, by=school.registrar)
    assert len(drafting.content(correction.draft)["assertions"]) == 4


def test_a_discarded_correction_leaves_the_old_record_as_it_was(school: School):
    """Nothing happens before the correction is issued."""
    old = school.issued()
    correction = revoking.reissue(old, by=school.registrar)
    review.discard(correction, by=school.registrar, version=correction.version)
    old.refresh_from_db()
    assert old.state == "issued"
    assert revoking.reissue(old, by=school.registrar).state == "draft"
