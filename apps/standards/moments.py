"""Moments as the standards write them: date and time with a zone, compared without overflow (SEC-33)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from apps.standards.errors import DocumentFault

_NANOSECONDS = 1_000_000_000
_DAY = 86_400 * _NANOSECONDS
_DAYS_BEFORE_1970 = 719_468

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A point in time as nanoseconds since 1970 in UTC; any year from 0 to 9999.

    ``has_zone`` is false where the text named none (it was read as UTC); ``is_leap_second`` where it said
    second 60 (it was read as 59); ``is_strict`` where the text is a full RFC 3339 date-time.
    """

    nanoseconds: int
    has_zone: bool = True
    is_leap_second: bool = False
    is_strict: bool = True

    @property
    def seconds(self) -> float:
        """Seconds since 1970."""
        return self.nanoseconds / _NANOSECONDS


def of(moment: datetime) -> Moment:
    """The moment of an aware ``datetime``. Raises ``ValueError`` for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    utc = moment.astimezone(UTC)
    days = _days(utc.year, utc.month, utc.day)
    in_day = ((utc.hour * 60 + utc.minute) * 60 + utc.second) * _NANOSECONDS + utc.microsecond * 1000
    return Moment(days * _DAY + in_day)


@lru_cache(maxsize=4096)
def read(text: str) -> Moment:
    """The moment that a DateTime names: ISO 8601 date, time, and (if it says so) zone.

    Seconds and fractions may be missing, the zone may be ``Z``, ``±hh``, ``±hhmm`` or ``±hh:mm``; ``is_strict``
    tells which texts are RFC 3339. Raises ``DocumentFault`` (PROPERTY_INVALID) for anything else.
    """
    if len(text) > 64:
        raise _no_moment()
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise _no_moment()
    year, month, day, hour, minute = (int(group) for group in match.group(1, 2, 3, 4, 5))
    second = int(match[6] or 0)
    if not _is_day(year, month, day) or hour > 23 or minute > 59 or second > 60:
        raise _no_moment()
    fraction = int((match[7] or "0")[:9].ljust(9, "0"))
    offset = 0
    if match[9]:
        offset_hours, offset_minutes = int(match[10]), int(match[11] or 0)
        if offset_hours > 23 or offset_minutes > 59:
            raise _no_moment()
        offset = (offset_hours * 60 + offset_minutes) * (-60 if match[9] == "-" else 60)
    leap = second == 60
    in_day = (hour * 60 + minute) * 60 + min(second, 59) - offset
    nanoseconds = _days(year, month, day) * _DAY + in_day * _NANOSECONDS + fraction
    zoned = bool(match[8] or match[9])
    strict = (
        zoned and match[6] is not None and "," not in text and (not match[9] or (text[-3] == ":" and bool(match[11])))
    )
    return Moment(nanoseconds, zoned, leap, strict)


def is_date(text: str) -> bool:
    """Whether a text is a calendar day ``YYYY-MM-DD``."""
    match = _DATE.fullmatch(text)
    return match is not None and _is_day(int(match[1]), int(match[2]), int(match[3]))


def _no_moment() -> DocumentFault:
    return DocumentFault("This is not a date and time such as 2026-06-30T15:00:00Z.")


def _is_day(year: int, month: int, day: int) -> bool:
    if not 1 <= month <= 12 or day < 1:
        return False
    if month == 2:
        return day <= (29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28)
    return day <= (30 if month in (4, 6, 9, 11) else 31)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar, years from 0 on."""
    shifted = year - (month <= 2)
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146_097 + day_of_era - _DAYS_BEFORE_1970
