"""CSV that leaves the portal: opened in a spreadsheet program, no cell is ever taken for a formula (SEC-30)."""

import csv
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def safe_cell(value: Any) -> Any:
    """The value as a cell: numbers stay numbers, text that could be a formula gets a leading apostrophe."""
    if value is None:
        return ""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """The lines of a CSV file with a byte order mark (spreadsheets then read UTF-8), everything but numbers quoted."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC)

    def taken() -> str:
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    yield "\ufeff"
    writer.writerow([safe_cell(name) for name in header])
    yield taken()
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
        yield taken()
