"""A kind of work for these tests; a worker learns it by `--include tests.jobs.kinds`."""

import time

from apps.jobs.models import Job
from apps.jobs.running import KINDS, Progress, kind

COUNT = "tests-count"

if COUNT not in KINDS:

    @kind(COUNT)
    def count(job: Job, progress: Progress) -> None:
        """Counts from where it was to the total; at `hang_at`, the first worker stays until it is killed."""
        for step in range(job.done, job.total or 0):
            if step == job.arguments.get("hang_at") and job.attempt == 1:
                time.sleep(60)
            progress.update(done=step + 1, counted_by_attempt=job.attempt)
