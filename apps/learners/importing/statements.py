"""The SQL that reads staged texts as values, finds rows by their source key, and keeps what was there before.

SQLite and PostgreSQL differ in casts and in JSON alone; both differences stand here. Names in these statements are
those of our own tables and columns; every value is a parameter.
"""

# ruff: noqa: S608  every name in a statement is one of our own tables and columns, every value a parameter

from __future__ import annotations

from typing import Any

from django.db import connection, models

from apps.learners.importing.tables import From, Target
from apps.learners.models import ImportChange, ImportRun, Learner, LearnerIdentifier, RosterPerson

ALIAS = "source key"
"""Type of the identifier that says: this learner is known under a further key of this source (A8)."""

_CASTS = {
    "sqlite": {
        "text": "{x}",
        "date": "NULLIF({x}, '')",
        "moment": "NULLIF({x}, '')",
        "number": "CAST(NULLIF({x}, '') AS NUMERIC)",
        "integer": "CAST(NULLIF({x}, '') AS INTEGER)",
        "bit": "CAST(NULLIF({x}, '') AS INTEGER)",
        "json": "COALESCE(NULLIF({x}, ''), '[]')",
        "object": "{x}",
        "uuid": "{x}",
    },
    "postgresql": {
        "text": "{x}",
        "date": "NULLIF({x}, '')::date",
        "moment": "NULLIF({x}, '')::timestamp AT TIME ZONE 'UTC'",
        "number": "NULLIF({x}, '')::numeric",
        "integer": "NULLIF({x}, '')::integer",
        "bit": "NULLIF({x}, '')::integer::boolean",
        "json": "COALESCE(NULLIF({x}, ''), '[]')::jsonb",
        "object": "{x}::jsonb",
        "uuid": "NULLIF({x}, '')::uuid",
    },
}


def cell(name: str, alias: str = "s") -> str:
    """The staged column of a cell."""
    return f'{alias}."c_{name}"'


def cast(kind: str, expression: str) -> str:
    """Reads a staged text as a value of this database."""
    return _CASTS[connection.vendor][kind].format(x=expression)


def key_is(alias: str, expression: str) -> str:
    """Finds the row of a source by its key; takes the source as parameter.

    The last term repeats the index's own condition, without which SQLite does not use it.
    """
    return f"{alias}.source = %s AND {alias}.source_id = {expression} AND NOT ({alias}.source_id = '')"


def table_of(model: type[models.Model]) -> str:
    """The quoted name of the model's table."""
    return connection.ops.quote_name(model._meta.db_table)


def execute(statement: str, *parameters: Any) -> int:
    """Runs a statement; gives the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def select(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows that a query gives."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def learner_of(expression: str, source: str) -> tuple[str, list[Any]]:
    """The learner of a key: by the key, else by an alias; the surviving one after a merge."""
    return (
        f"COALESCE((SELECT COALESCE(l.merged_into_id, l.id) FROM {table_of(Learner)} l WHERE "
        f"{key_is('l', expression)}), (SELECT i.learner_id FROM {table_of(LearnerIdentifier)} i "
        f"WHERE i.source = %s AND i.type = %s AND i.value = {expression}))",
        [source, source, ALIAS],
    )


def value_of(origin: From, source: str) -> tuple[str, list[Any]]:
    """The value that a staged row gives for a column."""
    staged = cell(origin.cell)
    if origin.kind == "reference":
        assert origin.model is not None
        return f"(SELECT r.id FROM {table_of(origin.model)} r WHERE {key_is('r', staged)})", [source]
    if origin.kind == "learner":
        return learner_of(staged, source)
    if origin.kind == "other person":
        learner, parameters = learner_of(staged, source)
        person = f"(SELECT p.id FROM {table_of(RosterPerson)} p WHERE {key_is('p', staged)})"
        return f"CASE WHEN {learner} IS NULL THEN {person} END", [*parameters, source]
    return cast(origin.kind, staged), []


def apart(target: Target) -> tuple[str, list[Any]]:
    """Keeps to this table's rows (alias t) where a model keeps those of several."""
    where = "".join(f' AND t."{column}" = %s' for column in target.fixed)
    return where + (f" AND {target.apart}" if target.apart else ""), [str(value) for value in target.fixed.values()]


def column_of(field: models.Field[Any, Any]) -> str:
    """The name of a field's column."""
    return field.column or field.attname


def columns_of(model: type[models.Model]) -> list[str]:
    """The names of a model's columns, the primary key among them."""
    return [column_of(field) for field in model._meta.local_concrete_fields]


def remember(run: ImportRun, model: type[models.Model], where: str, *parameters: Any) -> None:
    """Keeps rows `t` as they are with the import, each once; rows that this import itself added are left out."""
    label = model._meta.label_lower
    if connection.vendor == "postgresql":
        form = "to_jsonb(t)"
    else:
        form = "json_object(" + ", ".join(f"'{name}', t.\"{name}\"" for name in columns_of(model)) + ")"
    names = {field.name for field in model._meta.local_concrete_fields}
    own, mine = "", []
    if "import_run" in names:
        own, mine = " AND (t.import_run_id IS NULL OR t.import_run_id <> %s)", [run.pk]
    elif "import_id" in names:
        field = model._meta.get_field("import_id")
        own = " AND (t.import_id IS NULL OR t.import_id <> %s)"
        mine = [field.get_db_prep_value(run.public_id, connection)]  # type: ignore[union-attr]
    changes = table_of(ImportChange)
    execute(
        f'INSERT INTO {changes} (run_id, model, "row", before) SELECT %s, %s, t.id, {form} FROM {table_of(model)} AS t '
        f"WHERE {where}{own} AND NOT EXISTS (SELECT 1 FROM {changes} c WHERE c.run_id = %s AND c.model = %s "
        'AND c."row" = t.id)',
        run.pk,
        label,
        *parameters,
        *mine,
        run.pk,
        label,
    )


def synced_owners(through: type[models.Model]) -> str:
    """The name under which an import keeps whose links of this kind it may have changed."""
    return f"{through._meta.label_lower}:owners"


def remember_links(
    run: ImportRun, through: type[models.Model], owner: str, owners: type[models.Model], scope: str, *parameters: Any
) -> None:
    """Keeps the links of the owners in scope, and who these owners are; owners that this import added are left out."""
    changes = table_of(ImportChange)
    execute(
        f"INSERT INTO {changes} (run_id, model, \"row\", before) SELECT %s, %s, o.id, '{{}}' FROM {table_of(owners)} o "
        f"WHERE o.id IN ({scope}) AND EXISTS (SELECT 1 FROM {changes} c WHERE c.run_id = %s AND c.model = %s "
        f'AND c."row" = o.id)',
        run.pk,
        synced_owners(through),
        *parameters,
        run.pk,
        owners._meta.label_lower,
    )
    mine = f'SELECT h."row" FROM {changes} h WHERE h.run_id = %s AND h.model = %s'
    remember(run, through, f"t.{owner} IN ({mine})", run.pk, synced_owners(through))


def bring_back(run: ImportRun, model: type[models.Model]) -> None:
    """Gives rows that are still there the values that were kept of them."""
    names = [name for name in columns_of(model) if name != "id"]
    changes, table, label = table_of(ImportChange), table_of(model), model._meta.label_lower
    if connection.vendor == "postgresql":
        settings = ", ".join(f'"{name}" = b."{name}"' for name in names)
        execute(
            f"UPDATE {table} AS t SET {settings} FROM {changes} c, "
            f"LATERAL jsonb_populate_record(NULL::{table}, c.before) b "
            'WHERE c.run_id = %s AND c.model = %s AND c."row" = t.id',
            run.pk,
            label,
        )
        return
    settings = ", ".join(f"\"{name}\" = json_extract(c.before, '$.{name}')" for name in names)
    execute(
        f'UPDATE {table} AS t SET {settings} FROM {changes} c WHERE c.run_id = %s AND c.model = %s AND c."row" = t.id',
        run.pk,
        label,
    )


def put_back(run: ImportRun, model: type[models.Model]) -> None:
    """Adds rows again that were kept before they were deleted."""
    names = columns_of(model)
    changes, table, label = table_of(ImportChange), table_of(model), model._meta.label_lower
    listed = ", ".join(f'"{name}"' for name in names)
    if connection.vendor == "postgresql":
        values = ", ".join(f'b."{name}"' for name in names)
        source = f"{changes} c, LATERAL jsonb_populate_record(NULL::{table}, c.before) b"
    else:
        values = ", ".join(f"json_extract(c.before, '$.{name}')" for name in names)
        source = f"{changes} c"
    execute(
        f"INSERT INTO {table} ({listed}) SELECT {values} FROM {source} WHERE c.run_id = %s AND c.model = %s "
        f'AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = c."row")',
        run.pk,
        label,
    )
