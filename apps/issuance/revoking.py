"""What becomes of an issued record: it is revoked, or corrected and issued anew. Nothing revoked comes back."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.permissions import Role, has_role
from apps.achievements.models import Assertion
from apps.institution import audit, keys, profiles
from apps.institution.models import SigningKey
from apps.issuance import badges, drafting, review, signing
from apps.issuance.models import Draft, DraftItem, Record, RecordStep, Revocation
from apps.issuance.review import StepRefused
from apps.jobs import outbox


def revoke(record: Record, *, by: Any, reason: str, version: int | None = None) -> Revocation:
    """Revokes an issued or superseded record, with a reason that is shown to whoever verifies it (REL-13)."""
    if not reason.strip():
        raise StepRefused(_("Say why the record is revoked; the reason is shown to whoever verifies it."))
    if not by or not (has_role(by, Role.REGISTRAR, Role.APPROVER) or by.is_superuser):
        raise StepRefused(_("Only registrars and approvers revoke records."))
    if record.state not in {Record.State.ISSUED, Record.State.SUPERSEDED}:
        raise StepRefused(_("Only an issued record can be revoked."))
    try:
        with transaction.atomic():
            revocation = signing.revoke_in_place(record, reason.strip(), by, timezone.now())
            review.take_step(
                record,
                Record.State.REVOKED,
                by=by,
                version=record.version if version is None else version,
                comment=reason.strip(),
            )
            badges.end_unfounded(record.learner, by=by, reason=reason.strip())
            outbox.put("record-revoked", record.public_id, record.learner.public_id)
    except IntegrityError:
        raise StepRefused(_("Somebody else revoked this record meanwhile.")) from None
    return revocation


def revoke_many(records: Iterable[Record], *, by: Any, reason: str) -> tuple[int, dict[int, str]]:
    """Revokes a selection or a batch; gives how many, and why not by record."""
    done, refused = 0, {}
    for record in records:
        try:
            revoke(record, by=by, reason=reason)
        except StepRefused as refusal:
            refused[record.pk] = str(refusal)
        else:
            done += 1
    return done, refused


def revoke_assertion(assertion: Assertion, *, by: Any, reason: str) -> Revocation:
    """Puts one assertion of ours on the revocation list, and ends its badge; records that hold it stay as they are."""
    if not reason.strip():
        raise StepRefused(_("Say why it is revoked."))
    with transaction.atomic():
        revocation = Revocation.objects.create(
            assertion=assertion,
            document_id=profiles.object_address(keys.public_base(), "assertions", assertion.public_id),
            reason=reason.strip(),
            by=by,
        )
        badges.end_unfounded(assertion.learner, by=by, reason=reason.strip())
        audit.record("assertion.revoked", assertion, by)
    return revocation


def reissue(record: Record, *, by: Any, reason: str = "", revoke_old: bool = False) -> Record:
    """Opens the correction of a record as a draft: the same items and hand edits, brought up to the sources.

    When it is issued, the earlier record is superseded, and also revoked with `revoke_old` (the default to offer when a
    result was wrong). Asking again gives the correction that is open.
    """
    if not by or not (has_role(by, Role.REGISTRAR) or by.is_superuser):
        raise StepRefused(_("Only registrars correct records."))
    if not record.is_published:
        raise StepRefused(_("Only an issued record is corrected; edit the draft instead."))
    if (known := Draft.objects.select_related("record").filter(corrects=record).first()) is not None:
        if known.record.is_published:
            raise StepRefused(_("This record was already corrected; correct the one that replaced it."))
        return known.record
    try:
        with transaction.atomic():
            return _open_correction(record, by, reason.strip(), revoke_old)
    except IntegrityError:
        return Draft.objects.select_related("record").get(corrects=record).record


def _open_correction(record: Record, by: Any, reason: str, revoke_old: bool) -> Record:
    old = Draft.objects.get(record=record)
    correction = Record.objects.create(learner=record.learner, created_by=by)
    draft = Draft.objects.create(
        record=correction,
        title=old.title,
        term=old.term,
        marked_partial=old.marked_partial,
        include_totals=old.include_totals,
        edits=old.edits,
        corrects=record,
        revoke_corrected=revoke_old,
        correction_reason=reason,
        edited_by=by,
        learner_digest=old.learner_digest,
    )
    DraftItem.objects.bulk_create(
        DraftItem(
            draft=draft,
            assertion_id=item.assertion_id,
            position=item.position,
            group=item.group,
            included=item.included,
            edits=item.edits,
            source_version=item.source_version,
        )
        for item in old.items.all()
    )
    RecordStep.objects.create(record=correction, to_state=Record.State.DRAFT, version=1, by=by, comment=reason)
    audit.record("record.drafted", correction, by, corrects=str(record.public_id))
    drafting.refresh(correction, by=by, version=1)
    return correction


def reissue_many(records: Iterable[Record], *, by: Any, reason: str, revoke_old: bool = False) -> list[Record]:
    """Opens corrections for a selection or a batch."""
    return [reissue(record, by=by, reason=reason, revoke_old=revoke_old) for record in records]


def after_compromise(key: SigningKey, by: Any) -> int:
    """Opens corrections of everything standing that a compromised key signed, to be approved and issued anew (SEC-61).

    Each says the same as before: items and edits as they were, on the sources of today.
    """
    affected = Record.objects.standing().filter(documents__key=key).select_related("learner").distinct()
    opened = 0
    for record in affected.iterator(chunk_size=200):
        if not Draft.objects.filter(corrects=record).exists():
            _open_correction(record, by, _("The key that signed it was compromised."), False)
            opened += 1
    return opened


def register() -> None:
    """Lets a compromised key act here."""
    keys.ON_COMPROMISE.append(after_compromise)
