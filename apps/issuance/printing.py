"""PDFs of issued records: made after signing, in a queue of their own, or at the first download; kept by content.

Rendering never stands in the way of signing, and a record that cannot be rendered fails alone (REL-08, REL-34).
"""

import logging
from datetime import timedelta

import orjson
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.institution import branding, files, keys
from apps.institution.models import CertificateDesign, Organization
from apps.issuance import documents
from apps.issuance.models import IssuedDocument, Record, Rendition
from apps.issuance.rendering_child import RenderingFailed, render_in_child
from apps.jobs import clock
from apps.network import health

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=180)
MAX_ATTEMPTS = 3


def verify_address(record: Record) -> str:
    """The address that the PDF prints and its QR leads to (contract, *Addresses*)."""
    return f"{keys.public_base()}/verify/{record.code}"


def render(document: IssuedDocument, *, assertion: str | None = None) -> bytes:
    """The PDF of a document, made in a limited child; with `assertion`, the certificate of that one alone.

    Raises `RenderingFailed`, `documents.DocumentUnavailable`.
    """
    token = documents.content_of(document)
    value = branding.design_value(_design_of(document))
    return render_in_child(
        orjson.loads(documents.payload_in(token)),
        token,
        value,
        verify_url=verify_address(document.record),
        code=document.record.code,
        page=value.page,
        language=value.language,
        assertion=assertion,
    )


def _design_of(document: IssuedDocument) -> CertificateDesign:
    """The version of the design that was approved with the record (REG-02)."""
    return document.snapshot.design or branding.current_design(Organization.objects.get(is_home=True))


def print_now(document: IssuedDocument, *, kind: str = Rendition.PDF, assertion: str | None = None) -> bytes:
    """Renders and stores, for somebody who waits. Raises `documents.DocumentUnavailable` with the reason."""
    try:
        content = render(document, assertion=assertion)
    except RenderingFailed as fault:
        raise documents.DocumentUnavailable(str(fault)) from fault
    _store(document, content, kind)
    return content


def _store(document: IssuedDocument, content: bytes, kind: str = Rendition.PDF) -> None:
    digest = files.put(content)  # the row that names a file is committed after it (REL-22)
    Rendition.objects.update_or_create(
        document=document,
        kind=kind,
        defaults={
            "state": Rendition.State.DONE,
            "digest": digest,
            "size": len(content),
            "made_at": timezone.now(),
            "lease_until": None,
            "reason": "",
        },
    )


def render_due() -> bool:
    """Renders one document that is due; False when there is none, or no room for it (REL-23)."""
    if not health.disk_has_room():
        log.error("Nothing is rendered: there is too little room on the disk.")
        return False
    claimed = _claim()
    if claimed is None:
        return False
    if claimed.state == Rendition.State.FAILED:
        return True
    mine = Rendition.objects.filter(pk=claimed.pk, fence=claimed.fence, state=Rendition.State.LEASED)
    try:
        _store(claimed.document, render(claimed.document))
    except (RenderingFailed, documents.DocumentUnavailable) as fault:
        log.warning("Document %s was not rendered: %s", claimed.document_id, type(fault).__name__)
        mine.update(state=Rendition.State.FAILED, reason=str(fault)[:500], lease_until=None)
    except OSError as fault:  # disk full and the like: it waits (REL-23)
        mine.update(state=Rendition.State.QUEUED, reason=type(fault).__name__, lease_until=None)
        raise
    return True


def _claim() -> Rendition | None:
    with transaction.atomic():
        rows = Rendition.objects.filter(_waiting()).order_by("pk")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        found = rows.select_related("document__record", "document__snapshot__design").first()
        if found is None:
            return None
        if found.attempt >= MAX_ATTEMPTS:  # REL-08
            found.state, found.lease_until = Rendition.State.FAILED, None
            found.reason = _("The worker was lost three times while rendering this record.")
        else:
            found.state, found.lease_until = Rendition.State.LEASED, clock.now() + LEASE
            found.fence, found.attempt = found.fence + 1, found.attempt + 1
        found.save(update_fields=["state", "lease_until", "fence", "attempt", "reason"])
    return found


def retry(document: IssuedDocument) -> None:
    """Lets a failed rendering be tried again."""
    document.renditions.filter(state=Rendition.State.FAILED).update(state=Rendition.State.QUEUED, attempt=0, reason="")
    transaction.on_commit(announce)


def is_due() -> bool:
    """Whether a rendering waits."""
    return Rendition.objects.filter(_waiting()).exists()


def _waiting() -> Q:
    state = Rendition.State
    return Q(state=state.QUEUED) | (Q(state=state.LEASED) & clock.has_ended(clock.now(), LEASE))


def announce() -> None:
    """Tells a worker that there is something to render (REL-06)."""
    from apps.issuance import tasks

    try:
        tasks.render_due.apply_async(queue="render", retry=False)
    except Exception as fault:  # noqa: BLE001  any transport's own error: the dispatcher will find the rows
        log.warning("The broker did not take a message: %s", type(fault).__name__)
