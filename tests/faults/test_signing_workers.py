"""Workers that are killed, and two at once: every record is issued once, and whole (I1, I2; REL-02; F01 to F03)."""

import signal
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest

from apps.issuance import batches
from apps.issuance.models import Batch, SigningWork
from apps.jobs import clock
from tests.faults.conftest import Start
from tests.faults.counting import expect_everything_once
from tests.issuance.earning import School

pytestmark = pytest.mark.server
SMALL, FULL = 24, 2_000


@pytest.fixture
def count(soak: bool) -> int:
    """How many records there are."""
    return FULL if soak else SMALL


@pytest.fixture
def batch(school: School, count: int, start: Start) -> Batch:
    """A committed batch."""
    return batches.start(school.many_approved(count), by=school.registrar)


def worker(start: Start, batch: Batch) -> "subprocess.Popen[bytes]":
    """A process that signs what is due of the batch."""
    return start("manage.py", "issue_records", "--batch", str(batch.public_id))


def test_at_first_nothing_is_due(db: None):
    """The database that the others copy is empty (and made because of this test, when it runs alone with them)."""
    assert not SigningWork.objects.exists()


def test_two_workers_do_no_row_twice(batch: Batch, count: int, start: Start):
    """REL-02: claims do not overlap."""
    workers = [worker(start, batch), worker(start, batch)]
    assert [each.wait(timeout=120 + count) for each in workers] == [0, 0]
    expect_everything_once(count)
    assert not SigningWork.objects.filter(attempt__gt=1).exists()


def test_a_killed_worker_loses_and_doubles_nothing(batch: Batch, count: int, start: Start, folder: Path):
    """F01, F02, F03: SIGKILL at any moment; when the lease has ended another one goes on."""
    for _number in range(3):
        killed = worker(start, batch)
        begin = time.monotonic()
        while not SigningWork.objects.filter(state="leased").exists() and killed.poll() is None:
            assert time.monotonic() - begin < 60
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        SigningWork.objects.filter(state="leased").update(lease_until=clock.now() - timedelta(seconds=1), attempt=0)
    assert worker(start, batch).wait(timeout=120 + count) == 0, (folder / "processes.log").read_text()[-2000:]
    expect_everything_once(count)
