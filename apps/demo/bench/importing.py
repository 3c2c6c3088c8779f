"""The benchmark `import`: a OneRoster bundle from file to commit, beside a bare `bulk_create` of the same rows."""

import csv
import random
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.db import models, transaction

from apps.demo.bench import Row
from apps.learners import importing
from apps.learners.importing.undoing import MODELS
from apps.learners.models import ImportRun, Program
from apps.standards.oneroster.model import COMMON, FORMS, MANIFEST, Table

RUNS = 3
SIZES = (1_000, 10_000)
RESULTS_EACH = 20
COURSES = 200
BATCH = 1_000
_EXTENSIONS = {
    Table.COURSES: ("metadata.credits",),
    Table.USERS: ("metadata.program",),
    Table.RESULTS: ("metadata.letterGrade", "metadata.gradePoints", "metadata.creditsAttempted"),
}


def run() -> list[Row]:
    """One row a size: import and bare storing in turn, in the present (empty) database."""
    return [_measure(learners) for learners in SIZES]


def _measure(learners: int) -> Row:
    values, raws = [], []
    with tempfile.TemporaryDirectory() as folder:
        count = write_bundle(Path(folder), learners)
        for _ in range(RUNS):
            begin = time.perf_counter()
            outcome = importing.import_bundle(Path(folder))
            values.append(count / (time.perf_counter() - begin))
            if not outcome.accepted or outcome.run is None:
                raise RuntimeError(f"The benchmark's own bundle was refused: {outcome.errors.listed[:3]}")
            rows = {model: list(importing.added_by(outcome.run, model)) for model in _models()}
            importing.undo(outcome.run)
            raws.append(count / _bare_seconds(rows))
    value, raw = statistics.median(values), statistics.median(raws)
    return Row(
        name="import",
        case=f"OneRoster 1.1, {learners:,} learners, {learners * RESULTS_EACH:,} results",
        reference="bulk_create",
        value=value,
        unit="rows/s",
        raw=raw,
        ratio=value / raw,
        runs=RUNS,
    )


def _models() -> list[type[models.Model]]:
    return [Program, *reversed(MODELS)]


def _bare_seconds(rows: dict[type[models.Model], list[Any]]) -> float:
    """How long `bulk_create` alone takes for rows that are ready; they are taken back again."""
    ImportRun.objects.all().delete()
    for made in rows.values():
        for row in made:
            for field in ("import_run_id", "import_id"):
                if hasattr(row, field):
                    setattr(row, field, None)
            if hasattr(row, "parent_id"):
                row.parent_id = None
    begin = time.perf_counter()
    with transaction.atomic():
        for model, made in rows.items():
            model._default_manager.bulk_create(made, batch_size=BATCH)
    seconds = time.perf_counter() - begin
    with transaction.atomic():
        for model in reversed(rows):
            stored = model._default_manager.all()
            if hasattr(model, "is_home"):
                stored = stored.filter(is_home=False)
            stored._raw_delete(stored.db)
    return seconds


def write_bundle(folder: Path, learners: int) -> int:
    """Writes an invented full export; gives the number of its rows."""
    tables = dict(_tables(learners))
    with (folder / MANIFEST).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", "1.1")])
        writer.writerows((f"file.{table}", "bulk" if table in tables else "absent") for table in FORMS["1.1"])
        writer.writerow(("source.systemCode", "bench"))
    count = 0
    for table, rows in tables.items():
        columns = [column.wire for column in (*COMMON, *FORMS["1.1"][table].columns)]
        columns += _EXTENSIONS.get(table, ())
        with (folder / table.file_name).open("w", newline="", encoding="utf-8") as file:
            table_writer = csv.DictWriter(file, columns, restval="")
            table_writer.writeheader()
            for row in rows:
                table_writer.writerow(row)
                count += 1
    return count


def _tables(learners: int) -> Iterator[tuple[Table, Iterable[dict[str, Any]]]]:
    dice = random.Random(1)  # noqa: S311  the same numbers in every run
    people = [f"learner-{number:08d}-0f3a-4c1e" for number in range(learners)]
    yield Table.ORGS, [{"sourcedId": "u", "name": "Bench University", "type": "school"}]
    term = {"startDate": "2025-08-25", "endDate": "2025-12-19", "schoolYear": 2026}
    yield Table.ACADEMIC_SESSIONS, [{"sourcedId": "t", "title": "Fall 2025", "type": "semester", **term}]
    yield (
        Table.COURSES,
        (
            {
                "sourcedId": f"c{n}",
                "title": f"Course {n}",
                "courseCode": f"C {n}",
                "orgSourcedId": "u",
                "metadata.credits": 3,
            }
            for n in range(COURSES)
        ),
    )
    yield (
        Table.CLASSES,
        (
            {
                "sourcedId": f"k{n}",
                "title": f"Class {n}",
                "courseSourcedId": f"c{n}",
                "classType": "scheduled",
                "schoolSourcedId": "u",
                "termSourcedIds": "t",
            }
            for n in range(COURSES)
        ),
    )
    yield (
        Table.USERS,
        (
            {
                "sourcedId": person,
                "enabledUser": "true",
                "orgSourcedIds": "u",
                "role": "student",
                "username": f"u{n}",
                "userIds": f"{{SIS:{n}}}",
                "givenName": f"Žofia {n}",
                "familyName": f"Nováková {n}",
                "identifier": n,
                "email": f"u{n}@students.example",
                "metadata.program": "BSc Mathematics",
            }
            for n, person in enumerate(people)
        ),
    )
    yield (
        Table.DEMOGRAPHICS,
        ({"sourcedId": person, "birthDate": f"2004-0{1 + n % 9}-11"} for n, person in enumerate(people)),
    )
    yield Table.CATEGORIES, [{"sourcedId": "final", "title": "Final Grade"}]
    yield (
        Table.LINE_ITEMS,
        (
            {
                "sourcedId": f"l{n}",
                "title": "Final grade",
                "assignDate": "2025-08-25",
                "dueDate": "2025-12-19",
                "classSourcedId": f"k{n}",
                "categorySourcedId": "final",
                "gradingPeriodSourcedId": "t",
                "resultValueMin": "0.0",
                "resultValueMax": "100.0",
            }
            for n in range(COURSES)
        ),
    )
    yield (
        Table.RESULTS,
        (
            {
                "sourcedId": f"r.{n}.{each}",
                "lineItemSourcedId": f"l{(n * 7 + each * 11) % COURSES}",
                "studentSourcedId": person,
                "scoreStatus": "fully graded",
                "score": round(dice.uniform(50, 100), 1),
                "scoreDate": "2025-12-19",
                "metadata.letterGrade": dice.choice("ABCD"),
                "metadata.gradePoints": dice.choice(("4.0", "3.0", "2.0")),
                "metadata.creditsAttempted": 3,
            }
            for n, person in enumerate(people)
            for each in range(RESULTS_EACH)
        ),
    )
