"""From results of record to assertions (digest CASE/OneRoster, B1 to B4), by a job right after the import.

Set-based and idempotent: the achievements of the courses first, then one assertion for each learner and class, each
with a digest of what it should say. An equal digest changes nothing; another one changes the assertion and its version,
so that drafts and issued records that hold it can be seen to be stale (ROST-33). Nothing issued is touched.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

import orjson
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.achievements import frameworks, versions
from apps.achievements.models import (
    Achievement,
    Alignment,
    Assertion,
    FrameworkItem,
    Result,
    ResultDescription,
)
from apps.institution import audit
from apps.institution.models import Organization, Policy
from apps.learners import totals
from apps.learners.models import (
    Course,
    CourseResult,
    CourseSection,
    Enrollment,
    GradeScale,
    Learner,
    LearningObjective,
)
from apps.standards.case.model import is_uuid

CHUNK = 250
"""Learners whose assertions are written in one transaction."""
PASS_LETTERS = {"P": "P", "PASS": "P", "NP": "NP", "FAIL": "NP"}
STATUS, LETTER, PASS_FAIL, POINTS = "Status", "LetterGrade", "Result", "GradePointAverage"
TWO_RESULTS = "There are two results of record for this class; correct it in the student system."


@dataclass(slots=True)
class Outcome:
    """What awarding came to."""

    achievements: int = 0
    made: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0


def award_results(source: str, *, by: Any = None, progress: Callable[[int, int], None] | None = None) -> Outcome:
    """Brings the assertions of one student system up to its results. `progress` is told done and total learners."""
    outcome = Outcome()
    catalogue = _Catalogue.of(source)
    with transaction.atomic():
        outcome.achievements = catalogue.sync_achievements(by)
    learners = list(
        Learner.objects.filter(
            Q(pk__in=Enrollment.objects.filter(source=source).values("learner"))
            | Q(pk__in=CourseResult.objects.filter(source=source).values("learner"))
            | Q(pk__in=Assertion.objects.filter(source=source).values("learner"))
        )
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    pending = iter(learners)
    through = 0
    while chunk := list(islice(pending, CHUNK)):
        with transaction.atomic():
            _award_chunk(catalogue, chunk, outcome)
        through += len(chunk)
        if progress is not None:
            progress(through, len(learners))
    audit.record(
        "results.awarded",
        None,
        by,
        made=outcome.made,
        changed=outcome.changed,
        withdrawn=outcome.withdrawn,
        achievements=outcome.achievements,
    )
    return outcome


# --- courses as achievements ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scale:
    """Letters from worst to best, with what they are worth; empty when the source sends none."""

    letters: tuple[str, ...] = ()
    points: tuple[tuple[str, str], ...] = ()

    @property
    def lowest_passing(self) -> str:
        """The worst letter that passes."""
        worth = dict(self.points)
        return next((letter for letter in self.letters if _passes(letter, worth)), "")

    def passes(self, letter: str) -> bool | None:
        """Whether a letter passes; None when the scale does not know it."""
        return _passes(letter, dict(self.points)) if letter in self.letters else None


def _passes(letter: str, worth: dict[str, str]) -> bool:
    points = totals_number(worth.get(letter, ""))
    return letter.upper() not in totals.NOT_PASSING and (points is None or points > 0)


@dataclass(frozen=True, slots=True)
class Described:
    """A possible result that a course needs: its key tells it apart within the achievement."""

    key: str
    name: str
    result_type: str
    allowed_values: tuple[str, ...] = ()
    value_min: str = ""
    value_max: str = ""
    required_value: str = ""
    objective: str = ""


@dataclass(slots=True)
class _Catalogue:
    """The courses, classes and scales of a source, and the achievements that stand for the courses."""

    source: str
    policy: Policy
    home: Organization
    courses: dict[int, Course]
    sections: dict[int, CourseSection]
    scales: dict[tuple[str, int], Scale]
    seen: dict[int, set[tuple[str, str]]]
    """Letters with points by course, as results have them, for sources that send no scale."""
    ranges: dict[int, set[tuple[str, str]]]
    objectives: dict[int, set[str]]
    """Competencies by course."""
    told: dict[int, dict[str, bool]]
    """Competencies that results of the course speak of; True where a level is told, not a score."""
    achievements: dict[int, Achievement] = field(default_factory=dict)
    first_section: dict[int, CourseSection] = field(default_factory=dict)
    by_version: dict[int, dict[str, ResultDescription]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str) -> "_Catalogue":
        policy = Policy.current()
        home = Organization.objects.get(is_home=True)
        courses = {each.pk: each for each in Course.objects.filter(source=source).select_related("organization")}
        sections = {each.pk: each for each in CourseSection.objects.filter(source=source).prefetch_related("sessions")}
        catalogue = cls(source, policy, home, courses, sections, {}, {}, {}, {}, {})
        for section in sections.values():
            catalogue.first_section.setdefault(section.course_id, section)
        catalogue._load_scales()
        catalogue._load_seen()
        catalogue._load_objectives()
        return catalogue

    def _load_scales(self) -> None:
        for scale in GradeScale.objects.filter(Q(source=self.source) | Q(source="")).filter(ended_at=None):
            value = _scale(scale.values)
            if not value.letters:
                continue
            for kind, owner in (
                ("scale", scale.pk),
                ("section", scale.section_id),
                ("course", scale.course_id),
                ("organization", scale.organization_id),
            ):
                if owner is not None:
                    self.scales.setdefault((kind, owner), value)

    def _load_seen(self) -> None:
        self.seen, self.ranges = defaultdict(set), defaultdict(set)
        names = self.policy.metadata_names
        rows = (
            CourseResult.objects.filter(_of_record(self.policy, self.source))
            .values_list(
                "line_item__section__course_id",
                "text_score",
                "metadata",
                "line_item__value_min",
                "line_item__value_max",
                "score",
            )
            .iterator(chunk_size=5000)
        )
        for course, text, metadata, lowest, highest, score in rows:
            letter = (text or metadata.get(names.get("letter_grade", ""), "")).strip()
            points = metadata.get(names.get("grade_points", ""), "")
            if letter and totals_number(points) is not None:
                self.seen[course].add((letter, points))
            if score is not None:
                self.ranges[course].add((_text(lowest), _text(highest)))

    def _load_objectives(self) -> None:
        self.objectives, self.told = defaultdict(set), defaultdict(dict)
        found = LearningObjective.objects.filter(source=self.source, objective_source="case", ended_at=None)
        for course, name in found.filter(line_item__isnull=False).values_list(
            "line_item__section__course_id", "objective_id"
        ):
            self.objectives[course].add(f"urn:uuid:{_identifier(name)}")
        about = found.filter(_of_record(self.policy, self.source, "result__"), result__isnull=False)
        for course, name, text in about.values_list(
            "result__line_item__section__course_id", "objective_id", "text_score"
        ):
            name = f"urn:uuid:{_identifier(name)}"
            self.told[course][name] = self.told[course].get(name, False) or bool(text)

    # --- what they need ---

    def scale_of(self, section: CourseSection, line_item_scale: int | None = None) -> Scale:
        """The scale of a class: the line item's, the class's, the course's, the organization's, or as results show."""
        course = self.courses[section.course_id]
        for key in (
            ("scale", line_item_scale or 0),
            ("section", section.pk),
            ("course", course.pk),
            ("organization", course.organization_id or 0),
            ("organization", section.organization_id),
            ("organization", self.home.pk),
        ):
            if key in self.scales:
                return self.scales[key]
        return self._shown_scale()

    def _shown_scale(self) -> Scale:
        if ("shown", 0) not in self.scales:
            worth = {letter: points for pairs in self.seen.values() for letter, points in pairs}
            worth = {letter: points for letter, points in worth.items() if letter.upper() not in totals.WITHOUT_PART}
            self.scales["shown", 0] = _scale([[letter, points] for letter, points in sorted(worth.items())])
        return self.scales["shown", 0]

    def needed(self, course: Course) -> list[Described]:
        """The possible results of a course (B4)."""
        section = self.first_section.get(course.pk)
        scale = self.scale_of(section) if section is not None else self._shown_scale()
        best = max((totals_number(points) or Decimal(0) for _letter, points in scale.points), default=Decimal(4))
        found = [
            Described(LETTER, "Final grade", LETTER, scale.letters, required_value=scale.lowest_passing),
            Described(PASS_FAIL, "Pass or no pass", PASS_FAIL, ("NP", "P"), required_value="P"),
            Described(
                POINTS, "Grade points", POINTS, value_min="0.0", value_max=f"{max(best, Decimal(4)).normalize():.1f}"
            ),
        ]
        found += [_score_description(lowest, highest) for lowest, highest in sorted(self.ranges.get(course.pk, ()))]
        found += [
            Described(f"objective {name}", "", "PerformanceLevel" if level else "RawScore", objective=name)
            for name, level in sorted(self.told.get(course.pk, {}).items())
        ]
        return [*found, Described(STATUS, "Status", STATUS)]

    # --- keeping the achievements ---

    def sync_achievements(self, by: Any) -> int:
        """Makes or renews the achievement of every course with classes; gives how many changed."""
        used = {each.course_id for each in self.sections.values()}
        items = {str(item.identifier): item for item in self._items()}
        current = {
            each.course_id or 0: each
            for each in Achievement.objects.current()
            .filter(course__in=used)
            .prefetch_related("result_descriptions", "alignments")
        }
        wanted = {pk: (self.needed(self.courses[pk]), self._digest(self.courses[pk])) for pk in used}
        differing = {each.pk for course, each in current.items() if each.source_digest != wanted[course][1]}
        frozen = versions.named(differing)
        changed = 0
        for course_pk in sorted(used):
            described, digest = wanted[course_pk]
            course = self.courses[course_pk]
            achievement = current.get(course_pk)
            if achievement is None:
                achievement = Achievement.objects.create(source_digest=digest, **self._values(course))
            elif achievement.source_digest == digest:
                self._remember(achievement)
                continue
            elif achievement.pk in frozen:
                achievement = versions.new_version(achievement, by=by, source_digest=digest, **self._values(course))
            else:
                for field, value in {**self._values(course), "source_digest": digest}.items():
                    setattr(achievement, field, value)
                achievement.save()
                Assertion.objects.filter(achievement=achievement).update(
                    version=F("version") + 1, changed_at=timezone.now()
                )
            self._describe(achievement, described, items)
            self._align(achievement, self.objectives.get(course_pk, set()), items)
            self._remember(achievement)
            changed += 1
        return changed

    def _items(self) -> Iterable[FrameworkItem]:
        names = {
            _identifier(name) for found in (self.objectives, self.told) for each in found.values() for name in each
        }
        known = [name for name in names if is_uuid(name)]
        return FrameworkItem.objects.filter(identifier__in=known).select_related("framework")

    def _values(self, course: Course) -> dict[str, Any]:
        return {
            "course": course,
            "achievement_type": Achievement.Type.COURSE,
            "name": course.title,
            "human_code": course.code,
            "issuer": course.organization or self.home,
            "credits_available": course.credits,
            "level": course.level,
            "field_of_study": "; ".join(course.subjects)[:1024],
            "identifiers": [{"identifier": course.source_id, "identifierType": "OneRosterSourcedId"}],
            "import_run": course.import_run,
        }

    def _digest(self, course: Course) -> str:
        said = [
            course.title,
            course.code,
            _text(course.credits),
            course.level,
            course.subjects,
            course.organization_id,
            [
                [each.key, each.result_type, list(each.allowed_values), each.value_min, each.value_max]
                for each in self.needed(course)
            ],
            sorted(self.objectives.get(course.pk, ())),
        ]
        return hashlib.sha256(orjson.dumps(said)).hexdigest()

    def _describe(
        self, achievement: Achievement, described: Sequence[Described], items: dict[str, FrameworkItem]
    ) -> None:
        """Adds or renews the possible results of a version that nobody has issued yet."""
        known = {_key_of(each): each for each in achievement.result_descriptions.prefetch_related("alignments")}
        for position, wanted in enumerate(described):
            item = items.get(_identifier(wanted.objective))
            name = wanted.name or (str(item)[:255] if item else wanted.objective)
            values = {
                "name": name,
                "result_type": wanted.result_type,
                "allowed_values": list(wanted.allowed_values),
                "value_min": wanted.value_min,
                "value_max": wanted.value_max,
                "required_value": wanted.required_value,
                "position": position,
            }
            if wanted.key in known:
                ResultDescription.objects.filter(pk=known[wanted.key].pk).update(**values)
                continue
            made = ResultDescription.objects.create(achievement=achievement, **values)
            if wanted.objective:
                Alignment.objects.create(result_description=made, **_aligned(wanted.objective, item))

    def _align(self, achievement: Achievement, objectives: set[str], items: dict[str, FrameworkItem]) -> None:
        """Ties the course to its competencies; one that is not stored is kept by identifier (ROST-37)."""
        known = set(achievement.alignments.values_list("target_identifier", flat=True))
        Alignment.objects.bulk_create(
            Alignment(achievement=achievement, **_aligned(name, items.get(_identifier(name))))
            for name in sorted(objectives)
            if _identifier(name) not in known
        )

    def _remember(self, achievement: Achievement) -> None:
        self.achievements[achievement.course_id or 0] = achievement

    def descriptions_of(self, achievement: int) -> dict[str, ResultDescription]:
        """The possible results of one version, by their keys."""
        stored = ResultDescription.objects.filter(achievement=achievement).prefetch_related("alignments")
        return {_key_of(each): each for each in stored}


def _score_description(lowest: str, highest: str) -> Described:
    kind = "Percent" if (lowest, highest) == ("0", "100") else "RawScore"
    return Described(f"score {lowest} {highest}", "Score", kind, value_min=lowest, value_max=highest)


def _key_of(description: ResultDescription) -> str:
    """The key by which a stored possible result is found again."""
    alignments = list(description.alignments.all())
    if alignments and description.result_type in {"PerformanceLevel", "RawScore"}:
        return f"objective urn:uuid:{alignments[0].target_identifier}"
    if description.result_type in {"Percent", "RawScore"}:
        return f"score {description.value_min} {description.value_max}"
    return description.result_type


def _aligned(objective: str, item: FrameworkItem | None) -> dict[str, Any]:
    if item is not None:
        return frameworks.alignment_values(item)
    identifier = _identifier(objective)
    return {
        "target_type": "CFItem",
        "target_identifier": identifier,
        "target_name": identifier,
        "target_url": f"urn:uuid:{identifier}",
    }


def _identifier(objective: str) -> str:
    return objective.removeprefix("urn:uuid:").lower()


def _scale(values: Iterable[Sequence[str]]) -> Scale:
    """A scale from pairs of letter and points; worst first, by points where all have them, else as sent reversed."""
    pairs = [(str(pair[0]).strip(), str(pair[1]).strip()) for pair in values if len(pair) >= 2 and str(pair[0]).strip()]
    worth = [totals_number(points) for _letter, points in pairs]
    if all(value is not None for value in worth):
        order = sorted(range(len(pairs)), key=lambda place: (worth[place] or Decimal(0), -place))
    else:
        order = list(reversed(range(len(pairs))))
    ordered = tuple(pairs[place] for place in order)
    return Scale(tuple(letter for letter, _points in ordered), ordered)


def totals_number(text: str) -> Decimal | None:
    """The number that a text says, if it says a finite one."""
    try:
        value = Decimal(text.strip()) if text else None
    except ArithmeticError:
        return None
    return value if value is not None and value.is_finite() else None


def _text(value: Decimal | None) -> str:
    """A number in its shortest form (B4); empty for none."""
    return "" if value is None else f"{value.normalize():f}" if value else "0"


def _of_record(policy: Policy, source: str, prefix: str = "") -> Q:
    """Which results are of record (B1): by the category's title, or marked as final."""
    category = Q()
    for title in policy.final_categories:
        category |= Q(**{f"{prefix}line_item__category__title__iexact": title.strip()})
    column = policy.metadata_names.get("final_grade", "metadata.finalGrade")
    final = Q(**{f"{prefix}line_item__metadata__{column}__iexact": "true"})
    return Q(**{f"{prefix}source": source, f"{prefix}ended_at": None}) & (category | final)


# --- results as assertions --------------------------------------------------------------------


@dataclass(slots=True)
class _Wanted:
    """What an assertion should say."""

    values: dict[str, Any]
    results: list[tuple[str, str, str]]
    """Key of the possible result, value, status."""
    course: int
    digest: str = ""


def _award_chunk(catalogue: _Catalogue, learners: Sequence[int], outcome: Outcome) -> None:
    wanted = _wanted(catalogue, learners)
    known = {
        each.source_id: each
        for each in Assertion.objects.filter(learner__in=learners, source=catalogue.source, award=None).exclude(
            section=None
        )
    }
    new, changed, now = [], [], timezone.now()
    for key, one in wanted.items():
        assertion = known.get(key)
        if assertion is None:
            new.append(
                Assertion(
                    source=catalogue.source,
                    source_id=key,
                    achievement=catalogue.achievements[one.course],
                    source_digest=one.digest,
                    created_at=now,
                    changed_at=now,
                    **one.values,
                )
            )
        elif assertion.source_digest == one.digest and assertion.withdrawn_at is None:
            outcome.unchanged += 1
        else:
            for name, value in one.values.items():
                setattr(assertion, name, value)
            assertion.source_digest, assertion.withdrawn_at = one.digest, None
            assertion.version, assertion.changed_at = assertion.version + 1, now
            changed.append(assertion)
    gone = [each for key, each in known.items() if key not in wanted and each.withdrawn_at is None]
    for each in gone:
        each.withdrawn_at, each.changed_at, each.version = now, now, each.version + 1
    made = Assertion.objects.bulk_create(new)
    Assertion.objects.bulk_update(
        changed,
        [*_COLUMNS, "source_digest", "withdrawn_at", "version", "changed_at"],
        batch_size=100,
    )
    Assertion.objects.bulk_update(gone, ["withdrawn_at", "version", "changed_at"], batch_size=200)
    Result.objects.filter(assertion__in=changed).delete()
    Result.objects.bulk_create(
        (
            Result(
                assertion=assertion,
                result_description=description,
                value=value[:255],
                status=status,
                position=position,
            )
            for assertion in [*made, *changed]
            for position, (key, value, status) in enumerate(wanted[assertion.source_id].results)
            if (description := _described(catalogue, assertion, key)) is not None
        ),
        batch_size=2000,
    )
    outcome.made += len(made)
    outcome.changed += len(changed)
    outcome.withdrawn += len(gone)


_COLUMNS = (
    *("issued_on", "activity_start_date", "activity_end_date", "credits_attempted", "credits_earned", "term"),
    *("session", "section", "enrollment", "role", "narrative", "assessor", "problem", "import_run"),
)


def _described(catalogue: _Catalogue, assertion: Assertion, key: str) -> ResultDescription | None:
    """The possible result of the very version that the assertion is of."""
    by_key = catalogue.by_version.get(assertion.achievement_id)
    if by_key is None:
        by_key = catalogue.by_version[assertion.achievement_id] = catalogue.descriptions_of(assertion.achievement_id)
    return by_key.get(key)


def _wanted(catalogue: _Catalogue, learners: Sequence[int]) -> dict[str, _Wanted]:
    """What the learners' classes amount to, by the key of the assertion."""
    source_ids = dict(Learner.objects.filter(pk__in=learners).values_list("pk", "source_id"))
    enrolled = {
        (each.learner_id or 0, each.section_id): each
        for each in Enrollment.objects.filter(
            learner__in=learners, source=catalogue.source, role="student", ended_at=None
        ).order_by("pk")
    }
    results: dict[tuple[int, int], list[CourseResult]] = defaultdict(list)
    of_record = (
        CourseResult.objects.filter(_of_record(catalogue.policy, catalogue.source), learner__in=learners)
        .select_related("line_item")
        .order_by("source_id")
    )
    for result in of_record:
        results[result.learner_id, result.line_item.section_id].append(result)
    told: dict[int, list[LearningObjective]] = defaultdict(list)
    for objective in LearningObjective.objects.filter(
        result__in=[each.pk for group in results.values() for each in group], objective_source="case", ended_at=None
    ).order_by("objective_id"):
        told[objective.result_id or 0].append(objective)
    wanted: dict[str, _Wanted] = {}
    for learner, section_pk in dict.fromkeys([*results, *enrolled]):
        section = catalogue.sections.get(section_pk)
        if section is None or section.course_id not in catalogue.achievements:
            continue
        group = results.get((learner, section_pk), [])
        enrollment = enrolled.get((learner, section_pk))
        objectives = told.get(group[0].pk, []) if group else []
        one = _one(catalogue, learner, section, group, enrollment, objectives)
        one.digest = _digest_of(one)
        wanted[f"{section.source_id}|{source_ids[learner] or learner}"] = one
    return wanted


def _one(
    catalogue: _Catalogue,
    learner: int,
    section: CourseSection,
    group: Sequence[CourseResult],
    enrollment: Enrollment | None,
    objectives: Sequence[LearningObjective],
) -> _Wanted:
    """One assertion for one learner and class (B3)."""
    course = catalogue.courses[section.course_id]
    sessions = sorted(section.sessions.all(), key=lambda each: (each.start_date, each.title))
    ends: date | None = max((each.end_date for each in sessions), default=None)
    starts: date | None = min((each.start_date for each in sessions), default=None)
    last = max(sessions, key=lambda each: (each.end_date, each.start_date), default=None)
    begin = (enrollment.begin_date if enrollment else None) or starts
    end = (enrollment.end_date if enrollment else None) or ends
    if begin and end and end < begin:
        begin = None
    department = course.organization
    values: dict[str, Any] = {
        "learner_id": learner,
        "issued_on": ends,
        "activity_start_date": begin,
        "activity_end_date": end,
        "credits_attempted": None,
        "credits_earned": None,
        "term": " / ".join(each.title for each in sessions)[:1024],
        "session": last,
        "section": section,
        "enrollment": enrollment,
        "role": "Student",
        "narrative": "",
        "assessor": department if department is not None and not department.is_home else None,
        "problem": TWO_RESULTS if len(group) > 1 else "",
        "import_run": group[0].import_run if group else enrollment.import_run if enrollment else None,
    }
    if not group:
        return _Wanted(values, [(STATUS, "", Result.Status.ENROLLED)], course.pk)
    result = group[0]
    if catalogue.policy.comments_as_narrative:
        values["narrative"] = result.comment
    names = catalogue.policy.metadata_names
    letter = (result.text_score or result.metadata.get(names.get("letter_grade", ""), "")).strip()
    scale = catalogue.scale_of(section, result.line_item.grade_scale_id)
    passes = scale.passes(letter)
    attempt = totals.Attempt.of(
        course=str(course.pk),
        began=starts or date.min,
        status=result.score_status,
        letter=letter,
        metadata=result.metadata,
        names=names,
        course_credits=course.credits,
        incomplete=result.incomplete,
        passes=passes,
    )
    known_credits = course.credits is not None or any(
        result.metadata.get(names.get(name, "")) for name in ("credits_attempted", "credits_earned")
    )
    if known_credits:
        values["credits_attempted"], values["credits_earned"] = attempt.attempted, attempt.earned
    return _Wanted(values, _results(result, letter, scale, attempt, objectives), course.pk)


def _results(
    result: CourseResult,
    letter: str,
    scale: Scale,
    attempt: totals.Attempt,
    objectives: Sequence[LearningObjective],
) -> list[tuple[str, str, str]]:
    """The results of one assertion (B4)."""
    found: list[tuple[str, str, str]] = []
    code = letter.upper()
    status = status_of(result, code, scale.passes(letter))
    if code in PASS_LETTERS and letter not in scale.letters:
        found.append((PASS_FAIL, PASS_LETTERS[code], ""))
    elif letter and code not in totals.WITHOUT_PART:
        found.append((LETTER, letter, ""))
    if result.score is not None:
        lowest, highest = _text(result.line_item.value_min), _text(result.line_item.value_max)
        found.append((f"score {lowest} {highest}", _text(result.score), ""))
    if attempt.takes_part:
        points = _text(attempt.points) if attempt.points is not None else dict(scale.points).get(letter, "")
        if points and totals_number(points) is not None:
            found.append((POINTS, points if "." in points else f"{points}.0", ""))
    for objective in objectives:
        value = objective.text_score or _text(objective.score)
        if value:
            found.append((f"objective urn:uuid:{_identifier(objective.objective_id)}", value, ""))
    shown = code if code in totals.WITHOUT_PART else ""  # REG-05: shown by its code
    found.append((STATUS, shown, status))
    return found


def status_of(result: CourseResult, code: str, passes: bool | None) -> str:
    """`Result.status` of a result of record (B4)."""
    if code in totals.WITHDRAWN or (result.score_status == "exempt" and not code):
        return Result.Status.WITHDREW
    if code in totals.INCOMPLETE or code in totals.NOT_REPORTED or result.incomplete:
        return Result.Status.IN_PROGRESS
    if code in totals.AUDIT:
        return Result.Status.COMPLETED
    if result.score_status != "fully graded":
        return Result.Status.WITHDREW if result.score_status == "exempt" else Result.Status.IN_PROGRESS
    failed = passes is False or (passes is None and code in totals.NOT_PASSING)
    return Result.Status.FAILED if failed else Result.Status.COMPLETED


def _digest_of(one: _Wanted) -> str:
    said = {
        name: value.pk if hasattr(value, "pk") else _text(value) if isinstance(value, Decimal) else str(value or "")
        for name, value in one.values.items()
        if name != "import_run"
    }
    return hashlib.sha256(orjson.dumps([said, one.results], option=orjson.OPT_SORT_KEYS)).hexdigest()
