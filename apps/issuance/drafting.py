"""Drafts from what is known of the learners: which assertions, in which order, and whether they have changed since.

Drafting only chooses. The content is built from the tables when it is looked at (`content`) and frozen when it goes to
review; a draft remembers the version of each assertion that was looked at, and hand edits stay beside their sources.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

import orjson
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.achievements.models import Assertion
from apps.institution import audit, keys, profiles
from apps.issuance import content as record_content
from apps.issuance import documents, editing
from apps.issuance.models import Draft, DraftItem, Record, RecordStep
from apps.learners.models import AcademicSession, Learner
from apps.standards.clr1 import model, read, write

CHUNK = 250
"""Learners that are drafted in one transaction."""
SECTIONS = (
    ("Course",),
    ("Degree", "Diploma", "Certificate", "Certification", "License"),
    ("Award", "Badge"),
    ("Competency", "Assessment", "Assignment"),
    ("Co-Curricular", "CommunityService", "Membership", "Fieldwork"),
)
"""Kinds in the order of the record: courses by term, degrees, honours, competencies, co-curricular apart."""
_SECTION_OF = {kind: place for place, kinds in enumerate(SECTIONS) for kind in kinds}


@dataclass(slots=True)
class Outcome:
    """What drafting for many came to."""

    made: int = 0
    refreshed: int = 0
    unchanged: int = 0
    empty: int = 0
    """Learners who have earned nothing yet (in this term)."""
    records: list[int] = field(default_factory=list)
    """Primary keys of the drafts, made or found."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What drafting looks at of an assertion."""

    pk: int
    learner: int
    version: int
    key: tuple[Any, ...]


# --- making and refreshing --------------------------------------------------------------------


def draft_for(learner: Learner, *, by: Any, term: AcademicSession | None = None, title: str = "") -> Record:
    """The open draft of a learner for a term (or everything), made or refreshed from the sources."""
    outcome = draft_many([learner.pk], by=by, term=term, title=title, empty_too=True)
    return Record.objects.select_related("learner", "draft").get(pk=outcome.records[0])


def draft_many(
    learners: Iterable[int] | QuerySet[Learner],
    *,
    by: Any,
    term: AcademicSession | None = None,
    title: str = "",
    progress: Callable[[int], None] | None = None,
    empty_too: bool = False,
) -> Outcome:
    """Makes or refreshes a draft for each learner (primary keys, or a queryset), a constant number of queries a chunk.

    A learner with nothing to show gets no draft unless `empty_too`. `progress` is told how many learners are through.
    """
    if isinstance(learners, QuerySet):
        learners = learners.order_by("pk").values_list("pk", flat=True).iterator()
    outcome = Outcome()
    through = 0
    source = iter(learners)
    while chunk := list(islice(source, CHUNK)):
        with transaction.atomic():
            _draft_chunk(chunk, by=by, term=term, title=title, empty_too=empty_too, outcome=outcome)
        through += len(chunk)
        if progress is not None:
            progress(through)
    return outcome


def refresh(record: Record, *, by: Any, version: int) -> None:
    """Takes over what has changed in the sources; hand edits stay (product, *States of a record*).

    Raises `editing.EditConflict` when somebody else changed the record since.
    """
    with editing.editing(record, by=by, version=version) as draft:
        known = _assertions_of([record.learner_id], draft.term)
        items = list(draft.items.all())
        _refresh_items(draft, items, known.get(record.learner_id, []))
        Draft.objects.filter(pk=draft.pk).update(
            learner_digest=_learner_digests([record.learner_id])[record.learner_id], refreshed_at=timezone.now()
        )
        audit.record("record.refreshed", record, by)


def _draft_chunk(
    chunk: Sequence[int], *, by: Any, term: AcademicSession | None, title: str, empty_too: bool, outcome: Outcome
) -> None:
    earned = _assertions_of(chunk, term)
    digests = _learner_digests(chunk)
    open_drafts = {
        draft.record.learner_id: draft
        for draft in Draft.objects.select_related("record")
        .filter(record__learner__in=chunk, record__state=Record.State.DRAFT, term=term, corrects=None, title=title)
        .order_by("-pk")
    }
    new = [pk for pk in chunk if pk not in open_drafts and (earned.get(pk) or empty_too)]
    outcome.empty += sum(pk not in open_drafts and not earned.get(pk) for pk in chunk)
    _make(new, earned, digests, by=by, term=term, title=title, outcome=outcome)
    if open_drafts:
        _refresh_chunk(list(open_drafts.values()), earned, digests, by=by, outcome=outcome)


def _make(
    learners: Sequence[int],
    earned: dict[int, list[_Known]],
    digests: dict[int, str],
    *,
    by: Any,
    term: AcademicSession | None,
    title: str,
    outcome: Outcome,
) -> None:
    if not learners:
        return
    now = timezone.now()
    records = Record.objects.bulk_create(Record(learner_id=pk, created_by=by, created_at=now) for pk in learners)
    drafts = Draft.objects.bulk_create(
        Draft(
            record=record,
            term=term,
            title=title,
            edited_by=by,
            edited_at=now,
            refreshed_at=now,
            learner_digest=digests[record.learner_id],
        )
        for record in records
    )
    DraftItem.objects.bulk_create(
        DraftItem(draft=draft, assertion_id=known.pk, position=position, source_version=known.version)
        for draft in drafts
        for position, known in enumerate(earned.get(draft.record.learner_id, ()))
    )
    RecordStep.objects.bulk_create(
        RecordStep(record=record, to_state=Record.State.DRAFT, version=1, at=now, by=by) for record in records
    )
    audit.record_many(audit.act("record.drafted", record, by) for record in records)
    outcome.made += len(records)
    outcome.records.extend(record.pk for record in records)


def _refresh_chunk(
    drafts: list[Draft], earned: dict[int, list[_Known]], digests: dict[int, str], *, by: Any, outcome: Outcome
) -> None:
    items: dict[int, list[DraftItem]] = defaultdict(list)
    for item in DraftItem.objects.filter(draft__in=drafts).order_by("position", "pk"):
        items[item.draft_id].append(item)
    changed = []
    for draft in drafts:
        known = earned.get(draft.record.learner_id, [])
        moved = draft.learner_digest != digests[draft.record.learner_id]
        outcome.records.append(draft.record_id)
        if not moved and {(item.assertion_id, item.source_version) for item in items[draft.pk]} == {
            (each.pk, each.version) for each in known
        }:
            outcome.unchanged += 1
            continue
        _refresh_items(draft, items[draft.pk], known, save=False)
        draft.learner_digest = digests[draft.record.learner_id]
        draft.refreshed_at = timezone.now()
        changed.append(draft)
    if not changed:
        return
    moved_items = [item for draft in changed for item in items[draft.pk]]
    DraftItem.objects.filter(pk__in=[item.pk for item in moved_items if item.position < 0]).delete()
    DraftItem.objects.bulk_create(item for item in moved_items if item.pk is None)
    DraftItem.objects.bulk_update(
        [item for item in moved_items if item.pk and item.position >= 0], ["position", "source_version"], batch_size=500
    )
    Draft.objects.bulk_update(changed, ["learner_digest", "refreshed_at"], batch_size=200)
    Record.objects.filter(pk__in=[draft.record_id for draft in changed]).update(version=F("version") + 1)
    audit.record_many(audit.act("record.refreshed", draft.record, by) for draft in changed)
    outcome.refreshed += len(changed)


def _refresh_items(draft: Draft, items: list[DraftItem], known: list[_Known], *, save: bool = True) -> None:
    """Brings items up to their sources: new ones in their place, gone ones out unless they were edited by hand."""
    by_assertion = {item.assertion_id: item for item in items}
    versions = {each.pk: each.version for each in known}
    order = [each.pk for each in known]
    automatic = [pk for pk in order if pk in by_assertion] == [
        item.assertion_id for item in items if item.assertion_id in versions
    ]
    for pk in order:
        if pk not in by_assertion:
            by_assertion[pk] = DraftItem(draft=draft, assertion_id=pk, position=len(items))
            items.append(by_assertion[pk])
        by_assertion[pk].source_version = versions[pk]
    if automatic:  # nobody has ordered by hand
        for position, pk in enumerate(order):
            by_assertion[pk].position = position
    for item in items:
        if item.assertion_id not in versions and not item.edits:
            item.position = -1
        elif item.assertion_id not in versions:
            item.position = max(item.position, len(order))
    if save:
        DraftItem.objects.filter(pk__in=[item.pk for item in items if item.position < 0]).delete()
        for item in items:
            if item.position >= 0:
                item.save()


def _assertions_of(learners: Sequence[int], term: AcademicSession | None) -> dict[int, list[_Known]]:
    """What these learners have earned, in the order of a record."""
    found = Assertion.objects.filter(learner__in=learners, withdrawn_at=None)
    if term is not None:
        in_term = Q(session=term) | Q(session__parent=term) | Q(session__parent__parent=term)
        found = found.filter(in_term | Q(session=None, issued_on__range=(term.start_date, term.end_date)))
    earned: dict[int, list[_Known]] = defaultdict(list)
    rows = found.values_list(
        "pk",
        "learner_id",
        "version",
        "achievement__achievement_type",
        "session__start_date",
        "issued_on",
        "term",
        "achievement__human_code",
        "achievement__name",
    )
    last = len(SECTIONS)
    for pk, learner, version, kind, starts, issued_on, term_title, code, name in rows:
        section = _SECTION_OF.get(kind, last)
        began = starts or issued_on or date.max
        earned[learner].append(_Known(pk, learner, version, (section, began, term_title, code, name, pk)))
    for known in earned.values():
        known.sort(key=lambda each: each.key)
    return earned


def _learner_digests(learners: Sequence[int]) -> dict[int, str]:
    """Digests of what records say of the learners themselves."""
    rows = Learner.objects.filter(pk__in=learners).values_list(
        "pk", "given_name", "additional_name", "family_name", "email", "student_id", "source_id", "birth_date"
    )
    return {pk: hashlib.sha256(orjson.dumps(said)).hexdigest() for pk, *said in rows}


# --- looking ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Changes:
    """What has happened in the sources since a draft was made or refreshed."""

    changed: list[DraftItem] = field(default_factory=list)
    gone: list[DraftItem] = field(default_factory=list)
    new: list[int] = field(default_factory=list)
    """Primary keys of assertions that the draft does not have."""
    learner: bool = False
    conflicts: list[tuple[DraftItem, dict[str, dict[str, Any]]]] = field(default_factory=list)

    @property
    def is_stale(self) -> bool:
        """Whether the draft should be refreshed before it goes to review."""
        return bool(self.changed or self.gone or self.learner)


def changes(draft: Draft) -> Changes:
    """Compares a draft with its sources; `draft` as `content.drafts_with_all` gives it, or any."""
    items = list(record_content.items_with_all().filter(draft=draft))
    learner = draft.record.learner_id
    known = {each.pk for each in _assertions_of([learner], draft.term).get(learner, [])}
    found = Changes(learner=draft.learner_digest not in ("", _learner_digests([learner])[learner]))
    for item in items:
        if item.assertion.withdrawn_at is not None:
            found.gone.append(item)
        elif item.source_version != item.assertion.version:
            found.changed.append(item)
        if at_odds := editing.conflicts(item):
            found.conflicts.append((item, at_odds))
    found.new = sorted(known - {item.assertion_id for item in items})
    return found


def content(draft: Draft) -> dict[str, Any]:
    """The record that a draft would become, as JSON without its envelope."""
    [loaded] = record_content.drafts_with_all(Draft.objects.filter(pk=draft.pk))
    return write.to_json(record_content.gather([loaded]).clr_of(loaded))


def problems(draft: Draft, material: record_content.Material) -> list[str]:
    """What keeps a draft from going to review, in words; `draft` as `content.drafts_with_all` gives it."""
    found = []
    included = [item for item in draft.items.all() if material.goes_in(draft, item)]
    if not included:
        found.append(_("Nothing is included in this record."))
    stale = [
        item
        for item in draft.items.all()
        if item.included and (item.assertion.withdrawn_at is not None or item.source_version != item.assertion.version)
    ]
    if stale:
        named = ", ".join(str(item.assertion.achievement) for item in stale[:3])
        found.append(_("Sources have changed since the draft was made; refresh it first: %s.") % named)
    for item in included:
        if item.assertion.problem:
            found.append(f"{item.assertion.achievement}: {item.assertion.problem}")
        if at_odds := editing.conflicts(item):
            fields = ", ".join(name.replace("_", " ") for name in at_odds)
            found.append(
                _("%(what)s: the source has changed where you edited by hand (%(fields)s); choose which one stands.")
                % {"what": item.assertion.achievement, "fields": fields}
            )
    found += [
        _("The file %s is too large to go into the record; give its address instead.") % name
        for name in record_content.too_large(draft)
    ]
    return found


def findings(payload: dict[str, Any]) -> list[read.Finding]:
    """What the standard would say against a payload, each with the place of the fault (digest CLR 1.0, 8.7)."""
    found = [*read.check(payload, model.Clr), *read.check_context(payload.get("@context"))]
    found += read.check_identifiers(payload)
    for at, assertion in read.assertions_of(payload):
        found += read.check_references(assertion, at)
    return [*found, *read.check_associations(payload), *_own_words(payload)]


def _own_words(payload: dict[str, Any]) -> Iterator[read.Finding]:
    """Values of the extensible lists that may be read but not written: what follows `ext:` is narrow (CLR1-P-20)."""
    for at, of, node in read.walk(payload, model.Clr):
        for wire, member in model.describe(of).members.items():
            allowed, value = member.described.vocabulary, node.get(wire)
            if (
                allowed is not None
                and isinstance(value, str)
                and value.startswith("ext:")
                and not allowed.allows(value)
            ):
                sentence = f"{wire} takes ext: followed by letters, digits, points, hyphens and underscores only."
                yield read.Finding("ENUM_INVALID", f"{at}/{wire}", sentence)


def preview_payload(record: Record) -> dict[str, Any]:
    """The record as the student will see it: as issued, else what is in review or drafted in a trial envelope.

    Raises `documents.DocumentUnavailable` when what was issued or sent to review is erased or damaged (REL-14, REL-16).
    """
    if record.is_published:
        issued: dict[str, Any] = orjson.loads(documents.payload(record))
        return issued
    if record.state != Record.State.DRAFT and record.snapshot is not None:
        snapshot = documents.snapshot_content(record.snapshot)
    else:
        snapshot = write.snapshot_bytes(content(record.draft))
    previewed: dict[str, Any] = orjson.loads(write.build_payload(snapshot, trial_envelope(record)))
    return previewed


def trial_envelope(record: Record, material: record_content.Material | None = None) -> write.Envelope:
    """The envelope that a record would get now; a stand-in for the key while there is none."""
    material = material or record_content.empty_material()
    key = keys.active_key(material.home)
    owner = profiles.profile_address(material.home, material.base)
    stand_in = write.cryptographic_key(id=f"{owner}#key", owner=owner, public_key_pem="-----BEGIN PUBLIC KEY-----")
    return write.Envelope(
        id=profiles.object_address(material.base, "clrs", record.public_id),
        issued_on=timezone.now(),
        key=profiles.cryptographic_key(key, material.base) if key else stand_in,
    )


def learners_of_term(term: AcademicSession) -> Any:
    """Learners with anything earned in a term, as a queryset."""
    in_term = Q(assertions__session=term) | Q(assertions__session__parent=term)
    return Learner.objects.filter(in_term, assertions__withdrawn_at=None, ended_at=None).distinct()
