"""The door to the engine: one function that judges anything.

    result = verify(source, fetcher=…, own=…, now=…)

The steps: recognise what it is; take the record out of a picture or a PDF; hand it to the procedure of its
standard; give the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from apps.standards.verify.checks import clr1
from apps.standards.verify.recognise import Subject, recognise
from apps.standards.verify.sources import Budget, Fetcher, NothingOwn, OwnDocuments, Run
from apps.standards.verify.verdict import Result, unreadable

_PROCEDURES: dict[str, Callable[[Subject, Run], Result]] = {
    "clr-1.0": clr1.judge,
}


def verify(
    source: bytes,
    *,
    fetcher: Fetcher,
    now: datetime,
    own: OwnDocuments | None = None,
    expected_recipients: Sequence[str] = (),
    budget: Budget | None = None,
) -> Result:
    """Judge a document: JSON, compact JWS, VC-JWT, baked PNG or SVG, or a PDF with a record inside.

    ``now`` is the aware moment to judge at; ``expected_recipients`` are identities of the person expected,
    any of which may match. Never raises for the content of ``source``: what cannot be read gives a result
    whose ``readable`` is false.
    """
    run = Run(fetcher, own or NothingOwn(), now, tuple(expected_recipients), budget or Budget())
    return judge(recognise(source), run)


def judge(subject: Subject, run: Run) -> Result:
    """Judge what ``recognise`` found."""
    if subject.fault is not None:
        return unreadable(subject.fault.code, subject.fault.sentence, at=subject.fault.at)
    if subject.form == "sd-jwt":
        result = Result()
        result.failed(
            "input", "NOT_DECIDED", "This is a selectively disclosed credential (SD-JWT), which is not judged here."
        )
        return result
    procedure = _PROCEDURES.get(subject.format)
    if procedure is None:
        return unreadable("INPUT_INVALID", "This is no learner record and no badge that is known here.")
    return procedure(subject, run)
