"""Competency progress of learners against a framework, from what they have earned (part E, CASE-40 to CASE-46).

An assertion covers what its achievement is aligned to when it stands: not withdrawn, not revoked, not expired, and
none of its results says failed or unfinished. A result that is aligned itself counts when it passes. The number of
queries does not depend on the number of learners or items.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Aggregate, Exists, F, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from apps.achievements.frameworks import Entry, FrameworkTree, tree_of
from apps.achievements.models import Achievement, Alignment, Assertion, Framework, Result
from apps.issuance.models import Revocation
from apps.learners.models import Learner

UNFINISHED = (Result.Status.ENROLLED, Result.Status.IN_PROGRESS, Result.Status.ON_HOLD)
NOT_PASSED = (Result.Status.FAILED, Result.Status.WITHDREW, *UNFINISHED)


class Standing(StrEnum):
    """What a learner has of an item."""

    ACHIEVED = "achieved"
    IN_PROGRESS = "in_progress"
    NOT_YET = "not_yet"


class Gathered(Aggregate):
    """The distinct values of a group, joined by commas: one row a learner instead of one an assertion."""

    function = "GROUP_CONCAT"
    template = "%(function)s(DISTINCT %(expressions)s)"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """PostgreSQL's name of the same."""
        return self.as_sql(
            compiler,
            connection,
            function="STRING_AGG",
            template="%(function)s(DISTINCT %(expressions)s, ',')",
            **context,
        )


def valid(now: datetime | None = None) -> QuerySet[Assertion]:
    """Assertions that count as evidence at all: not withdrawn, revoked or expired (CASE-46)."""
    moment = now or timezone.now()
    return (
        Assertion.objects.standing()
        .filter(Q(expires=None) | Q(expires__gt=moment))
        .filter(~Exists(Revocation.objects.filter(assertion=OuterRef("pk"))))
        .order_by()
    )


def passed(assertions: QuerySet[Assertion]) -> QuerySet[Assertion]:
    """Those of them that no result of the whole keeps open or failed; aligned results speak for themselves."""
    return assertions.filter(~Exists(_results_of_the_whole(NOT_PASSED)))


def unfinished(assertions: QuerySet[Assertion]) -> QuerySet[Assertion]:
    """Those of them that are still going on."""
    return assertions.filter(Exists(_results_of_the_whole(UNFINISHED)))


def _results_of_the_whole(statuses: Sequence[str]) -> QuerySet[Result]:
    aligned = Alignment.objects.filter(result=OuterRef("pk"))
    return Result.objects.filter(~Exists(aligned), assertion=OuterRef("pk"), status__in=statuses).order_by()


@dataclass(frozen=True, slots=True)
class Targets:
    """To which items achievements, possible results and levels are aligned, as leaf bits of one framework."""

    tree: FrameworkTree
    achievements: Mapping[int, int]
    descriptions: Mapping[int, int]
    levels: Mapping[int, int]


def targets_of(tree: FrameworkTree) -> Targets:
    """What an assertion of each achievement covers in a framework; two queries."""
    found: tuple[dict[int, int], dict[int, int], dict[int, int]] = (
        defaultdict(int),
        defaultdict(int),
        defaultdict(int),
    )
    rows = Alignment.objects.filter(result=None).values_list(
        "achievement", "result_description", "level", "target_identifier", "item__identifier"
    )
    for achievement, description, level, named, identifier in rows.order_by().iterator(chunk_size=5_000):
        reach = tree.rollup.reach(str(identifier or named))
        if reach:
            kept, owner = (
                (found[0], achievement)
                if achievement is not None
                else (found[1], description)
                if description is not None
                else (found[2], level)
            )
            kept[owner] |= reach
    for achievement, identifier in Achievement.objects.filter(competency__isnull=False).values_list(
        "pk", "competency__identifier"
    ):
        reach = tree.rollup.reach(str(identifier))
        if reach:
            found[0][achievement] |= reach
    return Targets(tree, *found)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Covered and begun leaves of many learners, as bits, by primary key of the learner."""

    tree: FrameworkTree
    covered: Mapping[int, int]
    begun: Mapping[int, int]

    def counts(self, learner: int, identifier: str) -> tuple[int, int]:
        """Covered and all leaves below an item."""
        return self.tree.rollup.counts(identifier, self.covered.get(learner, 0))

    def share(self, learner: int, identifier: str) -> float:
        """Progress of one learner on an item, 0.0 to 1.0."""
        return self.tree.rollup.share(identifier, self.covered.get(learner, 0))

    def standing(self, learner: int, identifier: str) -> Standing:
        """Achieved, in progress or not yet."""
        return standing(self.tree, identifier, self.covered.get(learner, 0), self.begun.get(learner, 0))


def standing(tree: FrameworkTree, identifier: str, covered: int, begun: int) -> Standing:
    """All leaves covered, some covered or begun, or none."""
    mask = tree.rollup.masks.get(identifier, 0)
    if mask and covered & mask == mask:
        return Standing.ACHIEVED
    return Standing.IN_PROGRESS if (covered | begun) & mask else Standing.NOT_YET


def coverage(learners: Any, framework: Framework) -> Coverage:
    """What learners have covered and begun; ``learners``: a queryset or primary keys. A constant number of queries."""
    tree = tree_of(framework)
    targets = targets_of(tree)
    mine = valid().filter(learner__in=learners)
    covered = _by_achievement(passed(mine), targets)
    _by_result(mine, targets, covered)
    return Coverage(tree, covered, _by_achievement(unfinished(mine), targets))


def _by_achievement(assertions: QuerySet[Assertion], targets: Targets) -> dict[int, int]:
    masks = {str(achievement): mask for achievement, mask in targets.achievements.items()}
    found: dict[int, int] = {}
    if not masks:
        return found
    rows = assertions.values_list("learner").annotate(gathered=Gathered(Cast("achievement", TextField())))
    for learner, gathered in rows:
        bits = 0
        for achievement in gathered.split(","):
            bits |= masks.get(achievement, 0)
        found[learner] = bits
    return found


def _by_result(assertions: QuerySet[Assertion], targets: Targets, covered: dict[int, int]) -> None:
    """Results that are aligned themselves, and results of aligned descriptions and levels."""
    results = Result.objects.filter(assertion__in=assertions.values("pk")).exclude(status__in=NOT_PASSED).order_by()
    reach = targets.tree.rollup.reach
    own = results.filter(alignments__isnull=False).values_list(
        "assertion__learner", "alignments__target_identifier", "alignments__item__identifier"
    )
    for learner, named, identifier in own:
        covered[learner] = covered.get(learner, 0) | reach(str(identifier or named))
    described = (
        results.filter(result_description__in=list(targets.descriptions))
        .filter(
            Q(result_description__required_level=None)
            | Q(achieved_level__position__gte=F("result_description__required_level__position"))
        )
        .values_list("assertion__learner", "result_description")
    )
    for learner, description in described:
        covered[learner] = covered.get(learner, 0) | targets.descriptions[description]
    for learner, level in results.filter(achieved_level__in=list(targets.levels)).values_list(
        "assertion__learner", "achieved_level"
    ):
        covered[learner] = covered.get(learner, 0) | targets.levels[level]


# -- one learner, with evidence -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ground:
    """Why an item counts: an assertion, and the item that it names when that is another one."""

    assertion: Assertion
    by: Entry | None
    by_name: str
    is_direct: bool
    is_finished: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """An item as the learner's tree shows it."""

    entry: Entry
    number: str
    standing: Standing
    done: int
    total: int
    has_children: bool

    @property
    def percent(self) -> int:
        """Whole percent; 100 only when nothing is left."""
        return self.done * 100 // self.total if self.total else 0


@dataclass(frozen=True, slots=True)
class LearnerProgress:
    """One learner's progress against one framework, with what it rests on."""

    learner: Learner
    tree: FrameworkTree
    covered: int
    begun: int
    _claims: Sequence[tuple[str, Assertion, bool]] = field(repr=False)

    def lines(self, identifier: str | None = None) -> list[Line]:
        """The items below an item, or at the top."""
        return [self.line(entry) for entry in self.tree.counted(identifier)]

    def line(self, entry: Entry) -> Line:
        """One item."""
        done, total = self.tree.rollup.counts(entry.identifier, self.covered)
        return Line(
            entry=entry,
            number=self.tree.number(entry.identifier),
            standing=standing(self.tree, entry.identifier, self.covered, self.begun),
            done=done,
            total=total,
            has_children=bool(self.tree.counted(entry.identifier)),
        )

    @property
    def total(self) -> tuple[int, int]:
        """Covered and all leaves of the framework."""
        return self.tree.rollup.counts(self.tree.top, self.covered)

    def grounds(self, identifier: str) -> list[Ground]:
        """What shows that an item, or something below it, is covered or begun; direct evidence first."""
        mask = self.tree.rollup.masks.get(identifier, 0)
        found: list[Ground] = []
        seen: set[tuple[int, str]] = set()
        for named, assertion, is_finished in self._claims:
            if not self.tree.rollup.reach(named) & mask or (assertion.pk, named) in seen:
                continue
            seen.add((assertion.pk, named))
            entry = self.tree.entries.get(named)
            found.append(Ground(assertion, entry, entry.label if entry else named, named == identifier, is_finished))
        return sorted(found, key=lambda ground: (not ground.is_finished, not ground.is_direct, ground.by_name))


def learner_progress(learner: Learner, framework: Framework) -> LearnerProgress:
    """Progress of one learner with its evidence; the number of queries is constant."""
    tree = tree_of(framework)
    mine = valid().filter(learner=learner)
    done = coverage([learner.pk], framework)
    finished = {assertion.pk: assertion for assertion in passed(mine).select_related("achievement", "session")}
    going_on = {assertion.pk: assertion for assertion in unfinished(mine).select_related("achievement", "session")}
    by_achievement: dict[int, list[Assertion]] = defaultdict(list)
    for assertion in [*finished.values(), *going_on.values()]:
        by_achievement[assertion.achievement_id].append(assertion)
    claims: list[tuple[str, Assertion, bool]] = []
    for achievement, named in _named_by(list(by_achievement)):
        claims += [(named, assertion, assertion.pk in finished) for assertion in by_achievement[achievement]]
    claims += _claims_of_results(mine)
    return LearnerProgress(learner, tree, done.covered.get(learner.pk, 0), done.begun.get(learner.pk, 0), claims)


def _named_by(achievements: Iterable[int]) -> list[tuple[int, str]]:
    """(achievement, identifier of an item) of alignments and of achievements that are competencies."""
    listed = list(achievements)
    rows = Alignment.objects.filter(achievement__in=listed).values_list(
        "achievement", "target_identifier", "item__identifier"
    )
    named = [(achievement, str(identifier or text).lower()) for achievement, text, identifier in rows]
    own = Achievement.objects.filter(pk__in=listed, competency__isnull=False)
    return named + [(pk, str(identifier)) for pk, identifier in own.values_list("pk", "competency__identifier")]


def _claims_of_results(assertions: QuerySet[Assertion]) -> list[tuple[str, Assertion, bool]]:
    results = (
        Result.objects.filter(assertion__in=assertions.values("pk"))
        .exclude(status__in=NOT_PASSED)
        .select_related("assertion__achievement", "result_description__required_level", "achieved_level")
        .prefetch_related(
            "alignments__item", "result_description__alignments__item", "achieved_level__alignments__item"
        )
    )
    claims = []
    for result in results:
        description = result.result_description
        alignments = list(result.alignments.all())
        reached = description.required_level is None or (
            result.achieved_level is not None and result.achieved_level.position >= description.required_level.position
        )
        if reached:
            alignments += description.alignments.all()
        if result.achieved_level is not None:
            alignments += result.achieved_level.alignments.all()
        for alignment in alignments:
            named = str(alignment.item.identifier) if alignment.item else alignment.target_identifier.lower()
            claims.append((named, result.assertion, True))
    return claims
