"""What records depend on, for the rooms below: they ask before they edit, withdraw or undo (layout, *protocols*)."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from apps.achievements import granting, versions
from apps.achievements.models import Assertion
from apps.issuance.models import Draft, DraftItem, Record
from apps.learners import importing
from apps.learners.importing import protocols
from apps.learners.models import CourseSection, Enrollment, ImportRun, Learner

FROZEN = (Record.State.IN_REVIEW, Record.State.APPROVED, *Record.PUBLISHED)


def named_achievements(achievements: set[int]) -> set[int]:
    """Of these achievements, those that a record in review, approved or issued names."""
    items = DraftItem.objects.filter(
        included=True, draft__record__state__in=FROZEN, assertion__achievement__in=achievements
    )
    return set(items.values_list("assertion__achievement", flat=True).distinct())


def issued_of(assertions: Iterable[int]) -> int:
    """How many issued records hold any of these assertions."""
    return (
        Record.objects.published()
        .filter(draft__items__assertion__in=list(assertions), draft__items__included=True)
        .distinct()
        .count()
    )


def reasons_against_undo(run: ImportRun) -> list[str]:
    """What issued records hold of an import."""
    held = Record.objects.exclude(state=Record.State.DRAFT).filter(draft__items__assertion__in=_derived(run)).distinct()
    count = held.count()
    return [_("%d records in review, approved or issued are built on it.") % count] if count else []


def before_undo(run: ImportRun) -> None:
    """Takes items out of drafts, and empty drafts away, when what they were made of goes."""
    items = DraftItem.objects.filter(draft__record__state=Record.State.DRAFT, assertion__in=_derived(run))
    touched = set(items.values_list("draft", flat=True))
    items.delete()
    going = importing.added_by(run, Learner).values("pk")
    empty = Draft.objects.filter(pk__in=touched, items=None) | Draft.objects.filter(record__learner__in=going)
    Record.objects.filter(pk__in=empty.values("record"), state=Record.State.DRAFT, snapshot=None).delete()


def _derived(run: ImportRun) -> list[int]:
    found: set[int] = set()
    for field, model in (("learner", Learner), ("section", CourseSection), ("enrollment", Enrollment)):
        going = importing.added_by(run, model).values("pk")
        found |= set(Assertion.objects.filter(**{f"{field}__in": going}).values_list("pk", flat=True))
    return list(found)


def register() -> None:
    """Tells the rooms below whom to ask."""
    versions.NAMED_BY_RECORDS.append(named_achievements)
    granting.ISSUED_OF.append(issued_of)
    importing.register_dependency(reasons_against_undo)
    protocols.BEFORE_UNDO.insert(0, before_undo)  # drafts go before what they are made of
