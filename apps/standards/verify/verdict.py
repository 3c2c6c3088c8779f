"""The answer of a verification: checks in order, nested results, and the verdict that follows from them.

The verdict is never better than the evidence (I6): ``valid`` needs a proof that held, and no failed check.
It is ``undecided`` when every failed check only says that something could not be looked at or that nothing
vouches for the document, and ``invalid`` otherwise. The JSON form is the one of ``manage.py verify --json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["passed", "failed", "warning", "skipped"]
Verdict = Literal["valid", "invalid", "undecided"]

#: Failures that leave the question open: somebody may decide it later, or nobody vouches at all.
UNDECIDED_CODES = frozenset(
    {
        "FETCH_FAILED",
        "KEY_UNAVAILABLE",
        "STATUS_UNAVAILABLE",
        "CONTEXT_UNAVAILABLE",
        "NOT_VERIFIABLE",
        "SIGNATURE_MISSING",
        "PROOF_MISSING",
        "NOT_DECIDED",
    }
)


@dataclass(frozen=True, slots=True)
class Check:
    """One step of a standard's procedure: its stable name, what came of it, and one plain sentence."""

    name: str
    status: Status
    code: str | None = None
    detail: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The check in the form of the contract."""
        return {
            "name": self.name,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class Party:
    """An issuer or a learner as the document names it."""

    id: str | None
    name: str | None

    def as_json(self) -> dict[str, str | None]:
        """``{id, name}``."""
        return {"id": self.id, "name": self.name}


@dataclass(slots=True)
class Result:
    """The judgement of one document. Nested documents have results of their own in ``credentials``.

    ``document`` is what was judged and may be shown (for a hosted record: what stands at its address, not
    what was handed in); ``signed_form`` the compact JWS if there is one. Neither is part of the JSON form.
    ``readable`` is false when the input could not be read at all. ``vouched`` becomes true when a signature
    or a hosting address was found good; without it nothing is valid.
    """

    format: str = "unknown"
    issuer: Party | None = None
    learner: Party | None = None
    superseded_by: str | None = None
    checks: list[Check] = field(default_factory=list)
    credentials: list[Result] = field(default_factory=list)
    kind: str = ""
    subject: str | None = None
    document: Any = None
    signed_form: str | None = None
    readable: bool = True
    vouched: bool = False

    # The four ways in which a step ends ------------------------------------------------------------------

    def passed(self, name: str, detail: str, /, **evidence: Any) -> None:
        """The step was taken and held."""
        self.checks.append(Check(name, "passed", None, detail, evidence))

    def failed(self, name: str, code: str, detail: str, /, **evidence: Any) -> None:
        """The step was taken and did not hold, or could not be taken."""
        self.checks.append(Check(name, "failed", code, detail, evidence))

    def warned(self, name: str, code: str, detail: str, /, **evidence: Any) -> None:
        """The step held, with something a reader should know."""
        self.checks.append(Check(name, "warning", code, detail, evidence))

    def skipped(self, name: str, detail: str, /, **evidence: Any) -> None:
        """The step does not apply, or an earlier failure left nothing to look at."""
        self.checks.append(Check(name, "skipped", None, detail, evidence))

    # What follows ----------------------------------------------------------------------------------------

    def failures(self) -> list[Check]:
        """The failed checks in order."""
        return [check for check in self.checks if check.status == "failed"]

    def warnings(self) -> list[Check]:
        """The warnings in order."""
        return [check for check in self.checks if check.status == "warning"]

    def has_failed(self, *names: str) -> bool:
        """Whether any check failed; with names, whether one of these did."""
        return any(not names or check.name in names for check in self.failures())

    @property
    def verdict(self) -> Verdict:
        """``valid``, ``invalid`` or ``undecided`` by the rule of the contract."""
        failures = self.failures()
        if any(check.code not in UNDECIDED_CODES for check in failures):
            return "invalid"
        if failures or not self.vouched:
            return "undecided"
        return "valid"

    @property
    def valid(self) -> bool:
        """Whether the verdict is ``valid``."""
        return self.verdict == "valid"

    @property
    def sentence(self) -> str:
        """The verdict in one plain sentence, with the weightiest reason or reservation in it (I6)."""
        verdict = self.verdict
        failures = self.failures()
        if verdict == "valid":
            warnings = self.warnings()
            if not warnings:
                return "The record is genuine: all checks passed."
            return f"The record is genuine, with a reservation: {warnings[0].detail}"
        decisive = [check for check in failures if check.code not in UNDECIDED_CODES]
        if decisive:
            return f"Do not rely on this record: {decisive[0].detail}"
        if failures:
            return f"It could not be decided whether the record is genuine: {failures[0].detail}"
        return "It could not be decided whether the record is genuine: nothing vouches for it."

    def as_json(self) -> dict[str, Any]:
        """The form that ``manage.py verify --json`` and ``/api/verify/`` answer with."""
        return {
            "verdict": self.verdict,
            "valid": self.valid,
            "summary": self.sentence,
            "format": self.format,
            "issuer": self.issuer.as_json() if self.issuer else None,
            "learner": self.learner.as_json() if self.learner else None,
            "superseded_by": self.superseded_by,
            "checks": [check.as_json() for check in self.checks],
            "credentials": [nested.as_json() for nested in self.credentials],
        }


def unreadable(code: str, detail: str, *, format: str = "unknown", **evidence: Any) -> Result:
    """The result for input that cannot be read as any record."""
    result = Result(format=format, readable=False)
    result.failed("input", code, detail, **evidence)
    return result


def include_nested(outer: Result, name: str, nested: Result, *, counts: bool = True) -> None:
    """Add a nested result and say in the outer one what it means there.

    A reservation about a valid nested result is a reservation about the whole (I6). One that is not valid
    fails the outer check ``name`` with the nested code; with ``counts``
    false (what only adds to the record, such as a hosted endorsement that cannot be reached) an undecided
    one is a warning.
    """
    outer.credentials.append(nested)
    where = {"id": nested.subject} if nested.subject else {}
    if nested.valid:
        reservations = nested.warnings()
        if reservations:
            outer.warned(name, reservations[0].code or "", reservations[0].detail, **where)
        else:
            outer.passed(name, f"The {nested.kind or 'part'} inside is genuine.", **where)
        return
    first = _weightiest(nested.failures())
    code = first.code if first else "NOT_VERIFIABLE"
    detail = first.detail if first else "Nothing vouches for it."
    if not counts and nested.verdict == "undecided":
        outer.warned(name, code or "", f"The {nested.kind or 'part'} inside is not confirmed: {detail}", **where)
    else:
        outer.failed(name, code or "", f"The {nested.kind or 'part'} inside does not hold: {detail}", **where)


def _weightiest(failures: Iterable[Check]) -> Check | None:
    found = list(failures)
    for check in found:
        if check.code not in UNDECIDED_CODES:
            return check
    return found[0] if found else None
