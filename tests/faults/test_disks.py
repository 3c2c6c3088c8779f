"""A disk that is full, and one that loses what was not synchronised (REL-22, REL-23; F10, F11)."""

import errno
import hashlib
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal
from django.db import connection, connections
from django.test import Client

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.institution import audit, files, keys
from apps.institution.models import SigningKey
from apps.issuance import batches, documents, printing, signing
from apps.issuance.models import Batch, IssuedDocument, Record, Rendition, SigningWork
from tests.faults import disks
from tests.faults.conftest import Start
from tests.faults.counting import expect_everything_once
from tests.issuance.earning import School

pytestmark = pytest.mark.server
DISK, RESERVE = 96, 24
COUNT = 12


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The folder of data, database and PDFs is a disk of 96 MB."""
    disks.only_as_root()
    with disks.small(tmp_path, DISK):
        yield tmp_path


@pytest.fixture
def full(small_disk: Path, committed_db: str, settings: Any, school: School) -> Batch:
    """A school with one issued record and a batch to do, on the small disk."""
    settings.MIN_FREE_BYTES = RESERVE * disks.MEGABYTE
    user = User.objects.create_user("admin@school.example", password="a long enough password")
    give_roles(user, Role.LEARNER)
    first = school.issued(school.learner(1))
    documents.pdf(first)
    return batches.start(school.many_approved(COUNT), by=school.registrar)


def sign(start: Start, batch: Batch, reserve: int = 0) -> int:
    """Lets a worker process go on with the batch; its exit code."""
    worker = start("manage.py", "issue_records", "--batch", str(batch.public_id), CLRPORTAL_MIN_FREE_MB=str(reserve))
    return worker.wait(timeout=120)


def expect_nothing_half() -> None:
    """Whatever was issued is whole, whatever was not is not issued at all; no file is half there."""
    issued = Record.objects.filter(state="issued").count()
    assert IssuedDocument.objects.count() == SigningWork.objects.filter(state="done").count() == issued
    assert not SigningWork.objects.filter(state="failed").exclude(reason="").exclude(reason_code="refused").exists()
    for document in IssuedDocument.objects.all():
        documents.content_of(document)
    for file in Path(portal.FILES_DIR).rglob("*"):
        if file.is_file():
            assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name
    assert audit.verify().is_whole


def test_f10_rel_23_a_full_disk_holds_work_up_and_loses_nothing(
    full: Batch, small_disk: Path, start: Start, school: School
):
    """REL-23, F10: work waits, people go on; when there is room again the batch is finished."""
    ballast = disks.fill(small_disk, but=RESERVE // 2 * disks.MEGABYTE)

    assert sign(start, full, RESERVE) == 1
    assert SigningWork.objects.filter(batch=full, state="queued").count() == COUNT
    assert "too little room" in (small_disk / "processes.log").read_text()
    assert not printing.render_due()

    answer = Client().get("/readyz")
    assert (answer.status_code, "disk" in answer.json()["failing"]) == (503, True)
    with pytest.raises(batches.BatchRefused, match="too little room"):
        batches._expect_room(RESERVE * 3)
    first = Record.objects.filter(state="issued").get()
    assert Client().get(f"/verify/{first.code}").status_code == 200
    key = SigningKey.objects.get(state="active")
    assert Client().get(keys.address(key).removeprefix(keys.public_base())).status_code == 200
    browser = Client()
    browser.post("/", {"login": "admin@school.example", "password": "a long enough password"})
    assert browser.get("/records/").status_code == 200
    expect_nothing_half()

    ballast.unlink()
    assert Client().get("/readyz").json()["failing"].count("disk") == 0
    assert sign(start, full, RESERVE) == 0
    while printing.render_due():
        pass
    assert Rendition.objects.filter(state="done").count() == COUNT + 1
    expect_everything_once(COUNT + 1)


@pytest.mark.parametrize("room", [0, 20_000, 120_000, 400_000])
def test_f10_no_room_at_all_while_bytes_and_log_are_written(full: Batch, small_disk: Path, start: Start, room: int):
    """F10: the database's log or the records' bytes meet the end of the disk: the transaction is not there at all."""
    if connection.vendor != "sqlite":
        pytest.skip("the database's files lie elsewhere")
    ballast = disks.fill(small_disk, but=room)
    sign(start, full)
    ballast.unlink()
    expect_nothing_half()
    SigningWork.objects.filter(state="leased").update(lease_until=None, state="queued")  # the lease has ended
    assert sign(start, full) == 0
    expect_everything_once(COUNT + 1)


def test_f10_a_pdf_that_does_not_fit_waits(school: School, monkeypatch: pytest.MonkeyPatch):
    """REL-23: the rendering goes back to the queue, nothing half is left, and it is made when there is room."""
    school.issued()

    def no_room(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", no_room)
        with pytest.raises(OSError, match="No space"):
            printing.render_due()
    assert [row.state for row in Rendition.objects.all()] == ["queued"]
    assert not [file for file in Path(portal.FILES_DIR).rglob("*") if file.is_file()]
    assert printing.render_due()
    assert files.get(Rendition.objects.get(state="done").digest).startswith(b"%PDF-")


def test_rel_22_a_file_is_synchronised_before_it_has_its_name(tmp_path: Path, settings: Any, monkeypatch: Any):
    """REL-22: write, fsync, rename, fsync of the folder; only then is a digest given that a row may name."""
    settings.FILES_DIR = tmp_path / "files"
    acts: list[str] = []
    sync, replace = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        kind = "folder" if Path(f"/proc/self/fd/{descriptor}").resolve().is_dir() else "file"
        acts.append(f"sync {kind}")
        sync(descriptor)

    def note_replace(self: Path, target: Path) -> Path:
        acts.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)
    digest = files.put(b"a page")
    assert acts == ["sync file", "rename", "sync folder"]
    assert files.get(digest) == b"a page"


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[disks.PulledPlug]:
    """The data folder lies on a disk whose plug can be pulled; the image and what is found after lie beside it."""
    disks.only_as_root()
    beside = tmp_path.parent / f"{tmp_path.name}-disk"
    beside.mkdir()
    plug = disks.PulledPlug(beside / "image", tmp_path, 768)
    yield plug
    connections.close_all()
    plug.away(beside / "after")


@pytest.mark.once
def test_f11_what_was_announced_is_there_after_a_power_cut(
    plug: disks.PulledPlug, committed_db: str, school: School, start: Start, folder: Path
):
    """F11, REL-20, REL-22: all processes killed in mid batch, everything not synchronised lost."""
    os.sync()  # what was there before the day begins
    batch = batches.start(school.many_approved(60), by=school.registrar)
    signing.issue_due(5)
    printing.render_due()
    worker = start("manage.py", "issue_records", "--batch", str(batch.public_id))
    end = time.monotonic() + 60
    while SigningWork.objects.filter(state="done").count() <= 5:
        assert worker.poll() is None and time.monotonic() < end
    announced = set(IssuedDocument.objects.values_list("digest", flat=True))
    pages = set(Rendition.objects.filter(state="done").values_list("digest", flat=True))
    after = plug.pull(folder.parent / f"{folder.name}-disk" / "after")
    worker.send_signal(signal.SIGKILL)
    worker.wait()

    with sqlite3.connect(after / "portal.sqlite3") as found:
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = dict(found.execute("SELECT digest, content FROM issuance_issueddocument"))
        assert announced <= set(rows)
        assert all(hashlib.sha256(content).hexdigest() == digest for digest, content in rows.items())
        (issued,) = found.execute("SELECT count(*) FROM issuance_record WHERE state = 'issued'").fetchone()
        (told,) = found.execute("SELECT count(*) FROM jobs_outboxentry WHERE kind = 'record-issued'").fetchone()
        assert issued == told == len(rows)
    assert pages
    for digest in pages:
        content = (after / "files" / digest[:2] / digest).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
