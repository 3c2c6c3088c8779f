"""What the registrar sees of a record before it is issued: outline, page, source with marks, PDF, differences."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.institution.branding import current_design, design_value
from apps.institution.models import Organization
from apps.issuance import documents, drafting, editing
from apps.issuance.models import DraftItem, Record
from apps.issuance.reading import RecordView, read_record
from apps.issuance.rendering_child import RenderingFailed, preview_in_child
from apps.learners.models import Learner

KINDS: dict[str, Promise] = {
    "Degree": gettext_lazy("Degrees and certificates"),
    "Certificate": gettext_lazy("Degrees and certificates"),
    "Diploma": gettext_lazy("Degrees and certificates"),
    "Award": gettext_lazy("Awards and honors"),
    "Co-Curricular": gettext_lazy("Activities"),
    "CommunityService": gettext_lazy("Activities"),
    "Membership": gettext_lazy("Activities"),
    "Competency": gettext_lazy("Competencies"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something the standard would object to: where in the source, and which item it leads to."""

    line: int
    message: str
    is_warning: bool
    item: int | None


@dataclass(frozen=True, slots=True)
class Preview:
    """A record as a page, and as its source with line numbers of what is wrong."""

    view: RecordView
    source: str
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class OutlineItem:
    """One line of the outline."""

    item: DraftItem
    result: str
    conflicts: dict[str, dict[str, Any]]
    is_stale: bool
    fault_count: int = 0

    @property
    def pk(self) -> int:
        """The item's key, for forms."""
        return self.item.pk

    @property
    def is_edited(self) -> bool:
        """Whether something was edited by hand."""
        return bool(self.item.edits)


@dataclass(slots=True)
class Outline:
    """The left pane: items under their headings, and what the learner has earned beside them."""

    groups: list[tuple[str, list[OutlineItem]]] = field(default_factory=list)
    others: list[Any] = field(default_factory=list)

    @property
    def items(self) -> list[OutlineItem]:
        """All items, in order."""
        return [item for _heading, items in self.groups for item in items]


def preview(record: Record) -> Preview:
    """Page and source of the record as it stands now, with what the standard would say of it.

    Raises `documents.DocumentUnavailable` when its bytes are erased or damaged.
    """
    content = drafting.preview_payload(record)
    source, lines = numbered(content)
    places = _items_by_assertion(record)
    faults = []
    for finding in drafting.findings(content):
        item = _item_at(content, finding.at, places)
        faults.append(Fault(_line_of(finding.at, lines), finding.sentence, finding.severity == "warning", item))
    return Preview(read_record(content), source, tuple(sorted(faults, key=lambda fault: fault.line)))


def numbered(content: Any) -> tuple[str, dict[str, int]]:
    """The JSON text with two blanks a level, and the line on which each JSON Pointer stands, from 1."""
    out: list[str] = []
    lines: dict[str, int] = {}

    def write(value: Any, at: str, depth: int, lead: str, end: str) -> None:
        lines[at] = len(out) + 1
        inner = "  " * (depth + 1)
        if isinstance(value, dict) and value:
            out.append(f"{lead}{{")
            for number, (name, member) in enumerate(value.items(), start=1):
                key = f"{inner}{json.dumps(name, ensure_ascii=False)}: "
                step = name.replace("~", "~0").replace("/", "~1")
                write(member, f"{at}/{step}", depth + 1, key, "," if number < len(value) else "")
            out.append(f"{'  ' * depth}}}{end}")
        elif isinstance(value, list) and value:
            out.append(f"{lead}[")
            for number, member in enumerate(value):
                write(member, f"{at}/{number}", depth + 1, inner, "," if number + 1 < len(value) else "")
            out.append(f"{'  ' * depth}]{end}")
        else:
            out.append(f"{lead}{json.dumps(value, ensure_ascii=False)}{end}")

    write(content, "", 0, "", "")
    return "\n".join(out), lines


def _line_of(at: str, lines: dict[str, int]) -> int:
    """The line of a pointer, or of the nearest thing around it."""
    while at and at not in lines:
        at = at.rpartition("/")[0]
    return lines.get(at, 1)


def _items_by_assertion(record: Record) -> dict[str, int]:
    if record.state != Record.State.DRAFT:
        return {}
    pairs = DraftItem.objects.filter(draft__record=record).values_list("assertion__public_id", "pk")
    return {str(public_id): pk for public_id, pk in pairs}


def _item_at(content: dict[str, Any], at: str, places: dict[str, int]) -> int | None:
    """The item whose assertion a pointer leads into."""
    steps = at.split("/")
    if len(steps) < 3 or steps[1] != "assertions" or not steps[2].isdigit():
        return None
    assertions = content.get("assertions", [])
    number = int(steps[2])
    if number >= len(assertions):
        return None
    name = str(assertions[number].get("id", "")).rpartition("/")[2].rpartition(":")[2]
    return places.get(name)


def _items(record: Record) -> list[DraftItem]:
    """The draft's items with all that an outline and a form show, in a constant number of queries."""
    return list(
        DraftItem.objects.filter(draft__record=record)
        .select_related("assertion__achievement", "assertion__session")
        .prefetch_related(
            "assertion__results__result_description",
            "assertion__results__achieved_level",
            "assertion__achievement__result_descriptions__rubric_criterion_levels",
            "assertion__evidence__artifacts",
        )
    )


def item(record: Record, pk: int) -> OutlineItem:
    """One item with its state; raises `EditRefused` when the draft has no such item."""
    for one in _items(record):
        if one.pk == pk:
            return _outlined(one)
    raise editing.EditRefused("item", _("This item is not in the draft any more. Nothing was changed."))


def outline(record: Record, faults: Iterable[Fault] = ()) -> Outline:
    """The draft's items under their headings, and what else the learner has earned."""
    counts: dict[int | None, int] = {}
    for fault in faults:
        if not fault.is_warning:
            counts[fault.item] = counts.get(fault.item, 0) + 1
    found = Outline()
    headings: dict[str, list[OutlineItem]] = {}
    items = _items(record)
    for one in items:
        outlined = _outlined(one)
        outlined.fault_count = counts.get(one.pk, 0)
        headings.setdefault(heading(one), []).append(outlined)
    found.groups = list(headings.items())
    learner: Learner = record.learner
    found.others = list(
        learner.assertions.standing()
        .exclude(pk__in=[one.assertion_id for one in items])
        .select_related("achievement")
        .order_by("achievement__name")[:200]
    )
    return found


def heading(one: DraftItem) -> str:
    """Where an item stands: under its own heading, its kind, or its term."""
    if one.group:
        return one.group
    kind = KINDS.get(one.assertion.achievement.achievement_type)
    if kind is not None:
        return str(kind)
    return str(editing.value_of(one, "term") or _("Without a term"))


def _outlined(one: DraftItem) -> OutlineItem:
    values: list[str] = []
    for result in one.assertion.results.all():
        key = f"result:{result.result_description.public_id}"
        value = editing.value_of(one, key)
        if result.result_description.result_type == "LetterGrade":
            values.insert(0, value["value"])
        elif not values and value["value"]:
            values.append(value["value"])
    return OutlineItem(
        item=one,
        result=values[0] if values else "",
        conflicts=editing.conflicts(one),
        is_stale=one.source_version != one.assertion.version or one.assertion.withdrawn_at is not None,
    )


def moved(record: Record, pk: int, direction: str) -> list[int]:
    """The order of all items after one of them moved a place up or down within its heading."""
    groups = outline(record).groups
    for _heading, items in groups:
        keys = [one.pk for one in items]
        if pk in keys:
            at = keys.index(pk)
            other = at - 1 if direction == "up" else at + 1
            if 0 <= other < len(keys):
                items[at], items[other] = items[other], items[at]
    return [one.pk for _heading, items in groups for one in items]


def pdf(record: Record) -> bytes:
    """How the PDF would look now: nothing attached, no code, and every page says that it is a preview.

    Raises `documents.DocumentUnavailable` with the reason.
    """
    content = drafting.preview_payload(record)
    draft = getattr(record, "draft", None)
    design = (record.snapshot and record.snapshot.design) or (draft and draft.design)
    if design is None:
        design = current_design(Organization.objects.get(is_home=True))
    value = design_value(design)
    try:
        return preview_in_child(content, value, language=value.language)
    except RenderingFailed as fault:
        raise documents.DocumentUnavailable(str(fault)) from fault


STEP_ICONS = {
    "draft": "pencil",
    "in_review": "eye",
    "approved": "check",
    "issued": "badge-check",
    "superseded": "history",
    "revoked": "ban",
}


def timeline(record: Record) -> list[dict[str, Any]]:
    """What happened to the record, newest first, in the form of the timeline component."""
    labels = dict(Record.State.choices)
    events = []
    for step in record.steps.select_related("by").order_by("-pk"):
        label = str(labels.get(step.to_state, step.to_state)).capitalize()
        if not step.from_state:
            label = _("Begun")
        elif step.to_state == "draft":
            label = _("Returned to draft")
        events.append(
            {
                "state": step.to_state,
                "icon": STEP_ICONS.get(step.to_state, "circle"),
                "label": label,
                "at": step.at,
                "by": str(step.by) if step.by else "",
                "note": step.comment,
            }
        )
    return events


def differences(record: Record) -> list[dict[str, str]]:
    """What changed since the version that this one corrects, or since it was last sent to review; in words."""
    earlier = None
    supersession = getattr(record, "supersedes", None)
    if supersession is not None:
        earlier = supersession.old.snapshot
    elif (draft := getattr(record, "draft", None)) is not None and draft.corrects is not None:
        earlier = draft.corrects.snapshot
    elif record.snapshot is not None and record.snapshot.number > 1:
        earlier = record.snapshots.filter(number=record.snapshot.number - 1).first()
    if earlier is None:
        return []
    try:
        before = json.loads(documents.snapshot_content(earlier))
    except documents.DocumentUnavailable:  # the earlier version's own page says why
        return []
    return compare(before, drafting.preview_payload(record))


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, str]]:
    """Two contents, item by item, as the rows of the difference component."""
    rows = []
    for name, label in (("name", _("Title")), ("partial", _("Partial")), ("learner", _("Learner"))):
        old, new = _words(before.get(name)), _words(after.get(name))
        if old != new:
            rows.append({"field": label, "before": old, "after": new})
    olds = {_achieved(one): one for one in before.get("assertions", [])}
    news = {_achieved(one): one for one in after.get("assertions", [])}
    for key in [*olds, *(key for key in news if key not in olds)]:
        old, new = _summary(olds.get(key)), _summary(news.get(key))
        if old != new:
            named = (news.get(key) or olds[key]).get("achievement", {}).get("name", "")
            rows.append({"field": named, "before": old or _("not included"), "after": new or _("left out")})
    return rows


def _achieved(assertion: dict[str, Any]) -> str:
    return str(assertion.get("id"))


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name", ""))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "" if value is None else str(value)


def _summary(assertion: dict[str, Any] | None) -> str:
    """What a person compares of one assertion, in one line."""
    if assertion is None:
        return ""
    descriptions = {
        one.get("id"): one.get("name", "") for one in assertion.get("achievement", {}).get("resultDescriptions", [])
    }
    parts = [
        f"{descriptions.get(one.get('resultDescription'), '')}: {one.get('value') or one.get('status') or ''}"
        for one in assertion.get("results", [])
    ]
    if "creditsEarned" in assertion:
        parts.append(_("credits earned: %s") % assertion["creditsEarned"])
    for name, label in (("term", _("term")), ("narrative", _("narrative")), ("role", _("role"))):
        if assertion.get(name):
            parts.append(f"{label}: {assertion[name]}")
    parts += [_("evidence: %s") % one.get("name", "") for one in assertion.get("evidence", [])]
    return "; ".join(parts) or _("included")
