"""A small right bundle of OneRoster 1.1 or 1.2, and how to spoil it."""

import csv
import io
import zipfile
from pathlib import Path

from apps.standards.oneroster.model import COMMON, FORMS, Table

ROWS: dict[str, list[dict[str, str]]] = {
    "orgs": [{"sourcedId": "u", "name": "Larch University", "type": "school"}],
    "academicSessions": [
        {
            "sourcedId": "t",
            "title": "Fall",
            "type": "semester",
            "startDate": "2025-08-25",
            "endDate": "2025-12-19",
            "schoolYear": "2026",
        }
    ],
    "courses": [{"sourcedId": "c", "title": "Logic", "courseCode": "PHIL 1", "orgSourcedId": "u"}],
    "classes": [
        {
            "sourcedId": "k",
            "title": "Logic, Fall",
            "courseSourcedId": "c",
            "classType": "scheduled",
            "schoolSourcedId": "u",
            "termSourcedIds": "t",
        }
    ],
    "users": [
        {
            "sourcedId": "ana",
            "enabledUser": "true",
            "orgSourcedIds": "u",
            "role": "student",
            "username": "ana",
            "userIds": "{SIS:1}",
            "givenName": "Ana",
            "familyName": "Ng",
            "identifier": "1",
        },
        {
            "sourcedId": "ben",
            "enabledUser": "true",
            "orgSourcedIds": "u",
            "role": "teacher",
            "username": "ben",
            "givenName": "Ben",
            "familyName": "Oye",
        },
    ],
    "demographics": [{"sourcedId": "ana", "birthDate": "2004-05-06", "sex": "female"}],
    "enrollments": [
        {
            "sourcedId": "e",
            "classSourcedId": "k",
            "schoolSourcedId": "u",
            "userSourcedId": "ana",
            "role": "student",
            "beginDate": "2025-08-25",
            "endDate": "2025-12-19",
        }
    ],
    "categories": [{"sourcedId": "g", "title": "Final Grade"}],
    "lineItems": [
        {
            "sourcedId": "l",
            "title": "Final grade",
            "assignDate": "2025-08-25",
            "dueDate": "2025-12-19",
            "classSourcedId": "k",
            "categorySourcedId": "g",
            "gradingPeriodSourcedId": "t",
            "resultValueMin": "0",
            "resultValueMax": "100",
        }
    ],
    "results": [
        {
            "sourcedId": "r",
            "lineItemSourcedId": "l",
            "studentSourcedId": "ana",
            "scoreStatus": "fully graded",
            "score": "91.5",
            "scoreDate": "2025-12-19",
        }
    ],
}


def text_of(table: str, rows: list[dict[str, str]], version: str = "1.1", extra: tuple[str, ...] = ()) -> str:
    """A table's file."""
    columns = [column.wire for column in (*COMMON, *FORMS[version][Table(table)].columns)]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*columns, *extra], restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def manifest_of(files: dict[str, str], version: str = "1.1", delta: tuple[str, ...] = (), source: str = "larch") -> str:
    """The manifest that announces the files."""
    lines = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    for table in FORMS[version]:
        mode = "absent" if f"{table}.csv" not in files else "delta" if table in delta else "bulk"
        lines.append(f"file.{table},{mode}")
    if source:
        lines.append(f"source.systemCode,{source}")
    return "\r\n".join(lines) + "\r\n"


def bundle(
    path: Path,
    *,
    rows: dict[str, list[dict[str, str]]] | None = None,
    files: dict[str, str | bytes] | None = None,
    only: tuple[str, ...] | None = None,
    delta: tuple[str, ...] = (),
    extra: dict[str, tuple[str, ...]] | None = None,
    version: str = "1.1",
    source: str = "larch",
) -> Path:
    """Writes a zip: the small bundle with tables (`rows`) or whole files (`files`) replaced."""
    tables = {name: ROWS[name] for name in (ROWS if only is None else only) if name in ROWS}
    tables.update(rows or {})
    texts: dict[str, str | bytes] = {
        f"{name}.csv": text_of(name, found, version, (extra or {}).get(name, ())) for name, found in tables.items()
    }
    texts.update({name: content for name, content in (files or {}).items() if name != "manifest.csv"})
    texts["manifest.csv"] = (files or {}).get("manifest.csv") or manifest_of(
        dict.fromkeys(texts, ""), version, delta, source
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in texts.items():
            archive.writestr(name, content)
    return path


def changed(table: str, at: int = 0, **values: str) -> dict[str, list[dict[str, str]]]:
    """The rows of a table with one of them changed."""
    rows = [dict(row) for row in ROWS[table]]
    rows[at].update(values)
    return {table: rows}


def many(learners: int) -> dict[str, list[dict[str, str]]]:
    """Rows of as many learners, each with one enrollment and one result."""
    people = [
        {**ROWS["users"][0], "sourcedId": f"s{n}", "username": f"s{n}", "userIds": "", "identifier": str(n)}
        for n in range(learners)
    ]
    return {
        "users": [*people, ROWS["users"][1]],
        "demographics": [],
        "enrollments": [
            {**ROWS["enrollments"][0], "sourcedId": f"e{n}", "userSourcedId": f"s{n}"} for n in range(learners)
        ],
        "results": [{**ROWS["results"][0], "sourcedId": f"r{n}", "studentSourcedId": f"s{n}"} for n in range(learners)],
    }
