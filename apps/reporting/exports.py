"""Tables as files that spreadsheets open (SEC-30)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from django.http import HttpResponse

#: Beginnings that make a spreadsheet calculate, with their full-width forms (SEC-30).
_RISKY = tuple("=+-@\t\r\n＝＋－＠")
Value = str | int | float | None


def defused(value: Value) -> str | int | float:
    """A cell: numbers stay numbers, a text that would be calculated gets a leading apostrophe (SEC-30)."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_RISKY) else value


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """A CSV file to keep, everything quoted but numbers, with the mark that tells spreadsheets it is UTF-8."""
    text = StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([defused(cell) for cell in header])
    writer.writerows([defused(cell) for cell in row] for row in rows)
    answer = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer["Cache-Control"] = "no-store"
    return answer
