"""Signed texts inside other documents: which standard's procedure applies to each."""

from __future__ import annotations

from apps.standards.verify.checks import clr1, ob2
from apps.standards.verify.recognise import Subject
from apps.standards.verify.sources import Run
from apps.standards.verify.verdict import Result


def judge_token(subject: Subject, run: Run, outer: clr1.Outer) -> Result:
    """Judge a compact JWS that stands in a CLR 1.0 document: a part of that standard, or an Open Badge."""
    if subject.fault is not None:
        result = Result(format=clr1.FORMAT, kind="signed part", readable=False)
        result.failed("input", subject.fault.code, subject.fault.sentence)
        return result
    if subject.format == "ob-2.0":  # CLR1-V-19
        return ob2.judge(subject, run, ob2.Holder(outer.learner) if outer.learner is not None else None)
    return clr1.judge(subject, run, outer)
