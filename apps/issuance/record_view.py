"""A record as people read it: plain values that page, PDF, preview and share lay out.

Nothing here knows where the values come from: ``reading`` makes them from a CLR 1.0 payload. Words of the standard's
lists have their labels here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.issuance.phrases import Phrase
from apps.standards.clr1.totals import CREDITS_TYPE

KIND_LABELS: dict[str, Promise] = {
    "Achievement": _("Achievement"),
    "Assessment": _("Assessment"),
    "Assignment": _("Assignment"),
    "Award": _("Award"),
    "Badge": _("Badge"),
    "Certificate": _("Certificate"),
    "Certification": _("Certification"),
    "Course": _("Course"),
    "CommunityService": _("Community service"),
    "Competency": _("Competency"),
    "Co-Curricular": _("Co-curricular activity"),
    "Degree": _("Degree"),
    "Diploma": _("Diploma"),
    "Fieldwork": _("Fieldwork"),
    "License": _("Licence"),
    "Membership": _("Membership"),
}
STATUS_LABELS: dict[str, Promise] = {
    "Completed": _("Completed"),
    "Enrolled": _("Enrolled"),
    "Failed": _("Failed"),
    "InProgress": _("In progress"),
    "OnHold": _("On hold"),
    "Withdrew": _("Withdrawn"),
}
ASSOCIATION_LABELS: dict[str, Promise] = {
    "exactMatchOf": _("Same as"),
    "exemplar": _("Exemplified by"),
    "hasSkillLevel": _("At the level of"),
    "isChildOf": _("Part of"),
    "isParentOf": _("Comprises"),
    "isPartOf": _("Part of"),
    "isPeerOf": _("Equal in standing to"),
    "isRelatedTo": _("Related to"),
    "precedes": _("Comes before"),
    "replacedBy": _("Replaced by"),
}
RESULT_LABELS: dict[str, Promise] = {
    "GradePointAverage": _("Grade points"),
    "LetterGrade": _("Letter grade"),
    "Percent": _("Per cent"),
    "PerformanceLevel": _("Level of performance"),
    "PredictedScore": _("Predicted score"),
    "Result": _("Result"),
    "RawScore": _("Score"),
    "RubricCriterion": _("Rubric criterion"),
    "RubricCriterionLevel": _("Rubric level"),
    "RubricScore": _("Rubric score"),
    "ScaledScore": _("Scaled score"),
    "Status": pgettext_lazy("of a course", "Status"),
    CREDITS_TYPE: _("Credits"),
}

_NOTHING = SafeString()
_ROW_RESULTS = frozenset({"LetterGrade", "GradePointAverage", "Status", "RawScore", "Percent", "Result", CREDITS_TYPE})


@dataclass(frozen=True, slots=True)
class Instant:
    """A point in time: as the record writes it, and as a date if it is one."""

    text: str
    when: datetime | None
    #: a calendar day written as midnight: shown without time
    is_day: bool

    def __str__(self) -> str:
        return self.text

    @property
    def day(self) -> date | None:
        """The calendar day, in the zone that the record wrote."""
        return self.when.date() if self.when else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """A person or organisation."""

    id: str
    name: Phrase
    address: tuple[Phrase, ...] = ()
    url: str | None = None
    host: str = ""
    email: str | None = None
    telephone: str | None = None
    official: Phrase | None = None
    student_id: str | None = None
    birth_date: str | None = None
    identifiers: tuple[tuple[str, str], ...] = ()
    parent: ProfileView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentView:
    """A statement of a framework that an achievement, result or level stands for."""

    name: Phrase
    code: str | None
    description: Phrase | None
    framework: Phrase | None
    url: str | None
    kind: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelView:
    """One level of a rubric."""

    id: str
    name: Phrase
    level: str | None
    points: str | None
    description: Phrase | None
    is_achieved: bool
    is_required: bool
    alignments: tuple[AlignmentView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    """A result together with what its description says of it."""

    name: Phrase
    kind: str | None
    value: str | None
    status: str | None
    levels: tuple[LevelView, ...] = ()
    allowed_values: tuple[str, ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    required: str | None = None
    alignments: tuple[AlignmentView, ...] = ()

    @property
    def achieved_level(self) -> LevelView | None:
        """The rubric level that was reached."""
        return next((level for level in self.levels if level.is_achieved), None)

    @property
    def kind_label(self) -> str | Promise:
        """What kind of number or word the value is."""
        return _label(self.kind, RESULT_LABELS)

    @property
    def status_label(self) -> str | Promise:
        """The status in words."""
        return _label(self.status, STATUS_LABELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactView:
    """A file or page that belongs to a piece of evidence."""

    name: Phrase
    description: Phrase | None
    url: str | None
    is_embedded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """What shows that the learner did it."""

    name: Phrase
    description: Phrase | None
    narrative: SafeString
    genre: Phrase | None
    audience: Phrase | None
    url: str | None
    artifacts: tuple[ArtifactView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndorsementView:
    """A third party's comment on the thing beside which it is shown."""

    issuer: ProfileView
    issued_on: Instant | None
    comment: SafeString
    is_revoked: bool
    is_signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationView:
    """How an achievement stands to another."""

    kind: str
    title: Phrase
    target_id: str

    @property
    def label(self) -> str | Promise:
        """The relation in words."""
        return _label(self.kind, ASSOCIATION_LABELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """One thing that the learner achieved."""

    id: str
    #: a fragment for links to this entry, and a number that leads an editor back to its place in the payload
    anchor: str
    index: int
    is_signed: bool
    achievement_id: str
    name: Phrase
    kind: str
    code: str | None = None
    description: Phrase | None = None
    criteria: SafeString = _NOTHING
    criteria_url: str | None = None
    level: Phrase | None = None
    field_of_study: Phrase | None = None
    specialization: Phrase | None = None
    tags: tuple[str, ...] = ()
    issuer: ProfileView | None = None
    source: ProfileView | None = None
    role: Phrase | None = None
    license_number: str | None = None
    term: str | None = None
    issued_on: Instant | None = None
    started_on: Instant | None = None
    ended_on: Instant | None = None
    expires: Instant | None = None
    is_revoked: bool = False
    revocation_reason: str | None = None
    credits_attempted: str | None = None
    credits_earned: str | None = None
    grade: str | None = None
    score: str | None = None
    points: str | None = None
    status: str | None = None
    is_repeated: bool = False
    results: tuple[ResultView, ...] = ()
    evidence: tuple[EvidenceView, ...] = ()
    alignments: tuple[AlignmentView, ...] = ()
    associations: tuple[AssociationView, ...] = ()
    endorsements: tuple[EndorsementView, ...] = ()
    narrative: SafeString = _NOTHING

    @property
    def badge_key(self) -> str:
        """The number under which its learner finds its badge; empty for what stands at no address."""
        before, found, number = self.id.rpartition("/assertions/")
        return number if found and before and len(number) == 36 else ""

    @property
    def kind_label(self) -> str | Promise:
        """The kind in words."""
        return _label(self.kind, KIND_LABELS)

    @property
    def status_label(self) -> str | Promise:
        """The status in words."""
        return _label(self.status, STATUS_LABELS)

    @property
    def shows_status(self) -> bool:
        """Whether the status says more than the grade does."""
        return bool(self.status) and self.status != "Completed"

    @property
    def extra_results(self) -> tuple[ResultView, ...]:
        """Results beyond those that a row of a grade table already shows."""
        return tuple(
            result for result in self.results if result.levels or result.alignments or result.kind not in _ROW_RESULTS
        )

    @property
    def prints_details(self) -> bool:
        """Whether a printed document says more about it than its row."""
        return bool(self.narrative or self.evidence or self.endorsements or self.alignments or self.extra_results)


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsView:
    """Totals of a term or of the whole record, as the record states them."""

    attempted: str | None = None
    earned: str | None = None
    gpa_credits: str | None = None
    quality_points: str | None = None
    gpa: str | None = None
    gpa_minimum: str | None = None
    gpa_maximum: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermView:
    """The courses of one term with its totals; without a title: courses of no term (transfer, tests)."""

    title: Phrase | None
    anchor: str
    rows: tuple[EntryView, ...]
    totals: TotalsView | None

    @property
    def source(self) -> ProfileView | None:
        """The institution that all rows were taken over from, if it is one and another."""
        sources = {row.source.id: row.source for row in self.rows if row.source}
        return next(iter(sources.values())) if len(sources) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    """A part of the record: entries of a kind; the courses are in terms."""

    key: str
    title: Promise
    entries: tuple[EntryView, ...] = ()
    terms: tuple[TermView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """The whole record."""

    id: str
    title: Phrase
    issued_on: Instant | None
    is_partial: bool
    is_revoked: bool
    revocation_reason: str | None
    publisher: ProfileView
    learner: ProfileView
    sections: tuple[SectionView, ...]
    totals: TotalsView | None
    endorsements: tuple[EndorsementView, ...] = ()
    #: achievements that only give the frame of the asserted ones (the degree that a course belongs to)
    related: tuple[tuple[Phrase, str], ...] = ()
    entry_count: int = 0

    @property
    def entries(self) -> Iterable[EntryView]:
        """Every entry, in reading order."""
        for section in self.sections:
            yield from section.entries
            for term in section.terms:
                yield from term.rows

    def section(self, key: str) -> SectionView | None:
        """The section of a key: degrees, courses, awards, cocurricular, competencies, assessments, other."""
        return next((section for section in self.sections if section.key == key), None)

    @property
    def degrees(self) -> tuple[EntryView, ...]:
        """Degrees and certificates, each of which may have a page of its own."""
        section = self.section("degrees")
        return section.entries if section else ()


def _label(value: str | None, labels: Mapping[str, Promise]) -> str | Promise:
    """The words for a value of the standard's list; ``ext:`` values speak for themselves."""
    if not value:
        return ""
    return labels.get(value) or value.removeprefix("ext:").replace("_", " ").replace("-", " ")
