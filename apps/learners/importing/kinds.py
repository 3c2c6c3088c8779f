"""The kinds of import that the office's pages know: what each does when it is looked at, started and taken back.

The pages of an import (`apps.learners.admin.imports`) are the same for all; a room above registers its own kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.jobs.models import Job
from apps.learners.models import ImportRun


@dataclass(frozen=True, slots=True)
class ImportWork:
    """The steps of one kind of import. `look_at(run, user=…, allow=…)`: `allow` is the office's consent to what a
    first look refused (`run.options["may_allow"]`), `allow_words` the words of its button."""

    look_at: Callable[..., Job]
    start: Callable[..., Job]
    undo: Callable[..., Job]
    reasons_against: Callable[[ImportRun], list[str]]
    consequences: Callable[[ImportRun], Mapping[Any, int]]
    allow_words: Any
    source_words: Any


KINDS: dict[str, ImportWork] = {}


def register(kind: str, work: ImportWork) -> None:
    """Adds a kind of import (a value of `ImportRun.Kind`)."""
    KINDS[kind] = work
