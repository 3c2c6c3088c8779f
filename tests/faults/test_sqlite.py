"""SQLite under many writers, and under a reader that does not let go (REL-20, F27)."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from apps.institution import audit
from apps.institution.models import AuditEntry, AuditHead
from apps.jobs.models import Job
from tests.faults.conftest import Start

pytestmark = [pytest.mark.once, pytest.mark.server]
WRITERS = 8
LIMIT = 4 * 1024 * 1024
"""Bytes that the write-ahead log keeps when nobody needs it."""

WRITE = """
import sys, time
from apps.institution import audit
from apps.jobs.models import Job
from django.db import transaction
end = time.monotonic() + float(sys.argv[-1])
while time.monotonic() < end:
    with transaction.atomic():  # a read that turns into a write
        known = Job.objects.order_by("pk").last()
        Job.objects.create(kind="tests", title=str(known)[:20])
        audit.record("tests.written", None)
"""


def write_all(start: Start, seconds: float, folder: Path) -> None:
    """Eight processes write for so long; none of them is refused once."""
    script = folder / "write.py"
    script.write_text("import django; django.setup()\n" + WRITE)
    writers = [start(str(script), str(seconds), PYTHONPATH=str(settings.BASE_DIR)) for _ in range(WRITERS)]
    codes = [writer.wait(timeout=seconds + 120) for writer in writers]
    said = (folder / "processes.log").read_text()
    assert codes == [0] * WRITERS, said[-3000:]
    assert "locked" not in said


def test_rel_20_the_connection_is_set_as_it_must_be(db: None):
    """REL-20: WAL, immediate transactions, 20 s of patience, foreign keys, full synchronisation."""
    assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    with connection.cursor() as cursor:
        found = {}
        for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout"):
            cursor.execute(f"PRAGMA {name}")
            found[name] = cursor.fetchone()[0]
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "busy_timeout": 20_000,
    }


def test_rel_20_eight_writers_are_never_told_that_it_is_locked(
    open_database: None, start: Start, folder: Path, soak: bool
):
    """REL-20: 8 writers, 60 s at full size."""
    write_all(start, 60 if soak else 6, folder)
    assert AuditEntry.objects.count() == AuditHead.objects.get().seq >= 8 * WRITERS
    assert audit.verify().is_whole


def test_f27_a_reader_that_keeps_its_snapshot_stops_nobody(
    open_database: None, start: Start, folder: Path, committed_db: str, soak: bool
):
    """F27: no failure while it reads; once it has gone, the write-ahead log shrinks."""
    file = Path(committed_db.removeprefix("sqlite:///"))
    log = Path(f"{file}-wal")
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    before = reader.execute("SELECT count(*) FROM institution_auditentry").fetchone()
    write_all(start, 600 if soak else 5, folder)
    assert reader.execute("SELECT count(*) FROM institution_auditentry").fetchone() == before
    while log.stat().st_size < 2 * LIMIT:
        Job.objects.create(kind="tests", result={"filling": "x" * 200_000})
    reader.execute("COMMIT")
    reader.close()
    for _ in range(3):  # the log is taken over into the database, begun anew, and cut
        Job.objects.create(kind="tests")
    assert log.stat().st_size <= LIMIT
    assert audit.verify().is_whole


def test_a_transaction_that_reads_first_waits_instead_of_failing(open_database: None, committed_db: str):
    """REL-20: transactions begin IMMEDIATE, so a read that turns into a write waits for its turn."""
    file = committed_db.removeprefix("sqlite:///")
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")

    def let_go() -> None:
        time.sleep(1)
        holder.execute("COMMIT")

    thread = threading.Thread(target=let_go)
    thread.start()
    with transaction.atomic():
        AuditEntry.objects.count()
        audit.record("tests.waited", None)
    thread.join()
    holder.close()
    assert AuditEntry.objects.filter(action="tests.waited").count() == 1
