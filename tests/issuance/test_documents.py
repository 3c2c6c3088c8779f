"""Issued bytes and their PDFs: as stored, checked on each read (REL-08, REL-16, REL-22, F18, F21)."""

import hashlib
import io

import pikepdf
import pytest
from django.db import connection

from apps.institution import audit, files
from apps.issuance import documents, immutability, printing
from apps.issuance.models import IssuedDocument, Rendition, Snapshot
from apps.issuance.rendering_child import RenderingFailed
from tests.issuance.earning import School


def test_the_pdf_carries_the_very_bytes_that_were_issued(school: School):
    """Issue: exactly one attachment, `clr.jws`; made once, then read from the store."""
    record = school.issued()
    first = documents.pdf(record)
    with pikepdf.open(io.BytesIO(first)) as document:
        assert list(document.attachments) == ["clr.jws"]
        assert document.attachments["clr.jws"].get_file().read_bytes() == documents.jws(record)
    rendition = Rendition.objects.get()
    assert (rendition.state, rendition.digest) == ("done", hashlib.sha256(first).hexdigest())
    assert documents.pdf(record) == first


def test_the_queue_renders_what_is_due_once(school: School, monkeypatch):
    """REL-22: the row that names a file is there after the file."""
    record = school.issued()
    monkeypatch.setattr(printing, "render_in_child", lambda *given, **named: b"%PDF-made")
    assert printing.render_due()
    assert not printing.render_due()
    assert documents.pdf(record) == b"%PDF-made"


def test_a_record_that_cannot_be_rendered_fails_alone(school: School, monkeypatch):
    """REL-08, F18: the row fails with its reason, the others go on, and it can be tried again."""
    first, second = school.issued(school.learner(1)), school.issued(school.learner(2))

    def exhausted(payload, *given, **named):
        if payload["learner"]["studentId"] == "S-00001":
            raise RenderingFailed("memory", "It needs too much memory.")
        return b"%PDF-made"

    monkeypatch.setattr(printing, "render_in_child", exhausted)
    while printing.render_due():
        pass
    states = dict(Rendition.objects.values_list("document__record", "state"))
    assert states == {first.pk: "failed", second.pk: "done"}
    with pytest.raises(documents.DocumentUnavailable, match="memory"):
        documents.pdf(first)
    printing.retry(IssuedDocument.objects.get(record=first))
    assert printing.is_due()


def test_a_rendering_that_took_its_worker_down_three_times_has_failed(school: School):
    """REL-08."""
    school.issued()
    Rendition.objects.update(attempt=3)
    assert printing.render_due()
    assert Rendition.objects.get().state == "failed"


def test_a_flipped_bit_in_a_pdf_is_found_named_and_mended(school: School, monkeypatch):
    """REL-16, F21: never served; a PDF can be made again."""
    record = school.issued()
    monkeypatch.setattr(printing, "render_in_child", lambda *given, **named: b"%PDF-made")
    documents.pdf(record)
    digest = Rendition.objects.get().digest
    files.path_of(digest).write_bytes(b"%PDF-mbde")
    assert [fault.place for fault in audit.verify().faults] == [f"rendition {digest}"]
    assert documents.pdf(record) == b"%PDF-made"
    assert audit.verify().is_whole


def test_a_flipped_bit_in_issued_bytes_is_found_named_and_not_served(school: School):
    """REL-16, F21: with the triggers off, as somebody with the file in hand could."""
    record = school.issued()
    document = IssuedDocument.objects.get()
    content = bytearray(document.content)
    content[len(content) // 2] ^= 1
    immutability.remove(connection)
    IssuedDocument.objects.update(content=bytes(content))
    record = type(record).objects.get(pk=record.pk)
    with pytest.raises(documents.DocumentDamaged):
        documents.jws(record)
    assert f"issued document {document.digest}" in [fault.place for fault in audit.verify().faults]


def test_a_flipped_bit_in_a_snapshot_is_found(school: School):
    """F21."""
    school.in_review()
    immutability.remove(connection)
    Snapshot.objects.update(content=b"{}")
    assert [fault.place for fault in audit.verify().faults] == [f"snapshot {Snapshot.objects.get().pk}"]


def test_what_was_not_issued_has_no_document(school: School):
    """The caller is told."""
    with pytest.raises(documents.DocumentUnavailable, match="not been issued"):
        documents.jws(school.approved())
