"""Starting, running and watching background work.

A room names a kind of work once (`@kind("oneroster-preview")`), starts it with `start(...)` and reports through the
`Progress` it is given. The row in the database is the truth; a message only says that there is work (REL-06): the
dispatcher finds what is queued, or whose lease has ended, at worker start and every 15 seconds.
"""

import logging
import os
import platform
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.jobs import clock, stopping
from apps.jobs.models import Job

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=120)
"""How long a worker may be silent before its job is given to another (REL-02)."""
MAX_ATTEMPTS = 3
"""A job that took its worker down this often has failed (REL-08)."""


class Cancelled(Exception):
    """Somebody cancelled or paused the job; raised by `Progress` between two chunks."""


class Stopping(Exception):
    """The worker is asked to end; the job goes back to the queue as it stands, for the next one (REL-28)."""


class LeaseLost(Exception):
    """Another worker has taken the job over; whatever this one still holds must be dropped (REL-02)."""


class JobFailed(Exception):
    """The work cannot be done; the text tells a person why."""


class Progress:
    """What a running job uses to report, and to learn whether it should stop."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.fence = job.fence

    def update(
        self, *, done: int | None = None, failed: int | None = None, total: int | None = None, **result: Any
    ) -> None:
        """Stores the counts, renews the lease; raises `Cancelled`, `LeaseLost` or `Stopping`."""
        changes: dict[str, Any] = {"lease_until": clock.now() + LEASE}
        for name, value in (("done", done), ("failed", failed), ("total", total)):
            if value is not None:
                changes[name] = value
        if result:
            self.job.result.update(result)
            changes["result"] = self.job.result
        mine = Job.objects.filter(pk=self.job.pk, fence=self.fence)
        if not mine.filter(state=Job.State.RUNNING).update(**changes):
            if mine.exists():
                raise Cancelled
            raise LeaseLost
        if stopping.is_asked():
            raise Stopping


Work = Callable[[Job, Progress], None]
KINDS: dict[str, Work] = {}
QUEUES: dict[str, str] = {}


def kind(name: str, *, queue: str = "work") -> Callable[[Work], Work]:
    """Names a kind of work; the function gets the job and a `Progress`, may run again after a crash (be idempotent)."""

    def register(work: Work) -> Work:
        KINDS[name] = work
        QUEUES[name] = queue
        return work

    return register


def start(
    name: str,
    title: str,
    *,
    arguments: dict[str, Any] | None = None,
    total: int | None = None,
    user: Any = None,
    nonce: str | None = None,
) -> Job:
    """Queues work and says so to a worker once the transaction is in; the same nonce gives the same job (REL-10)."""
    if name not in KINDS:
        raise LookupError(f"There is no kind of job named {name}.")
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=name,
                title=title[:255],
                arguments=arguments or {},
                total=total,
                created_by=user,
                nonce=nonce,
            )
    except IntegrityError:
        if nonce and (known := Job.objects.filter(nonce=nonce).first()):
            return known
        raise
    transaction.on_commit(lambda: announce(job.pk, name))
    return job


def announce(job_id: int, name: str) -> None:
    """Tells a worker that this job is due; a broker that is away only delays it (REL-06, REL-29)."""
    try:
        run_job.apply_async((job_id,), queue=QUEUES.get(name, "work"), retry=False)
    except Exception as fault:  # noqa: BLE001  any transport's own error: the dispatcher will find the row
        log.warning("The broker did not take a message: %s", type(fault).__name__)


def new_nonce() -> str:
    """A nonce for a form that starts work."""
    return secrets.token_urlsafe(24)


def cancel(job: Job) -> bool:
    """Stops a job that has not ended; what it has finished stays."""
    return bool(
        Job.objects.filter(pk=job.pk, state__in=[Job.State.QUEUED, Job.State.RUNNING, Job.State.PAUSED]).update(
            state=Job.State.CANCELLED, ended_at=timezone.now()
        )
    )


def pause(job: Job) -> bool:
    """Holds a job after its present chunk (REL-11)."""
    return bool(
        Job.objects.filter(pk=job.pk, state__in=[Job.State.QUEUED, Job.State.RUNNING]).update(state=Job.State.PAUSED)
    )


def resume(job: Job) -> bool:
    """Lets a paused or failed job go on where it was."""
    changed = bool(
        Job.objects.filter(pk=job.pk, state__in=[Job.State.PAUSED, Job.State.FAILED]).update(
            state=Job.State.QUEUED, attempt=0, error="", ended_at=None, lease_until=None
        )
    )
    if changed:
        transaction.on_commit(lambda: announce(job.pk, job.kind))
    return changed


def claim(job_id: int) -> Job | None:
    """Takes the job for this worker by compare-and-set on its fence (REL-02); None if it is not due."""
    now, moment = timezone.now(), clock.now()
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        return None
    due = Q(state=Job.State.QUEUED) | (Q(state=Job.State.RUNNING) & clock.has_ended(moment, LEASE))
    if job.attempt >= MAX_ATTEMPTS:
        Job.objects.filter(due, pk=job_id, fence=job.fence).update(
            state=Job.State.FAILED, error="The worker was lost three times while doing this.", ended_at=now
        )
        return None
    owner = f"{platform.node()}:{os.getpid()}:{secrets.token_hex(4)}"[:64]
    taken = Job.objects.filter(due, pk=job_id, fence=job.fence).update(
        state=Job.State.RUNNING,
        lease_owner=owner,
        lease_until=moment + LEASE,
        fence=F("fence") + 1,
        attempt=F("attempt") + 1,
        started_at=job.started_at or now,
    )
    if not taken:
        return None
    job.refresh_from_db()
    return job


def run_now(job: Job) -> Job:
    """Runs a job in this process, as a worker would; for commands, and for the worker itself."""
    claimed = claim(job.pk)
    if claimed is None:
        job.refresh_from_db()
        return job
    progress = Progress(claimed)
    mine = Job.objects.filter(pk=claimed.pk, fence=progress.fence, state=Job.State.RUNNING)
    try:
        KINDS[claimed.kind](claimed, progress)
    except (Cancelled, LeaseLost):
        log.info("Job %s stopped.", claimed.public_id)
    except Stopping:
        mine.update(state=Job.State.QUEUED, lease_until=None, attempt=F("attempt") - 1)
    except JobFailed as fault:
        mine.update(state=Job.State.FAILED, error=str(fault), ended_at=timezone.now(), result=claimed.result)
    except Exception:
        log.exception("Job %s failed.", claimed.public_id)
        mine.update(
            state=Job.State.FAILED,
            error="Something went wrong that should not have; the operator's log names it by the job's number.",
            ended_at=timezone.now(),
        )
    else:
        mine.update(state=Job.State.DONE, ended_at=timezone.now(), result=claimed.result)
    claimed.refresh_from_db()
    return claimed


@shared_task(name="jobs.run")
def run_job(job_id: int) -> None:
    """Runs one job if it is still due."""
    job = Job.objects.filter(pk=job_id).first()
    if job is not None and job.kind in KINDS:
        run_now(job)


@shared_task(name="jobs.dispatch")
def dispatch() -> None:
    """Finds what is due and says so again: losing every message delays, loses nothing (REL-06)."""
    clock.beat()
    now = timezone.now()
    due = Job.objects.filter(
        Q(state=Job.State.QUEUED) & ~Q(created_at__range=(now - timedelta(seconds=5), now))  # just begun: said already
        | (Q(state=Job.State.RUNNING) & clock.has_ended(clock.now(), LEASE))
    )
    for job_id, name in due.values_list("pk", "kind")[:200]:
        announce(job_id, name)
    for look in DISPATCHERS:
        look()


DISPATCHERS: list[Callable[[], None]] = []
"""Further places that may have work due; rooms register a function each."""
