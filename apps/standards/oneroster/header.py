"""The header of a table's file: which columns are there, in which order, and which are missing (A1; ROST-09, 10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.standards.oneroster.cells import Check, check_of
from apps.standards.oneroster.issues import BundleRefused, Issue, Issues, refuse
from apps.standards.oneroster.model import (
    COMMON,
    EXTENSION_PREFIX,
    LONG_TEXT,
    MODIFIED,
    SOURCED_ID,
    STATUS,
    Column,
    Kind,
    TableForm,
)

COLUMNS_LIMIT = 500
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass
class Plan:
    """How to read the rows of one file."""

    form: TableForm
    delta: bool
    width: int
    places: dict[str, int]
    """Wire name → place in the row, of the columns that are there."""
    checks: list[Check]
    """Of the columns that are there and are read; the identifier first."""
    extensions: list[Check]
    known: dict[str, set[str]] = field(default_factory=dict)
    """Wire name → values that were found right before; spares looking at a class's id 30 times."""


def plan_of(
    form: TableForm,
    header: list[str],
    *,
    delta: bool,
    sensitive: bool,
    extensions: Mapping[str, Column],
    warnings: Issues,
) -> Plan:
    """Matches the header to the table's form; raises `BundleRefused` for what cannot be mended."""
    file = form.table.file_name
    if len(header) > COLUMNS_LIMIT:
        raise refuse("csv.row_width", f"The header has more than {COLUMNS_LIMIT} columns.", file=file, row=1)
    standard = [*COMMON, *form.columns]
    names = {column.wire for column in standard}
    places: dict[str, int] = {}
    errors = Issues()
    for place, name in enumerate(header):
        if name in places and name:
            errors.add(Issue("csv.header_duplicate", f"The column {name} stands twice.", file, 1, name, name))
        places.setdefault(name, place)
    demanded = {SOURCED_ID.wire} | ({STATUS.wire, MODIFIED.wire} if delta else set())
    demanded |= {column.wire for column in form.columns if column.required}
    missing = [column.wire for column in standard if column.wire not in places]
    if demanded & set(missing):
        _check_delimiter(header, names, file)
    for wire in missing:
        if wire in demanded:
            errors.add(
                Issue(
                    "csv.header_missing",
                    f"The column {wire} is missing. {_hint(wire, form, header)}".strip(),
                    file,
                    1,
                    wire,
                )
            )
        else:
            warnings.add(
                Issue("csv.optional_missing", f"The column {wire} is missing and counts as empty.", file, 1, wire)
            )
    if errors:
        raise BundleRefused(errors)
    _warn_of_order(header, [column.wire for column in standard], file, warnings)
    for name in header:
        if name not in names and not name.startswith(EXTENSION_PREFIX):
            warnings.add(
                Issue(
                    "csv.unknown_column",
                    f"The column {name or '(without a name)'} is not part of OneRoster and was ignored; columns of "
                    f"one's own begin with {EXTENSION_PREFIX}",
                    file,
                    1,
                    name,
                )
            )
    read = [column for column in form.columns if column.wire in places and (sensitive or not column.sensitive)]
    own = [
        extensions.get(name, Column(name, Kind.TEXT, limit=LONG_TEXT))
        for name in header
        if name.startswith(EXTENSION_PREFIX)
    ]
    return Plan(
        form,
        delta,
        len(header),
        places,
        [check for column in (SOURCED_ID, *read) if (check := check_of(column))],
        [check for column in own if (check := check_of(column))],
    )


def _check_delimiter(header: list[str], names: set[str], file: str) -> None:
    """Points out another delimiter than the comma (ROST-09)."""
    whole = ",".join(header)
    for sign, word in _DELIMITERS.items():
        cells = [cell.strip('" ') for cell in whole.split(sign)]
        if len(cells) > len(header) and names.intersection(cells):
            raise refuse(
                "csv.delimiter",
                f"The columns are separated by {word}; OneRoster uses commas. Export it as CSV with commas.",
                file=file,
                row=1,
                value=whole,
            )


def _hint(wire: str, form: TableForm, header: list[str]) -> str:
    """What the sender may have meant."""
    near = next((name for name in header if name.strip().lower() == wire.lower()), None)
    if near is not None:
        return f"There is {near!r}: names count letter by letter, case and blanks too."
    former = form.former_names.get(wire)
    if former in header:
        return f"There is {former}, its name in OneRoster 1.0; since 1.1 it is {wire}."
    if not any(header):
        return "The file has no header line."
    return ""


def _warn_of_order(header: list[str], standard: list[str], file: str, warnings: Issues) -> None:
    given = [name for name in header if name in standard or name.startswith(EXTENSION_PREFIX)]
    own = [name for name in given if name not in standard]
    if given != [name for name in standard if name in given] + own:
        warnings.add(
            Issue("csv.order", "The columns are not in the standard's order; they were matched by name.", file, 1)
        )


def as_extension(wire: str, **rules: Any) -> Column:
    """A column of one's own that must be more than text, for the institution's settings (B2)."""
    return Column(wire, rules.pop("kind", Kind.TEXT), **rules)
