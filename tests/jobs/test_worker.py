"""One real worker process, on the broker and the database of the run: REL-06, F01.

A worker and this process see the same rows because the commits are real; every wait ends as soon as the row says so.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from apps.jobs import running
from apps.jobs.models import Job
from tests.jobs.kinds import COUNT
from tests.portal import ROOT

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("worker")]
PATIENCE = 90
"""Seconds after which a wait is given up; no test is judged by how long it took."""


class Workers:
    """Starts workers as `deploy/quickstart` does, each the leader of a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "worker.log"

    @contextmanager
    def one(self) -> Iterator["subprocess.Popen[bytes]"]:
        """A worker until the block ends, then stopped as an operator stops it."""
        command = [
            *(sys.executable, "-m", "celery", "-A", "clrportal", "worker", "--beat", "--concurrency", "2"),
            *("--queues", "work,sign,render,mail", "--loglevel", "WARNING", "--include", "tests.jobs.kinds"),
            *("--schedule", str(self.folder / "schedule")),
        ]
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(30)
                finally:
                    kill(process)

    def until(self, reached: Callable[[Job], bool], job: Job) -> Job:
        """Waits for the job's row to say so; fails with the worker's log when it does not."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            job.refresh_from_db()
            if reached(job):
                return job
            time.sleep(0.1)
        raise AssertionError(f"{job.state}, {job.done} of {job.total}\n{self.log.read_text()[-4000:]}")


def kill(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL to the worker and its children; one that has ended already is no error."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def lose_all_messages() -> None:
    """Empties the broker of messages, waiting and taken."""
    if settings.REDIS_URL:
        import redis

        redis.Redis.from_url(settings.REDIS_URL).delete("work", "sign", "render", "mail", "unacked", "unacked_index")
        return
    for message in (settings.BROKER_DIR / "queue").iterdir():
        message.unlink(missing_ok=True)


@pytest.fixture
def workers(committed_db: str, tmp_path: Path) -> Workers:
    lose_all_messages()  # what other tests of this process said to nobody
    return Workers(tmp_path)


def test_it_works(workers: Workers):
    with workers.one():
        job = running.start(COUNT, "Count to three", total=3)
        workers.until(lambda row: row.is_over, job)
    assert (job.state, job.done, job.attempt, job.error) == (Job.State.DONE, 3, 1, "")
    assert job.result == {"counted_by_attempt": 1}
    assert job.started_at and job.ended_at


def test_rel_06_losing_every_message_loses_no_work(workers: Workers):
    """The row says that it is due; the dispatcher finds it when a worker starts, and every 15 seconds."""
    job = running.start(COUNT, "Count to three", total=3)
    lose_all_messages()
    with workers.one():
        workers.until(lambda row: row.is_over, job)
    assert (job.state, job.done, job.attempt) == (Job.State.DONE, 3, 1)


def test_f01_a_killed_worker_s_job_is_finished_by_the_next(workers: Workers):
    """SIGKILL in the middle: what was done stays done, the rest is done once, by whoever comes after the lease."""
    with workers.one() as first:
        job = running.start(COUNT, "Count to five", total=5, arguments={"hang_at": 2})
        workers.until(lambda row: row.done == 2, job)
        kill(first)
    job.refresh_from_db()
    assert (job.state, job.done, job.fence) == (Job.State.RUNNING, 2, 1)

    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))  # two minutes later
    with workers.one():
        workers.until(lambda row: row.is_over, job)
    assert (job.state, job.done, job.fence, job.attempt) == (Job.State.DONE, 5, 2, 2)
    assert job.result == {"counted_by_attempt": 2}
