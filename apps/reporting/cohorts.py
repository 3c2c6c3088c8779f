"""Who is where: the caseload of an advisor, and the table of a group against a framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import User
from apps.accounts.permissions import Role, has_role
from apps.achievements.frameworks import Entry, FrameworkTree
from apps.achievements.models import Framework, Result
from apps.learners.models import AdvisorAssignment, Cohort, Learner, LearnerQuerySet, Program
from apps.reporting.figures import mean_share
from apps.reporting.progress import UNFINISHED, Coverage, Standing, coverage, valid

LOW = 0.25
STEPS = 10


def in_care(user: User | AnonymousUser) -> LearnerQuerySet:
    """The learners in an advisor's care; nobody for anyone else (reliability, section 7: progress)."""
    if not has_role(user, Role.ADVISOR):
        return Learner.objects.none()
    return (
        Learner.objects.visible_to(user)
        .filter(pk__in=AdvisorAssignment.learners_of(user), merged_into=None)
        .select_related("program")
    )


def whose_progress(user: User | AnonymousUser) -> LearnerQuerySet:
    """Learners whose progress a user may see: in care, or one's own (SEC-50)."""
    seen = Learner.objects.visible_to(user).filter(merged_into=None).select_related("program")
    allowed = Q(pk__in=[])
    if has_role(user, Role.ADVISOR):
        allowed |= Q(pk__in=AdvisorAssignment.learners_of(user))
    if has_role(user, Role.LEARNER):
        allowed |= Q(user=user)
    return seen.filter(allowed)


# -- groups ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """A named part of the learners in care; ``key`` stands in addresses."""

    key: str
    title: str
    kind: str


EVERYBODY = "all"


def groups_of(user: User | AnonymousUser) -> list[Group]:
    """Everybody in care, then the programs and cohorts that have somebody in care."""
    mine = in_care(user).order_by().values("pk")
    programs = Program.objects.filter(learners__in=mine).distinct().order_by("title")
    cohorts = Cohort.objects.filter(learners__in=mine).distinct().order_by("title")
    return [
        Group(EVERYBODY, _("Everybody in my care"), ""),
        *(Group(f"program-{program.public_id}", program.title, _("Program")) for program in programs),
        *(Group(f"cohort-{cohort.public_id}", cohort.title, _("Cohort")) for cohort in cohorts),
    ]


def members(user: User | AnonymousUser, group: Group) -> LearnerQuerySet:
    """Learners of a group, in care only."""
    found = in_care(user)
    kind, _dash, public_id = group.key.partition("-")
    if kind == "program":
        return found.filter(program__public_id=public_id)
    if kind == "cohort":
        return found.filter(cohorts__public_id=public_id)
    return found


# -- the caseload ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """One learner in the advisor's table."""

    learner: Learner
    done: int
    total: int
    not_passed: int
    going_on: int
    credits: Decimal
    has_framework: bool = True

    @property
    def share(self) -> float:
        """Progress against the chosen framework."""
        return self.done / self.total if self.total else 0.0

    @property
    def percent(self) -> int:
        """Whole percent; 100 only when nothing is left."""
        return self.done * 100 // self.total if self.total else 0

    @property
    def needs(self) -> list[str]:
        """Why this learner may need a talk, in words; empty when nothing stands out."""
        reasons = []
        if self.not_passed:
            reasons.append(
                ngettext("%(n)s result not passed", "%(n)s results not passed", self.not_passed)
                % {"n": self.not_passed}
            )
        if self.has_framework and self.total and self.share < LOW:
            reasons.append(_("little progress"))
        return reasons

    @property
    def rank(self) -> tuple[int, float]:
        """The order by need: most results not passed first, then least progress."""
        return (-self.not_passed, self.share)


NEEDS: dict[str, Callable[[Case], bool]] = {
    "any": lambda case: bool(case.needs),
    "results": lambda case: case.not_passed > 0,
    "progress": lambda case: case.share < LOW,
}
SORTS: dict[str, Callable[[Case], Any]] = {
    "need": lambda case: (*case.rank, case.learner.sort_name),
    "name": lambda case: case.learner.sort_name,
    "progress": lambda case: (case.share, case.learner.sort_name),
    "-progress": lambda case: (-case.share, case.learner.sort_name),
    "credits": lambda case: (case.credits, case.learner.sort_name),
    "-credits": lambda case: (-case.credits, case.learner.sort_name),
}


def caseload(
    learners: QuerySet[Learner], framework: Framework | None, *, need: str = "", sort: str = "need"
) -> list[Case]:
    """The table of learners, sorted; the number of queries is constant."""
    standing = valid().filter(learner=OuterRef("pk"))
    credits = standing.values("learner").annotate(sum=Sum("credits_earned")).values("sum")
    rows = learners.annotate(credits_sum=Coalesce(Subquery(credits), Decimal(0)))
    not_passed, going_on = _counts(learners)
    done = coverage(learners.order_by().values("pk"), framework) if framework else None
    cases = []
    for learner in rows:
        covered, total = done.counts(learner.pk, done.tree.top) if done else (0, 0)
        cases.append(
            Case(
                learner=learner,
                done=covered,
                total=total,
                not_passed=not_passed.get(learner.pk, 0),
                going_on=going_on.get(learner.pk, 0),
                credits=learner.credits_sum,
                has_framework=done is not None,
            )
        )
    if need in NEEDS:
        cases = [case for case in cases if NEEDS[need](case)]
    return sorted(cases, key=SORTS.get(sort, SORTS["need"]))


def _counts(learners: QuerySet[Learner]) -> tuple[dict[int, int], dict[int, int]]:
    """Results not passed and results still going on, by learner; one query."""
    failed = Q(status__in=(Result.Status.FAILED, Result.Status.WITHDREW))
    rows = (
        Result.objects.filter(assertion__in=valid().filter(learner__in=learners.order_by().values("pk")))
        .order_by()
        .values_list("assertion__learner")
        .annotate(
            failed=Count("assertion", filter=failed, distinct=True),
            open=Count("assertion", filter=Q(status__in=UNFINISHED), distinct=True),
        )
    )
    counted = list(rows)
    return {row[0]: row[1] for row in counted}, {row[0]: row[2] for row in counted}


# -- the heat map ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """One learner on one item."""

    identifier: str
    done: int
    total: int
    standing: Standing

    @property
    def percent(self) -> int:
        """Whole percent; 100 only when nothing is left."""
        return self.done * 100 // self.total if self.total else 0

    @property
    def step(self) -> int:
        """The strength of the colour, 0 to 10; colour is an extra, the number says it."""
        return self.percent * STEPS // 100


@dataclass(frozen=True, slots=True)
class Row:
    """One learner: the whole, then a cell for each column."""

    learner: Learner
    whole: Cell
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A group against a framework, or against what lies below one of its items."""

    tree: FrameworkTree
    below: Entry | None
    columns: Sequence[Entry]
    rows: Sequence[Row]
    means: Sequence[int | None]
    mean: int | None


def heat_map(
    learners: QuerySet[Learner],
    framework: Framework,
    *,
    below: str | None = None,
    sort: str = "",
    within: Sequence[int] = (),
) -> HeatMap:
    """Learners by items: the top of the framework, or the items below one; constant queries, linear in both.

    ``sort``: ``name``, ``whole``, or the identifier of a column, with ``-`` for most first. ``within``: sizes of the
    groups that this one lies in, for the means (PRIV-09). Raises ``LookupError`` for an unknown item.
    """
    people = list(learners)
    done = coverage([learner.pk for learner in people], framework)
    tree = done.tree
    parent = tree.entries[below] if below else None
    columns = [entry for entry in tree.counted(below) if tree.rollup.masks[entry.identifier]]
    top = below or tree.top
    rows = [
        Row(learner, _cell(done, learner.pk, top), [_cell(done, learner.pk, entry.identifier) for entry in columns])
        for learner in people
    ]
    return HeatMap(
        tree=tree,
        below=parent,
        columns=columns,
        rows=_sorted(rows, columns, sort),
        means=[_mean([row.cells[index] for row in rows], within) for index in range(len(columns))],
        mean=_mean([row.whole for row in rows], within),
    )


def _cell(done: Coverage, learner: int, identifier: str) -> Cell:
    covered, total = done.counts(learner, identifier)
    return Cell(identifier, covered, total, done.standing(learner, identifier))


def _mean(cells: Sequence[Cell], within: Sequence[int]) -> int | None:
    mean = mean_share([cell.done / cell.total if cell.total else 0.0 for cell in cells], within=within)
    return None if mean is None else int(mean * 100)


def _sorted(rows: list[Row], columns: Sequence[Entry], sort: str) -> list[Row]:
    name = sort.removeprefix("-")
    rows.sort(key=lambda row: row.learner.sort_name)
    places = {entry.identifier: index for index, entry in enumerate(columns)}
    if name == "whole":
        rows.sort(key=lambda row: row.whole.percent, reverse=sort.startswith("-"))
    elif name in places:
        rows.sort(key=lambda row: row.cells[places[name]].percent, reverse=sort.startswith("-"))
    elif sort == "-name":
        rows.reverse()
    return rows
