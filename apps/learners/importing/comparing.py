"""What an import would do: for each staged row whether it is added, changed, the same, ended, or out of date.

Writes the staging tables alone, so that a preview needs no lock and leaves nothing.
"""

# ruff: noqa: S608  every name in a statement is one of our own tables and columns, every value a parameter

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.learners.importing.staging import Stage, name_of
from apps.learners.importing.statements import ALIAS, apart, cast, cell, execute, key_is, learner_of, select, table_of
from apps.learners.importing.tables import LEARNERS, Target, targets_of
from apps.learners.models import Learner, LearnerIdentifier
from apps.standards.oneroster.model import STUDENT, Table

SHRINK_LIMIT = 5
"""At most one in so many rows of a table may end: 20 % (ROST-27)."""


@dataclass
class Changes:
    """How many rows of one table an import adds, changes, leaves alone, ends."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    ended: int = 0

    def as_json(self) -> dict[str, int]:
        """The form of the digest, part I."""
        return {"added": self.added, "changed": self.changed, "unchanged": self.unchanged, "ended": self.ended}


def compare(stage: Stage, source: str) -> dict[Table, Changes]:
    """Decides on every staged row: `action` becomes add, change, link, same, stale, end or lost."""
    if Table.USERS in stage.tables:
        _find_learners(stage, source)
    return {table: _compare_table(table, source, delta=delta) for table, delta in stage.tables.items()}


def _find_learners(stage: Stage, source: str) -> None:
    """Who has a record: students by role, by enrollment or by result, and who was a learner before."""
    conditions, parameters = [], []
    if stage.version == "1.1":
        conditions.append(f"{cell('role')} = %s")
        parameters.append(STUDENT)
    for table, name, has_role in (
        (Table.ROLES, "user", True),
        (Table.ENROLLMENTS, "user", True),
        (Table.RESULTS, "student", False),
    ):
        if table in stage.tables:
            also = f" AND {cell('role', 'o')} = %s" if has_role else ""
            parameters += [STUDENT] * has_role
            conditions.append(
                f's.source_id IN (SELECT {cell(name, "o")} FROM "{name_of(table)}" o WHERE o.gone = 0{also})'
            )
    known, more = learner_of("s.source_id", source)
    conditions.append(f"{known} IS NOT NULL")
    execute(
        f'UPDATE "{name_of(Table.USERS)}" AS s SET is_learner = 1 WHERE {" OR ".join(conditions)}', *parameters, *more
    )


def _compare_table(table: Table, source: str, *, delta: bool) -> Changes:
    staged = name_of(table)
    execute(f"UPDATE \"{staged}\" SET action = 'lost' WHERE gone = 1")
    stale = f"WHEN t.source_modified >= {cast('moment', 's.modified')} THEN 'stale'" if delta else ""
    for target in targets_of(table):
        where, parameters = apart(target)
        own = f" AND {target.only}" if target.only else ""
        execute(
            f'UPDATE "{staged}" AS s SET target_id = t.id, action = CASE {stale} '
            "WHEN s.gone = 1 THEN CASE WHEN t.ended_at IS NULL THEN 'end' ELSE 'same' END "
            "WHEN t.source_digest = s.digest AND t.ended_at IS NULL THEN 'same' ELSE 'change' END "
            f"FROM {table_of(target.model)} AS t WHERE {key_is('t', 's.source_id')}{where}{own}",
            source,
            *parameters,
        )
    if table is Table.USERS:
        _match_people(source)
    found = dict(select(f'SELECT action, COUNT(*) FROM "{staged}" GROUP BY action'))
    ended = found.get("end", 0) if delta else sum(_count_missing(target, source) for target in targets_of(table))
    return Changes(
        added=found.get("add", 0),
        changed=found.get("change", 0) + found.get("link", 0),
        unchanged=found.get("same", 0) + found.get("stale", 0),
        ended=ended,
    )


def _match_people(source: str) -> None:
    """A8: a known person under a new key: by alias, else by the master identifier, never by name."""
    users = name_of(Table.USERS)
    execute(
        f"UPDATE \"{users}\" AS s SET target_id = i.learner_id, action = 'same' "
        f"FROM {table_of(LearnerIdentifier)} AS i WHERE s.action = 'add' AND i.source = %s AND i.type = %s "
        "AND i.value = s.source_id",
        source,
        ALIAS,
    )
    master = cell("user_master_identifier")
    execute(
        f"UPDATE \"{users}\" AS s SET target_id = t.id, action = 'link' FROM {table_of(Learner)} AS t "
        f"WHERE s.action = 'add' AND s.is_learner = 1 AND {master} <> '' AND t.master_identifier = {master} "
        "AND t.merged_into_id IS NULL"
    )


def missing(target: Target, source: str) -> tuple[str, list[Any]]:
    """The condition on stored rows `t` that a bulk file no longer has (ROST-27)."""
    where, parameters = apart(target)
    staged = name_of(target.table)
    condition = (
        f"t.source = %s AND NOT (t.source_id = '') AND t.ended_at IS NULL{where} AND NOT EXISTS "
        f'(SELECT 1 FROM "{staged}" s WHERE s.source_id = t.source_id)'
    )
    if target is LEARNERS:
        condition += (
            f" AND NOT EXISTS (SELECT 1 FROM \"{staged}\" s WHERE s.target_id = t.id AND s.action IN ('link', 'same'))"
        )
    return condition, [source, *parameters]


def _count_missing(target: Target, source: str) -> int:
    where, parameters = missing(target, source)
    return int(select(f"SELECT COUNT(*) FROM {table_of(target.model)} AS t WHERE {where}", *parameters)[0][0])


def shrunk(stage: Stage, source: str, changes: dict[Table, Changes]) -> list[tuple[Table, int, int]]:
    """Tables of which a bulk file ends more than one row in five: table, ended, stored."""
    found = []
    for table, change in changes.items():
        if stage.tables[table] or not change.ended:
            continue
        stored = 0
        for target in targets_of(table):
            where, parameters = apart(target)
            stored += select(
                f"SELECT COUNT(*) FROM {table_of(target.model)} AS t WHERE t.source = %s "
                f"AND NOT (t.source_id = '') AND t.ended_at IS NULL{where}",
                source,
                *parameters,
            )[0][0]
        if change.ended * SHRINK_LIMIT > stored:
            found.append((table, change.ended, stored))
    return found


def reused_keys(stage: Stage) -> list[tuple[int, str]]:
    """A8: a key with another identifier *and* another birth date than the stored learner's: row, key."""
    if Table.USERS not in stage.tables or Table.DEMOGRAPHICS not in stage.tables:
        return []
    identifier, birth = cell("identifier"), cell("birth_date", "d")
    return select(
        f'SELECT s.line, s.source_id FROM "{name_of(Table.USERS)}" s '
        f'JOIN "{name_of(Table.DEMOGRAPHICS)}" d ON d.source_id = s.source_id '
        f"JOIN {table_of(Learner)} t ON t.id = s.target_id WHERE s.gone = 0 "
        f"AND {identifier} <> '' AND t.student_id <> '' AND {identifier} <> t.student_id "
        f"AND {birth} <> '' AND t.birth_date IS NOT NULL AND t.birth_date <> {cast('date', birth)} ORDER BY s.line"
    )


def results_of_others(stage: Stage, source: str) -> list[tuple[int, str]]:
    """Results of somebody who is stored as a person without a record: row, key."""
    if Table.RESULTS not in stage.tables:
        return []
    student = cell("student")
    here = ""
    if Table.USERS in stage.tables:
        users = name_of(Table.USERS)
        here = f'AND NOT EXISTS (SELECT 1 FROM "{users}" u WHERE u.source_id = {student} AND u.is_learner = 1) '
    known, parameters = learner_of(student, source)
    return select(
        f'SELECT s.line, {student} FROM "{name_of(Table.RESULTS)}" s WHERE s.gone = 0 {here}AND {known} IS NULL '
        "ORDER BY s.line",
        *parameters,
    )


def staged_rows(table: Table, action: str, limit: int) -> tuple[int, list[tuple[int, str]]]:
    """How many staged rows have this outcome, and row and key of the first."""
    staged = name_of(table)
    count = int(select(f'SELECT COUNT(*) FROM "{staged}" WHERE action = %s', action)[0][0])
    if not count:
        return 0, []
    return count, select(
        f'SELECT line, source_id FROM "{staged}" WHERE action = %s ORDER BY line LIMIT %s', action, limit
    )
