"""What a draft says, in the classes of CLR 1.0: the record without its envelope, built from the tables.

`gather` loads everything that a number of drafts need with a number of queries that does not depend on theirs;
`Material.clr_of` then builds one record from it, a pure function. Digest of OneRoster, B3, B4, G1 to G3; of CLR 1.0,
sections 2 and 9.
"""

import base64
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Prefetch, Q
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from apps.achievements import endorsing
from apps.achievements.models import (
    Achievement,
    AchievementAssociation,
    Alignment,
    Assertion,
    Endorsement,
    ResultDescription,
)
from apps.institution import files, keys, profiles
from apps.institution.models import Organization, Policy
from apps.issuance import editing
from apps.issuance.models import Draft, DraftItem
from apps.learners import totals
from apps.learners.models import Learner
from apps.standards.clr1 import model, write
from apps.standards.clr1.totals import TRANSCRIPT_TYPE, Measure, total_name
from apps.standards.convert import clr1_ob2

MAX_ATTACHED = 1_000_000
"""Bytes of a file that still goes into the record itself, as a data address (strings stay under 2 MB, SEC-21)."""
LEVELS = 5
"""How far up the achievements above an asserted one are shown."""
INVERSE = {
    "isChildOf": "isParentOf",
    "isParentOf": "isChildOf",
    "isPeerOf": "isPeerOf",
    "isRelatedTo": "isRelatedTo",
    "exactMatchOf": "exactMatchOf",
}
"""What the other end says (digest CASE/OneRoster, G3)."""
UPWARD = ("isChildOf", "isPartOf")
RUNNING = ("Enrolled", "InProgress")
OWN_IDENTIFIERS = ("OneRosterSourcedId", "LisSourcedId")
BADGES = "/ims/ob/v2p0/assertions"
"""Where the badge of an assertion is found by the assertion's own number (contract, *Addresses*)."""
NEVER = ("ssn", "socialsecurity", "race", "sex", "religion", "holds")  # REG-03


@dataclass(slots=True)
class Material:
    """What a number of drafts are made of."""

    base: str
    home: Organization
    policy: Policy
    today: date
    organizations: dict[int, Organization]
    achievements: dict[int, Achievement]
    associations: dict[int, list[tuple[str, int]]]
    courses_of: dict[int, list[Assertion]]
    standing_of: dict[int, set[int]]
    endorsements: dict[tuple[str, int], list[Endorsement]] = field(default_factory=lambda: defaultdict(list))
    """By the field that names the thing endorsed, and its key."""
    _documents: dict[int, model.Achievement] = field(default_factory=dict)

    # --- the record ---

    def clr_of(self, draft: Draft) -> model.Clr:
        """The record without its envelope."""
        learner = draft.record.learner
        items = [item for item in draft.items.all() if self.goes_in(draft, item)]
        grades = _Grades.of(self, draft, learner)
        shown = [item.assertion.achievement_id for item in items]
        assertions = [self._assertion(item, learner, grades) for item in items]
        if draft.include_totals and (transcript := grades.transcript(self, draft)) is not None:
            assertions.append(transcript)
        name = (
            str(value) if (value := editing_value(draft, "name")) else f"{title_of(draft)} of {self.name_of(learner)}"
        )
        clr = model.Clr(
            context=model.CONTEXT_URL,
            type="Clr",
            name=name,
            partial=self.is_partial(draft, items),
            learner=self._learner(draft, learner),
            publisher=profiles.publisher(self.home, self.base),
            assertions=assertions,
            achievements=[self._achievement(pk) for pk in self._above(shown)],
        )
        self._endorse_issuers(clr)
        return clr

    def _endorse_issuers(self, clr: model.Clr) -> None:
        """Endorsements of the publisher on its profile; of other issuers once, at the record (digest, 2)."""
        issuers = {each.issuer.id for each in _achievements_in(clr) if each.issuer is not None}
        for pk, organization in self.organizations.items():
            found = self.endorsements.get(("organization", pk), [])
            if not found:
                continue
            if organization.is_home and clr.publisher is not None:
                endorsing.put_on(clr.publisher, found)
            elif profiles.profile_address(organization, self.base) in issuers:
                endorsing.put_on(clr, found)

    def goes_in(self, draft: Draft, item: DraftItem) -> bool:
        """Whether an item is part of the record: running courses only of a partial one (B4)."""
        if not item.included or item.assertion.withdrawn_at is not None:
            return False
        return draft.marked_partial or not self.is_running(item.assertion)

    def is_running(self, assertion: Assertion) -> bool:
        """Whether the course still goes on: enrolled, or in progress in a term that has not ended."""
        status = status_of(assertion)
        if status == "Enrolled":
            return True
        ends = assertion.session.end_date if assertion.session else assertion.issued_on
        return status == "InProgress" and ends is not None and ends >= self.today

    def is_partial(self, draft: Draft, items: Sequence[DraftItem]) -> bool:
        """True when something that the learner has earned is left out (CLR1-P-22, REG-08)."""
        left_out = self.standing_of.get(draft.record.learner_id, set()) - {item.assertion_id for item in items}
        return draft.marked_partial or bool(left_out)

    def _above(self, shown: Sequence[int]) -> list[int]:
        """Achievements above the asserted ones that are not asserted themselves."""
        seen, wave = dict.fromkeys(shown), list(dict.fromkeys(shown))
        for _ in range(LEVELS):
            wave = list(
                dict.fromkeys(
                    target
                    for pk in wave
                    for kind, target in self.associations.get(pk, ())
                    if kind in UPWARD and target in self.achievements and target not in seen
                )
            )
            seen.update(dict.fromkeys(wave))
        return [pk for pk in seen if pk not in set(shown)]

    # --- people ---

    def learner_id(self, learner: Learner) -> str:
        """The learner's id in records; nothing is served there."""
        return f"urn:uuid:{learner.public_id}"

    def _names_of(self, learner: Learner) -> tuple[str, str, str]:
        """Given, additional and family name on records (REG-20, ROST-38)."""
        if self.policy.names_on_records == Policy.NameRule.CHOSEN:
            return learner.chosen_names
        return learner.given_name, learner.additional_name, learner.family_name

    def name_of(self, learner: Learner) -> str:
        """The full name on records."""
        return " ".join(part for part in self._names_of(learner) if part)

    def _learner(self, draft: Draft, learner: Learner) -> model.Profile:
        """The learner's profile: name, number, address for mail; no field for what REG-03 forbids.

        The name is the legal or the chosen one, as the institution's policy says; former names never (REG-20).
        """
        given, additional, family = self._names_of(learner)
        sourced_id = learner.source_id or None
        identifiers = [("OneRosterSourcedId", sourced_id)] if sourced_id else []
        identifiers += [
            (each.type, each.value) for each in learner.identifiers.all() if _may_be_shown(each.type, each.value)
        ]
        return model.Profile(
            id=self.learner_id(learner),
            type="Profile",
            name=self.name_of(learner),
            given_name=given or None,
            additional_name=additional or None,
            family_name=family or None,
            birth_date=learner.birth_date.isoformat()
            if learner.birth_date and self.policy.include_birth_date
            else None,
            email=learner.email or None,
            student_id=learner.student_id or None,
            sourced_id=sourced_id,
            identifiers=[
                model.SystemIdentifier(type="SystemIdentifier", identifier=value, identifier_type=kind)
                for kind, value in dict.fromkeys(identifiers)
            ],
        )

    def issuer_of(self, organization: Organization) -> Organization:
        """Who awards: the organization where it issues in its own name, else the home institution."""
        return organization if organization.is_home or organization.issues_in_own_name else self.home

    # --- what was earned ---

    def _assertion(self, item: DraftItem, learner: Learner, grades: "_Grades") -> model.Assertion:
        source = item.assertion
        value = editing.value_of
        results = [
            result
            for description in self.achievements[source.achievement_id].result_descriptions.all()
            if (result := self._result(item, description)) is not None
        ]
        achievement = self._achievement(source.achievement_id)
        achievement, results = grades.marks(self, source, achievement, results)
        expires = value(item, "expires")
        credits_earned = value(item, "credits_earned")
        assertion = model.Assertion(
            id=profiles.object_address(self.base, "assertions", source.public_id),
            type="Assertion",
            issued_on=self.awarded(parse_date(value(item, "issued_on") or "")),
            activity_start_date=self._day(parse_date(value(item, "activity_start_date") or "")),
            activity_end_date=self._day(parse_date(value(item, "activity_end_date") or "")),
            expires=write.date_time(moment) if expires and (moment := parse_datetime(expires)) else None,
            term=value(item, "term") or None,
            role=value(item, "role") or None,
            license_number=value(item, "license_number") or None,
            credits_earned=number(Decimal(credits_earned)) if credits_earned != "" else None,
            narrative=value(item, "narrative") or None,
            image=source.image or None,
            recipient=model.Identity(type="id", identity=self.learner_id(learner), hashed=False),
            achievement=achievement,
            results=results,
            evidence=[_evidence(piece) for piece in value(item, "evidence")],
            source=self._source(source),
            extra=_extensions(
                {
                    **source.extensions,
                    **({"ext:group": item.group} if item.group else {}),
                    clr1_ob2.BADGE: f"{self.base}{BADGES}/{source.public_id}",  # as it is, or will be
                }
            ),
        )
        endorsing.put_on(assertion, self.endorsements.get(("assertion", source.pk), ()))
        return assertion

    def _source(self, assertion: Assertion) -> model.Profile | None:
        if assertion.assessor_id is None:
            return None
        return profiles.reference(self.organizations[assertion.assessor_id], self.base)

    def awarded(self, day: date | None) -> str:
        """When it was awarded; today while that day lies ahead (B3)."""
        return self._day(min(day or self.today, self.today)) or ""

    def _day(self, day: date | None) -> str | None:
        """A calendar day as the moment at which it begins in the institution's time zone."""
        return start_of_day(day, self.policy.time_zone) if day else None

    def _result(self, item: DraftItem, description: ResultDescription) -> model.Result | None:
        said = editing.value_of(item, f"result:{description.public_id}")
        if not any(said.values()):
            return None
        stored = next(
            (each for each in item.assertion.results.all() if each.result_description_id == description.pk), None
        )
        return model.Result(
            type="Result",
            result_description=f"urn:uuid:{description.public_id}",
            value=said["value"] or None,
            achieved_level=f"urn:uuid:{said['achieved_level']}" if said["achieved_level"] else None,
            status=said["status"] or None,
            alignments=[alignment_of(each) for each in stored.alignments.all()] if stored else [],
        )

    def _achievement(self, pk: int) -> model.Achievement:
        known = self._documents.get(pk)
        if known is None:
            known = self._documents[pk] = self.achievement_of(self.achievements[pk])
        return known

    def achievement_of(self, achievement: Achievement) -> model.Achievement:
        """An achievement, the same wherever it stands in a record (CLR1-P-21) and at its own address."""
        narrative, page = achievement.criteria_narrative or None, achievement.criteria_url or None
        associations = [
            model.Association(
                type="Association",
                association_type=kind,
                target_id=profiles.object_address(self.base, "achievements", self.achievements[target].public_id),
                title=self.achievements[target].name,
            )
            for kind, target in self.associations.get(achievement.pk, ())
            if target in self.achievements
        ]
        said = model.Achievement(
            id=profiles.object_address(self.base, "achievements", achievement.public_id),
            type="Achievement",
            achievement_type=achievement.achievement_type or None,
            name=achievement.name,
            human_code=achievement.human_code or None,
            description=achievement.description or None,
            credits_available=number(achievement.credits_available),
            field_of_study=achievement.field_of_study or None,
            level=achievement.level or None,
            specialization=achievement.specialization or None,
            tags=list(achievement.tags),
            image=achievement.image or None,
            issuer=profiles.issuer(self.issuer_of(self.organizations[achievement.issuer_id]), self.base),
            requirement=model.Criteria(id=page, type="Criteria", narrative=narrative) if narrative or page else None,
            identifiers=[
                model.SystemIdentifier(
                    type="SystemIdentifier",
                    identifier=str(each["identifier"]),
                    identifier_type=profiles.identifier_type(str(each["identifierType"])),
                )
                for each in achievement.identifiers
            ],
            alignments=[alignment_of(each) for each in achievement.alignments.all()],
            associations=associations,
            result_descriptions=[_description(each) for each in achievement.result_descriptions.all()],
            extra=_extensions(achievement.extensions),
        )
        endorsing.put_on(said, self.endorsements.get(("achievement", achievement.pk), ()))
        return said


# --- grades: totals, repeats, the degree's average --------------------------------------------


@dataclass(slots=True)
class _Grades:
    """A learner's courses of record as attempts, and what they add up to (B4, B5; REG-04, REG-05)."""

    attempts: list[totals.Attempt]
    assertions: list[Assertion]
    total: totals.Totals | None
    rule: str
    range_end: str
    counts: dict[int, bool]
    include: bool

    @classmethod
    def of(cls, material: Material, draft: Draft, learner: Learner) -> "_Grades":
        edited = {item.assertion_id: item for item in draft.items.all() if item.edits}
        attempts, assertions, ends = [], [], {"4.0"}
        for assertion in material.courses_of.get(learner.pk, ()):
            attempt = _attempt(assertion, edited.get(assertion.pk))
            if attempt is not None:
                attempts.append(attempt)
                assertions.append(assertion)
                ends |= {
                    each.value_max
                    for each in material.achievements[assertion.achievement_id].result_descriptions.all()
                    if each.result_type == "GradePointAverage" and each.value_max
                }
        rule = material.policy.repeat_rule
        total = totals.totals(attempts, rule) if attempts else None
        counting = total.counting if total else ()
        return cls(
            attempts,
            assertions,
            total,
            rule,
            max(ends, key=lambda text: decimal_of(text) or Decimal(0)),
            {assertion.pk: counts for assertion, counts in zip(assertions, counting, strict=True)},
            draft.include_totals,
        )

    def marks(
        self, material: Material, source: Assertion, achievement: model.Achievement, results: list[model.Result]
    ) -> tuple[model.Achievement, list[model.Result]]:
        """Adds what only the whole record knows: that an attempt is repeated, and a degree's average."""
        repeated = any(
            not counts and attempt.takes_part and assertion.achievement_id == source.achievement_id
            for assertion, attempt, counts in zip(self.assertions, self.attempts, self._counting, strict=True)
        )
        if repeated:
            description = _further(source.achievement, "Repeated", "ext:Repeat")
            achievement = _with(achievement, description)
            if self.counts.get(source.pk) is False and self._takes_part(source):
                results = [*results, _value(description, "RepeatNotCounted")]
        if self.include and source.achievement.achievement_type == Achievement.Type.DEGREE and self.total:
            gpa = self._average_at(source.issued_on)
            known = {each.result_description for each in results}
            stated = next((d for d in achievement.result_descriptions if d.result_type == "GradePointAverage"), None)
            if gpa is not None and (stated is None or stated.id not in known):
                description = stated or _further(
                    source.achievement, "Cumulative grade point average", "GradePointAverage", self.range_end
                )
                achievement = achievement if stated else _with(achievement, description)
                results = [*results, _value(description, f"{gpa}")]
        return achievement, results

    @property
    def _counting(self) -> tuple[bool, ...]:
        return self.total.counting if self.total else ()

    def _takes_part(self, source: Assertion) -> bool:
        return any(
            attempt.takes_part
            for assertion, attempt in zip(self.assertions, self.attempts, strict=True)
            if assertion.pk == source.pk
        )

    def _average_at(self, day: date | None) -> Decimal | None:
        until = [attempt for attempt in self.attempts if day is None or attempt.began <= day]
        return totals.totals(until, self.rule).gpa if until else None

    def transcript(self, material: Material, draft: Draft) -> model.Assertion | None:
        """The one assertion that carries term and cumulative totals (B4)."""
        if self.total is None:
            return None
        record = draft.record
        terms: dict[str, list[int]] = defaultdict(list)
        for place in sorted(range(len(self.attempts)), key=lambda place: self.attempts[place].began):
            if self.assertions[place].term:
                terms[self.assertions[place].term].append(place)
        if draft.term_id is not None:
            terms = {term: places for term, places in terms.items() if self._of_term(places, draft.term_id)}
        descriptions, results = [], []
        for term, places in [*terms.items(), (None, list(range(len(self.attempts))))]:
            for measure, value in self._sums(places).items():
                if value is None:
                    continue
                description = model.ResultDescription(
                    id=f"urn:uuid:{uuid.uuid5(record.public_id, total_name(measure, term))}",
                    type="ResultDescription",
                    name=total_name(measure, term),
                    result_type=measure.result_type,
                    value_min="0.0" if measure is Measure.GPA else None,
                    value_max=self.range_end if measure is Measure.GPA else None,
                )
                descriptions.append(description)
                results.append(_value(description, f"{value}" if measure is Measure.GPA else shortest(value)))
        ends = [one.issued_on for one in self.assertions if one.issued_on is not None]
        return model.Assertion(
            id=f"urn:uuid:{uuid.uuid5(record.public_id, 'transcript assertion')}",
            type="Assertion",
            issued_on=material.awarded(max(ends, default=None)),
            recipient=model.Identity(type="id", identity=material.learner_id(record.learner), hashed=False),
            achievement=model.Achievement(
                id=f"urn:uuid:{uuid.uuid5(record.public_id, 'transcript')}",
                type="Achievement",
                achievement_type=TRANSCRIPT_TYPE,
                name="Credit totals and grade point average",
                issuer=profiles.issuer(material.home, material.base),
                result_descriptions=descriptions,
            ),
            results=results,
        )

    def _of_term(self, places: list[int], session_id: int) -> bool:
        return any(self.assertions[place].session_id == session_id for place in places)

    def _sums(self, places: list[int]) -> dict[Measure, Decimal | None]:
        """What the attempts at these places add to the totals, so that the terms add up to the cumulative ones."""
        counted = [place for place in places if self._counting[place]]
        weighing = [self.attempts[place] for place in counted if self.attempts[place].points is not None]
        gpa_credits = sum((attempt.attempted for attempt in weighing), Decimal(0))
        quality = sum(((attempt.points or Decimal(0)) * attempt.attempted for attempt in weighing), Decimal(0))
        return {
            Measure.ATTEMPTED: sum((self.attempts[place].attempted for place in places), Decimal(0)),
            Measure.EARNED: sum((self._earned_at(place) for place in counted), Decimal(0)),
            Measure.GPA_CREDITS: gpa_credits,
            Measure.QUALITY_POINTS: quality,
            Measure.GPA: totals.rounded(quality / gpa_credits, 2) if gpa_credits else None,
        }

    def _earned_at(self, place: int) -> Decimal:
        """Credits that this attempt earns; a course earns once, at the first attempt with the most."""
        attempt = self.attempts[place]
        rivals = [
            other for other, each in enumerate(self.attempts) if each.course == attempt.course and self._counting[other]
        ]
        best = max(rivals, key=lambda other: (self.attempts[other].earned, -other), default=place)
        return attempt.earned if best == place else Decimal(0)


def _attempt(assertion: Assertion, item: DraftItem | None) -> totals.Attempt | None:
    """The attempt that a course assertion is, with this draft's hand edits; None while there is no result."""
    values: dict[str, str] = {}
    status = ""
    for result in assertion.results.all():
        said = {"value": result.value, "status": result.status}
        if item is not None and (edit := item.edits.get(f"result:{result.result_description.public_id}")):
            said = edit["now"]
        values.setdefault(result.result_description.result_type, said["value"])
        status = said["status"] or status
    if status == "Enrolled" or not assertion.session:
        return None
    letter = (values.get("Status") or values.get("LetterGrade") or "").strip().upper()
    takes_part = status in {"Completed", "Failed"} and letter not in totals.WITHOUT_PART
    earned = assertion.credits_earned or Decimal(0)
    if item is not None and "credits_earned" in item.edits:
        earned = decimal_of(item.edits["credits_earned"]["now"]) or Decimal(0)
    attempted = assertion.credits_attempted
    return totals.Attempt(
        course=str(assertion.achievement.course_id or assertion.achievement_id),
        began=assertion.session.start_date,
        attempted=attempted if attempted is not None else assertion.achievement.credits_available or Decimal(0),
        earned=earned if takes_part else Decimal(0),
        points=decimal_of(values.get("GradePointAverage", "")) if takes_part else None,
        takes_part=takes_part,
    )


def _further(
    achievement: Achievement, name: str, result_type: str, range_end: str | None = None
) -> model.ResultDescription:
    """A description that an achievement has only inside a record that needs it."""
    return model.ResultDescription(
        id=f"urn:uuid:{uuid.uuid5(achievement.public_id, result_type)}",
        type="ResultDescription",
        name=name,
        result_type=result_type,
        value_min="0.0" if range_end else None,
        value_max=range_end,
    )


def _with(achievement: model.Achievement, description: model.ResultDescription) -> model.Achievement:
    values = {name: getattr(achievement, name) for name in achievement.__dataclass_fields__}
    values["result_descriptions"] = [*achievement.result_descriptions, description]
    return model.Achievement(**values)


def _value(description: model.ResultDescription, value: str) -> model.Result:
    return model.Result(type="Result", result_description=description.id, value=value)


def _achievements_in(clr: model.Clr) -> Iterator[model.Achievement]:
    yield from clr.achievements
    yield from (each.achievement for each in clr.assertions if each.achievement is not None)


# --- small parts ------------------------------------------------------------------------------


def title_of(draft: Draft) -> str:
    """What kind of record it is, in words; without the learner's name."""
    return draft.title or "Official record"


def editing_value(draft: Draft, name: str) -> Any:
    """A hand edit of the record as a whole, if there is one."""
    edit = draft.edits.get(name)
    return edit["now"] if edit else None


def status_of(assertion: Assertion) -> str:
    """The status among the assertion's results; empty if none says one."""
    return next((result.status for result in assertion.results.all() if result.status), "")


@lru_cache(maxsize=4096)
def start_of_day(day: date, zone: str) -> str:
    """The DateTime at which a calendar day begins in a time zone."""
    return write.date_time(datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC))


def number(value: Decimal | None) -> float | int | None:
    """A JSON number: whole ones without a fraction."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def decimal_of(text: str) -> Decimal | None:
    """The number that a text says, if it says one."""
    try:
        value = Decimal(text.strip())
    except (InvalidOperation, AttributeError):
        return None
    return value if value.is_finite() else None


def shortest(value: Decimal) -> str:
    """A number as text in its shortest form: `91`, not `91.0` (B4)."""
    return f"{value.normalize():f}" if value else "0"


def alignment_of(alignment: Alignment) -> model.Alignment:
    """An alignment as it stood when it was made (D7, G2)."""
    return model.Alignment(
        type="Alignment",
        target_code=alignment.target_code or None,
        target_description=alignment.target_description or None,
        target_name=alignment.target_name,
        target_framework=alignment.target_framework or None,
        target_type=alignment.target_type or None,
        target_url=alignment.target_url,
    )


def _description(description: ResultDescription) -> model.ResultDescription:
    return model.ResultDescription(
        id=f"urn:uuid:{description.public_id}",
        type="ResultDescription",
        name=description.name,
        result_type=description.result_type,
        allowed_values=list(description.allowed_values),
        value_min=description.value_min or None,
        value_max=description.value_max or None,
        required_value=description.required_value or None,
        required_level=f"urn:uuid:{description.required_level.public_id}" if description.required_level else None,
        rubric_criterion_levels=[
            model.RubricCriterionLevel(
                id=f"urn:uuid:{level.public_id}",
                type="RubricCriterionLevel",
                name=level.name,
                description=level.description or None,
                level=level.level or None,
                points=level.points or None,
                alignments=[alignment_of(each) for each in level.alignments.all()],
            )
            for level in description.rubric_criterion_levels.all()
        ],
        alignments=[alignment_of(each) for each in description.alignments.all()],
    )


def _evidence(piece: dict[str, Any]) -> model.Evidence:
    return model.Evidence(
        id=piece.get("url") or None,
        type="Evidence",
        name=piece["name"],
        audience=piece.get("audience") or None,
        description=piece.get("description") or None,
        genre=piece.get("genre") or None,
        narrative=piece.get("narrative") or None,
        artifacts=[
            model.Artifact(
                type="Artifact",
                name=artifact.get("name") or None,
                description=artifact.get("description") or None,
                url=_attached(artifact) if artifact.get("file_digest") else artifact.get("url") or None,
            )
            for artifact in piece.get("artifacts", ())
        ],
    )


def _attached(artifact: dict[str, Any]) -> str:
    """An attached file as a data address; it is signed with the record."""
    content = base64.b64encode(files.get(artifact["file_digest"])).decode()
    return f"data:{artifact.get('media_type') or 'application/octet-stream'};base64,{content}"


def too_large(draft: Draft) -> list[str]:
    """Names of attached files that are too large to go into the record."""
    return [
        str(artifact.get("name") or piece["name"])
        for item in draft.items.all()
        if item.included
        for piece in editing.value_of(item, "evidence")
        for artifact in piece.get("artifacts", ())
        if artifact.get("file_digest") and (artifact.get("size") or 0) > MAX_ATTACHED
    ]


def _may_be_shown(kind: str, value: str) -> bool:
    plain = "".join(character for character in kind.casefold() if character.isalpha())
    known = kind in OWN_IDENTIFIERS or model.EXTENDED_VALUE_WRITTEN.fullmatch(kind) is not None
    return bool(value) and known and not any(word in plain for word in NEVER)


def _extensions(stored: dict[str, Any]) -> dict[str, Any]:
    """Further properties; only names with a prefix, and never an integer (digest CLR 1.0, section 2)."""
    return {
        name: str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in stored.items()
        if name.count(":") == 1 and not name.startswith(":") and not name.endswith(":") and value is not None
    }


# --- loading ----------------------------------------------------------------------------------


def items_with_all() -> Any:
    """Draft items with everything that `editing.value_of` and the record look at."""
    return DraftItem.objects.select_related("assertion__achievement", "assertion__session").prefetch_related(
        "assertion__results__result_description",
        "assertion__results__achieved_level",
        "assertion__results__alignments",
        "assertion__evidence__artifacts",
    )


def drafts_with_all(drafts: Any) -> list[Draft]:
    """The drafts of a queryset with record, learner and items, in a constant number of queries."""
    return list(
        drafts.select_related("record__learner", "term", "design").prefetch_related(
            Prefetch("items", queryset=items_with_all()), "record__learner__identifiers"
        )
    )


def gather(drafts: Iterable[Draft]) -> Material:
    """Loads what these drafts need beyond themselves. Raises `LookupError` without a home institution."""
    drafts = list(drafts)
    learners = {draft.record.learner_id for draft in drafts}
    courses: dict[int, list[Assertion]] = defaultdict(list)
    standing: dict[int, set[int]] = defaultdict(set)
    material = empty_material()
    earned = (
        Assertion.objects.filter(learner__in=learners, withdrawn_at=None)
        .select_related("achievement", "session")
        .prefetch_related("results__result_description")
        .order_by("pk")
    )
    for assertion in earned:
        if assertion.achievement.achievement_type == Achievement.Type.COURSE:
            courses[assertion.learner_id].append(assertion)
        if not material.is_running(assertion):
            standing[assertion.learner_id].add(assertion.pk)
    material.courses_of, material.standing_of = courses, standing
    named = {item.assertion.achievement_id for draft in drafts for item in draft.items.all()}
    named |= {assertion.achievement_id for taken in courses.values() for assertion in taken}
    load_achievements(material, named)
    items = {item.assertion_id for draft in drafts for item in draft.items.all()}
    load_endorsements(material, assertion__in=items)
    load_endorsements(material, organization__in=list(material.organizations))
    return material


def empty_material() -> Material:
    """The institution's part of the material, without anybody's achievements."""
    organizations = {each.pk: each for each in Organization.objects.select_related("parent")}
    home = next((each for each in organizations.values() if each.is_home), None)
    if home is None:
        raise LookupError("There is no institution yet; import one first.")
    policy = Policy.current()
    return Material(
        base=keys.public_base(home),
        home=home,
        policy=policy,
        today=timezone.now().astimezone(ZoneInfo(policy.time_zone)).date(),
        organizations=organizations,
        achievements={},
        associations=defaultdict(list),
        courses_of={},
        standing_of={},
    )


def load_achievements(material: Material, wanted: set[int]) -> None:
    """Adds achievements, those above them, and the ones they are associated with."""
    associations: set[tuple[int, str, int]] = set()
    wave, known = set(wanted), set(wanted)
    for _ in range(LEVELS):
        found = set(_associations(wave)) - associations
        associations |= found
        wave = {target for _pk, kind, target in found if kind in UPWARD} - known
        known |= wave
        if not wave:
            break
    for pk, kind, target in sorted(associations):
        material.associations[pk].append((kind, target))
        known |= {pk, target}
    loaded = Achievement.objects.filter(pk__in=known).prefetch_related(
        "alignments",
        "result_descriptions__alignments",
        "result_descriptions__required_level",
        "result_descriptions__rubric_criterion_levels__alignments",
    )
    material.achievements.update({each.pk: each for each in loaded})
    load_endorsements(material, achievement__in=known)


def load_endorsements(material: Material, **of: Any) -> None:
    """Adds the endorsements that stand, of these achievements, assertions or organizations."""
    [lookup] = of
    name = lookup.removesuffix("__in")
    for each in Endorsement.objects.standing().filter(**of).defer("seen"):
        material.endorsements[name, getattr(each, f"{name}_id")].append(each)


def _associations(achievements: set[int]) -> Iterator[tuple[int, str, int]]:
    """The associations at these achievements, each end saying its part (G3)."""
    rows = AchievementAssociation.objects.filter(
        Q(achievement__in=achievements) | Q(target__in=achievements)
    ).values_list("achievement_id", "association_type", "target_id")
    for origin, kind, target in rows:
        if origin in achievements:
            yield origin, kind, target
        if target in achievements and kind in INVERSE:
            yield target, INVERSE[kind], origin
