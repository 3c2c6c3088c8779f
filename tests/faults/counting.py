"""Counts what was issued, independently of the code that issued it, after a fault (reliability, section 9)."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.exchange import hosted
from apps.institution import audit
from apps.issuance import documents
from apps.issuance.models import IssuedDocument, Record, RecordStep, SigningWork
from apps.jobs.models import OutboxEntry
from apps.standards.verify import engine
from apps.standards.verify.sources import OfflineFetcher


class Own:
    """What strangers find at the portal's own addresses."""

    def issued(self, id: str) -> None:
        """Nothing: the bytes themselves are judged."""
        return None

    def served(self, url: str) -> Any:
        """Profile, keys, revocation list."""
        return hosted.served(url)


def expect_everything_once(records: int, *, skew: timedelta = timedelta(seconds=5)) -> None:
    """Every approved record was issued, once and whole: rows, digests, steps, notices, verdicts, trail (I1, I2)."""
    assert Record.objects.filter(state="issued").count() == records
    assert not SigningWork.objects.exclude(state="done").exists()
    assert SigningWork.objects.count() == records
    assert IssuedDocument.objects.count() == records
    for column in ("digest", "document_id", "snapshot"):
        assert IssuedDocument.objects.values(column).distinct().count() == records
    assert RecordStep.objects.filter(to_state="issued").count() == records
    assert OutboxEntry.objects.filter(kind="record-issued").count() == records
    now = timezone.now() + skew
    for record in Record.objects.filter(state="issued"):
        assert engine.verify(documents.jws(record), fetcher=OfflineFetcher(), own=Own(), now=now).valid
    assert audit.verify().is_whole
