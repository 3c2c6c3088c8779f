"""Background work: what the row says, who holds it, and what stops it (REL-02, REL-08, REL-10, REL-11)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.jobs import clock, running
from apps.jobs.models import Job
from apps.jobs.running import Cancelled, JobFailed, LeaseLost, Progress
from tests.jobs.kinds import COUNT

pytestmark = pytest.mark.django_db


def test_it_works():
    job = running.start(COUNT, "Count to three", total=3)
    assert job.state == Job.State.QUEUED
    done = running.run_now(job)
    assert (done.state, done.done, done.result) == (Job.State.DONE, 3, {"counted_by_attempt": 1})


def test_a_kind_that_nobody_named_is_refused():
    with pytest.raises(LookupError):
        running.start("no such kind", "Nothing")


def test_rel_10_the_same_nonce_gives_the_same_job():
    nonce = running.new_nonce()
    assert running.start(COUNT, "Once", nonce=nonce) == running.start(COUNT, "Twice", nonce=nonce)
    assert running.start(COUNT, "Other", nonce=running.new_nonce()).title == "Other"


def test_rel_02_a_job_is_claimed_once_while_its_lease_runs():
    job = running.start(COUNT, "Count")
    assert running.claim(job.pk) is not None
    assert running.claim(job.pk) is None


def test_rel_02_after_the_lease_another_takes_it_and_the_first_must_stop():
    job = running.start(COUNT, "Count", total=3)
    first = running.claim(job.pk)
    assert first is not None
    slow = Progress(first)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    second = running.claim(job.pk)
    assert second is not None
    assert second.fence == first.fence + 1
    with pytest.raises(LeaseLost):
        slow.update(done=3)
    job.refresh_from_db()
    assert job.done == 0
    Progress(second).update(done=1)


def test_rel_08_a_job_that_took_three_workers_down_has_failed():
    job = running.start(COUNT, "Count")
    for _ in range(running.MAX_ATTEMPTS):
        assert running.claim(job.pk) is not None
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert running.claim(job.pk) is None
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.FAILED, "The worker was lost three times while doing this.")


@pytest.mark.parametrize(
    ("stop", "state"),
    [(running.cancel, Job.State.CANCELLED), (running.pause, Job.State.PAUSED)],
    ids=["cancel", "pause"],
)
def test_rel_11_a_running_job_stops_at_its_next_step(stop, state):
    job = running.start(COUNT, "Count", total=3)
    claimed = running.claim(job.pk)
    assert claimed is not None
    progress = Progress(claimed)
    progress.update(done=1)
    assert stop(job)
    with pytest.raises(Cancelled):
        progress.update(done=2)
    job.refresh_from_db()
    assert (job.state, job.done) == (state, 1)


def test_rel_11_a_paused_job_goes_on_where_it_was():
    job = running.start(COUNT, "Count", total=3)
    running.pause(job)
    assert running.run_now(job).state == Job.State.PAUSED
    Job.objects.filter(pk=job.pk).update(done=2)
    assert running.resume(job)
    assert running.run_now(job).done == 3


def test_what_has_ended_is_neither_cancelled_nor_resumed():
    job = running.run_now(running.start(COUNT, "Count", total=1))
    assert not running.cancel(job)
    assert not running.pause(job)
    assert not running.resume(job)


def test_a_failure_that_was_foreseen_tells_a_person_why(monkeypatch: pytest.MonkeyPatch):
    def refuse(job: Job, progress: Progress) -> None:
        raise JobFailed("The file is empty.")

    monkeypatch.setitem(running.KINDS, COUNT, refuse)
    failed = running.run_now(running.start(COUNT, "Count"))
    assert (failed.state, failed.error) == (Job.State.FAILED, "The file is empty.")


def test_a_failure_that_was_not_foreseen_shows_no_trace(monkeypatch: pytest.MonkeyPatch):
    def break_down(job: Job, progress: Progress) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setitem(running.KINDS, COUNT, break_down)
    failed = running.run_now(running.start(COUNT, "Count"))
    assert failed.state == Job.State.FAILED
    assert "secret" not in failed.error


def test_rel_06_the_dispatcher_tells_of_what_is_due_and_of_nothing_else(monkeypatch: pytest.MonkeyPatch):
    told: list[int] = []
    monkeypatch.setattr(running, "announce", lambda job_id, name: told.append(job_id))
    long_ago = timezone.now() - timedelta(minutes=1)
    queued, lost, held, ended = (running.start(COUNT, "Count") for _ in range(4))
    Job.objects.filter(pk=queued.pk).update(created_at=long_ago)
    Job.objects.filter(pk=lost.pk).update(state=Job.State.RUNNING, lease_until=long_ago)
    Job.objects.filter(pk=held.pk).update(state=Job.State.RUNNING, lease_until=clock.now() + timedelta(minutes=1))
    Job.objects.filter(pk=ended.pk).update(state=Job.State.DONE, created_at=long_ago)
    running.dispatch()
    assert sorted(told) == sorted([queued.pk, lost.pk])


def test_rel_28_a_worker_that_is_to_end_gives_its_job_back(monkeypatch: pytest.MonkeyPatch):
    """REL-28: after the present chunk, as it stands; the next worker goes on, and no attempt is counted."""
    job = running.start(COUNT, "Count to three", total=3)
    with monkeypatch.context() as ending:
        ending.setattr("apps.jobs.stopping.is_asked", lambda: True)
        stopped = running.run_now(job)
    assert (stopped.state, stopped.done, stopped.attempt, stopped.lease_until) == (Job.State.QUEUED, 1, 0, None)
    done = running.run_now(stopped)
    assert (done.state, done.done) == (Job.State.DONE, 3)
