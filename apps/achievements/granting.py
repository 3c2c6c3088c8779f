"""Giving one achievement to many learners: from a filter, a cohort or a CSV file; with preview, job and undo."""

import csv
import io
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from apps.achievements import versions
from apps.achievements.models import Achievement, Assertion, Award, Result, ResultDescription
from apps.institution import audit
from apps.jobs import running
from apps.jobs.models import Job
from apps.jobs.running import JobFailed, Progress
from apps.learners.models import Learner

KIND = "award-many"
CHUNK = 250
MAX_ROWS = 100_000
MAX_CELL = 64 * 1024
COLUMNS = ("identifier", "date", "honours", "result")
HONOURS = "ext:Honours"


class AwardRefused(Exception):
    """Nothing was awarded; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Given:
    """One learner of an award, with what differs from the others."""

    learner: int
    awarded_on: date | None = None
    honours: str = ""
    result: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """One line that cannot be awarded, and why."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(slots=True)
class Preview:
    """What an award would do; nothing is stored before `award`."""

    achievement: Achievement
    awarded_on: date
    given: list[Given] = field(default_factory=list)
    already: list[int] = field(default_factory=list)
    """Learners who have this achievement already; they get it no second time."""
    refused: list[Refused] = field(default_factory=list)


def preview(
    achievement: Achievement,
    *,
    awarded_on: date,
    learners: Any = None,
    csv_file: bytes | None = None,
) -> Preview:
    """Who would get the achievement: the learners of a queryset, or the lines of a CSV file.

    Raises `AwardRefused` when the file cannot be read at all.
    """
    found = Preview(achievement, awarded_on)
    if csv_file is not None:
        found.given, found.refused = _read(csv_file, achievement)
    elif learners is not None:
        found.given = [Given(pk) for pk in learners.order_by("sort_name", "pk").values_list("pk", flat=True)]
    ids = [each.learner for each in found.given]
    have: set[int] = set()
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        have |= set(
            Assertion.objects.standing()
            .filter(achievement__in=_all_versions(achievement), learner__in=part)
            .values_list("learner_id", flat=True)
        )
    found.already = [pk for pk in ids if pk in have]
    found.given = [each for each in found.given if each.learner not in have]
    return found


def _all_versions(achievement: Achievement) -> list[int]:
    known, current = [achievement.pk], achievement
    while (earlier := Achievement.objects.filter(replaced_by=current).first()) is not None:
        known.append(earlier.pk)
        current = earlier
    return known


def _read(content: bytes, achievement: Achievement) -> tuple[list[Given], list[Refused]]:
    """The lines of a CSV file: identifier (student number, source id), date, honours, result (SEC-29)."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AwardRefused(_("The file is not UTF-8; save it as “CSV UTF-8” and try again.")) from None
    if "\x00" in text:
        raise AwardRefused(_("The file holds NUL characters; it is no CSV file."))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        rows = list(islice(enumerate(reader, start=2), MAX_ROWS + 1))
    except csv.Error as fault:
        raise AwardRefused(_("The file is not CSV: %s.") % fault) from None
    if "identifier" not in header:
        raise AwardRefused(
            _("The first line must name the columns: identifier, and where needed date, honours, result.")
        )
    if len(set(header)) != len(header) or not set(header) <= set(COLUMNS):
        raise AwardRefused(_("The columns are identifier, date, honours and result, each at most once."))
    if len(rows) > MAX_ROWS:
        raise AwardRefused(_("The file has more than %d lines; split it.") % MAX_ROWS)
    people = _people({row[header.index("identifier")].strip() for _line, row in rows if len(row) == len(header)})
    given: list[Given] = []
    refused: list[Refused] = []
    seen: dict[int, int] = {}
    for line, row in rows:
        if not any(cell.strip() for cell in row):
            continue
        one = _line(line, row, header, people, seen, achievement)
        if isinstance(one, Refused):
            refused.append(one)
        else:
            seen[one.learner] = line
            given.append(one)
    return given, refused


def _people(names: set[str]) -> dict[str, list[int]]:
    """Learners by student number and source id."""
    found: dict[str, list[int]] = {}
    wanted = sorted(names)
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        for column in ("student_id", "source_id"):
            rows = Learner.objects.filter(**{f"{column}__in": part}, merged_into=None).values_list(column, "pk")
            for name, pk in rows:
                if pk not in found.setdefault(name, []):
                    found[name].append(pk)
    return found


def _line(
    line: int,
    row: Sequence[str],
    header: Sequence[str],
    people: dict[str, list[int]],
    seen: dict[int, int],
    achievement: Achievement,
) -> Given | Refused:
    if len(row) != len(header):
        sentence = _("The line has %(have)d cells, the first line %(want)d.")
        return Refused(line, "", "", sentence % {"have": len(row), "want": len(header)})
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
    long = next((name for name, cell in cells.items() if len(cell.encode()) > MAX_CELL), None)
    if long:
        return Refused(line, long, cells[long][:80], _("This cell is too long."))
    name = cells["identifier"]
    known = people.get(name, [])
    if len(known) != 1:
        reason = _("Nobody has this number.") if not known else _("More than one learner has this number.")
        return Refused(line, "identifier", name[:80], reason)
    if known[0] in seen:
        return Refused(line, "identifier", name[:80], _("This learner stands in line %d already.") % seen[known[0]])
    awarded_on = None
    if cells.get("date"):
        try:
            awarded_on = parse_date(cells["date"])
        except ValueError:
            awarded_on = None
        if awarded_on is None or not 1900 <= awarded_on.year <= 2200:
            return Refused(line, "date", cells["date"][:80], _("A date has the form 2026-05-31."))
    if cells.get("result") and (reason := _wrong_result(achievement, cells["result"])):
        return Refused(line, "result", cells["result"][:80], reason)
    return Given(known[0], awarded_on, cells.get("honours", "")[:255], cells.get("result", "")[:255], line)


def _result_description(achievement: Achievement) -> ResultDescription | None:
    """The possible result that the column `result` speaks of: the first that is no status and no honours."""
    return achievement.result_descriptions.exclude(result_type__in=["Status", HONOURS]).first()


def _wrong_result(achievement: Achievement, value: str) -> str:
    description = _result_description(achievement)
    if description is not None and description.allowed_values and value not in description.allowed_values:
        return _("The achievement allows %s.") % ", ".join(description.allowed_values)
    return ""


# --- awarding ---------------------------------------------------------------------------------


def award(found: Preview, *, by: Any, description: str = "", nonce: str | None = None) -> Award:
    """Stores what was previewed and starts the job that awards it; the same nonce gives the same award (REL-10)."""
    if not found.given:
        raise AwardRefused(_("There is nobody to award this to."))
    if nonce and (known := Job.objects.filter(nonce=nonce).first()) is not None:
        return Award.objects.get(public_id=known.arguments["award"])
    with transaction.atomic():
        stored = Award.objects.create(
            achievement=_ready(found, by),
            description=description,
            awarded_on=found.awarded_on,
            rows=[
                [each.learner, each.awarded_on.isoformat() if each.awarded_on else "", each.honours, each.result]
                for each in found.given
            ],
            created_by=by,
        )
        stored.job = running.start(
            KIND,
            str(found.achievement)[:255],
            arguments={"award": str(stored.public_id)},
            total=len(found.given),
            user=by,
            nonce=nonce,
        )
        stored.save(update_fields=["job"])
        audit.record("award.made", stored, by, learners=len(found.given))
    return stored


def _ready(found: Preview, by: Any) -> Achievement:
    """The achievement with the possible results that the rows need; a new version where it was issued before."""
    achievement = found.achievement
    kinds = set(achievement.result_descriptions.values_list("result_type", flat=True))
    missing = []
    if any(each.honours for each in found.given) and HONOURS not in kinds:
        missing.append(("Honours", HONOURS))
    if any(each.result for each in found.given) and _result_description(achievement) is None:
        missing.append(("Result", "Result"))
    if missing and not versions.may_be_edited(achievement):
        achievement = versions.new_version(achievement, by=by)
    for position, (name, kind) in enumerate(missing, start=len(kinds)):
        ResultDescription.objects.create(achievement=achievement, name=name, result_type=kind, position=position)
    return achievement


@running.kind(KIND)
def work(job: Job, progress: Progress) -> None:
    """Makes the assertions of an award, chunk by chunk; running again adds what is missing."""
    stored = Award.objects.select_related("achievement").get(public_id=uuid.UUID(job.arguments["award"]))
    if stored.undone_at is not None:
        raise JobFailed(_("The award was undone."))
    done = 0
    for start in range(0, len(stored.rows), CHUNK):
        with transaction.atomic():
            Award.objects.select_for_update().filter(pk=stored.pk, undone_at=None).first()
            _give(stored, stored.rows[start : start + CHUNK])
        done = min(start + CHUNK, len(stored.rows))
        progress.update(done=done, total=len(stored.rows))


def _give(stored: Award, rows: Sequence[Sequence[Any]]) -> None:
    source = f"award:{stored.public_id}"
    people = Learner.objects.in_bulk([row[0] for row in rows])
    known = set(Assertion.objects.filter(source=source, learner__in=people).values_list("learner_id", flat=True))
    descriptions = {each.result_type: each for each in stored.achievement.result_descriptions.all()}
    main = _result_description(stored.achievement)
    new = [
        Assertion(
            learner=people[row[0]],
            achievement=stored.achievement,
            issued_on=parse_date(row[1]) if row[1] else stored.awarded_on,
            credits_earned=stored.achievement.credits_available,
            award=stored,
            source=source,
            source_id=str(people[row[0]].public_id),
            created_by=stored.created_by,
        )
        for row in rows
        if row[0] in people and row[0] not in known
    ]
    said = {row[0]: (row[2], row[3]) for row in rows}
    made = Assertion.objects.bulk_create(new)
    results = []
    for assertion in made:
        honours, result = said[assertion.learner_id]
        if result and main is not None:
            results.append(Result(assertion=assertion, result_description=main, value=result, position=0))
        if honours and HONOURS in descriptions:
            results.append(
                Result(assertion=assertion, result_description=descriptions[HONOURS], value=honours, position=1)
            )
    Result.objects.bulk_create(results)


# --- taking back ------------------------------------------------------------------------------

Issued = Callable[[Iterable[int]], int]
ISSUED_OF: list[Issued] = []
"""Of assertions (primary keys), how many stand in issued records; the room above that issues registers here."""


def undo(stored: Award, *, by: Any) -> int:
    """Takes an award back as a whole, while no issued record holds it; gives how many assertions went."""
    with transaction.atomic():
        stored = Award.objects.select_for_update().get(pk=stored.pk)
        if stored.undone_at is not None:
            raise AwardRefused(_("This award was undone before."))
        ids = list(stored.assertions.values_list("pk", flat=True))
        issued = sum(count(ids) for count in ISSUED_OF)
        if issued:
            raise AwardRefused(
                _("%d issued records hold this award. Correct or revoke them; it cannot be undone as a whole.") % issued
            )
        if stored.job is not None:
            running.cancel(stored.job)
        now = timezone.now()
        gone = stored.assertions.filter(withdrawn_at=None).update(
            withdrawn_at=now, changed_at=now, version=F("version") + 1
        )
        stored.undone_at, stored.undone_by = now, by
        stored.save(update_fields=["undone_at", "undone_by"])
        audit.record("award.undone", stored, by, assertions=gone)
    return gone


def withdraw(assertion: Assertion, *, by: Any) -> bool:
    """Withdraws one earned achievement; drafts that hold it become stale, issued records stay as they are."""
    with transaction.atomic():
        now = timezone.now()
        changed = Assertion.objects.filter(pk=assertion.pk, withdrawn_at=None).update(
            withdrawn_at=now, changed_at=now, version=F("version") + 1
        )
        if changed:
            audit.record("assertion.withdrawn", assertion, by)
    return bool(changed)
