"""From findings about a document to checks in a result."""

from __future__ import annotations

from collections.abc import Iterable

from apps.standards.clr1.read import Finding
from apps.standards.verify.verdict import Result

_PLACES_SHOWN = 20


def report(result: Result, name: str, findings: Iterable[Finding], good: str, *, binding: bool = True) -> None:
    """One check for each code among the findings, failures first; the sentence ``good`` if there are none.

    With ``binding`` false failures are reported as warnings: nothing vouches for the document anyway, and
    its flaws are told beside that.
    """
    by_code: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_code.setdefault((finding.severity, finding.code), []).append(finding)
    if not by_code:
        result.passed(name, good)
        return
    for (severity, code), group in sorted(by_code.items(), key=lambda item: item[0][0] != "failure"):
        detail = group[0].sentence
        if len(group) > 1:
            detail += f" ({len(group)} places in all.)"
        places = [finding.at or "/" for finding in group[:_PLACES_SHOWN]]
        if severity == "failure" and binding:
            result.failed(name, code, detail, at=places, count=len(group))
        else:
            result.warned(name, code, detail, at=places, count=len(group))
