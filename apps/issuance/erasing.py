"""What records hold of a learner: drafts go, issued ones are shown to nobody, or lose their bytes (PRIV-05, REL-14)."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from apps.achievements.models import Assertion, Evidence
from apps.institution import erasing, files
from apps.issuance.models import Approval, Badge, DraftItem, IssuedDocument, Publicity, Record, Rendition, Snapshot
from apps.jobs import retention


def erase(learner_id: UUID, records: bool) -> int:
    """Drafts go, issued records are unpublished; with `records` bytes, PDFs, narratives and evidence go too."""
    own = Record.objects.filter(learner__public_id=learner_id)
    ever_approved = Approval.objects.filter(snapshot__record__in=own).values("snapshot__record")
    gone = own.filter(state__in=[Record.State.DRAFT, Record.State.IN_REVIEW]).exclude(pk__in=ever_approved)
    snapshots = Snapshot.objects.filter(learner_id=learner_id).exclude(content=None)
    never_issued = snapshots.filter(record__in=list(gone.values_list("pk", flat=True)))
    count = never_issued.update(content=None)
    count += gone.delete()[1].get("issuance.Record", 0)
    for record in own.published():
        Publicity.objects.update_or_create(
            record=record, defaults={"is_public": False, "code_withdrawn_at": timezone.now()}
        )
        count += 1
    badges = Badge.objects.filter(learner_id=learner_id)
    count += badges.filter(is_public=True).update(is_public=False)
    if records:
        count += badges.exclude(content=None).update(content=None, jws=None)
        documents = IssuedDocument.objects.filter(record__in=own).exclude(content=None)
        pages = Rendition.objects.filter(document__record__in=own)
        digests = [digest for digest in pages.values_list("digest", flat=True) if digest]
        pages.delete()
        for digest in digests:
            files.remove(digest)
        count += documents.update(content=None) + snapshots.update(content=None)
        DraftItem.objects.filter(draft__record__in=own).update(edits={})
        earned = Assertion.objects.filter(learner__public_id=learner_id)
        Evidence.objects.filter(assertion__in=earned).delete()
        earned.update(narrative="")
        Assertion.history.filter(learner__public_id=learner_id).delete()
    return count


@retention.rule("drafts")
def drafts(before: datetime, dry_run: bool) -> int:
    """Drafts that nobody has touched for so long and that were never approved."""
    old = Record.objects.filter(
        Q(draft__edited_at__lt=before, draft__refreshed_at__lt=before),
        state=Record.State.DRAFT,
        created_at__lt=before,
    ).exclude(pk__in=Approval.objects.values("snapshot__record"))
    return retention.rows(old, dry_run)


def register() -> None:
    """Names the eraser."""
    erasing.register("records", erase)
