"""A record as people read it: from a CLR 1.0 payload to one view that page, PDF, preview and share all show.

``read_record`` takes any CLR 1.0 payload, our own or a stranger's: unknown properties, missing parts and names of
the candidate finals do no harm. Nothing is computed that the record does not say: totals are shown as they stand.
The view is plain values (``record_view``); templates only lay it out.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from apps.issuance.phrases import Phrase, phrase
from apps.issuance.record_view import (
    AlignmentView,
    ArtifactView,
    AssociationView,
    EndorsementView,
    EntryView,
    EvidenceView,
    Instant,
    LevelView,
    ProfileView,
    RecordView,
    ResultView,
    SectionView,
    TermView,
    TotalsView,
)
from apps.standards import markdown
from apps.standards.clr1 import model
from apps.standards.clr1.read import parse
from apps.standards.clr1.totals import CREDITS_TYPE, TRANSCRIPT_TYPE, Measure, measure_of, term_of

__all__ = ["RecordView", "read_record"]

NodeT = TypeVar("NodeT", bound=model.Node)

#: Section -> kinds of achievement in it, in the order of the document; the academic part comes first and apart (A).
_DEGREES = ("Degree", "Diploma", "Certificate", "Certification", "License")
_SECTIONS: tuple[tuple[str, Promise, tuple[str, ...]], ...] = (
    ("degrees", _("Degrees and certificates"), _DEGREES),
    ("courses", _("Courses"), ("Course",)),
    ("awards", _("Honours and awards"), ("Award", "Badge")),
    ("cocurricular", _("Co-curricular record"), ("Co-Curricular", "CommunityService", "Membership", "Fieldwork")),
    ("competencies", _("Competencies"), ("Competency",)),
    ("assessments", _("Assessments"), ("Assessment", "Assignment")),
)
_OTHER: tuple[str, Promise] = ("other", _("Other achievements"))


def read_record(payload: Mapping[str, Any]) -> RecordView:
    """The view of a CLR 1.0 payload. Never raises for what stands in it; check it with ``clr1.read.check``."""
    clr = parse(payload, model.Clr)
    achievements = {each.id: each for each in clr.achievements if each.id}
    endorsed = _Endorsed(clr)
    assertions = [(each, False) for each in clr.assertions]
    assertions += [(each, True) for each in _opened(clr.signed_assertions, model.Assertion)]
    entries: list[EntryView] = []
    totals: dict[str | None, TotalsView] = {}
    transcripts: list[model.Assertion] = []
    for index, (assertion, is_signed) in enumerate(assertions):
        achievement = assertion.achievement
        if achievement is not None and achievement.name is None and achievement.id in achievements:
            achievement = achievements[achievement.id]
        if achievement is not None and achievement.achievement_type == TRANSCRIPT_TYPE:
            transcripts.append(assertion)
            continue
        entries.append(_entry(assertion, achievement, index, is_signed, endorsed))
    entries = _with_even_decimals(entries)
    titles = [entry.term for entry in entries if entry.term]
    for assertion in transcripts:
        totals.update(_totals(assertion, titles))
    named = {entry.achievement_id for entry in entries}
    learner = _profile(clr.learner)
    return RecordView(
        id=clr.id or "",
        title=phrase(clr.name or ""),
        issued_on=instant(clr.issued_on),
        is_partial=clr.partial is True,
        is_revoked=clr.revoked is True,
        revocation_reason=clr.revocation_reason,
        publisher=_profile(clr.publisher),
        learner=learner,
        sections=_sections(entries, totals),
        totals=totals.get(None),
        endorsements=endorsed.of(
            clr.id,
            *(each.id for each in (clr.learner, clr.publisher) if each is not None),
            *(entry.issuer.id for entry in entries if entry.issuer),
        ),
        related=tuple(
            (phrase(each.name), each.achievement_type or "Achievement")
            for each in clr.achievements
            if each.name and each.id not in named and each.achievement_type != TRANSCRIPT_TYPE
        ),
        entry_count=len(entries),
    )


def read_achievement(document: Mapping[str, Any]) -> EntryView:
    """The view of an achievement that stands alone: what can be earned, by nobody in particular."""
    achievement = parse(document, model.Achievement)
    holder = model.Clr(achievements=[achievement])
    return _entry(model.Assertion(), achievement, 0, False, _Endorsed(holder))


def read_earned(document: Mapping[str, Any]) -> EntryView:
    """The view of an assertion that stands alone: what somebody earned. Raises `ValueError` without an achievement."""
    assertion = parse(document, model.Assertion)
    if assertion.achievement is None:
        raise ValueError("This assertion does not say what was earned.")
    holder = model.Clr(assertions=[assertion])
    return _entry(assertion, assertion.achievement, 0, False, _Endorsed(holder))


def _sections(entries: Sequence[EntryView], totals: Mapping[str | None, TotalsView]) -> tuple[SectionView, ...]:
    known = {kind for _key, _title, kinds in _SECTIONS for kind in kinds}
    sections: list[SectionView] = []
    for key, title, kinds in _SECTIONS:
        chosen = tuple(entry for entry in entries if entry.kind in kinds)
        if key == "courses":
            terms = _terms(chosen, totals)
            if terms:
                sections.append(SectionView(key=key, title=title, terms=terms))
        elif chosen:
            sections.append(SectionView(key=key, title=title, entries=chosen))
    rest = tuple(entry for entry in entries if entry.kind not in known)
    if rest:
        sections.append(SectionView(key=_OTHER[0], title=_OTHER[1], entries=rest))
    return tuple(sections)


def _terms(courses: Sequence[EntryView], totals: Mapping[str | None, TotalsView]) -> tuple[TermView, ...]:
    """Courses by term, in the order of time; terms without dates keep the order in which the record names them."""
    grouped: dict[str | None, list[EntryView]] = {}
    for entry in courses:
        grouped.setdefault(entry.term, []).append(entry)
    order = {term: position for position, term in enumerate(grouped)}

    def moment(term: str | None) -> tuple[bool, float, int]:
        starts = [
            when.timestamp()
            for row in grouped[term]
            for when in [next((each.when for each in (row.started_on, row.ended_on, row.issued_on) if each), None)]
            if when is not None
        ]
        return (term is not None, min(starts, default=0.0), order[term])

    return tuple(
        TermView(
            title=phrase(term) if term else None,
            anchor=f"term-{number}",
            rows=tuple(grouped[term]),
            totals=totals.get(term) if term else None,
        )
        for number, term in enumerate(sorted(grouped, key=moment), 1)
    )


def _entry(
    assertion: model.Assertion,
    achievement: model.Achievement | None,
    index: int,
    is_signed: bool,
    endorsed: _Endorsed,
) -> EntryView:
    earned = model.Achievement() if achievement is None else achievement
    results = tuple(_result(each, earned) for each in assertion.results)
    criteria = earned.requirement or model.Criteria()
    by_kind: dict[str | None, ResultView] = {}
    for result in results:
        if result.value is not None and not result.alignments:
            by_kind.setdefault(result.kind, result)
    grade = by_kind.get("LetterGrade") or by_kind.get("Result")
    score = by_kind.get("RawScore") or by_kind.get("Percent")
    points = by_kind.get("GradePointAverage")
    attempted = next(
        (each for each in results if each.kind == CREDITS_TYPE and "attempt" in each.name.value.casefold()), None
    )
    issuer = _profile(earned.issuer) if earned.issuer else None
    source = _profile(assertion.source) if assertion.source else None
    return EntryView(
        id=assertion.id or "",
        anchor=f"entry-{index + 1}",
        index=index,
        is_signed=is_signed,
        achievement_id=earned.id or "",
        name=phrase(earned.name or earned.human_code or assertion.id or ""),
        kind=earned.achievement_type or "Achievement",
        code=earned.human_code,
        description=_different(earned.description, earned.name),
        criteria=_html(criteria.narrative),
        criteria_url=safe_url(criteria.id),
        level=_phrase(earned.level),
        field_of_study=_phrase(earned.field_of_study),
        specialization=_phrase(earned.specialization),
        tags=tuple(earned.tags),
        issuer=issuer,
        source=source,
        role=_phrase(assertion.role),
        license_number=assertion.license_number,
        term=assertion.term or None,
        issued_on=instant(assertion.issued_on),
        started_on=instant(assertion.activity_start_date),
        ended_on=instant(assertion.activity_end_date),
        expires=instant(assertion.expires),
        is_revoked=assertion.revoked is True,
        revocation_reason=assertion.revocation_reason,
        credits_attempted=attempted.value if attempted else number(earned.credits_available),
        credits_earned=number(assertion.credits_earned),
        grade=grade.value if grade else None,
        score=score.value if score else None,
        points=points.value if points else None,
        status=next((each.status for each in results if each.status), None),
        is_repeated=_is_repeated(results, earned.tags),
        results=results,
        evidence=tuple(_evidence(each) for each in assertion.evidence),
        alignments=tuple(_alignment(each) for each in earned.alignments),
        associations=tuple(
            AssociationView(
                kind=each.association_type or "", title=phrase(each.title or ""), target_id=each.target_id or ""
            )
            for each in earned.associations
            if each.title
        ),
        endorsements=endorsed.of(assertion.id, earned.id),
        narrative=_html(assertion.narrative),
    )


def _is_repeated(results: Iterable[ResultView], tags: Iterable[str]) -> bool:
    """Whether this attempt stands on the record but does not count (REG-05)."""
    for result in results:
        if (result.kind or "").casefold().startswith("ext:repeat"):
            return (result.value or "").casefold() not in ("", "false", "no", "repeatcounted", "replacementcounted")
    return any(tag.casefold() == "repeated" for tag in tags)


def _result(result: model.Result, achievement: model.Achievement) -> ResultView:
    described = next(
        (each for each in achievement.result_descriptions if each.id == result.result_description),
        model.ResultDescription(),
    )
    levels = tuple(
        LevelView(
            id=each.id or "",
            name=phrase(each.name or ""),
            level=each.level,
            points=each.points,
            description=_phrase(each.description),
            is_achieved=bool(each.id) and each.id == result.achieved_level,
            is_required=bool(each.id) and each.id == described.required_level,
            alignments=tuple(_alignment(alignment) for alignment in each.alignments),
        )
        for each in described.rubric_criterion_levels
    )
    return ResultView(
        name=phrase(described.name or ""),
        kind=described.result_type,
        value=result.value,
        status=result.status,
        levels=levels,
        allowed_values=tuple(described.allowed_values),
        minimum=described.value_min,
        maximum=described.value_max,
        required=described.required_value,
        alignments=tuple(_alignment(each) for each in (*described.alignments, *result.alignments)),
    )


def _totals(assertion: model.Assertion, terms: Sequence[str]) -> dict[str | None, TotalsView]:
    """The totals of the transcript assertion by term; the cumulative ones under None (part B4)."""
    descriptions = assertion.achievement.result_descriptions if assertion.achievement else []
    described = {each.id: each for each in descriptions}
    found: dict[str | None, dict[str, str | None]] = {}
    names = {
        Measure.ATTEMPTED: "attempted",
        Measure.EARNED: "earned",
        Measure.GPA_CREDITS: "gpa_credits",
        Measure.QUALITY_POINTS: "quality_points",
        Measure.GPA: "gpa",
    }
    for result in assertion.results:
        description = described.get(result.result_description)
        if description is None or result.value is None:
            continue
        measure = measure_of(description.result_type, description.name or "")
        if measure is None:
            continue
        values = found.setdefault(term_of(description.name or "", terms), {})
        values[names[measure]] = result.value
        if measure is Measure.GPA:
            values["gpa_minimum"], values["gpa_maximum"] = description.value_min, description.value_max
    return {term: TotalsView(**values) for term, values in found.items()}


def _evidence(evidence: model.Evidence) -> EvidenceView:
    return EvidenceView(
        name=phrase(evidence.name or ""),
        description=_different(evidence.description, evidence.name),
        narrative=_html(evidence.narrative),
        genre=_phrase(evidence.genre),
        audience=_phrase(evidence.audience),
        url=safe_url(evidence.id),
        artifacts=tuple(
            ArtifactView(
                name=phrase(each.name or each.description or ""),
                description=_different(each.description, each.name),
                url=safe_url(each.url),
                is_embedded=(each.url or "").casefold().startswith("data:"),
            )
            for each in evidence.artifacts
        ),
    )


def _alignment(alignment: model.Alignment) -> AlignmentView:
    return AlignmentView(
        name=phrase(alignment.target_name or alignment.target_code or ""),
        code=alignment.target_code,
        description=_different(alignment.target_description, alignment.target_name),
        framework=_phrase(alignment.target_framework),
        url=safe_url(alignment.target_url),
        kind=alignment.target_type,
    )


def _profile(profile: model.Profile | model.EndorsementProfile | None) -> ProfileView:
    if profile is None:
        return ProfileView(id="", name=phrase(""))
    parts = (profile.given_name, profile.additional_name, profile.family_name)
    name = profile.name or " ".join(part for part in parts if part) or profile.email or profile.id or ""
    address = profile.address or model.Address()
    locality = " ".join(
        part
        for part in (
            ", ".join(each for each in (address.address_locality, address.address_region) if each),
            address.postal_code,
        )
        if part
    )
    lines = (address.street_address, address.post_office_box_number, locality, address.address_country)
    person = profile if isinstance(profile, model.Profile) else model.Profile()
    return ProfileView(
        id=profile.id or "",
        name=phrase(name),
        address=tuple(phrase(line) for line in lines if line),
        url=safe_url(profile.url),
        host=_host(profile.url) or _host(profile.id),
        email=profile.email,
        telephone=profile.telephone,
        official=_phrase(profile.official),
        student_id=profile.student_id or profile.sourced_id,
        birth_date=person.birth_date,
        identifiers=tuple(
            ((each.identifier_type or "").removeprefix("ext:"), each.identifier)
            for each in profile.identifiers
            if each.identifier
        ),
        parent=_profile(person.parent_org) if person.parent_org else None,
    )


class _Endorsed:
    """All endorsements of a record, to be shown at the thing endorsed (10.4)."""

    def __init__(self, clr: model.Clr) -> None:
        self._by_target: dict[str, list[EndorsementView]] = {}
        self._seen: set[tuple[str, str]] = set()
        self._take(clr)
        for profile in (clr.learner, clr.publisher):
            if profile is not None:
                self._take(profile)
        for achievement in clr.achievements:
            self._take(achievement)
        for assertion in clr.assertions:
            self._take(assertion)
            if assertion.achievement is not None:
                self._take(assertion.achievement)

    def _take(self, holder: model.Clr | model.Profile | model.Achievement | model.Assertion) -> None:
        for each in holder.endorsements:
            self._add(each, holder.id, is_signed=False)
        for each in _opened(holder.signed_endorsements, model.Endorsement):
            self._add(each, holder.id, is_signed=True)

    def _add(self, endorsement: model.Endorsement, holder: str | None, *, is_signed: bool) -> None:
        claim = endorsement.claim or model.EndorsementClaim()
        target = claim.id or holder or ""
        if (endorsement.id or "", target) in self._seen:
            return
        self._seen.add((endorsement.id or "", target))
        self._by_target.setdefault(target, []).append(
            EndorsementView(
                issuer=_profile(endorsement.issuer),
                issued_on=instant(endorsement.issued_on),
                comment=_html(claim.endorsement_comment),
                is_revoked=endorsement.revoked is True,
                is_signed=is_signed,
            )
        )

    def of(self, *targets: str | None) -> tuple[EndorsementView, ...]:
        """The endorsements of the things with these ids."""
        return tuple(each for target in dict.fromkeys(targets) if target for each in self._by_target.get(target, ()))


def _opened(signed: Iterable[str], cls: type[NodeT]) -> list[NodeT]:
    """The objects inside compact JWS, unverified: verifying is the verifier's work; unreadable ones are left out."""
    opened: list[NodeT] = []
    for text in signed:
        part = text.split(".")[1] if text.count(".") == 2 else ""
        try:
            document = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        except (binascii.Error, ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            opened.append(parse(document, cls))
    return opened


def _with_even_decimals(entries: list[EntryView]) -> list[EntryView]:
    """Credits and points of one record with equally many decimals, so that columns of figures align."""
    widths: dict[str, int] = {}
    for name in ("credits_attempted", "credits_earned", "points"):
        values = [value for entry in entries if (value := getattr(entry, name)) is not None]
        widths[name] = max((_decimals(value) for value in values), default=0)
    widths["credits_attempted"] = widths["credits_earned"] = max(
        1, widths["credits_attempted"], widths["credits_earned"]
    )
    widths["points"] = max(1, widths["points"])
    return [
        replace(
            entry,
            credits_attempted=_padded(entry.credits_attempted, widths["credits_attempted"]),
            credits_earned=_padded(entry.credits_earned, widths["credits_earned"]),
            points=_padded(entry.points, widths["points"]),
        )
        for entry in entries
    ]


def _decimals(value: str) -> int:
    try:
        exponent = Decimal(value).as_tuple().exponent
    except InvalidOperation:
        return 0
    return min(3, -exponent) if isinstance(exponent, int) and exponent < 0 else 0


def _padded(value: str | None, width: int) -> str | None:
    if value is None:
        return None
    try:
        given = Decimal(value)
    except InvalidOperation:
        return value
    if not given.is_finite() or _decimals(value) > width or abs(given) > 10**9:
        return value
    return f"{given:.{width}f}" if given == round(given, width) else value


def number(value: float | int | Decimal | None) -> str | None:
    """A number in its shortest form, as written by people: ``4``, ``1.5``; None stays None."""
    if value is None:
        return None
    text = format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def instant(text: str | None) -> Instant | None:
    """A DateTime of the standard; dates that no calendar has, or without a zone, are kept as text (SEC-33)."""
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return Instant(text, None, False)
    if not 1900 <= when.year <= 2200:
        return Instant(text, None, False)
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    is_day = (when.hour, when.minute, when.second) == (0, 0, 0)
    return Instant(text, when, is_day)


def safe_url(value: str | None) -> str | None:
    """An address that a page may link to, else None: only http and https."""
    if not value:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme.casefold() in ("http", "https") and parts.hostname else None


def _host(value: str | None) -> str:
    """The host of an address, in punycode as the network knows it (SEC-32)."""
    url = safe_url(value)
    host = (urlsplit(url).hostname or "") if url else ""
    try:
        return host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        return host


def _html(text: str | None) -> SafeString:
    return mark_safe(markdown.to_html(text)) if text else SafeString()  # noqa: S308 - the sanitiser's output


def _phrase(text: str | None) -> Phrase | None:
    return phrase(text) if text else None


def _different(text: str | None, from_text: str | None) -> Phrase | None:
    return phrase(text) if text and text != from_text else None
