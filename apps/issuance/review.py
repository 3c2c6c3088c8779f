"""From draft to approved: a record goes to review as a snapshot, comes back with a comment, or is approved.

Each step is one compare-and-set on the record's state and version (REL-01); who steps, when and why stays for ever.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.permissions import Role, has_role
from apps.institution import audit, branding
from apps.institution.models import Policy
from apps.issuance import content, drafting
from apps.issuance.models import Approval, Draft, Record, RecordStep, SigningWork, Snapshot
from apps.standards.clr1 import read, write


class StepRefused(Exception):
    """The record does not go this step now; the text says why and what to do. Nothing was changed."""


def take_step(record: Record, to_state: str, *, by: Any, version: int, comment: str = "", **columns: Any) -> RecordStep:
    """One step of a record, within the transaction of what proves it; raises `StepRefused` when it lost a race.

    `record` is as its caller saw it; its state and version are brought up to the step.
    """
    from_state = record.state
    changed = Record.objects.filter(pk=record.pk, state=from_state, version=version).update(
        state=to_state, version=F("version") + 1, **columns
    )
    if not changed:
        raise StepRefused(_("Somebody else changed this record meanwhile. Look at it again; nothing was changed."))
    record.state, record.version = to_state, version + 1
    audit.record(f"record.{to_state}", record, by, **{"from": from_state, "version": record.version})
    return RecordStep.objects.create(
        record=record, from_state=from_state, to_state=to_state, version=record.version, by=by, comment=comment
    )


def submit(record: Record, *, by: Any, version: int, comment: str = "") -> Snapshot:
    """Freezes a draft as a snapshot and sends it to review.

    Raises `StepRefused` with everything that is not right about it yet.
    """
    _expect(record, Record.State.DRAFT, version)
    [draft] = content.drafts_with_all(Draft.objects.filter(record=record))
    material = content.gather([draft])
    return _submit(record, draft, material, by=by, version=version, comment=comment)


def submit_many(records: Sequence[Record], *, by: Any) -> tuple[list[Snapshot], dict[int, str]]:
    """Sends many drafts to review, each wholly or not; gives the snapshots, and why not by record."""
    drafts = content.drafts_with_all(
        Draft.objects.filter(record__in=[record.pk for record in records], record__state=Record.State.DRAFT)
    )
    material = content.gather(drafts)
    sent, refused = [], {}
    for draft in drafts:
        record = draft.record
        try:
            sent.append(_submit(record, draft, material, by=by, version=record.version, comment=""))
        except StepRefused as refusal:
            refused[record.pk] = str(refusal)
    return sent, refused


def _submit(
    record: Record, draft: Draft, material: content.Material, *, by: Any, version: int, comment: str
) -> Snapshot:
    if not by or not (has_role(by, Role.REGISTRAR) or by.is_superuser):
        raise StepRefused(_("Only registrars send records to review."))
    if wrong := drafting.problems(draft, material):
        raise StepRefused(" ".join(wrong))
    frozen = write.snapshot_bytes(material.clr_of(draft))
    trial = orjson.loads(write.build_payload(frozen, drafting.trial_envelope(record, material)))
    if faults := read.failures(drafting.findings(trial)):
        first = faults[0]
        raise StepRefused(
            _("The standard does not allow this record: %(fault)s (%(place)s)")
            % {"fault": first.sentence, "place": first.at}
        )
    design = draft.design or branding.current_design(material.home)
    with transaction.atomic():
        snapshot = Snapshot.objects.create(
            record=record,
            number=Snapshot.objects.filter(record=record).count() + 1,
            learner_id=record.learner.public_id,
            content=frozen,
            digest=hashlib.sha256(frozen).hexdigest(),
            size=len(frozen),
            design=design,
            title=content.title_of(draft),
            edited_by=draft.edited_by or by,
            submitted_by=by,
        )
        take_step(record, Record.State.IN_REVIEW, by=by, version=version, comment=comment, snapshot=snapshot)
        audit.record("snapshot.made", record, by, snapshot=snapshot.pk, digest=snapshot.digest)
    record.snapshot = snapshot
    return snapshot


def return_(record: Record, *, by: Any, version: int, comment: str = "") -> None:
    """Gives a record back to its editor with a comment; what was approved must be approved anew."""
    if not comment.strip():
        raise StepRefused(_("Say in a comment what should be changed."))
    if record.state not in {Record.State.IN_REVIEW, Record.State.APPROVED}:
        raise StepRefused(_("Only what is in review or approved can be returned."))
    if not by or not (has_role(by, Role.APPROVER, Role.REGISTRAR) or by.is_superuser):
        raise StepRefused(_("Only registrars and approvers return records."))
    with transaction.atomic():
        SigningWork.objects.filter(
            record=record, state__in=[SigningWork.State.QUEUED, SigningWork.State.FAILED]
        ).update(state=SigningWork.State.CANCELLED, ended_at=timezone.now())
        if SigningWork.objects.filter(record=record, state=SigningWork.State.LEASED).exists():
            raise StepRefused(_("This record is being signed right now; try again in a moment."))
        take_step(record, Record.State.DRAFT, by=by, version=version, comment=comment.strip())


def approve(record: Record, *, by: Any, version: int, comment: str = "") -> Approval:
    """Approves exactly the snapshot that is in review; by a second person where policy says so (REL-26)."""
    _expect(record, Record.State.IN_REVIEW, version)
    _may_approve(by)
    snapshot = Snapshot.objects.get(pk=record.snapshot_id or 0)
    if snapshot.content is None or hashlib.sha256(bytes(snapshot.content)).hexdigest() != snapshot.digest:
        raise StepRefused(_("What was sent to review is damaged; return the record and send it again."))
    second_person = Policy.current().second_person_approves
    if second_person and snapshot.edited_by_id == by.pk:
        raise StepRefused(_("You edited this record last; the institution wants a second person to approve it."))
    try:
        with transaction.atomic():
            approval = Approval.objects.create(snapshot=snapshot, digest=snapshot.digest, by=by, comment=comment)
            take_step(record, Record.State.APPROVED, by=by, version=version, comment=comment)
            audit.record("snapshot.approved", record, by, snapshot=snapshot.pk, digest=snapshot.digest)
    except IntegrityError:
        raise StepRefused(_("It was approved meanwhile, or the institution wants a second person to do so.")) from None
    return approval


def discard(record: Record, *, by: Any, version: int, comment: str = "") -> None:
    """Throws away a record that was never approved; the audit trail keeps that it was there."""
    if record.state not in {Record.State.DRAFT, Record.State.IN_REVIEW}:
        raise StepRefused(_("Only a record that was never approved can be discarded."))
    if Approval.objects.filter(snapshot__record=record).exists():
        raise StepRefused(_("This record was approved once; it stays. Return it and edit it instead."))
    if not by or not (has_role(by, Role.REGISTRAR) or by.is_superuser):
        raise StepRefused(_("Only registrars discard records."))
    with transaction.atomic():
        audit.record("record.discarded", record, by, state=record.state, version=version)
        RecordStep.objects.create(
            record=record, from_state=record.state, to_state="discarded", version=version + 1, by=by, comment=comment
        )
        gone, _kinds = Record.objects.filter(pk=record.pk, state=record.state, version=version).delete()
        if not gone:
            raise StepRefused(_("Somebody else changed this record meanwhile. Look at it again; nothing was changed."))


def _expect(record: Record, state: str, version: int) -> None:
    if record.state != state:
        raise StepRefused(
            _("This record is in the state “%(state)s”; that step begins at “%(wanted)s”.")
            % {"state": record.get_state_display(), "wanted": Record.State(state).label}
        )
    if record.version != version:
        raise StepRefused(_("Somebody else changed this record meanwhile. Look at it again; nothing was changed."))


def _may_approve(by: Any) -> None:
    if not by or not (has_role(by, Role.APPROVER) or by.is_superuser):
        raise StepRefused(_("Only approvers approve records."))
