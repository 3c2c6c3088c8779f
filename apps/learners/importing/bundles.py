"""Importing a OneRoster bundle: read, stage, compare, and apply all of it or nothing (digest, part A7; REL-27).

`import_bundle` is the one way in, for the command, the admin's jobs and the demo.
"""

# ruff: noqa: S608  every name in a statement is one of our own tables and columns, every value a parameter

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.institution import audit
from apps.institution.models import Organization, Policy
from apps.learners.importing import preview as previews
from apps.learners.importing.applying import apply
from apps.learners.importing.comparing import (
    Changes,
    compare,
    results_of_others,
    reused_keys,
    shrunk,
    staged_rows,
)
from apps.learners.importing.locks import Busy, one_import_of
from apps.learners.importing.protocols import AFTER_IMPORT, OBJECTIVES
from apps.learners.importing.staging import Stage, extension_rules, name_of
from apps.learners.importing.statements import cell, select
from apps.learners.importing.tables import targets_of
from apps.learners.models import AcademicSession, ImportRun
from apps.standards.oneroster.issues import LISTED, BundleRefused, Issue, Issues, refuse
from apps.standards.oneroster.model import CASE_SOURCE, Table
from apps.standards.oneroster.read import Manifest, Reading, open_bundle, read_manifest, read_tables

Note = Callable[[str, int], None]
"""Told what is being done, and how many rows of how many have been read so far."""
DEFAULT_SOURCE = "oneroster"
_CHUNK = 500


@dataclass
class Outcome:
    """What an import did or would do; `as_json` is the form of the digest, part I."""

    accepted: bool
    dry_run: bool
    format: str = "oneroster"
    source: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    changes: dict[str, dict[str, int]] = field(default_factory=dict)
    errors: Issues = field(default_factory=Issues)
    warnings: Issues = field(default_factory=Issues)
    preview: dict[str, Any] = field(default_factory=dict)
    run: ImportRun | None = None

    def as_json(self) -> dict[str, Any]:
        """The object that `import_oneroster --json` prints; the totals count what is too much to list."""
        return {
            "accepted": self.accepted,
            "dry_run": self.dry_run,
            "format": self.format,
            "counts": self.counts,
            "changes": self.changes,
            "errors": [issue.as_json() for issue in self.errors.listed],
            "warnings": [issue.as_json() for issue in self.warnings.listed],
            "errors_total": self.errors.total,
            "warnings_total": self.warnings.total,
        }


class StoredRows:
    """What the reader may ask about rows of the same source (A7)."""

    def __init__(self, source: str) -> None:
        self.source = source

    def known(self, table: Table, ids: set[str]) -> set[str]:
        """Those of the keys that are stored, ended ones too."""
        found: set[str] = set()
        wanted = list(ids)
        for target in targets_of(table):
            stored = target.model._default_manager.filter(source=self.source)
            if target.fixed:
                stored = stored.filter(**{column: str(value) for column, value in target.fixed.items()})
            for start in range(0, len(wanted), _CHUNK):
                chunk = wanted[start : start + _CHUNK]
                found |= set(stored.filter(source_id__in=chunk).values_list("source_id", flat=True))
        return found

    def parents(self, table: Table) -> Mapping[str, str]:
        """Key → parent's key, of organizations and sessions."""
        model = {Table.ORGS: Organization, Table.ACADEMIC_SESSIONS: AcademicSession}[table]
        stored = model._default_manager.filter(source=self.source, parent__source=self.source)
        return dict(stored.values_list("source_id", "parent__source_id"))


def import_bundle(
    path: Path,
    *,
    source: str = "",
    dry_run: bool = False,
    allow_shrink: bool = False,
    run: ImportRun | None = None,
    user: Any = None,
    file_name: str = "",
    note: Note = lambda doing, rows: None,
) -> Outcome:
    """Reads a zip or folder, compares it with what is stored and, unless `dry_run`, stores it in one transaction.

    `source` names the student system where the manifest does not; `run` is the import's row where one exists already
    (an upload), else one is made unless it is a dry run. Faults of the bundle are in the outcome, never raised; the
    database is then as it was but for the run and an audit entry (ROST-23). Raises OSError when there is no such file.
    """
    outcome = Outcome(False, dry_run, source=source, run=run)
    policy = Policy.objects.first() or Policy()
    stage = Stage(policy.metadata_names)
    digest = ""
    try:
        note("Looking at the bundle", 0)
        with open_bundle(path) as bundle:
            outcome.warnings.extend(bundle.warnings.listed)
            manifest = read_manifest(bundle)
            outcome.warnings.extend(manifest.warnings.listed)
            outcome.format = manifest.format
            outcome.source = manifest.source or source or DEFAULT_SOURCE

            def work() -> None:
                nonlocal digest
                digest = bundle.digest()
                _read(bundle, manifest, stage, policy, outcome, note)

            if dry_run:
                work()
                _decide(stage, outcome, allow_shrink=allow_shrink)
                outcome.preview = previews.preview_of(stage, outcome.source)
            else:
                try:
                    with one_import_of(outcome.source):
                        work()
                        _store(stage, outcome, allow_shrink, user, digest, file_name or path.name, note)
                except Busy as fault:
                    raise refuse(
                        "import.busy",
                        "Another import of this student system is running. Nothing was changed; start this one again "
                        "when it has ended.",
                    ) from fault
        outcome.accepted = True
    except BundleRefused as refusal:
        outcome.errors = refusal.errors
        outcome.warnings.extend(refusal.warnings.listed)
        outcome.changes = {}
        if not dry_run:
            _note_refusal(outcome, user, digest, file_name or path.name)
    finally:
        stage.drop()
    return outcome


def _read(bundle: Any, manifest: Manifest, stage: Stage, policy: Policy, outcome: Outcome, note: Note) -> Reading:
    """Reads every table into the staging tables."""
    stage.open(manifest.version, manifest.modes)
    before = 0
    current: Table | None = None
    so_far = 0

    def progress(table: Table, count: int) -> None:
        nonlocal before, current, so_far
        if table is not current:
            before, current = before + so_far, table
        so_far = count
        note(f"Checking {table.file_name}", before + so_far)

    reading = read_tables(
        bundle,
        manifest,
        take=stage.take,
        stored=StoredRows(outcome.source),
        sensitive=policy.import_demographics,
        extensions=extension_rules(policy.metadata_names),
        progress=progress,
    )
    outcome.counts = {str(table): count for table, count in reading.counts.items()}
    outcome.counts["students"] = reading.students
    outcome.warnings.extend(reading.warnings.listed)
    stage.seal()
    return reading


def _decide(stage: Stage, outcome: Outcome, *, allow_shrink: bool) -> None:
    """Compares, and refuses what only the comparison shows."""
    changes = compare(stage, outcome.source)
    errors = Issues()
    for row, key in reused_keys(stage):
        message = (
            "This sourcedId belonged to a person with another identifier and another birth date. A person must decide: "
            "correct the export, or merge the two learners first."
        )
        errors.add(Issue("row.identity", message, Table.USERS.file_name, row, "sourcedId", key))
    for row, key in results_of_others(stage, outcome.source):
        message = "This person is stored, but not as a student; send the person's row with the results."
        errors.add(Issue("row.dangling", message, Table.RESULTS.file_name, row, "studentSourcedId", key))
    if not allow_shrink:
        for table, ended, stored in shrunk(stage, outcome.source, changes):
            message = (
                f"{ended:,} of {stored:,} stored rows of {table} are missing from this full export, more than one in "
                "five. Perhaps it was cut off; if it is right, import it with --allow-shrink."
            )
            errors.add(Issue("bulk.shrink", message, table.file_name))
    if errors:
        raise BundleRefused(errors)
    _warn(stage, outcome, changes)
    outcome.changes = {str(table): change.as_json() for table, change in changes.items()}


def _warn(stage: Stage, outcome: Outcome, changes: dict[Table, Changes]) -> None:
    for table, delta in stage.tables.items():
        if not delta:
            if ended := changes[table].ended:
                message = (
                    f"{ended:,} stored rows are missing from this full export; they are marked ended, not deleted."
                )
                outcome.warnings.add(Issue("bulk.ended", message, table.file_name))
            continue
        for action, code, message in (
            ("stale", "row.stale", "What is stored is as new as this row or newer; the row was skipped."),
            ("lost", "row.unknown_delete", "There is nothing of this sourcedId to delete."),
        ):
            _, found = staged_rows(table, action, LISTED)
            for row, key in found:
                outcome.warnings.add(Issue(code, message, table.file_name, row, "sourcedId", key))
    for table in (Table.LINE_ITEM_OBJECTIVES, Table.RESULT_OBJECTIVES):
        if table in stage.tables:
            _warn_of_objectives(table, outcome)


def _warn_of_objectives(table: Table, outcome: Outcome) -> None:
    """ROST-37: kept by identifier, and linked when the framework arrives."""
    objective = cell("learning_objective_id")
    found = select(
        f'SELECT {objective}, MIN(s.line) FROM "{name_of(table)}" s WHERE s.gone = 0 AND {cell("source")} = %s '
        f"GROUP BY {objective} ORDER BY 2",
        CASE_SOURCE,
    )
    unknown = {identifier for identifier, _ in found}
    for lookup in OBJECTIVES:
        unknown -= lookup(unknown)
    for identifier, row in found:
        if identifier in unknown:
            message = "No stored framework has this item; the objective is kept and linked when the framework arrives."
            outcome.warnings.add(
                Issue("row.objective_unknown", message, table.file_name, row, "learningObjectiveId", identifier)
            )


def _store(
    stage: Stage, outcome: Outcome, allow_shrink: bool, user: Any, digest: str, file_name: str, note: Note
) -> None:
    """Compares and applies in one transaction; nobody else imports this source meanwhile."""
    now = timezone.now()
    rows = sum(count for table, count in outcome.counts.items() if table != "students")
    _end_interrupted(outcome.source, outcome.run)
    if outcome.run is not None:
        ImportRun.objects.filter(pk=outcome.run.pk).update(source=outcome.source, state=ImportRun.State.APPLYING)
    with transaction.atomic():
        note("Comparing with what is stored", rows)
        _decide(stage, outcome, allow_shrink=allow_shrink)
        run = outcome.run or ImportRun(kind=ImportRun.Kind.ONEROSTER, created_by=user)
        run.file_name = run.file_name or file_name[-255:]
        run.digest, run.source, run.format = digest, outcome.source, outcome.format
        run.state, run.applied_at = ImportRun.State.APPLIED, now
        run.counts, run.changes, run.errors = outcome.counts, outcome.changes, []
        run.warnings = [issue.as_json() for issue in outcome.warnings.listed]
        run.preview = previews.preview_of(stage, outcome.source)
        run.save()
        outcome.preview = run.preview
        apply(stage, outcome.source, run, now, lambda table: note(f"Storing {table}", rows))
        audit.record("import.applied", run, user or run.created_by, digest=digest, changes=outcome.changes)
        outcome.run = run
        for act in AFTER_IMPORT:
            transaction.on_commit(lambda act=act: act(run))  # type: ignore[misc]


def _end_interrupted(source: str, mine: ImportRun | None) -> None:
    """Imports of this source that died on the way: the lock is ours, so nobody is at them any more."""
    interrupted = ImportRun.objects.filter(kind=ImportRun.Kind.ONEROSTER, source=source, state=ImportRun.State.APPLYING)
    if mine is not None:
        interrupted = interrupted.exclude(pk=mine.pk)
    message = "The import was interrupted; nothing of it was stored. Start it again."
    interrupted.update(state=ImportRun.State.REFUSED, errors=[Issue("import.busy", message).as_json()])


def _note_refusal(outcome: Outcome, user: Any, digest: str, file_name: str) -> None:
    """The one thing that a refused import leaves (ROST-23)."""
    with transaction.atomic():
        run = outcome.run or ImportRun(kind=ImportRun.Kind.ONEROSTER, created_by=user)
        run.file_name = run.file_name or file_name[-255:]
        run.digest = run.digest or digest
        run.source, run.format, run.state = outcome.source, outcome.format, ImportRun.State.REFUSED
        run.errors = [issue.as_json() for issue in outcome.errors.listed]
        run.warnings = [issue.as_json() for issue in outcome.warnings.listed]
        run.save()
        codes = sorted({issue.code for issue in outcome.errors.listed})
        audit.record("import.refused", run, user or run.created_by, digest=run.digest, codes=codes)
        outcome.run = run
