"""SEC-33: dates with zones, compared without overflow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.standards import moments
from apps.standards.errors import DocumentFault

pytestmark = pytest.mark.once


def test_it_works() -> None:
    assert moments.read("1970-01-01T00:00:01Z").seconds == 1


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)),
    st.integers(-23 * 60, 23 * 60),
)
def test_a_moment_is_the_one_that_datetime_means(naive: datetime, minutes: int) -> None:
    aware = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert moments.read(aware.isoformat()) == moments.of(aware)


@pytest.mark.parametrize(
    "text",
    ["2026-06-30T15:00:00Z", "2026-06-30t15:00:00z", "2026-06-30T17:00:00+02:00", "2026-06-30T15:00:00.0000000Z"],
)
def test_spellings_of_one_moment_are_equal(text: str) -> None:
    assert moments.read(text).nanoseconds == moments.of(datetime(2026, 6, 30, 15, tzinfo=UTC)).nanoseconds


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-23:59", "0000-02-29T00:00:00Z"])
def test_the_edges_of_the_calendar_do_not_overflow(text: str) -> None:
    assert isinstance(moments.read(text).nanoseconds, int)


def test_without_a_zone_it_says_so() -> None:
    assert not moments.read("2026-06-30T15:00:00").has_zone


def test_a_leap_second_is_read_as_59_and_says_so() -> None:
    leap = moments.read("2016-12-31T23:59:60Z")
    assert leap.is_leap_second
    assert leap.nanoseconds == moments.read("2016-12-31T23:59:59Z").nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-06-30",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-06-30T24:00:00Z",
        "2026-06-30T15:00:61Z",
        "２０２６-06-30T15:00:00Z",
        "2026-06-30T15:00:00+24:00",
        "2026-06-30 15:00:00Z",
        "x" * 5000,
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(DocumentFault):
        moments.read(text)
