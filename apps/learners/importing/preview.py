"""What a preview shows beside the counts: the fields that change, before and after, and the people who are gone."""

# ruff: noqa: S608  every name in a statement is one of our own tables and columns, every value a parameter

from __future__ import annotations

from typing import Any

from apps.learners.importing.comparing import missing
from apps.learners.importing.staging import Stage, name_of
from apps.learners.importing.statements import cell, select, table_of
from apps.learners.importing.tables import LEARNERS, OTHER_PEOPLE, Target, targets_of
from apps.standards.oneroster.model import Table

ROWS_SHOWN = 50
PEOPLE_SHOWN = 500
_NOT_SHOWN = {"search_text", "sort_name", "identifiers"}


def preview_of(stage: Stage, source: str) -> dict[str, Any]:
    """`changed`: table → rows with line, key, fields before and after; `missing`: people whom a full export lacks."""
    changed: dict[str, list[dict[str, Any]]] = {}
    for table in stage.tables:
        found = [row for target in targets_of(table) if target.columns for row in _differences(target)]
        if found:
            changed[str(table)] = found[:ROWS_SHOWN]
    gone: list[dict[str, str]] = []
    if stage.tables.get(Table.USERS) is False:
        for target in (LEARNERS, OTHER_PEOPLE):
            where, parameters = missing(target, source)
            gone += [
                {"key": key, "name": f"{given} {family}".strip(), "learner": target is LEARNERS}  # type: ignore[dict-item]
                for key, given, family in select(
                    f"SELECT t.source_id, t.given_name, t.family_name FROM {table_of(target.model)} t WHERE {where} "
                    f"ORDER BY t.family_name, t.given_name LIMIT {PEOPLE_SHOWN}",
                    *parameters,
                )
            ]
    return {"changed": changed, "missing": gone}


def _differences(target: Target) -> list[dict[str, Any]]:
    """Plain fields of changed rows whose text differs from what is stored."""
    fields = {
        column: origin
        for column, origin in target.columns.items()
        if column not in _NOT_SHOWN and origin.kind in {"text", "date", "number", "integer"}
    }
    if not fields:
        return []
    before = ", ".join(f't."{column}"' for column in fields)
    after = ", ".join(cell(origin.cell) for origin in fields.values())
    own = f" AND {target.only}" if target.only else ""
    rows = select(
        f'SELECT s.line, s.source_id, {before}, {after} FROM "{name_of(target.table)}" s '
        f"JOIN {table_of(target.model)} t ON t.id = s.target_id WHERE s.action = 'change'{own} "
        f"ORDER BY s.line LIMIT {ROWS_SHOWN}"
    )
    found = []
    width = len(fields)
    names = {field.name: str(field.verbose_name) for field in target.model._meta.local_concrete_fields}
    for line, key, *values in rows:
        pairs = zip(fields, values[:width], values[width:], strict=True)
        differing = [
            {"field": names[column], "before": _text(old), "after": _text(new)}
            for column, old, new in pairs
            if not _is_same(old, new)
        ]
        found.append({"line": line, "key": key, "fields": differing})
    return found


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _is_same(old: Any, new: Any) -> bool:
    if _text(old) == _text(new):
        return True
    try:
        return float(old) == float(new)
    except (TypeError, ValueError):
        return False
