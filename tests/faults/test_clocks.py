"""One worker's clock is a day fast or slow: nobody's lease is lost early, nothing is issued twice (REL-24, F12).

The worker's clock is changed by libfaketime (Debian's package `faketime`), as the kernel never would for one alone.
"""

import os
import shutil
import signal
import subprocess
import time
from datetime import timedelta

import pytest
from django.test import Client

from apps.issuance import batches, review, revoking, signing
from apps.issuance.models import Batch, IssuedDocument, SigningWork
from apps.jobs import clock
from tests.faults.conftest import Start
from tests.faults.counting import expect_everything_once
from tests.issuance.earning import School

pytestmark = pytest.mark.server
DAY = timedelta(days=1)


def worker(start: Start, batch: Batch, shift: str) -> "subprocess.Popen[bytes]":
    """A process that signs the batch by a clock that is off."""
    library = next(path for path in os.popen("dpkg -L libfaketime").read().split() if path.endswith("libfaketime.so.1"))
    assert shutil.which("faketime")
    return start(
        *("manage.py", "issue_records", "--batch", str(batch.public_id)),
        LD_PRELOAD=library,
        FAKETIME=shift,
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )


@pytest.mark.parametrize("shift", ["+1d", "-1d"])
def test_f12_a_wrong_clock_takes_nothing_out_of_another_s_hands(school: School, start: Start, shift: str):
    """What this process holds stays its own; the other does the rest."""
    batch = batches.start(school.many_approved(20), by=school.registrar)
    mine = signing.claim(8)
    assert worker(start, batch, shift).wait(timeout=120) == 0
    assert SigningWork.objects.filter(state="done").count() == 12
    assert not SigningWork.objects.filter(attempt__gt=1).exists()
    assert signing.issue(mine).issued == 8
    expect_everything_once(20, skew=2 * DAY)


@pytest.mark.parametrize("shift", ["+1d", "-1d"])
def test_f12_what_a_wrong_clock_holds_stays_its_own(school: School, start: Start, shift: str):
    """Neither free at once, because it seems to have ended yesterday, nor kept for a day when its holder is gone."""
    batch = batches.start(school.many_approved(40), by=school.registrar)
    wrong = worker(start, batch, shift)
    end = time.monotonic() + 60
    while not SigningWork.objects.filter(state="leased").exists():
        assert wrong.poll() is None and time.monotonic() < end
    wrong.send_signal(signal.SIGSTOP)
    held = set(SigningWork.objects.filter(state="leased").values_list("pk", flat=True))
    assert not held & set(signing.due().values_list("pk", flat=True))
    wrong.kill()
    wrong.wait()
    assert all(
        until <= clock.now() + signing.LEASE
        for until in SigningWork.objects.filter(pk__in=held).values_list("lease_until", flat=True)
    )
    SigningWork.objects.filter(pk__in=held).update(lease_until=clock.now() - timedelta(seconds=1))  # two minutes later
    assert worker(start, batch, "+0").wait(timeout=120) == 0
    expect_everything_once(40, skew=2 * DAY)


def test_f12_rel_24_the_moment_of_issue_is_never_before_approval_and_grows_along_corrections(
    school: School, start: Start
):
    """REL-24: issued by a fast clock, corrected by a slow one."""
    record = school.approved()
    assert worker(start, batches.start([record], by=school.registrar), "+1d").wait(timeout=60) == 0
    record.refresh_from_db()
    correction = revoking.reissue(record, by=school.registrar, reason="A grade was wrong.")
    review.submit(correction, by=school.registrar, version=correction.version)
    review.approve(correction, by=school.approver, version=correction.version)
    assert worker(start, batches.start([correction], by=school.registrar), "-1d").wait(timeout=60) == 0
    first, second = IssuedDocument.objects.order_by("pk")
    for document in (first, second):
        assert document.issued_on >= document.snapshot.approval.at.replace(microsecond=0)
    assert second.issued_on > first.issued_on
    record.refresh_from_db()
    assert record.state == "superseded"


def test_a_lease_from_before_the_machine_was_started_anew_is_over(school: School):
    """The clock of the leases on SQLite begins again; an old lease, which ends far ahead, holds nobody up."""
    batches.start(school.many_approved(1), by=school.registrar)
    signing.claim()
    assert not signing.due().exists()
    SigningWork.objects.update(lease_until=clock.now() + timedelta(days=40))
    assert signing.due().count() == 1


def test_rel_24_rel_29_not_ready_while_a_worker_s_clock_is_off(open_database: None, start: Start):
    """REL-24, REL-29: `/readyz` fails when web, worker and database differ by more than 30 s, and says which check."""
    library = next(path for path in os.popen("dpkg -L libfaketime").read().split() if path.endswith("libfaketime.so.1"))
    beat = ("manage.py", "shell", "-c", "from apps.jobs import clock; clock.beat()")
    assert start(*beat).wait(timeout=60) == 0
    assert "worker_clock" not in Client().get("/readyz").json()["failing"]
    assert start(*beat, LD_PRELOAD=library, FAKETIME="+40", FAKETIME_DONT_FAKE_MONOTONIC="1").wait(timeout=60) == 0
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert "worker_clock" in answer.json()["failing"]
