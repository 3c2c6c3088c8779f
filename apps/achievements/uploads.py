"""Frameworks imported from the office: receive a file or an address, look at it, import it, take it back (CASE-14).

The pages are those of every import (`apps.learners.admin.imports`); this room registers its kind there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.achievements import importing
from apps.achievements.models import Framework, FrameworkAssociation, FrameworkItem, FrameworkRubric
from apps.achievements.sources import SourceUnreadable, fetch_package
from apps.institution import audit, files
from apps.jobs import running
from apps.jobs.models import Job
from apps.jobs.running import JobFailed, Progress
from apps.learners.importing import kinds
from apps.learners.models import ImportRun

PREVIEW, IMPORT, UNDO = "case-preview", "case-import", "case-undo"
ERRORS_KEPT = 200


def receive(chunks: Iterable[bytes], *, file_name: str, user: Any) -> ImportRun:
    """Stores an uploaded package under its digest and starts looking at it (SEC-35)."""
    digest, _size = files.put_chunks(chunks)
    return _received(ImportRun(file_name=file_name[-255:], digest=digest), user)


def receive_address(address: str, *, user: Any) -> ImportRun:
    """Notes an address; the package is fetched by the job that looks at it (D1)."""
    return _received(ImportRun(file_name=address[:255], options={"address": address}), user)


def _received(run: ImportRun, user: Any) -> ImportRun:
    run.kind = ImportRun.Kind.CASE
    run.created_by = user
    run.save()
    audit.record("import.received", run, user, digest=run.digest)
    look_at(run, user=user)
    return run


def look_at(run: ImportRun, *, user: Any, allow: bool = False) -> Job:
    """Starts the preview; `allow`: an older version is wanted (D8)."""
    run.options["allow_older"] = allow
    run.state = ImportRun.State.CHECKING
    return _start(PREVIEW, _("Preview of %(run)s"), run, user)


def start_import(run: ImportRun, *, user: Any) -> Job:
    """Starts the import of a package that was looked at; asked twice, it starts once (REL-10)."""
    return _start(IMPORT, _("Import of %(run)s"), run, user, nonce=f"case-{run.public_id}-{run.job_id}")


def start_undo(run: ImportRun, *, user: Any) -> Job:
    """Starts taking an import back."""
    return _start(UNDO, _("Undoing the import of %(run)s"), run, user, nonce=f"case-undo-{run.public_id}-{run.job_id}")


def consequences(run: ImportRun) -> Mapping[Any, int]:
    """How many rows of each kind go when the import is taken back."""
    counted = {
        model._meta.verbose_name_plural: importing.added_by(run, model).count()
        for model in (Framework, FrameworkItem, FrameworkAssociation, FrameworkRubric)
    }
    return {name: count for name, count in counted.items() if count}


def _start(kind: str, title: str, run: ImportRun, user: Any, *, nonce: str | None = None) -> Job:
    number = str(run.public_id)[:8]
    run.job = running.start(kind, title % {"run": number}, arguments={"run": run.pk}, user=user, nonce=nonce)
    run.save(update_fields=["job", "state", "options"])
    return run.job


def _run_of(job: Job) -> ImportRun:
    return ImportRun.objects.get(pk=job.arguments["run"])


def _note(progress: Progress) -> importing.Note:
    return lambda sentence: progress.update(doing=sentence)


@running.kind(PREVIEW, queue="work")
def preview(job: Job, progress: Progress) -> None:
    """Fetches if need be, reads, compares, keeps what would change; stores nothing else."""
    run = _run_of(job)
    if run.state in (ImportRun.State.APPLIED, ImportRun.State.UNDONE):
        return
    if not run.digest:
        progress.update(doing=_("Fetching …"))
        try:
            body = fetch_package(run.options["address"])
        except SourceUnreadable as fault:
            run.state = ImportRun.State.REFUSED
            run.errors = [{"code": fault.code, "path": "", "identifier": None, "message": fault.sentence}]
            run.save(update_fields=["state", "errors"])
            raise JobFailed(fault.sentence) from fault
        run.digest = files.put(body)
        run.save(update_fields=["digest"])
    outcome = importing.import_package(
        files.get(run.digest),
        file_name=run.file_name,
        dry_run=True,
        allow_older=bool(run.options.get("allow_older")),
        note=_note(progress),
    )
    run.state = ImportRun.State.PREVIEWED if outcome.accepted else ImportRun.State.REFUSED
    run.format, run.counts, run.changes = outcome.format, dict(outcome.counts), dict(outcome.changes)
    run.preview = dict(outcome.preview)
    run.errors = [finding.as_json() for finding in outcome.errors[:ERRORS_KEPT]]
    run.warnings = [finding.as_json() for finding in outcome.warnings[:ERRORS_KEPT]]
    run.options = {
        **run.options,
        "errors_total": len(outcome.errors),
        "warnings_total": len(outcome.warnings),
        "may_allow": {finding.code for finding in outcome.errors} == {"case.older"},
    }
    run.save()
    if not outcome.accepted:
        codes = sorted({finding.code for finding in outcome.errors})
        audit.record("import.refused", run, job.created_by, digest=run.digest, codes=codes)


@running.kind(IMPORT, queue="work")
def import_(job: Job, progress: Progress) -> None:
    """Imports what was looked at, all or nothing."""
    run = _run_of(job)
    if run.state == ImportRun.State.APPLIED:
        return
    outcome = importing.import_package(
        files.get(run.digest),
        file_name=run.file_name,
        user=job.created_by,
        allow_older=bool(run.options.get("allow_older")),
        run=run,
    )
    if not outcome.accepted:
        raise JobFailed(_("The import was refused and nothing was stored. The page of the import says why."))
    job.done = outcome.counts["items"]


@running.kind(UNDO, queue="work")
def undo(job: Job, progress: Progress) -> None:
    """Takes an import back."""
    run = _run_of(job)
    if run.state == ImportRun.State.UNDONE:
        return
    try:
        importing.undo(run, user=job.created_by)
    except importing.UndoRefused as refusal:
        raise JobFailed(str(refusal)) from refusal


def register() -> None:
    """Tells the office's pages of imports."""
    kinds.register(
        ImportRun.Kind.CASE,
        kinds.ImportWork(
            look_at=look_at,
            start=start_import,
            undo=start_undo,
            reasons_against=importing.depends_on,
            consequences=consequences,
            allow_words=gettext_lazy("An older version is wanted: look again and allow it"),
            source_words=gettext_lazy("Framework"),
        ),
    )
