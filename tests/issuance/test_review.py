"""From draft to approved: steps, snapshots, second person, discarding (REG-06, REL-01, REL-25, REL-26)."""

import pytest

from apps.accounts.models import User
from apps.institution.models import AuditEntry, Policy
from apps.issuance import drafting, editing, review
from apps.issuance.models import Draft, Record, RecordStep, Snapshot
from tests.issuance.earning import School


def test_a_draft_goes_to_review_is_approved_and_each_step_is_remembered(school: School):
    """REG-06: every change names person and time."""
    record = school.approved()
    steps = list(RecordStep.objects.filter(record=record).values_list("from_state", "to_state", "by__email"))
    assert steps == [
        ("", "draft", "registrar@school.example"),
        ("draft", "in_review", "registrar@school.example"),
        ("in_review", "approved", "approver@school.example"),
    ]
    assert set(AuditEntry.objects.filter(object_id=str(record.public_id)).values_list("action", flat=True)) >= {
        "record.drafted",
        "record.in_review",
        "record.approved",
        "snapshot.approved",
    }


def test_a_step_from_an_old_version_is_refused(school: School):
    """REL-01, REL-25, F16: one wins, the other is told."""
    record = school.drafted()
    other = Record.objects.get(pk=record.pk)
    review.submit(record, by=school.registrar, version=record.version)
    with pytest.raises(review.StepRefused, match="Somebody else"):
        review.submit(other, by=school.registrar, version=other.version)
    assert Snapshot.objects.count() == 1


def test_two_approvals_at_once_make_one(school: School):
    """F16."""
    record = school.in_review()
    other = Record.objects.get(pk=record.pk)
    review.approve(record, by=school.approver, version=record.version)
    with pytest.raises(review.StepRefused):
        review.approve(other, by=school.approver, version=other.version)


def test_returning_needs_a_comment_and_thaws_the_draft(school: School):
    """Product, *States of a record*: any change after approval sends it back to draft."""
    record = school.approved()
    with pytest.raises(review.StepRefused, match="comment"):
        review.return_(record, by=school.approver, version=record.version)
    review.return_(record, by=school.approver, version=record.version, comment="The term is wrong.")
    record.refresh_from_db()
    assert record.state == "draft"
    review.submit(record, by=school.registrar, version=record.version)
    assert list(Snapshot.objects.order_by("pk").values_list("number", flat=True)) == [1, 2]


def test_a_frozen_record_cannot_be_edited(school: School):
    """In review is frozen."""
    record = school.in_review()
    with pytest.raises(editing.EditConflict):
        editing.edit_draft(record, by=school.registrar, version=record.version, changes={"title": "Other"})


def test_the_last_editor_does_not_approve_where_a_second_person_must(school: School):
    """REL-26."""
    policy = Policy.current()
    policy.second_person_approves = True
    policy.save()
    record = school.in_review()
    with pytest.raises(review.StepRefused, match="second person"):
        review.approve(record, by=school.registrar, version=record.version)
    review.approve(record, by=school.approver, version=record.version)


def test_without_that_policy_one_person_does_both(school: School):
    """Contract, *Demo people*."""
    record = school.in_review()
    review.approve(record, by=school.registrar, version=record.version)
    assert record.state == "approved"


def test_only_those_with_the_role_step(school: School):
    """Reliability, section 7."""
    nobody = User.objects.create_user("nobody@school.example")
    record = school.drafted()
    with pytest.raises(review.StepRefused, match="registrars"):
        review.submit(record, by=nobody, version=record.version)
    review.submit(record, by=school.registrar, version=record.version)
    with pytest.raises(review.StepRefused, match="approvers"):
        review.approve(record, by=nobody, version=record.version)


def test_a_discarded_draft_is_gone_and_its_trail_stays(school: School):
    """REL-01: row deleted, audit entry and history stay."""
    record = school.in_review()
    review.discard(record, by=school.registrar, version=record.version)
    assert not Record.objects.exists()
    assert not Draft.objects.exists()
    assert Snapshot.objects.count() == 1
    assert AuditEntry.objects.filter(action="record.discarded").count() == 1
    assert RecordStep.objects.order_by("-pk").first().to_state == "discarded"


def test_what_was_approved_once_is_not_discarded(school: School):
    """REL-01."""
    record = school.approved()
    review.return_(record, by=school.approver, version=record.version, comment="No.")
    with pytest.raises(review.StepRefused, match="approved once"):
        review.discard(record, by=school.registrar, version=record.version)


def test_a_draft_with_changed_sources_must_be_refreshed_first(school: School):
    """What is seen is what goes to review."""
    record = school.drafted()
    assertion = record.learner.assertions.first()
    assertion.narrative = "Changed."
    assertion.version += 1
    assertion.save()
    assert Record.objects.with_staleness().get(pk=record.pk).is_stale
    with pytest.raises(review.StepRefused, match="refresh"):
        review.submit(record, by=school.registrar, version=record.version)
    drafting.refresh(record, by=school.registrar, version=record.version)
    review.submit(record, by=school.registrar, version=record.version)


def test_an_empty_record_is_not_sent_to_review(school: School):
    """The refusal says what is wrong."""
    record = drafting.draft_for(school.learner(), by=school.registrar)
    with pytest.raises(review.StepRefused, match="Nothing is included"):
        review.submit(record, by=school.registrar, version=record.version)


def test_what_the_standard_does_not_allow_is_refused_with_its_place(school: School):
    """CLR1-P-19: the fault is named before anybody approves."""
    record = school.drafted()
    achievement = school.courses["MATH 101"]
    achievement.achievement_type = "ext:not allowed"
    achievement.save()
    with pytest.raises(review.StepRefused, match="achievementType"):
        review.submit(record, by=school.registrar, version=record.version)
    assert record.state == "draft"


def test_many_go_to_review_at_once_and_each_is_judged_alone(school: School):
    """Refused ones are named by reason."""
    good, empty = school.drafted(school.learner(1)), drafting.draft_for(school.learner(2), by=school.registrar)
    sent, refused = review.submit_many([good, empty], by=school.registrar)
    assert [snapshot.record_id for snapshot in sent] == [good.pk]
    assert "Nothing is included" in refused[empty.pk]
