"""The records of one CSV file of a bundle, streamed: encoding, quotation marks, line ends (ROST-07, 08, 11; SEC-29)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from apps.standards.oneroster.container import Bundle
from apps.standards.oneroster.issues import BundleRefused, refuse

LINE_LIMIT = 1 << 20
_ESCAPED = re.compile("[\udc80-\udcff]")


class _Nul(Exception):
    """A line with a NUL."""


class _TooLong(Exception):
    """A line beyond all measure."""


class _BadByte(Exception):
    """A line that is not UTF-8."""


def records(bundle: Bundle, name: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with its number (the header is 1; empty last lines are none); refuses at the first broken one."""
    row = 0
    empty = 0
    with bundle.open(name) as raw:
        reader = csv.reader(_lines(io.TextIOWrapper(raw, "utf-8-sig", newline="")), strict=True)
        line = 0
        try:
            for cells in reader:
                row += 1
                line = reader.line_num
                if not cells:
                    empty = empty or row
                    continue
                if empty:
                    raise refuse("csv.row_width", "There is an empty line between the records.", file=name, row=empty)
                yield row, cells
        except UnicodeDecodeError as fault:
            raise _encoding(bundle, name) from fault
        except _Nul as fault:
            raise refuse(
                "csv.nul", "The file holds a NUL character; it is not text in UTF-8.", file=name, row=row + 1
            ) from fault
        except _TooLong as fault:
            raise refuse(
                "row.too_long", "This line is longer than a million characters.", file=name, row=row + 1
            ) from fault
        except csv.Error as fault:
            raise _broken(str(fault), name, row + 1, reader.line_num - line) from fault


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(LINE_LIMIT):
        if "\0" in line:
            raise _Nul
        if len(line) >= LINE_LIMIT:
            raise _TooLong
        yield line


def _broken(fault: str, name: str, row: int, lines: int) -> BundleRefused:
    """Says in words what the CSV reader found; a huge value over several lines is a quotation mark left open."""
    if "field larger" in fault and lines <= 1:
        return refuse("row.too_long", "A value of this row is longer than 64 KB.", file=name, row=row)
    return refuse(
        "csv.quote",
        'A quotation mark is opened in this row and not closed where the value ends. Inside a value it is doubled: "".',
        file=name,
        row=row,
    )


def _encoding(bundle: Bundle, name: str) -> BundleRefused:
    """Reads once more, slowly, to name the row of the first byte that is not UTF-8 (ROST-08)."""
    row = 0
    with bundle.open(name) as raw:
        text = io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="")
        try:
            for _ in csv.reader(_checked(text)):
                row += 1
        except (_BadByte, csv.Error):
            pass
    return refuse(
        "csv.encoding",
        "The file is not UTF-8 from this row on (perhaps Windows-1252 or UTF-16). Export it as UTF-8.",
        file=name,
        row=row + 1,
    )


def _checked(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(LINE_LIMIT):
        if _ESCAPED.search(line):
            raise _BadByte
        yield line
