"""Undoing an import as a whole, while nothing depends on it."""

# ruff: noqa: S608  every name in a statement is one of our own tables and columns, every value a parameter

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.institution import audit
from apps.institution.models import Organization
from apps.learners.importing.locks import Busy, one_import_of
from apps.learners.importing.protocols import BEFORE_UNDO, DEPENDENCIES
from apps.learners.importing.statements import bring_back, execute, put_back, synced_owners, table_of
from apps.learners.importing.tables import TARGETS
from apps.learners.models import (
    CourseSection,
    ImportChange,
    ImportRun,
    Learner,
    LearnerIdentifier,
    Program,
)

MODELS: list[type[models.Model]] = list(dict.fromkeys(target.model for target in reversed(TARGETS)))
"""Everything that an import writes, what refers before what is referred to."""
_PROGRAM: type[models.Model] = Program
_ADDED = [*MODELS, _PROGRAM]
_LINKS: list[tuple[type[models.Model], str, type[models.Model]]] = [
    (CourseSection.sessions.through, "coursesection", CourseSection),
    (Learner.organizations.through, "learner", Learner),
    (LearnerIdentifier, "learner", Learner),
]


class UndoRefused(Exception):
    """The import cannot be undone; `reasons` are sentences for people."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def added_by(run: ImportRun, model: type[models.Model]) -> models.QuerySet[Any]:
    """The rows that this import added; those it only changed are kept among its changes."""
    changed = ImportChange.objects.filter(run=run, model=model._meta.label_lower).values("row")
    manager = model._default_manager
    if model is Organization:
        return manager.filter(import_id=run.public_id, is_home=False).exclude(pk__in=changed)
    return manager.filter(import_run=run).exclude(pk__in=changed)


def consequences(run: ImportRun) -> dict[str, int]:
    """What an undo would take away, by name: for the dialog."""
    return {
        str(model._meta.verbose_name_plural): count
        for model in reversed(_ADDED)
        if (count := added_by(run, model).count())
    }


def reasons_against(run: ImportRun) -> list[str]:
    """Sentences for all that stands against undoing this import; none means that it can be undone."""
    if run.state != ImportRun.State.APPLIED:
        return [_("Only an import that was applied can be undone.")]
    later = ImportRun.objects.filter(
        kind=run.kind, source=run.source, state=ImportRun.State.APPLIED, applied_at__gt=run.applied_at
    )
    if later.exists():
        return [_("A later import of the same student system builds on it. Undo that one first.")]
    reasons = [reason for check in DEPENDENCIES for reason in check(run)]
    with_account = added_by(run, Learner).filter(user__isnull=False).count()
    if with_account:
        reasons.append(
            ngettext("%d of its learners has an account.", "%d of its learners have accounts.", with_account)
            % with_account
        )
    return reasons


def undo(run: ImportRun, *, by: Any = None) -> None:
    """Takes everything back that the import did, in one transaction; raises `UndoRefused` with all reasons."""
    try:
        with one_import_of(run.source), transaction.atomic():
            run = ImportRun.objects.select_for_update().get(pk=run.pk)
            if reasons := reasons_against(run):
                raise UndoRefused(reasons)
            for act in BEFORE_UNDO:
                act(run)
            if reasons := list(_referring(run)):
                raise UndoRefused(reasons)
            _take_back(run)
            run.state, run.undone_at, run.undone_by = ImportRun.State.UNDONE, timezone.now(), by
            run.save(update_fields=["state", "undone_at", "undone_by"])
            audit.record("import.undone", run, by, digest=run.digest)
    except Busy as fault:
        raise UndoRefused(
            [_("An import of the same student system is running. Try again when it has ended.")]
        ) from fault


def _referring(run: ImportRun) -> Iterator[str]:
    """Rows of other tables, in this room or above, that point at what would go."""
    own: set[type[models.Model]] = {*_ADDED, *(through for through, _name, _owner in _LINKS)}
    for model in _ADDED:
        going = added_by(run, model)
        if not going.exists():
            continue
        for relation in model._meta.related_objects:
            other = relation.related_model
            if not isinstance(other, type) or other in own or hasattr(other, "instance_type"):
                continue
            field = relation.remote_field if relation.many_to_many else relation.field
            if relation.many_to_many:
                other = relation.through  # type: ignore[attr-defined]
                if other in own:
                    continue
                field = next(item for item in other._meta.fields if item.related_model is model)
            count = other._default_manager.filter(**{f"{field.name}__in": going.values("pk")}).count()
            if count:
                yield _("%(count)d × %(what)s: refers to %(model)s of this import.") % {
                    "count": count,
                    "what": other._meta.verbose_name_plural,
                    "model": model._meta.verbose_name_plural,
                }


def _take_back(run: ImportRun) -> None:
    for through, owner, owners in _LINKS:
        changed = ImportChange.objects.filter(run=run, model=synced_owners(through)).values("row")
        links = through._default_manager.filter(
            models.Q(**{f"{owner}__in": added_by(run, owners).values("pk")}) | models.Q(**{f"{owner}__in": changed})
        )
        if through is LearnerIdentifier:
            links = links.filter(source=run.source)
        links._raw_delete(links.db)
    for model in reversed(MODELS):
        bring_back(run, model)
    gone_homes = Organization.objects.filter(import_id=run.public_id, is_home=True)
    for model in _ADDED:
        going = added_by(run, model)
        if model in (Learner, Organization):
            history = model.history.model
            former = history.objects.filter(id__in=going.values("pk"))
            former._raw_delete(former.db)
        if hasattr(model, "parent"):
            going.update(parent=None)
        going._raw_delete(going.db)
    for through, _owner, _owners in _LINKS:
        put_back(run, through)
    gone_homes.update(source_digest="")
    execute(f"DELETE FROM {table_of(ImportChange)} WHERE run_id = %s", run.pk)
