"""The totals of a transcript inside a CLR 1.0 record: one assertion of type ``ext:Transcript``.

CLR 1.0 has no place for "credits attempted this term" or a grade point average. They are Results of one
assertion, each told by its ResultDescription: the ``resultType`` says what kind of number it is, the name says
which measure and of which term (part B4 of the OneRoster digest). Writer and readers share the names here.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

TRANSCRIPT_TYPE = "ext:Transcript"
CREDITS_TYPE = "ext:Credits"
CUMULATIVE = "Cumulative"


class Measure(Enum):
    """What a total counts; the value is its wording in names."""

    ATTEMPTED = "credits attempted"
    EARNED = "credits earned"
    GPA_CREDITS = "GPA credits"
    QUALITY_POINTS = "quality points"
    GPA = "grade point average"

    @property
    def result_type(self) -> str:
        """The ``resultType`` of this measure's description."""
        if self is Measure.GPA:
            return "GradePointAverage"
        return "RawScore" if self is Measure.QUALITY_POINTS else CREDITS_TYPE


def total_name(measure: Measure, term: str | None = None) -> str:
    """The name of a total's ResultDescription; without a term it is the cumulative one."""
    return f"{term or CUMULATIVE}: {measure.value}"


def measure_of(result_type: str | None, name: str) -> Measure | None:
    """Which measure a description stands for, by its type and then by the words of its name."""
    words = name.casefold()
    if result_type == "GradePointAverage":
        return Measure.GPA
    if "quality" in words or "grade points" in words:
        return Measure.QUALITY_POINTS
    if result_type != CREDITS_TYPE:
        return Measure.QUALITY_POINTS if result_type == "RawScore" else None
    if "attempt" in words:
        return Measure.ATTEMPTED
    if "gpa" in words:
        return Measure.GPA_CREDITS
    return Measure.EARNED if "earn" in words else None


def term_of(name: str, terms: Iterable[str]) -> str | None:
    """The term that a total's name begins with (the longest that fits), or None for the cumulative total."""
    fitting = [term for term in terms if name == term or name.startswith((f"{term}:", f"{term} "))]
    return max(fitting, key=len, default=None)
