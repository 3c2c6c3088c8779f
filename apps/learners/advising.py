"""Putting advisors in charge by a CSV file: all of it or nothing, with a reason for each line that cannot be."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.permissions import Role
from apps.institution import audit
from apps.learners.models import AdvisorAssignment, Cohort, Learner, Program

COLUMNS = ("advisor", "learner", "program", "cohort")
LONGEST_FIELD = 64 * 1024
MOST_LINES = 50_000


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that cannot be taken, and why."""

    line: int
    column: str
    reason: str


@dataclass(slots=True)
class Outcome:
    """What a file did, or would have done: nothing at all once a line was refused."""

    made: int = 0
    known: int = 0
    refused: list[Refused] = field(default_factory=list)


def _rows(content: bytes, outcome: Outcome) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of the file by column name (SEC-29); faults of the file as a whole stand under line 1."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        outcome.refused.append(Refused(1, "", _("The file is not UTF-8. Save it as “CSV UTF-8”.")))
        return
    if "\x00" in text:
        outcome.refused.append(Refused(1, "", _("The file holds NUL characters; it is not a CSV file.")))
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = [cell.strip().casefold() for cell in cells]
                unknown = [name for name in names if name not in COLUMNS]
                if "advisor" not in names or unknown or len(set(names)) != len(names):
                    wanted = ", ".join(COLUMNS)
                    reason = _("The first line names the columns: %(wanted)s; advisor is needed.") % {"wanted": wanted}
                    outcome.refused.append(Refused(1, ", ".join(unknown)[:80], reason))
                    return
                continue
            if reader.line_num > MOST_LINES:
                outcome.refused.append(Refused(reader.line_num, "", _("The file has more than 50,000 lines.")))
                return
            if len(cells) > len(names) or any(len(cell) > LONGEST_FIELD for cell in cells):
                outcome.refused.append(Refused(reader.line_num, "", _("The line has more columns than the first one.")))
                continue
            cells += [""] * (len(names) - len(cells))
            yield reader.line_num, {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
    except csv.Error:
        outcome.refused.append(Refused(reader.line_num, "", _("A quotation mark is not closed in this line.")))
    if names is None and not outcome.refused:
        outcome.refused.append(Refused(1, "", _("The file is empty.")))


def assign(content: bytes, *, by: User) -> Outcome:
    """Takes a file with the columns advisor (e-mail) and one of learner (student number), program, cohort."""
    outcome = Outcome()
    advisors = {user.email.casefold(): user for user in User.objects.filter(groups__name=Role.ADVISOR, is_active=True)}
    programs: dict[str, Program] = {}
    for program in Program.objects.all():
        programs.setdefault(program.title.casefold(), program)
        if program.code:
            programs[program.code.casefold()] = program
    cohorts = {cohort.title.casefold(): cohort for cohort in Cohort.objects.all()}
    rows = list(_rows(content, outcome))
    learners = _learners({row.get("learner", "") for _line, row in rows if row.get("learner")})
    wanted: dict[tuple[int, str, int], AdvisorAssignment] = {}
    for line, row in rows:
        advisor = advisors.get(row["advisor"].casefold())
        if advisor is None:
            outcome.refused.append(Refused(line, "advisor", _("No advisor signs in with this address.")))
            continue
        given = [name for name in ("learner", "program", "cohort") if row.get(name)]
        if len(given) != 1:
            outcome.refused.append(
                Refused(line, ", ".join(given), _("A line names exactly one learner, program or cohort."))
            )
            continue
        kind, key = given[0], row[given[0]]
        target: Learner | Program | Cohort | None
        if kind == "learner":
            target = learners.get(key)
        else:
            target = (programs if kind == "program" else cohorts).get(key.casefold())
        if target is None:
            reasons = {
                "learner": _("There is no learner with this student number, or several."),
                "program": _("There is no program with this code or title."),
                "cohort": _("There is no cohort with this title."),
            }
            outcome.refused.append(Refused(line, kind, reasons[kind]))
            continue
        assignment = AdvisorAssignment(advisor=advisor, created_by=by, **{kind: target})
        wanted[advisor.pk, kind, target.pk] = assignment
    if not outcome.refused:
        _keep(wanted, outcome, by)
    return outcome


def _learners(numbers: set[str]) -> dict[str, Learner]:
    """Learners by student number, those alone whom exactly one has."""
    found: dict[str, Learner | None] = {}
    for learner in Learner.objects.filter(student_id__in=numbers, merged_into=None).only("pk", "student_id"):
        found[learner.student_id] = None if learner.student_id in found else learner
    return {number: learner for number, learner in found.items() if learner is not None}


def _keep(wanted: dict[tuple[int, str, int], AdvisorAssignment], outcome: Outcome, by: User) -> None:
    with transaction.atomic():
        there = AdvisorAssignment.objects.values_list("advisor_id", "learner_id", "program_id", "cohort_id")
        known = {
            (advisor, kind, target)
            for advisor, *targets in there
            for kind, target in zip(("learner", "program", "cohort"), targets, strict=True)
            if target is not None
        }
        new = [assignment for key, assignment in wanted.items() if key not in known]
        AdvisorAssignment.objects.bulk_create(new)
        outcome.made, outcome.known = len(new), len(wanted) - len(new)
        if new:
            audit.record("advisors.assigned", None, by, count=len(new))
