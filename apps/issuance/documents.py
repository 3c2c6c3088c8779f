"""Issued bytes, as they were issued: checked on each read, never rebuilt (REL-16)."""

import hashlib

import orjson

from apps.institution import audit, files
from apps.institution.audit import Fault, Report
from apps.issuance.models import IssuedDocument, Record, Rendition, SigningWork, Snapshot
from apps.issuance.reading import read_record
from apps.issuance.record_view import EntryView, RecordView
from apps.standards.proofs import jws as compact

CLR1 = SigningWork.CLR1
MOST_CERTIFICATES = 999


class DocumentUnavailable(Exception):
    """The record has no such document to give out; the text says why."""


class DocumentDamaged(DocumentUnavailable):
    """What is stored is not what was issued: an alarm, 503, never served (REL-16)."""


class NoSuchCertificate(DocumentUnavailable):
    """The record has no degree or certificate of this number: there is no such page."""


class DocumentErased(DocumentUnavailable):
    """The bytes were removed by an erasure; only the digest is left (REL-14)."""


def document_of(record: Record, format: str = CLR1) -> IssuedDocument:
    """The signed form of a record. Raises `DocumentUnavailable` when it was not issued."""
    documents = record.documents.all()
    found = next((each for each in documents if each.format == format), None)
    if found is None:
        raise DocumentUnavailable("This record has not been issued.")
    return found


def content_of(document: IssuedDocument) -> bytes:
    """The bytes of a document, held against its digest and length."""
    if document.content is None:
        raise DocumentErased("This document was erased.")
    content = bytes(document.content)
    if len(content) != document.size or hashlib.sha256(content).hexdigest() != document.digest:
        raise DocumentDamaged(f"The stored bytes of document {document.pk} are not those that were issued.")
    return content


def snapshot_content(snapshot: Snapshot) -> bytes:
    """What went to review, held against its digest. Raises `DocumentErased`, `DocumentDamaged`."""
    if snapshot.content is None:
        raise DocumentErased("This content was erased.")
    content = bytes(snapshot.content)
    if hashlib.sha256(content).hexdigest() != snapshot.digest:
        raise DocumentDamaged(f"The stored bytes of snapshot {snapshot.pk} are not those that went to review.")
    return content


def jws(record: Record) -> bytes:
    """The compact JWS of a record, as issued. Raises `DocumentUnavailable`."""
    return content_of(document_of(record))


def payload(record: Record) -> bytes:
    """The JSON that was signed, byte for byte. Raises `DocumentUnavailable`."""
    return payload_in(jws(record))


def payload_in(token: bytes) -> bytes:
    """The payload inside a compact JWS of ours."""
    return compact.decode_part(token.split(b".")[1], "content")


def pdf(record: Record) -> bytes:
    """The PDF of a record: the stored one, else made now and stored. Raises `DocumentUnavailable`."""
    from apps.issuance import printing

    document = document_of(record)
    content_of(document)
    return _stored(document, Rendition.PDF) or printing.print_now(document)


def certificates(view: RecordView) -> list[EntryView]:
    """What of a record may have a certificate of its own: degrees, diplomas, certificates, licences that hold."""
    return [entry for entry in view.degrees if entry.id and not entry.is_revoked]


def certificate(record: Record, number: int) -> bytes:
    """The certificate of the record's degree (or the like) of this number, from 1, as a PDF with the record inside.

    Made at the first download, then kept. Raises `NoSuchCertificate`, `DocumentUnavailable`.
    """
    from apps.issuance import printing

    document = document_of(record)
    entries = certificates(read_record(orjson.loads(payload_in(content_of(document)))))
    if not 1 <= number <= min(len(entries), MOST_CERTIFICATES):
        raise NoSuchCertificate("The record has no degree or certificate of this number.")
    kind = f"{Rendition.CERTIFICATE}{number}"
    return _stored(document, kind) or printing.print_now(document, kind=kind, assertion=entries[number - 1].id)


def _stored(document: IssuedDocument, kind: str) -> bytes | None:
    """A rendition that was made before and is whole."""
    stored = document.renditions.filter(kind=kind, state=Rendition.State.DONE).first()
    if stored is None:
        return None
    try:
        return files.get(stored.digest)
    except (files.FileDamaged, files.FileMissing):
        audit.record("rendition.damaged", document.record, None, digest=stored.digest)
        return None


def examine(report: Report) -> list[Fault]:
    """Recomputes the digests of everything issued or approved (REL-18); names what was erased (REL-14)."""
    faults = []
    for snapshot in Snapshot.objects.order_by("pk").iterator(200):
        place = f"snapshot {snapshot.pk}"
        if snapshot.content is None:
            report.erased.append(place)
        elif hashlib.sha256(bytes(snapshot.content)).hexdigest() != snapshot.digest:
            faults.append(Fault(place, "Its bytes are not those that went to review."))
    for document in IssuedDocument.objects.order_by("pk").iterator(200):
        place = f"issued document {document.digest}"
        report.documents += 1
        try:
            token = content_of(document)
        except DocumentErased:
            report.erased.append(place)
        except DocumentDamaged:
            faults.append(Fault(place, "Its bytes are not those that were issued."))
        else:
            if hashlib.sha256(payload_in(token)).hexdigest() != document.payload_digest:
                faults.append(Fault(place, "Its payload is not the one that was signed."))
    for rendition in Rendition.objects.filter(state=Rendition.State.DONE).iterator(200):
        try:
            files.get(rendition.digest)
        except (files.FileDamaged, files.FileMissing):
            faults.append(Fault(f"rendition {rendition.digest}", "The stored file is damaged or gone."))
    return faults
