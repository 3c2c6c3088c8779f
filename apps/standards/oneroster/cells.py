"""What a cell may hold, compiled once for each column: a fast acceptance, a slow explanation, a canonical form.

The acceptance is, wherever it can be, the bound method of a compiled pattern, so that no Python function runs for a
cell that is right; `explain` is called for the few that are not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from apps.standards.oneroster.model import Column, Kind

Fault = tuple[str, str]
"""Code and sentence."""

CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # SEC-32: C0 and C1 but tab and line ends
BIDI = "\u202a-\u202e\u2066-\u2069"  # ROST-19; joiners U+200C and U+200D stay
FORMULA = "=+\\-@\t\r"  # ROST-18
NUMBER_LIMIT = 10**8

_GUID = re.compile(r"[0-9A-Za-z._/@-]{1,255}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.([0-9]{1,9}))?Z")
_YEAR = re.compile(r"[1-9][0-9]{3}")
_BOOLEAN = re.compile(r"(?i:true|false)")
_TYPED = re.compile(r"\{([^{}:,]+):([^{}:,]+)\}")
_PAIR = re.compile(r"\{([^{}:]+):([^{}:]+)\}")
_URN = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OWN_VALUE = re.compile(r"ext:[0-9A-Za-z._-]{1,60}")
_PLAIN_TEXT = re.compile(rf"[^{CONTROLS}]*")
_CONTROL_IN_NAME = re.compile(rf"[{CONTROLS}\t\r\n{BIDI}]")


@dataclass(frozen=True)
class Check:
    """A compiled column."""

    column: Column
    accepts: Callable[[str], Any]
    explain: Callable[[str], Fault]
    canonical: Callable[[str], str] | None = None
    """The form in which a value is handed on, where that is not the value itself."""


def check_of(column: Column) -> Check | None:
    """The compiled check of a column; None where the column is not even looked at (passwords)."""
    match column.kind:
        case Kind.UNREAD:
            return None
        case Kind.GUID:
            return Check(column, _GUID.fullmatch, _explain_guid)
        case Kind.GUIDS:
            pattern = re.compile(rf"{_GUID.pattern}(?:,{_GUID.pattern})*")
            return Check(column, pattern.fullmatch, _explain_guids, _as_list)
        case Kind.NAME:
            pattern = re.compile(rf"(?=.*\S)(?![{FORMULA}])[^{CONTROLS}\t\r\n{BIDI}]{{1,{column.limit}}}")
            return Check(column, pattern.fullmatch, partial(_explain_name, column.limit))
        case Kind.TEXT:
            some = r"(?=[\s\S]*\S)" if column.required else ""
            pattern = re.compile(rf"{some}[^{CONTROLS}]{{0,{column.limit}}}")
            return Check(column, pattern.fullmatch, partial(_explain_text, column.limit))
        case Kind.TEXTS:
            part = rf"[^{CONTROLS},\s](?:[^{CONTROLS},]*[^{CONTROLS},\s])?"
            pattern = re.compile(rf"(?=.{{0,{column.limit}}}\Z){part}(?:,{part})*", re.DOTALL)
            return Check(column, pattern.fullmatch, partial(_explain_texts, column.limit), _as_list)
        case Kind.TYPED_IDS:
            return Check(column, _accepts_typed, partial(_explain_pairs, "{type:id}", "{SIS:123},{Card:9}"), _as_pairs)
        case Kind.SCALE:
            return Check(column, _accepts_pairs, partial(_explain_pairs, "{left:right}", "{A:4.0},{B:3.0}"), _as_pairs)
        case Kind.DATE:
            return Check(column, _accepts_date, _explain_date)
        case Kind.DATE_OR_TIME:
            return Check(
                column, lambda value: _accepts_date(value) or _accepts_datetime(value), _explain_date, _as_time
            )
        case Kind.DATETIME:
            return Check(column, _accepts_datetime, _explain_datetime, _as_time)
        case Kind.YEAR:
            return Check(column, _YEAR.fullmatch, _explain_year)
        case Kind.BOOLEAN:
            return Check(column, _BOOLEAN.fullmatch, _explain_boolean, _as_bit)
        case Kind.NUMBER:
            return Check(column, _accepts_number, _explain_number)
        case Kind.WORD:
            return Check(column, _word_acceptance(column), partial(_explain_word, column))
        case Kind.CASE_ITEM:
            pattern = re.compile(rf"[^{CONTROLS}]{{1,{column.limit}}}")
            return Check(column, pattern.fullmatch, partial(_explain_text, column.limit))


def is_case_item(value: str) -> bool:
    """Whether a learning objective of the source `case` is named as it must be: `urn:uuid:` and lower case."""
    return _URN.fullmatch(value) is not None


def split_list(value: str) -> list[str]:
    """The members of a canonical list cell."""
    members: list[str] = json.loads(value) if value else []
    return members


def _as_list(value: str) -> str:
    return json.dumps(value.split(","), ensure_ascii=False, separators=(",", ":"))


def _as_pairs(value: str) -> str:
    return json.dumps([pair.split(":") for pair in value[1:-1].split("},{")], ensure_ascii=False, separators=(",", ":"))


def _as_bit(value: str) -> str:
    return "1" if value.lower() == "true" else "0"


def _as_time(value: str) -> str:
    moment = _moment(value) if "T" in value else datetime.fromisoformat(value).replace(tzinfo=UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def _moment(value: str) -> datetime:
    """A DateTime of the standard; the fraction may be of any length up to nine digits."""
    found = _DATETIME.fullmatch(value)
    if not found:
        raise ValueError(value)
    fraction = (found[1] or "")[:6].ljust(6, "0")
    seconds = "59" if value[17:19] == "60" else value[17:19]  # SEC-33: a leap second reads as :59
    return datetime.fromisoformat(f"{value[:17]}{seconds}.{fraction}+00:00")


def _accepts_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _accepts_datetime(value: str) -> bool:
    try:
        _moment(value)
    except ValueError:
        return False
    return True


def _accepts_number(value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None and abs(float(value)) < NUMBER_LIMIT


def _accepts_typed(value: str) -> bool:
    return all(_TYPED.fullmatch(part) for part in _parts(value)) and _is_plain(value)


def _accepts_pairs(value: str) -> bool:
    return all(_PAIR.fullmatch(part) for part in _parts(value)) and _is_plain(value)


def _parts(value: str) -> list[str]:
    return re.split(r"(?<=\}),(?=\{)", value)


def _is_plain(value: str) -> bool:
    return len(value) <= 65_536 and _PLAIN_TEXT.fullmatch(value) is not None


def _word_acceptance(column: Column) -> Callable[[str], Any]:
    words = "|".join(re.escape(word) for word in column.allowed)
    own = rf"|{_OWN_VALUE.pattern}" if column.own_values else ""
    return re.compile(f"(?:{words}{own})").fullmatch


def _explain_guid(value: str) -> Fault:
    if len(value) > 255:
        return "row.guid", f"An identifier has at most 255 characters; this one has {len(value):,}."
    bad = next((letter for letter in value if not _GUID.fullmatch(letter)), "")
    return "row.guid", f"An identifier may hold only 0-9 A-Z a-z . - _ / @ and no blank; here is {bad!r}."


def _explain_guids(value: str) -> Fault:
    members = value.split(",")
    if any(not member for member in members):
        return "row.list", "The list has an empty member. Separate identifiers by single commas."
    if any(member != member.strip() for member in members):
        return "row.list", "The list has blanks around its commas. Separate identifiers by commas alone."
    return _explain_guid(next((member for member in members if not _GUID.fullmatch(member)), value))


def _explain_name(limit: int, value: str) -> Fault:
    if len(value) > limit:
        return "row.too_long", f"At most {limit:,} characters fit here; this value has {len(value):,}."
    if value[0] in "=+-@\t\r":
        return (
            "row.formula",
            f"A name may not begin with {value[0]!r}, as a spreadsheet formula does. Correct it in the student system.",
        )
    if found := _CONTROL_IN_NAME.search(value):
        return (
            "row.control_char",
            f"The name holds the invisible character U+{ord(found[0]):04X}. Remove it in the student system.",
        )
    return "row.required", "A name of blanks alone is no name."


def _explain_text(limit: int, value: str) -> Fault:
    if len(value) > limit:
        return "row.too_long", f"At most {limit:,} characters fit here; this value has {len(value):,}."
    if found := re.search(rf"[{CONTROLS}]", value):
        return (
            "row.control_char",
            f"The text holds the control character U+{ord(found[0]):04X}. Remove it in the student system.",
        )
    return "row.required", "A value of blanks alone is no value, and this column needs one."


def _explain_texts(limit: int, value: str) -> Fault:
    if len(value) > limit or not _PLAIN_TEXT.fullmatch(value):
        return _explain_text(limit, value)
    if any(not member.strip() for member in value.split(",")):
        return "row.list", "The list has an empty member. Separate the values by single commas."
    return "row.list", "The list has blanks around its commas. Separate the values by commas alone."


def _explain_pairs(form: str, example: str, value: str) -> Fault:
    if not _PLAIN_TEXT.fullmatch(value):
        return _explain_text(65_536, value)
    return "row.list", f"Expected {form} pairs in braces, separated by commas, such as {example}."


def _explain_date(value: str) -> Fault:
    if _DATE.fullmatch(value):
        return "row.date", "There is no such day in the calendar."
    return "row.date", "A date is written YYYY-MM-DD, such as 2026-05-20."


def _explain_datetime(value: str) -> Fault:
    return "row.datetime", "A time is written in UTC as YYYY-MM-DDThh:mm:ssZ, such as 2026-05-20T08:00:00.000Z."


def _explain_year(value: str) -> Fault:
    return "row.year", "A school year is the four digits of the year in which it ends, such as 2026."


def _explain_boolean(value: str) -> Fault:
    return "row.boolean", "Only true or false may stand here."


def _explain_number(value: str) -> Fault:
    if _NUMBER.fullmatch(value):
        return "row.number", f"The number is too large; it must lie between ±{NUMBER_LIMIT - 1:,}."
    if _NUMBER.fullmatch(value.replace(",", ".", 1)):
        return "row.number", "The decimal sign is a point, not a comma."
    return "row.number", "Only a number may stand here, with a decimal point, such as 91.5."


def _explain_word(column: Column, value: str) -> Fault:
    allowed = ", ".join(column.allowed) + (", or ext: and a word of your own" if column.own_values else "")
    near = next((word for word in column.allowed if word.lower() == value.strip().lower()), None)
    hint = f" Letter case and blanks count: did you mean {near}?" if near else ""
    return "row.enum", f"Allowed are: {allowed}.{hint}"
