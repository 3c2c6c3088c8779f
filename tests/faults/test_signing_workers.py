"""Workers that are killed, and two at once: every record is issued once, and whole (I1, I2; REL-02; F01 to F03)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.institution import audit, keys
from apps.issuance import batches, documents, hosted
from apps.issuance.models import Batch, IssuedDocument, Record, SigningWork
from apps.jobs.models import OutboxEntry
from apps.standards.verify import engine
from apps.standards.verify.sources import OfflineFetcher
from tests.issuance.earning import found_school

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.server
RECORDS = 24


@pytest.fixture
def batch(
    committed_db: str, django_db_blocker: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Batch]:
    """A committed batch, with key and folders that child processes share."""
    monkeypatch.setenv("CLRPORTAL_DATA_DIR", str(tmp_path))
    settings.KEK_FILE, settings.CHECKPOINT_DIR = tmp_path / "kek.key", tmp_path / "checkpoints"
    keys.forget_signers()
    with django_db_blocker.unblock():
        school = found_school()
        yield batches.start(school.many_approved(RECORDS), by=school.registrar)


def worker(batch: Batch) -> "subprocess.Popen[bytes]":
    """A process that signs what is due of the batch."""
    command = [sys.executable, "manage.py", "issue_records", "--batch", str(batch.public_id)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "clrportal.settings"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def expect_everything_once() -> None:
    """Counts independently: records, documents, digests, notices; every record verifies; the trail is whole."""

    class Own:
        def issued(self, id: str) -> None:
            return None

        def served(self, url: str) -> Any:
            return hosted.served(url)

    assert Record.objects.filter(state="issued").count() == RECORDS
    assert IssuedDocument.objects.count() == RECORDS
    assert IssuedDocument.objects.values("digest").distinct().count() == RECORDS
    assert IssuedDocument.objects.values("document_id").distinct().count() == RECORDS
    assert OutboxEntry.objects.filter(kind="record-issued").count() == RECORDS
    assert not SigningWork.objects.exclude(state="done").exists()
    now = timezone.now() + timedelta(seconds=5)
    for record in Record.objects.all():
        assert engine.verify(documents.jws(record), fetcher=OfflineFetcher(), own=Own(), now=now).valid
    assert audit.verify().is_whole


def test_at_first_nothing_is_due(db: None):
    """The database that the others copy is empty (and made because of this test, when it runs alone with them)."""
    assert not SigningWork.objects.exists()


def test_two_workers_do_no_row_twice(batch: Batch):
    """REL-02: claims do not overlap."""
    workers = [worker(batch), worker(batch)]
    assert [each.wait(timeout=120) for each in workers] == [0, 0]
    expect_everything_once()


def test_a_killed_worker_loses_and_doubles_nothing(batch: Batch):
    """F01, F02, F03: SIGKILL at any moment; when the lease has ended another one goes on."""
    for _number in range(3):
        killed = worker(batch)
        begin = time.monotonic()
        while not SigningWork.objects.filter(state="leased").exists() and killed.poll() is None:
            assert time.monotonic() - begin < 60
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        SigningWork.objects.filter(state="leased").update(lease_until=timezone.now() - timedelta(seconds=1), attempt=0)
    assert worker(batch).wait(timeout=120) == 0
    expect_everything_once()
