"""Import of CASE frameworks: compare a package with what is stored, then store all of it or nothing (part D).

``import_package`` is the one way in, for the command, the admin's job and the demo. An import that changed
something can be taken back as a whole while nothing depends on it (``undo``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.achievements.models import (
    Achievement,
    Alignment,
    Framework,
    FrameworkAssociation,
    FrameworkItem,
    FrameworkRubric,
    FrameworkRubricCriterion,
    FrameworkRubricLevel,
)
from apps.institution import audit
from apps.learners.models import ImportChange, ImportRun, searchable
from apps.standards import markdown
from apps.standards.case.model import CFAssociation, CFDocument, CFItem, CFPackage, CFRubric, calendar_day, key, moment
from apps.standards.case.read import Finding, Reading, read_package, read_rubric
from apps.standards.case.write import Record, to_wire

CHUNK = 1_000
SHOWN = 50
_FIRST_DAY = datetime(1, 1, 1, tzinfo=UTC)
_EARLIEST = 86_400
_LATEST = (date.max.toordinal() - 1) * 86_400

Note = Callable[[str], None]
Row = TypeVar("Row", FrameworkItem, FrameworkAssociation, FrameworkRubric)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import did or would do; ``as_json`` is the form of part I."""

    accepted: bool
    dry_run: bool
    format: str
    counts: Mapping[str, int]
    changes: Mapping[str, int]
    errors: Sequence[Finding]
    warnings: Sequence[Finding]
    framework: Framework | None = None
    run: ImportRun | None = None
    preview: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The object that ``import_case --json`` prints."""
        return {
            "accepted": self.accepted,
            "dry_run": self.dry_run,
            "format": self.format,
            "counts": dict(self.counts),
            "changes": dict(self.changes),
            "errors": [finding.as_json() for finding in self.errors],
            "warnings": [finding.as_json() for finding in self.warnings],
        }


class UndoRefused(Exception):
    """The import cannot be taken back; the text says what depends on it."""


@dataclass(slots=True)
class _Difference:
    """One kind of record: rows to write (with their state before, if stored already) and rows gone."""

    added: list[Any] = field(default_factory=list)
    changed: list[tuple[Any, Any]] = field(default_factory=list)
    gone: list[Any] = field(default_factory=list)
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.gone)


@dataclass(slots=True)
class _Plan:
    package: CFPackage
    framework: Framework | None
    digest: str
    items: _Difference
    associations: _Difference
    rubrics: _Difference
    errors: list[Finding]

    @property
    def is_empty(self) -> bool:
        """Whether the store holds exactly this already."""
        return (
            self.framework is not None
            and self.framework.digest == self.digest
            and self.items.is_empty
            and self.associations.is_empty
            and self.rubrics.is_empty
        )

    def changes(self) -> dict[str, int]:
        return {
            "added": len(self.items.added),
            "changed": len(self.items.changed),
            "unchanged": self.items.unchanged,
            "retired": len(self.items.gone),
        }


def import_package(
    data: bytes,
    *,
    file_name: str,
    user: Any = None,
    dry_run: bool = False,
    allow_older: bool = False,
    run: ImportRun | None = None,
    note: Note = lambda sentence: None,
) -> Outcome:
    """Read a package, compare it with the store and, unless ``dry_run``, store it in one transaction.

    ``run``: the import's row where one exists already (an upload); otherwise one is made when something is stored.
    ``note`` is told in a sentence what happens. Errors of the package are in the outcome, never raised.
    Rules: D3, D4, D8, D9, D11; CASE-13 to CASE-17.
    """
    note(_("Reading the package …"))
    digest = hashlib.sha256(data).hexdigest()
    reading = read_package(data)
    plan: _Plan | None = None
    if reading.package is not None and dry_run:
        note(_("Comparing with what is stored …"))
        plan = _compare(reading.package, reading.base, allow_older=allow_older)
    elif reading.package is not None:
        note(_("Comparing with what is stored …"))
        with transaction.atomic():
            mine = run or ImportRun(
                kind=ImportRun.Kind.CASE, file_name=file_name[-255:], digest=digest, created_by=user
            )
            _begin(mine, reading.package)
            plan = _compare(reading.package, reading.base, allow_older=allow_older)
            if plan.errors:
                transaction.set_rollback(True)
            else:
                if not plan.is_empty:
                    note(_("Storing …"))
                    plan.framework = _apply(plan, mine)
                _end(mine, reading, plan, user)
                run = mine
    errors = tuple(plan.errors) if plan else reading.errors
    if errors and not dry_run:
        _refuse(run, reading, errors, digest, user)
    return Outcome(
        accepted=not errors,
        dry_run=dry_run,
        format=reading.format,
        counts=reading.counts,
        changes=plan.changes() if plan and not errors else {},
        errors=errors,
        warnings=reading.warnings,
        framework=plan.framework if plan else None,
        run=run,
        preview=_preview(plan) if plan and dry_run and not errors else {},
    )


def _begin(run: ImportRun, package: CFPackage) -> None:
    """State applying: the unique constraint on it lets one import of a framework run at a time (ROST-36)."""
    run.source = key(package.document.identifier)
    run.state = ImportRun.State.APPLYING
    run.save()


def _end(run: ImportRun, reading: Reading, plan: _Plan, user: Any) -> None:
    run.state = ImportRun.State.APPLIED
    run.applied_at = timezone.now()
    run.format = reading.format
    run.counts = dict(reading.counts)
    run.changes = plan.changes()
    run.warnings = [finding.as_json() for finding in reading.warnings]
    run.errors = []
    run.save()
    audit.record("import.applied", run, user, framework=run.source, digest=run.digest, **plan.changes())


def _refuse(run: ImportRun | None, reading: Reading, errors: Sequence[Finding], digest: str, user: Any) -> None:
    """Nothing is kept of a refused package but that it was refused (ROST-23); an upload's row tells why."""
    if run is not None:
        ImportRun.objects.filter(pk=run.pk).update(
            state=ImportRun.State.REFUSED,
            format=reading.format,
            counts=dict(reading.counts),
            errors=[finding.as_json() for finding in errors],
            warnings=[finding.as_json() for finding in reading.warnings],
        )
        run.refresh_from_db()
    reasons = sorted({finding.code for finding in errors})
    audit.record("import.refused", run, user, kind=ImportRun.Kind.CASE.value, digest=digest, codes=reasons)


# -- comparing ------------------------------------------------------------------------------------


def _compare(package: CFPackage, base: str, *, allow_older: bool) -> _Plan:
    framework = Framework.objects.filter(identifier=package.document.identifier).first()
    errors: list[Finding] = []
    if framework is not None and not allow_older and _is_older(package.document, framework):  # D8
        errors.append(
            Finding(
                "case.older",
                f"{base}/CFDocument/lastChangeDateTime",
                _(
                    "The stored version was changed on %(stored)s, this one on %(new)s. "
                    "Import the older one on purpose with --allow-older."
                )
                % {
                    "stored": framework.document.get("lastChangeDateTime", framework.last_changed.isoformat()),
                    "new": package.document.last_change,
                },
                package.document.identifier,
            )
        )
    errors += _foreign(FrameworkItem, "framework", framework, package.items, f"{base}/CFItems")
    errors += _foreign(FrameworkAssociation, "framework", framework, package.associations, f"{base}/CFAssociations")
    errors += _foreign(FrameworkRubric, "framework", framework, package.rubrics, f"{base}/CFRubrics")
    for index, rubric in enumerate(package.rubrics):
        at = f"{base}/CFRubrics/{index}/CFRubricCriteria"
        errors += _foreign(FrameworkRubricCriterion, "rubric__framework", framework, rubric.criteria, at)
        for place, criterion in enumerate(rubric.criteria):
            below = f"{at}/{place}/CFRubricCriterionLevels"
            errors += _foreign(FrameworkRubricLevel, "criterion__rubric__framework", framework, criterion.levels, below)
    content = {
        "document": to_wire(package.document),
        "definitions": package.definitions or {},
        "rest": dict(package.rest),
    }
    items = framework.items.all() if framework else FrameworkItem.objects.none()
    associations = framework.associations.all() if framework else FrameworkAssociation.objects.none()
    rubrics = framework.rubrics.all() if framework else FrameworkRubric.objects.none()
    return _Plan(
        package=package,
        framework=framework,
        digest=_digest(content),
        items=_difference(package.items, items),
        associations=_difference(package.associations, associations),
        rubrics=_difference(package.rubrics, rubrics),
        errors=errors,
    )


def _is_older(document: CFDocument, stored: Framework) -> bool:
    new, known = moment(document.last_change), moment(str(stored.document.get("lastChangeDateTime", "")))
    return new is not None and known is not None and new < known


def _preview(plan: _Plan) -> dict[str, Any]:
    """What the office is shown beside the counts: changed items field by field, and what is new and what goes."""
    changed = []
    for row, record in plan.items.changed[:SHOWN]:
        before, after = row.item, to_wire(record)
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        fields = [{"field": n, "before": _shown(before.get(n)), "after": _shown(after.get(n))} for n in names]
        changed.append({"line": record.human_coding_scheme or "", "key": record.identifier, "fields": fields})
    added = [
        {"line": one.human_coding_scheme or "", "key": one.identifier, "fields": _statement("", one.full_statement)}
        for one in plan.items.added[:SHOWN]
        if plan.framework is not None
    ]
    gone = [
        {"line": row.human_coding_scheme, "key": str(row.identifier), "fields": _statement(row.full_statement, "")}
        for row in plan.items.gone[:SHOWN]
    ]
    groups = ((_("Changed"), changed), (_("New"), added), (_("Retired"), gone))
    return {"changed": {str(name): rows for name, rows in groups if rows}}


def _statement(before: str, after: str) -> list[dict[str, str]]:
    return [{"field": _("statement"), "before": before, "after": after}]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()


def _foreign(
    model: type[models.Model], owner: str, framework: Framework | None, records: Sequence[Any], at: str
) -> list[Finding]:
    """Identifiers that another framework has already: one identifier names one thing (D3)."""
    places = {key(record.identifier): index for index, record in enumerate(records)}
    found: list[Finding] = []
    names = list(places)
    for start in range(0, len(names), CHUNK):
        taken = model._default_manager.filter(identifier__in=names[start : start + CHUNK])
        if framework is not None:
            taken = taken.exclude(**{owner: framework})
        for identifier, title in taken.values_list("identifier", f"{owner}__title"):
            found.append(
                Finding(
                    "case.duplicate",
                    f"{at}/{places[str(identifier)]}/identifier",
                    _("The identifier belongs already to the framework “%(title)s”.") % {"title": title},
                    str(identifier),
                )
            )
    return sorted(found, key=lambda finding: places[finding.identifier or ""])


def _difference(records: Iterable[Record], stored: models.QuerySet[Any]) -> _Difference:
    known = {str(row.identifier): row for row in stored}
    difference = _Difference()
    for record in records:
        row = known.pop(key(record.identifier), None)
        if row is None:
            difference.added.append(record)
        elif row.digest != _digest(to_wire(record)) or row.retired_at is not None:
            difference.changed.append((row, record))
        else:
            difference.unchanged += 1
    difference.gone = [row for row in known.values() if row.retired_at is None]
    return difference


def _digest(content: Any) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


# -- storing --------------------------------------------------------------------------------------


def _apply(plan: _Plan, run: ImportRun) -> Framework:
    package = plan.package
    framework = plan.framework
    if framework is None:
        framework = Framework(identifier=UUID(package.document.identifier))
    else:
        _remember(run, [framework])
    _fill_framework(framework, package)
    framework.digest = plan.digest
    framework.import_run = run
    framework.save()
    now = timezone.now()
    item_ids = _store(
        FrameworkItem, plan.items, run, now, lambda row, record: _fill_item(row, record, framework), framework
    )

    def association(row: FrameworkAssociation, record: CFAssociation) -> None:
        _fill_association(row, record, framework, item_ids)

    _store(FrameworkAssociation, plan.associations, run, now, association, framework)
    _store(FrameworkRubric, plan.rubrics, run, now, lambda row, record: _fill_rubric(row, record, framework), framework)
    _rebuild_criteria(framework, [*plan.rubrics.added, *(record for _row, record in plan.rubrics.changed)], item_ids)
    _link_waiting(framework)
    return framework


def _store(
    model: type[Row],
    difference: _Difference,
    run: ImportRun,
    now: datetime,
    fill: Callable[[Row, Any], None],
    framework: Framework,
) -> dict[str, int]:
    """Writes one kind of record; gives the primary keys by identifier."""
    _remember(run, [row for row, _record in difference.changed] + difference.gone)
    created: list[Any] = [model() for _record in difference.added]
    updated: list[Any] = [row for row, _record in difference.changed]
    records = [*difference.added, *(record for _row, record in difference.changed)]
    for row, record in zip([*created, *updated], records, strict=True):
        row.identifier = UUID(record.identifier)
        row.digest = _digest(to_wire(record))
        row.retired_at = None
        row.import_run = run
        fill(row, record)
    for row in difference.gone:  # D9: retired, never deleted
        row.retired_at = now
        row.import_run = run
    model._default_manager.bulk_create(created, batch_size=CHUNK)
    _update_all(model, [*updated, *difference.gone])
    pairs = model._default_manager.filter(framework=framework).values_list("identifier", "pk")
    return {str(identifier): primary for identifier, primary in pairs}


def _update_all(model: type[Row], rows: Sequence[Row]) -> None:
    """Writes rows that exist by one statement a chunk (an upsert on the primary key)."""
    if rows:
        names = [column.name for column in model._meta.concrete_fields if not column.primary_key]
        model._default_manager.bulk_create(
            rows, batch_size=CHUNK, update_conflicts=True, unique_fields=["id"], update_fields=names
        )


def _remember(run: ImportRun, rows: Sequence[models.Model]) -> None:
    """Keeps what rows were, so that the import can be undone as a whole."""
    if not rows:
        return
    model = type(rows[0])
    changes = [
        ImportChange(
            run=run,
            model=model._meta.model_name or "",
            row=row.pk,
            before={
                column.attname: _plain(getattr(row, column.attname))
                for column in model._meta.concrete_fields
                if not column.primary_key
            },
        )
        for row in rows
    ]
    ImportChange.objects.bulk_create(changes, batch_size=CHUNK)


def _plain(value: Any) -> Any:
    return (
        value.isoformat() if isinstance(value, (date, datetime)) else str(value) if isinstance(value, UUID) else value
    )


def _fill_framework(framework: Framework, package: CFPackage) -> None:
    document = package.document
    framework.uri = document.uri
    framework.title = document.title
    framework.creator = document.creator
    framework.publisher = document.publisher or ""
    framework.description = document.description or ""
    framework.language = document.language or ""
    framework.version = document.version or ""
    framework.adoption_status = document.adoption_status or ""
    framework.case_version = package.version
    framework.license = document.licence.title if document.licence else ""
    framework.official_source = document.official_source or ""
    framework.last_changed = _instant(document.last_change)
    framework.document = to_wire(document)
    framework.definitions = dict(package.definitions or {})
    framework.rest = dict(package.rest)


def _fill_item(row: FrameworkItem, record: CFItem, framework: Framework) -> None:
    row.framework = framework
    row.uri = record.uri
    row.full_statement = record.full_statement
    row.abbreviated_statement = record.abbreviated_statement or ""
    row.human_coding_scheme = record.human_coding_scheme or ""
    row.list_enumeration = record.list_enumeration or ""
    row.item_type = record.item_type or ""
    row.language = record.language or ""
    row.last_changed = _instant(record.last_change)
    row.status_end_date = calendar_day(record.status_end or "")
    row.item = to_wire(record)
    row.search_text = searchable(
        record.human_coding_scheme or "",
        record.abbreviated_statement or "",
        markdown.to_text(record.full_statement),
        *(record.concept_keywords or ()),
    )


def _fill_association(
    row: FrameworkAssociation, record: CFAssociation, framework: Framework, item_ids: Mapping[str, int]
) -> None:
    row.framework = framework
    row.association_type = record.association_type
    row.origin_identifier = key(record.origin.identifier)
    row.destination_identifier = key(record.destination.identifier)
    row.origin_id = item_ids.get(row.origin_identifier)
    row.destination_id = item_ids.get(row.destination_identifier)
    row.sequence_number = record.sequence_number
    row.association = to_wire(record)


def _fill_rubric(row: FrameworkRubric, record: CFRubric, framework: Framework) -> None:
    row.framework = framework
    row.uri = record.uri
    row.title = record.title or ""
    row.rubric = to_wire(record)


def _rebuild_criteria(framework: Framework, rubrics: Sequence[CFRubric], item_ids: Mapping[str, int]) -> None:
    """Criteria and levels follow their rubric as a whole."""
    rows = {str(row.identifier): row for row in framework.rubrics.all()}
    mine = [rows[key(rubric.identifier)] for rubric in rubrics]
    FrameworkRubricCriterion.objects.filter(rubric__in=mine).delete()
    criteria = [criterion for rubric in rubrics for criterion in rubric.criteria]
    levels = [level.identifier for criterion in criteria for level in criterion.levels]
    names = [criterion.identifier for criterion in criteria]
    FrameworkRubricLevel.objects.filter(identifier__in=levels).delete()  # moved here from another rubric
    FrameworkRubricCriterion.objects.filter(identifier__in=names).delete()
    for rubric, row in zip(rubrics, mine, strict=True):
        for criterion in rubric.criteria:
            stored = FrameworkRubricCriterion.objects.create(
                rubric=row,
                identifier=UUID(criterion.identifier),
                uri=criterion.uri,
                description=criterion.description or "",
                category=criterion.category or "",
                item_id=item_ids.get(key(criterion.item.identifier)) if criterion.item else None,
                weight=criterion.weight,
                position=criterion.position,
            )
            FrameworkRubricLevel.objects.bulk_create(
                FrameworkRubricLevel(
                    criterion=stored,
                    identifier=UUID(level.identifier),
                    uri=level.uri,
                    quality=level.quality or "",
                    description=level.description or "",
                    score=level.score,
                    position=level.position,
                )
                for level in criterion.levels
            )


def _link_waiting(framework: Framework) -> None:
    """Ties alignments that named an item before its framework arrived (ROST-37)."""
    waiting = Alignment.objects.filter(item=None).exclude(target_identifier="")
    names = {name: name.lower() for name in waiting.values_list("target_identifier", flat=True).distinct()}
    if not names:
        return
    items = {str(item.identifier): item for item in framework.items.all()}
    for name, lower in names.items():
        if lower in items:
            waiting.filter(target_identifier=name).update(item=items[lower])


def _instant(text: str) -> datetime:
    """A time of the package as the database can hold it; the text itself stays in the record (SEC-33)."""
    found = moment(text)
    seconds = min(max(found[0] if found else _EARLIEST, _EARLIEST), _LATEST)
    day, rest = divmod(seconds, 86_400)
    return datetime.combine(date.fromordinal(day), datetime.min.time(), UTC).replace(
        hour=rest // 3_600, minute=rest % 3_600 // 60, second=rest % 60
    )


# -- taking back ----------------------------------------------------------------------------------

_ORDER: tuple[type[models.Model], ...] = (FrameworkRubric, FrameworkAssociation, FrameworkItem, Framework)


def depends_on(run: ImportRun) -> list[str]:
    """What keeps an import from being taken back, in sentences; empty when it may be."""
    reasons = []
    later = ImportRun.objects.filter(
        kind=ImportRun.Kind.CASE, source=run.source, state=ImportRun.State.APPLIED, applied_at__gt=run.applied_at
    )
    if run.applied_at and any(any(other.changes.get(name) for name in _CHANGING) for other in later):
        reasons.append(_("A later version of this framework was imported; take that one back first."))
    added = added_by(run, FrameworkItem)
    aligned = Alignment.objects.filter(item__in=added).count()
    if aligned:
        reasons.append(_("%(count)s alignments point at competencies that this import added.") % {"count": aligned})
    named = Achievement.objects.filter(competency__in=added).count()
    if named:
        reasons.append(_("%(count)s achievements are competencies that this import added.") % {"count": named})
    return reasons


_CHANGING = ("added", "changed", "retired")


def added_by(run: ImportRun, model: type[models.Model]) -> models.QuerySet[Any]:
    """Rows of one kind that an import added (and no later one changed)."""
    before = ImportChange.objects.filter(run=run, model=model._meta.model_name or "").values("row")
    return model._default_manager.filter(import_run=run).exclude(pk__in=before)


def undo(run: ImportRun, *, user: Any) -> ImportRun:
    """Take an import back as a whole: what it added goes, what it changed is as before.

    Raises ``UndoRefused`` when something depends on it or it is not applied.
    """
    with transaction.atomic():
        run = ImportRun.objects.select_for_update().get(pk=run.pk)
        if run.kind != ImportRun.Kind.CASE or run.state != ImportRun.State.APPLIED:
            raise UndoRefused(_("Only an import that was applied can be taken back."))
        reasons = depends_on(run)
        if reasons:
            raise UndoRefused(" ".join(reasons))
        added = {model: list(added_by(run, model).values_list("pk", flat=True)) for model in _ORDER}
        touched = [row.rubric for row in FrameworkRubricCriterion.objects.filter(rubric__import_run=run)]
        for model in _ORDER:
            for start in range(0, len(added[model]), CHUNK):
                model._default_manager.filter(pk__in=added[model][start : start + CHUNK]).delete()
        for model in reversed(_ORDER):
            _restore(run, model)
        _restore_criteria(touched)
        ImportChange.objects.filter(run=run).delete()
        run.state = ImportRun.State.UNDONE
        run.undone_at = timezone.now()
        run.undone_by = user
        run.save()
        audit.record("import.undone", run, user, framework=run.source, digest=run.digest)
    return run


def _restore(run: ImportRun, model: type[models.Model]) -> None:
    for change in ImportChange.objects.filter(run=run, model=model._meta.model_name or "").iterator(chunk_size=CHUNK):
        model._default_manager.filter(pk=change.row).update(**change.before)


def _restore_criteria(rubrics: Iterable[FrameworkRubric]) -> None:
    """Criteria of rubrics that an import had changed, again from the rubric's own JSON."""
    for primary in {rubric.pk for rubric in rubrics}:
        row = FrameworkRubric.objects.filter(pk=primary).select_related("framework").first()
        if row is None:
            continue
        record = read_rubric(row.rubric)
        if record is not None:
            item_ids = {str(identifier): pk for identifier, pk in row.framework.items.values_list("identifier", "pk")}
            _rebuild_criteria(row.framework, [record], item_ids)
