"""Checked rows on their way into the tables: temporary tables, which end with the connection (REL-27, F20).

A killed import therefore leaves nothing, and reading a file holds no lock of the database.
"""

# ruff: noqa: S608  every name in a statement is one of our own tables and columns, every value a parameter

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import Any

import orjson
from django.db import connection

from apps.learners.importing.tables import EXTENSIONS, TARGETS
from apps.learners.models import searchable
from apps.standards.oneroster.model import STUDENT, Column, Kind, Table
from apps.standards.oneroster.read import Rows, as_extension, split_list

WITH_PUBLIC_ID = frozenset({Table.ORGS, Table.COURSES, Table.USERS})
LINKS = "staged_links"
"""Owner's key, kind, target: terms of classes, organizations of people, further identifiers of people."""
TERMS, ORGANIZATIONS, IDENTIFIER = "terms", "organizations", "identifier"

_RULES: dict[str, dict[str, Any]] = {
    "number": {"kind": Kind.NUMBER},
    "text": {"limit": 255},
    "short": {"limit": 64},
}
_PLAIN = {target.table for target in TARGETS if target.is_plain}
_USER_CELLS = {
    Table.ROLES: ("user", "role", "org"),
    Table.DEMOGRAPHICS: ("birth_date",),
    Table.LINE_ITEM_SCORE_SCALES: ("line_item", "score_scale"),
}
"""Cells of kept-as-JSON tables that fill columns elsewhere as well."""


def name_of(table: Table) -> str:
    """The temporary table's name."""
    return f"staged_{table.lower()}"


def extension_rules(names: Mapping[str, str]) -> dict[Table, dict[str, Column]]:
    """What the reader must demand of `metadata.` columns that fill columns of ours."""
    return {
        table: {
            wire: as_extension(wire, **_RULES[rule])
            for meaning, (_, rule) in meanings.items()
            if (wire := names.get(meaning))
        }
        for table, meanings in EXTENSIONS.items()
    }


def cells_of(table: Table) -> list[str]:
    """The cells of a table that are staged in columns of their own."""
    if table in _PLAIN:
        return [*_USER_CELLS.get(table, ()), "data"]
    found = {source.cell: None for target in TARGETS if target.table is table for source in target.columns.values()}
    if any(target.parent for target in TARGETS if target.table is table):
        found["parent"] = None
    if table is Table.USERS:
        found["primary_org"] = None
    return list(found)


class Stage:
    """Takes rows from the reader and keeps them until they are applied or dropped."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        self.tables: dict[Table, bool] = {}
        """Table → whether its file holds changes only."""
        self.version = ""
        self._salt = orjson.dumps(names, option=orjson.OPT_SORT_KEYS).decode()

    def open(self, version: str, modes: Mapping[Table, str]) -> None:
        """Makes the temporary tables for the files of a bundle."""
        self.version = version
        self.tables = {table: modes[table] == "delta" for table in Table if table in modes}
        tables = self.tables
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite" and not connection.in_atomic_block:
                cursor.execute("PRAGMA temp_store=FILE")  # memory stays flat however long the file
            self._drop(cursor)
            for table in tables:
                cells = "".join(f', "c_{cell}" text NOT NULL' for cell in cells_of(table))
                cursor.execute(
                    f'CREATE TEMP TABLE "{name_of(table)}" (line integer NOT NULL, source_id text NOT NULL, '
                    f"gone integer NOT NULL, modified text NOT NULL, digest text NOT NULL, metadata text NOT NULL, "
                    f"public_id text NOT NULL{cells}, is_learner integer NOT NULL DEFAULT 0, "
                    "target_id bigint, action text NOT NULL DEFAULT 'add')"
                )
            cursor.execute(
                f'CREATE TEMP TABLE "{LINKS}" (kind text NOT NULL, owner text NOT NULL, type text NOT NULL, '
                "target text NOT NULL)"
            )

    def seal(self) -> None:
        """All rows are in: indexes for what follows."""
        with connection.cursor() as cursor:
            for table in self.tables:
                cursor.execute(f'CREATE UNIQUE INDEX "{name_of(table)}_key" ON "{name_of(table)}" (source_id)')
            cursor.execute(f'CREATE INDEX "{LINKS}_owner" ON "{LINKS}" (kind, owner)')
            if connection.vendor == "postgresql":
                for table in self.tables:
                    cursor.execute(f'ANALYZE "{name_of(table)}"')
                cursor.execute(f'ANALYZE "{LINKS}"')

    def drop(self) -> None:
        """Throws everything away."""
        with connection.cursor() as cursor:
            self._drop(cursor)

    def _drop(self, cursor: Any) -> None:
        for table in Table:
            cursor.execute(f'DROP TABLE IF EXISTS "{name_of(table)}"')
        cursor.execute(f'DROP TABLE IF EXISTS "{LINKS}"')

    def take(self, rows: Rows) -> None:
        """Stages some rows."""
        count = len(rows.numbers)
        if rows.ended:
            blank = ("",) * (count and len(cells_of(rows.table)))
            self._insert(
                rows.table,
                [
                    (number, key, 1, moment, "", "{}", "", *blank)
                    for number, key, moment in zip(rows.numbers, rows.source_ids, rows.modified, strict=True)
                ],
            )
            return
        metadata = self._metadata(rows)
        cells: dict[str, Sequence[str]] = dict(rows.cells)
        digests = self._digests(rows, cells, metadata)
        if rows.table in _PLAIN:
            cells["data"] = _as_json(cells, count)
        elif rows.table is Table.USERS:
            self._complete_users(rows, cells)
        elif rows.table is Table.ORGS:
            cells["identifiers"] = [
                orjson.dumps([{"identifier": value, "identifierType": "OrganizationIdentifier"}]).decode()
                if value
                else "[]"
                for value in cells.get("identifier", [""] * count)
            ]
        self._fill_from_extensions(rows, cells)
        public_ids: Sequence[str] | repeat[str] = repeat("", count)
        if rows.table in WITH_PUBLIC_ID:
            public_ids = [uuid.uuid4().hex for _ in range(count)]
        staged = [cells.get(cell) or [""] * count for cell in cells_of(rows.table)]
        self._insert(
            rows.table,
            list(
                zip(
                    rows.numbers,
                    rows.source_ids,
                    repeat(0, count),
                    rows.modified,
                    digests,
                    metadata,
                    public_ids,
                    *staged,
                    strict=True,
                )
            ),
        )
        self._stage_links(rows)

    def _metadata(self, rows: Rows) -> Sequence[str]:
        """The extension values of each row that are not blank, as JSON (ROST-29)."""
        if not rows.extensions:
            return ["{}"] * len(rows.numbers)
        names = sorted(rows.extensions)
        return [
            orjson.dumps({name: value for name, value in zip(names, values, strict=True) if value}).decode()
            for values in zip(*(rows.extensions[name] for name in names), strict=True)
        ]

    def _digests(self, rows: Rows, cells: Mapping[str, Sequence[str]], metadata: Sequence[str]) -> list[str]:
        """What tells a changed row from an unchanged one: every value that was read, and the rules of reading it."""
        names = sorted(cells)
        start = hashlib.blake2b("\x1f".join([self._salt, *names]).encode(), digest_size=16)
        found = []
        for values in zip(*(cells[name] for name in names), metadata, strict=True):
            digest = start.copy()
            digest.update("\x1f".join(values).encode())
            found.append(digest.hexdigest())
        return found

    def _complete_users(self, rows: Rows, cells: dict[str, Sequence[str]]) -> None:
        blank = [""] * len(rows.numbers)
        cells["telephone"] = [
            phone or sms for phone, sms in zip(cells.get("phone", blank), cells.get("sms", blank), strict=True)
        ]
        given, middle, family = (cells.get(name, blank) for name in ("given_name", "middle_name", "family_name"))
        cells["sort_name"] = [searchable(*names)[:512] for names in zip(family, given, middle, strict=True)]
        others = ("preferred_given_name", "preferred_family_name", "identifier")
        searched = (given, middle, family, *(cells.get(name, blank) for name in others))
        cells["search_text"] = [
            searchable(*texts) for texts in zip(*searched, rows.source_ids, cells.get("email", blank), strict=True)
        ]

    def _fill_from_extensions(self, rows: Rows, cells: dict[str, Sequence[str]]) -> None:
        """B2: credits, level, letter, program from the columns that the institution named."""
        for meaning, (cell, _) in EXTENSIONS.get(rows.table, {}).items():
            if not cell:
                continue
            values = rows.extensions.get(self.names.get(meaning, ""), [""] * len(rows.numbers))
            if cell == "letter" and "text_score" in cells:
                values = [own or given for own, given in zip(cells["text_score"], values, strict=True)]
            cells[cell] = values

    def _stage_links(self, rows: Rows) -> None:
        links: list[tuple[str, str, str, str]] = []
        keys, cells = rows.source_ids, rows.cells
        if rows.table is Table.CLASSES:
            links = _members(TERMS, keys, cells.get("terms", ()))
        elif rows.table is Table.USERS:
            links = _members(ORGANIZATIONS, keys, cells.get("orgs", ()))
            links += [
                (ORGANIZATIONS, key, "", org)
                for key, org in zip(keys, cells.get("primary_org", ()), strict=False)
                if org
            ]
            links += [
                (IDENTIFIER, key, kind[:64], value[:255])
                for key, pairs in zip(keys, cells.get("user_ids", ()), strict=False)
                if pairs
                for kind, value in orjson.loads(pairs)
            ]
        elif rows.table is Table.ROLES:
            links = [
                (ORGANIZATIONS, user, "", org)
                for user, role, org in zip(cells["user"], cells["role"], cells["org"], strict=True)
                if role == STUDENT
            ]
        if links:
            with connection.cursor() as cursor, _short_transaction(cursor):
                _put(cursor, LINKS, links)

    def _insert(self, table: Table, rows: list[tuple[Any, ...]]) -> None:
        with connection.cursor() as cursor, _short_transaction(cursor):
            _put(cursor, name_of(table), rows)


def _members(kind: str, keys: Sequence[str], lists: Sequence[str]) -> list[tuple[str, str, str, str]]:
    return [
        (kind, key, "", member) for key, cell in zip(keys, lists, strict=False) if cell for member in split_list(cell)
    ]


def _as_json(cells: Mapping[str, Sequence[str]], count: int) -> list[str]:
    names = sorted(cells)
    if not names:
        return ["{}"] * count
    return [
        orjson.dumps({name: value for name, value in zip(names, values, strict=True) if value}).decode()
        for values in zip(*(cells[name] for name in names), strict=True)
    ]


def _put(cursor: Any, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    width = len(rows[0])
    if connection.vendor == "postgresql":
        names = ""
        if table != LINKS:  # the last three columns have defaults
            columns = [cell for known in Table if name_of(known) == table for cell in cells_of(known)]
            listed = ["line", "source_id", "gone", "modified", "digest", "metadata", "public_id"]
            listed += [f'"c_{cell}"' for cell in columns]
            names = f" ({', '.join(listed)})"
        with cursor.copy(f'COPY "{table}"{names} FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
        return
    places = ",".join(["?"] * width)
    if table == LINKS:
        statement = f'INSERT INTO "{table}" VALUES ({places})'
    else:
        statement = f"INSERT INTO \"{table}\" VALUES ({places},0,NULL,'add')"
    connection.connection.executemany(statement, rows)


@contextmanager
def _short_transaction(cursor: Any) -> Iterator[None]:
    """On SQLite one transaction a batch, deferred: only the temporary file is written, the database is not locked."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    cursor.execute("BEGIN")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")
