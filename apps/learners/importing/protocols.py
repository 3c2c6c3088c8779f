"""What rooms above tell an import, and what it tells them; they register themselves at start."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apps.learners.models import ImportRun

Check = Callable[[ImportRun], Iterable[str]]
"""Gives a sentence for everything that depends on what the import made (an issued record, say)."""
Act = Callable[[ImportRun], None]
Lookup = Callable[[set[str]], set[str]]
"""Of identifiers of learning objectives, those that are known."""

DEPENDENCIES: list[Check] = []
BEFORE_UNDO: list[Act] = []
AFTER_IMPORT: list[Act] = []
OBJECTIVES: list[Lookup] = []


def register_dependency(check: Check) -> Check:
    """Adds a reason not to undo an import; `check` gives one sentence for each."""
    DEPENDENCIES.append(check)
    return check


def before_undo(act: Act) -> Act:
    """Adds something to take away first, within the undoing transaction: what was derived from the rows."""
    BEFORE_UNDO.append(act)
    return act


def after_import(act: Act) -> Act:
    """Adds something to do once an import is in and committed; it starts jobs, it does no long work itself."""
    AFTER_IMPORT.append(act)
    return act


def register_objectives(lookup: Lookup) -> Lookup:
    """Adds a place that knows competency items by `urn:uuid:` identifier (ROST-37)."""
    OBJECTIVES.append(lookup)
    return lookup
