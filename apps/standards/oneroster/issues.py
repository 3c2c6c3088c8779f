"""What is wrong with a bundle, for registrars and for programs, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from apps.standards.errors import StandardsError

LISTED = 200  # ROST-21
SHOWN = 80


@dataclass(frozen=True)
class Issue:
    """One fault or warning. `row` counts records, the header is 1; `value` is cut to 80 characters (ROST-21)."""

    code: str
    message: str
    file: str = ""
    row: int | None = None
    column: str = ""
    value: str = ""

    def as_json(self) -> dict[str, Any]:
        """The form of the digest, part I."""
        return {**asdict(self), "value": self.value[:SHOWN]}


@dataclass
class Issues:
    """Issues of one sort: the first 200, and how many there are in all."""

    listed: list[Issue] = field(default_factory=list)
    total: int = 0

    def add(self, issue: Issue) -> None:
        """Counts the issue, and lists it while there is room."""
        self.total += 1
        if len(self.listed) < LISTED:
            self.listed.append(issue)

    def extend(self, issues: Iterable[Issue]) -> None:
        """Adds several."""
        for issue in issues:
            self.add(issue)

    def __bool__(self) -> bool:
        return self.total > 0


class BundleRefused(StandardsError):
    """A bundle that cannot be imported: every fault of the first stage that had any (ROST-22)."""

    code = "INPUT_INVALID"

    def __init__(self, errors: Issues, warnings: Issues | None = None) -> None:
        first = errors.listed[0]
        super().__init__(first.message, code=first.code, at=f"{first.file}:{first.row or ''}".rstrip(":"))
        self.errors = errors
        self.warnings = warnings or Issues()


def refuse(code: str, message: str, **place: Any) -> BundleRefused:
    """One fault that ends the reading."""
    errors = Issues()
    errors.add(Issue(code, message, **place))
    return BundleRefused(errors)
