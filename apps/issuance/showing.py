"""What a learner's pages show of issued records: cards, versions, downloads, structured data.

Everything comes from what was signed; a page never rebuilds a record.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Prefetch
from django.utils.translation import gettext as _

from apps.issuance import documents
from apps.issuance.models import IssuedDocument, Record, Supersession
from apps.issuance.reading import RecordView, read_record
from apps.issuance.record_view import EntryView
from apps.standards import schema_org


@dataclass(frozen=True, slots=True)
class Shown:
    """One issued record as lists show it."""

    record: Record
    title: str
    issued_on: datetime | None

    @property
    def path(self) -> str:
        """The record's page."""
        return f"/records/{self.record.public_id}/"

    @property
    def revoked_on(self) -> datetime | None:
        """Since when it no longer holds."""
        revocation = getattr(self.record, "revocation", None)
        return revocation.at if revocation else None

    @property
    def replaced_by(self) -> Record | None:
        """The record that superseded it."""
        supersession: Supersession | None = getattr(self.record, "superseded_by", None)
        return supersession.new if supersession else None


def issued_records(records: Any) -> Any:
    """The queryset with what `Shown` needs, in a constant number of queries and without the bytes."""
    light = IssuedDocument.objects.filter(format=documents.CLR1).defer("content")
    return (
        records.published()
        .select_related("learner", "snapshot", "revocation", "superseded_by__new")
        .defer("snapshot__content")
        .prefetch_related(Prefetch("documents", queryset=light))
    )


def shown(record: Record) -> Shown:
    """A record with title and date of issue as it was signed."""
    document = next(iter(record.documents.all()), None)
    title = record.snapshot.title if record.snapshot else ""
    return Shown(record, title or _("Comprehensive learner record"), document.issued_on if document else None)


def newest_first(records: Iterable[Record]) -> list[Shown]:
    """Records that still hold before the others, each group newest first."""
    all_of_them = [shown(record) for record in records]
    all_of_them.sort(key=lambda one: (one.issued_on is not None, one.issued_on or datetime.min), reverse=True)
    all_of_them.sort(key=lambda one: one.record.state != Record.State.ISSUED)
    return all_of_them


def versions_of(record: Record, records: Iterable[Record]) -> list[Shown]:
    """The chain of versions that this record belongs to, newest first, out of the learner's records."""
    known = {one.pk: one for one in records}
    newer = {one.pk: one.superseded_by.new_id for one in known.values() if getattr(one, "superseded_by", None)}
    older = {new: old for old, new in newer.items()}
    newest = record.pk
    while newest in newer and newer[newest] in known:
        newest = newer[newest]
    chain: list[Shown] = []
    at: int | None = newest
    while at is not None and at in known:
        chain.append(shown(known[at]))
        at = older.get(at)
    return chain


def view_of(record: Record) -> RecordView:
    """The record as people read it, out of the signed bytes. Raises `DocumentUnavailable`."""
    return read_record(json.loads(documents.payload(record)))


def why_unavailable(fault: documents.DocumentUnavailable) -> str:
    """Why a record cannot be shown or given out, in the words of a page."""
    if isinstance(fault, documents.DocumentErased):
        return _("The content of this record was erased. What was signed cannot be shown any more.")
    if isinstance(fault, documents.DocumentDamaged):
        return _("The stored record does not match what was signed, so it is not given out. The office has been told.")
    return _("This form of the record cannot be made just now. Please try again in a minute.")


def downloads_of(record: Record, view: RecordView) -> list[dict[str, str]]:
    """The forms in which a learner takes a record along, for the download menu."""
    base = f"/records/{record.public_id}/"
    certificates = [
        {
            "href": f"{base}certificate-{number}.pdf",
            "label": _("Certificate: %(name)s") % {"name": entry.name},
            "note": _("One page, to frame. The signed record is inside."),
            "icon": "award",
        }
        for number, entry in enumerate(documents.certificates(view), start=1)
    ]
    return [
        {
            "href": f"{base}record.pdf",
            "label": _("PDF"),
            "note": _("To print and to hand in. The signed record is inside."),
            "icon": "file-text",
        },
        *certificates,
        {
            "href": f"{base}clr.jws",
            "label": _("Signed record"),
            "note": _("For wallets and other systems (JWS)."),
            "icon": "file-badge",
        },
        {
            "href": f"{base}clr.json",
            "label": _("JSON-LD"),
            "note": _("The content in a form that programs read."),
            "icon": "braces",
        },
    ]


def achieved(entry: EntryView) -> schema_org.Achieved:
    """One entry in the terms of schema.org."""
    return schema_org.Achieved(
        id=entry.achievement_id or entry.id,
        name=entry.name.value,
        kind=entry.kind,
        code=entry.code or "",
        description=entry.description.value if entry.description else "",
        date=entry.issued_on.text if entry.issued_on else "",
        competencies=tuple(alignment.name.value for alignment in entry.alignments),
    )


def structured_data(record: Record, view: RecordView, *, public: bool = False) -> dict[str, Any]:
    """The record's page as JSON-LD; with `public`, the page that anybody may read."""
    base = f"{settings.BASE_URL}/records/{record.public_id}/"
    encodings = [
        (f"{base}clr.jws", "application/jose"),
        (f"{base}clr.json", "application/ld+json"),
        (f"{base}record.pdf", "application/pdf"),
    ]
    if public:
        base = f"{settings.BASE_URL}/clrs/{record.public_id}"
        encodings = [(view.id, "application/jose"), (view.id, "application/ld+json")]
    return schema_org.credential(
        id=view.id,
        name=view.title.value or _("Comprehensive learner record"),
        url=base,
        learner=view.learner.name.value,
        issuer_id=view.publisher.id,
        issuer=view.publisher.name.value,
        date=view.issued_on.text if view.issued_on else "",
        code=record.code,
        parts=[achieved(entry) for entry in view.entries],
        encodings=encodings,
        is_valid=record.state != Record.State.REVOKED,
    )
