"""Numbered requirements asked of a running server, and the table of what was seen.

Each check is a function that asks and raises `NotMet` with what it saw; `CannotSay` where it cannot be seen from
outside, or not without what the operator did not give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from apps.standards.errors import FetchRefused

MANDATORY = "M"
S = TypeVar("S")


class NotMet(Exception):
    """A requirement is not met; the text says what was seen."""


class CannotSay(Exception):
    """Whether a requirement is met cannot be seen; the text says why, or what must be given for it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `status`: passed, failed, advice (a recommendation not followed), skipped."""

    number: str
    level: str
    title: str
    status: str
    detail: str = ""

    def as_json(self) -> dict[str, str]:
        """As `--json` prints it."""
        return {name: getattr(self, name) for name in ("number", "level", "title", "status", "detail")}


def has_failed(rows: Iterable[Row]) -> bool:
    """Whether a demanded requirement is not met."""
    return any(row.status == "failed" for row in rows)


def expect(met: object, seen: str) -> None:
    """Raises `NotMet` with what was seen."""
    if not met:
        raise NotMet(seen)


@dataclass(frozen=True, slots=True)
class Check(Generic[S]):
    """A numbered requirement and how it is looked at."""

    number: str
    level: str
    title: str
    look: Callable[[S], str | None]

    def ask(self, subject: S) -> Row:
        """The row; a server that does not answer does not meet what was asked."""
        try:
            detail = self.look(subject) or ""
        except CannotSay as reason:
            return Row(self.number, self.level, self.title, "skipped", str(reason))
        except NotMet as fault:
            return Row(self.number, self.level, self.title, self._unmet, str(fault))
        except FetchRefused as refusal:
            return Row(self.number, self.level, self.title, self._unmet, f"No answer: {refusal.sentence}")
        return Row(self.number, self.level, self.title, "passed", detail)

    @property
    def _unmet(self) -> str:
        return "failed" if self.level == MANDATORY else "advice"


class Table(Generic[S]):
    """The requirements of one standard, in the order in which they are asked."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._checks: list[Check[S]] = []

    def requirement(
        self, number: str, level: str, title: str
    ) -> Callable[[Callable[[S], str | None]], Callable[[S], str | None]]:
        """Puts a check into the table; `number` is what follows the prefix of the standard."""

        def register(look: Callable[[S], str | None]) -> Callable[[S], str | None]:
            self._checks.append(Check(f"{self._prefix}-{number}", level, title, look))
            return look

        return register

    @property
    def numbers(self) -> list[str]:
        """The numbers of the requirements, in order."""
        return [check.number for check in self._checks]

    def ask(self, subject: S) -> Iterator[Row]:
        """The rows, each as soon as it is decided."""
        for check in self._checks:
            yield check.ask(subject)
