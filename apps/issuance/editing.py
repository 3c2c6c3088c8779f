"""Hand edits of a draft. Each edit names the version of the record it began from; the second of two is refused and
shown both states (REL-25; model, invariant 8).

An edit is kept beside what it replaces: `DraftItem.edits[field] = {"was": …, "now": …}`, with dates as ISO text and
numbers as text. Fields are those of `ITEM_FIELDS`, `result:<uuid of the result description>` (`{"value", "status",
"achieved_level"}`) and `evidence` (a list as `evidence_of` gives). `value_of` reads them; the sources stay untouched.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from apps.achievements.models import Assertion, Evidence
from apps.institution import audit
from apps.issuance.models import Draft, DraftItem, Record

ITEM_FIELDS = (
    *("term", "credits_earned", "role", "issued_on", "activity_start_date", "activity_end_date", "expires"),
    *("license_number", "narrative"),
)
"""Fields of an assertion that may be edited by hand in a draft."""
DRAFT_FIELDS = ("title", "marked_partial", "include_totals", "design_id", "term_id", "revoke_corrected")
"""Fields of the draft itself that its form sets."""


class EditConflict(Exception):
    """Somebody else changed the record since this edit began; nothing was stored."""


class EditRefused(Exception):
    """The edit makes no sense; the text tells what and how to mend it. Nothing was stored."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@contextmanager
def editing(record: Record, *, by: Any, version: int) -> Iterator[Draft]:
    """One edit of the draft, begun from `version`; leaves `record.version` as the next edit must name it."""
    with transaction.atomic():
        mine = Record.objects.filter(pk=record.pk, state=Record.State.DRAFT, version=version)
        if not mine.update(version=F("version") + 1):
            raise EditConflict
        draft = Draft.objects.get(record=record)
        yield draft
        Draft.objects.filter(pk=draft.pk).update(edited_by=by, edited_at=timezone.now())
        audit.record("record.edited", record, by, version=version + 1)
    record.refresh_from_db()


def edit_draft(record: Record, *, by: Any, version: int, changes: Mapping[str, Any]) -> None:
    """Sets fields of `DRAFT_FIELDS`."""
    wrong = set(changes) - set(DRAFT_FIELDS)
    if wrong:
        raise EditRefused(min(wrong), _("This cannot be edited here."))
    with editing(record, by=by, version=version) as draft:
        Draft.objects.filter(pk=draft.pk).update(**changes)


def include(record: Record, items: Iterable[int], included: bool, *, by: Any, version: int) -> None:
    """Takes items into the record, or leaves them out."""
    with editing(record, by=by, version=version) as draft:
        draft.items.filter(pk__in=list(items)).update(included=included)


def reorder(record: Record, items: Sequence[int], *, by: Any, version: int) -> None:
    """Puts the named items in this order; those not named follow as they stood."""
    with editing(record, by=by, version=version) as draft:
        known = {item.pk: item for item in draft.items.all()}
        order = [pk for pk in dict.fromkeys(items) if pk in known]
        order += [pk for pk in known if pk not in set(order)]
        for position, pk in enumerate(order):
            known[pk].position = position
        DraftItem.objects.bulk_update(known.values(), ["position"])


def regroup(record: Record, items: Iterable[int], heading: str, *, by: Any, version: int) -> None:
    """Puts items under a heading; an empty one gives them back to their term or kind."""
    with editing(record, by=by, version=version) as draft:
        draft.items.filter(pk__in=list(items)).update(group=heading.strip()[:255])


def add(record: Record, assertions: Iterable[Assertion], *, by: Any, version: int) -> None:
    """Adds what the learner has earned and the draft does not have yet, at the end."""
    with editing(record, by=by, version=version) as draft:
        known = dict(draft.items.values_list("assertion_id", "position"))
        last = max(known.values(), default=-1)
        new = [one for one in assertions if one.pk not in known]
        if any(one.learner_id != record.learner_id for one in new):
            raise EditRefused("assertion", _("This was earned by somebody else."))
        DraftItem.objects.bulk_create(
            DraftItem(draft=draft, assertion=one, position=last + place, source_version=one.version)
            for place, one in enumerate(new, start=1)
        )


def edit_item(record: Record, item_id: int, *, by: Any, version: int, changes: Mapping[str, Any]) -> None:
    """Edits one item by hand; a value equal to the source's takes the edit back."""
    with editing(record, by=by, version=version) as draft:
        item = (
            draft.items.select_related("assertion__achievement")
            .prefetch_related("assertion__results__result_description", "assertion__evidence__artifacts")
            .get(pk=item_id)
        )
        for field, value in changes.items():
            was, now = source_of(item, field), _clean(item, field, value)
            if now == was:
                item.edits.pop(field, None)
            else:
                item.edits[field] = {"was": was, "now": now}
        item.save(update_fields=["edits"])


def restore(record: Record, item_id: int, field: str, *, by: Any, version: int) -> None:
    """Takes one hand edit back: the source's value stands again."""
    with editing(record, by=by, version=version) as draft:
        item = draft.items.filter(pk=item_id).first()
        if item is None:
            raise EditRefused("item", _("This item is not in the draft any more. Nothing was changed."))
        if item.edits.pop(field, None) is not None:
            item.save(update_fields=["edits"])


def value_of(item: DraftItem, field: str) -> Any:
    """The value that goes into the record: the hand edit where there is one, else the source's."""
    edit = item.edits.get(field)
    return edit["now"] if edit else source_of(item, field)


def source_of(item: DraftItem, field: str) -> Any:
    """The source's present value of a field, in the form that edits are kept in."""
    assertion = item.assertion
    if field == "evidence":
        return [evidence_of(piece) for piece in assertion.evidence.all()]
    if field.startswith("result:"):
        for result in assertion.results.all():
            if str(result.result_description.public_id) == field.removeprefix("result:"):
                level = result.achieved_level
                return {
                    "value": result.value,
                    "status": result.status,
                    "achieved_level": str(level.public_id) if level else "",
                }
        return {"value": "", "status": "", "achieved_level": ""}
    return _plain(getattr(assertion, field))


def conflicts(item: DraftItem) -> dict[str, dict[str, Any]]:
    """Hand edits whose source has changed since: `{field: {"was", "now", "source"}}`; never overwritten, only shown."""
    found = {}
    for field, edit in item.edits.items():
        source = source_of(item, field)
        if source != edit["was"]:
            found[field] = {**edit, "source": source}
    return found


def evidence_of(piece: Evidence) -> dict[str, Any]:
    """One piece of evidence with its artifacts as plain values."""
    return {
        "name": piece.name,
        "url": piece.url,
        "description": piece.description,
        "narrative": piece.narrative,
        "genre": piece.genre,
        "audience": piece.audience,
        "artifacts": [
            {
                "name": artifact.name,
                "description": artifact.description,
                "url": artifact.url,
                "file_digest": artifact.file_digest,
                "media_type": artifact.media_type,
                "size": artifact.size,
            }
            for artifact in piece.artifacts.all()
        ],
    }


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value


def _clean(item: DraftItem, field: str, value: Any) -> Any:
    """The value in the form that edits are kept in; raises `EditRefused` with what is wrong."""
    if field.startswith("result:"):
        descriptions = item.assertion.achievement.result_descriptions
        known = {str(public_id) for public_id in descriptions.values_list("public_id", flat=True)}
        if field.removeprefix("result:") not in known:
            raise EditRefused(field, _("The achievement has no such result."))
        return {key: str(value.get(key, "")).strip() for key in ("value", "status", "achieved_level")}
    if field == "evidence":
        for piece in value:
            if not str(piece.get("name", "")).strip():
                raise EditRefused(field, _("Each piece of evidence needs a name."))
        return value
    if field not in ITEM_FIELDS:
        raise EditRefused(field, _("This cannot be edited here."))
    text = str(value or "").strip()
    if not text:
        return ""
    if field == "credits_earned":
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or not 0 <= number < 100_000:
            raise EditRefused(field, _("Credits are a number such as 3 or 1.5."))
        return f"{number.normalize():f}"
    if field in {"issued_on", "activity_start_date", "activity_end_date", "expires"}:
        try:
            moment = parse_datetime(text) if field == "expires" else parse_date(text)
        except ValueError:
            moment = None
        if moment is None or not 1900 <= moment.year <= 2200:  # SEC-33
            raise EditRefused(field, _("A date has the form 2026-05-31."))
        return moment.isoformat()
    if len(text) > 100_000:
        raise EditRefused(field, _("This text is longer than 100,000 characters."))
    return text
