"""Credits and grade point average over a learner's courses of record (digest CASE/OneRoster, B5), in decimals.

Pure: takes attempts as values, gives totals and which attempts count. `Attempt.of` reads the meaning of a result's
extension values (B2) and of its letter.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

LATEST, HIGHEST, ALL = "latest", "highest", "all"

WITHDRAWN = frozenset({"W", "WD", "WN", "WX"})
INCOMPLETE = frozenset({"I", "INC", "IP"})
AUDIT = frozenset({"AU", "AUD"})
NOT_REPORTED = frozenset({"NR", "NG"})
WITHOUT_PART = WITHDRAWN | INCOMPLETE | AUDIT | NOT_REPORTED
"""Letters of attempts that never earn, never count and never replace another attempt."""
NOT_PASSING = frozenset({"F", "NP", "NC", "U", "E", "FAIL"})
_GRADED = "fully graded"


@dataclass(frozen=True)
class Attempt:
    """One result of record: a learner's attempt at a course."""

    course: str
    """Whatever tells courses apart."""
    began: date
    """First day of its term; decides which attempt is the last."""
    attempted: Decimal
    earned: Decimal
    points: Decimal | None
    """Grade points of the grade, none for pass / no pass."""
    takes_part: bool = True
    """False for withdrawn, incomplete, audited and not reported attempts."""

    @classmethod
    def of(
        cls,
        *,
        course: str,
        began: date,
        status: str,
        letter: str,
        metadata: Mapping[str, str],
        names: Mapping[str, str],
        course_credits: Decimal | None = None,
        incomplete: bool | None = None,
        passes: bool | None = None,
    ) -> "Attempt":
        """The attempt that a stored result is.

        `names` says which extension column holds what (B2); `passes` is the grade scale's word on the letter, by
        default everything but the usual failing letters passes. Credits earned that were not sent are the course's
        when the grade passes, else 0.
        """
        letter = (letter or metadata.get(names.get("letter_grade", ""), "")).strip().upper()
        part = status == _GRADED and letter not in WITHOUT_PART and not incomplete
        credits = course_credits or Decimal(0)
        attempted = _number(metadata.get(names.get("credits_attempted", ""), ""))
        earned = _number(metadata.get(names.get("credits_earned", ""), ""))
        if earned is None:
            passed = letter not in NOT_PASSING if passes is None else passes
            earned = (attempted if attempted is not None else credits) if part and passed else Decimal(0)
        return cls(
            course,
            began,
            credits if attempted is None else attempted,
            earned if part else Decimal(0),
            _number(metadata.get(names.get("grade_points", ""), "")) if part else None,
            part,
        )


@dataclass(frozen=True)
class Totals:
    """Sums over attempts; `gpa` is None, not 0, without credits that weigh."""

    results: int
    attempted: Decimal
    earned: Decimal
    gpa_credits: Decimal
    quality_points: Decimal
    gpa: Decimal | None
    counting: tuple[bool, ...]
    """For each attempt as given: whether it counts. One that takes part and does not count is marked repeated."""


def totals(attempts: Iterable[Attempt], rule: str = LATEST, *, places: int = 2) -> Totals:
    """The totals by a repeat rule (`latest`, `highest`, `all`), rounded half up to `places` (ROST-31, ROST-32)."""
    given = tuple(attempts)
    counting = _counting(given, rule)
    counted = [attempt for attempt, counts in zip(given, counting, strict=True) if counts]
    earned: dict[str, Decimal] = defaultdict(Decimal)
    for attempt in counted:  # a course never earns twice
        earned[attempt.course] = max(earned[attempt.course], attempt.earned)
    weighing = [(attempt.points, attempt.attempted) for attempt in counted if attempt.points is not None]
    gpa_credits = sum((credits for _, credits in weighing), Decimal(0))
    quality_points = sum((points * credits for points, credits in weighing), Decimal(0))
    return Totals(
        results=len(given),
        attempted=sum((attempt.attempted for attempt in given), Decimal(0)),
        earned=sum(earned.values(), Decimal(0)),
        gpa_credits=gpa_credits,
        quality_points=quality_points,
        gpa=rounded(quality_points / gpa_credits, places) if gpa_credits else None,
        counting=counting,
    )


def rounded(value: Decimal, places: int) -> Decimal:
    """Half up, as registrars round."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _counting(attempts: Sequence[Attempt], rule: str) -> tuple[bool, ...]:
    if rule not in {LATEST, HIGHEST, ALL}:
        raise ValueError(f"There is no repeat rule {rule}.")
    if rule == ALL:
        return tuple(attempt.takes_part for attempt in attempts)
    by_course: dict[str, list[int]] = defaultdict(list)
    for place, attempt in enumerate(attempts):
        if attempt.takes_part:
            by_course[attempt.course].append(place)
    chosen = set()
    for places in by_course.values():
        if rule == HIGHEST and any(attempts[place].points is not None for place in places):
            places = [place for place in places if attempts[place].points is not None]
            best = max(attempts[place].points or Decimal(0) for place in places)
            places = [place for place in places if attempts[place].points == best]
        chosen.add(max(places, key=lambda place: (attempts[place].began, place)))
    return tuple(place in chosen for place in range(len(attempts)))


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip()) if text else None
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() else None
