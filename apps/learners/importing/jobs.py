"""Imports as background work: receive a file, look at it, import it, undo it (ROST-35)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.institution import audit, files
from apps.jobs import running
from apps.jobs.models import Job
from apps.jobs.running import JobFailed, Progress
from apps.learners.importing import kinds
from apps.learners.importing.bundles import Note, Outcome, import_bundle
from apps.learners.importing.undoing import UndoRefused, consequences, reasons_against
from apps.learners.importing.undoing import undo as undo_import
from apps.learners.models import ImportRun

PREVIEW, IMPORT, UNDO = "oneroster-preview", "oneroster-import", "oneroster-undo"
_EVERY = 1.0
_READING = {ImportRun.State.RECEIVED, ImportRun.State.CHECKING, ImportRun.State.PREVIEWED, ImportRun.State.REFUSED}


def receive(chunks: Iterable[bytes], *, file_name: str, source: str, user: Any) -> ImportRun:
    """Stores an uploaded bundle under its digest and starts looking at it; gives the import's row (SEC-35)."""
    digest, _size = files.put_chunks(chunks)
    run = ImportRun.objects.create(
        kind=ImportRun.Kind.ONEROSTER,
        file_name=file_name[-255:],
        digest=digest,
        source=source,
        options={"source": source},
        created_by=user,
    )
    audit.record("import.received", run, user, digest=digest)
    look_at(run, user=user)
    return run


def look_at(run: ImportRun, *, user: Any, allow: bool = False) -> Job:
    """Starts the preview of a stored bundle."""
    run.options["allow_shrink"] = allow
    run.state = ImportRun.State.CHECKING
    return _start(PREVIEW, _("Preview of %(file)s"), run, user)


def start_import(run: ImportRun, *, user: Any) -> Job:
    """Starts the import of a bundle that was looked at; asked twice, it starts once (REL-10)."""
    total = sum(count for table, count in run.counts.items() if table != "students")
    return _start(IMPORT, _("Import of %(file)s"), run, user, total=total, nonce=f"import-{run.public_id}-{run.job_id}")


def start_undo(run: ImportRun, *, user: Any) -> Job:
    """Starts undoing an import."""
    return _start(UNDO, _("Undoing the import of %(file)s"), run, user, nonce=f"undo-{run.public_id}-{run.job_id}")


def _start(
    kind: str, title: str, run: ImportRun, user: Any, *, total: int | None = None, nonce: str | None = None
) -> Job:
    number = str(run.public_id)[:8]
    job = running.start(kind, title % {"file": number}, arguments={"run": run.pk}, total=total, user=user, nonce=nonce)
    run.job = job
    run.save(update_fields=["job", "state", "options"])
    return job


def _teller(progress: Progress) -> Note:
    """Tells the job what is being done, about once a second, and never within the one transaction."""
    last = 0.0
    said = ""

    def note(doing: str, rows: int) -> None:
        nonlocal last, said
        now = time.monotonic()
        if connection.in_atomic_block or (doing == said and now - last < _EVERY):
            return
        last, said = now, doing
        progress.update(done=rows, doing=doing)

    return note


def _run_of(job: Job) -> ImportRun:
    return ImportRun.objects.get(pk=job.arguments["run"])


@running.kind(PREVIEW)
def preview(job: Job, progress: Progress) -> None:
    """Reads the bundle, compares, keeps what it would change; stores nothing else."""
    run = _run_of(job)
    if run.state not in _READING:
        return
    outcome = import_bundle(
        files.path_of(run.digest),
        source=run.options.get("source", ""),
        dry_run=True,
        allow_shrink=bool(run.options.get("allow_shrink")),
        note=_teller(progress),
    )
    run.state = ImportRun.State.PREVIEWED if outcome.accepted else ImportRun.State.REFUSED
    _keep(run, outcome)
    if not outcome.accepted:
        codes = sorted({issue.code for issue in outcome.errors.listed})
        audit.record("import.refused", run, job.created_by, digest=run.digest, codes=codes)


@running.kind(IMPORT)
def import_(job: Job, progress: Progress) -> None:
    """Imports what was looked at."""
    run = _run_of(job)
    if run.state == ImportRun.State.APPLIED:
        return
    outcome = import_bundle(
        files.path_of(run.digest),
        source=run.options.get("source", ""),
        allow_shrink=bool(run.options.get("allow_shrink")),
        run=run,
        user=job.created_by,
        note=_teller(progress),
    )
    if not outcome.accepted:
        run.options["errors_total"] = outcome.errors.total
        run.save(update_fields=["options"])
        raise JobFailed(_("The import was refused and nothing was stored. The page of the import says why."))
    job.done = job.total or 0


@running.kind(UNDO)
def undo(job: Job, progress: Progress) -> None:
    """Takes an import back."""
    run = _run_of(job)
    if run.state == ImportRun.State.UNDONE:
        return
    try:
        undo_import(run, by=job.created_by)
    except UndoRefused as refusal:
        raise JobFailed(str(refusal)) from refusal


def _keep(run: ImportRun, outcome: Outcome) -> None:
    run.source, run.format = outcome.source, outcome.format
    run.counts, run.changes, run.preview = outcome.counts, outcome.changes, outcome.preview
    run.errors = [issue.as_json() for issue in outcome.errors.listed]
    run.warnings = [issue.as_json() for issue in outcome.warnings.listed]
    run.options = {
        **run.options,
        "errors_total": outcome.errors.total,
        "warnings_total": outcome.warnings.total,
        "may_allow": any(issue.code == "bulk.shrink" for issue in outcome.errors.listed),
    }
    run.save()


kinds.register(
    ImportRun.Kind.ONEROSTER,
    kinds.ImportWork(
        look_at=look_at,
        start=start_import,
        undo=start_undo,
        reasons_against=reasons_against,
        consequences=consequences,
        allow_words=gettext_lazy("So much is missing on purpose: look again and allow it"),
        source_words=gettext_lazy("Student system"),
    ),
)
