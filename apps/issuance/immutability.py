"""What the database itself refuses, whoever asks: the triggers of REL-01, REL-14 and REL-26, on SQLite and PostgreSQL.

They are installed after every migrate, because Django's SQLite schema editor rebuilds a table by copy, drop and rename
and thereby loses its triggers (REL-15), and taken off before it, because SQLite does not rename a table while a trigger
names one that is missing. A system check (`--database`) and `/readyz` fail while one is missing or was changed.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

SQLSTATE = "23514"  # check_violation: Django raises IntegrityError, as for a trigger on SQLite


@dataclass(frozen=True, slots=True)
class Trigger:
    """A row trigger before `event` on `table` that refuses when `when` holds (empty: always), saying `message`."""

    table: str
    event: str
    message: str
    when: str = ""
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the database."""
        return f"keep_{self.table}_{self.event.lower()}"


def _unchanged(model_label: str, *but: str) -> str:
    """That every column of a model but these is as it was; new columns are covered by themselves."""
    return _unchanged_columns(
        *(field.column for field in apps.get_model(model_label)._meta.concrete_fields if field.column not in but)
    )


def _unchanged_columns(*columns: str) -> str:
    return " AND ".join(f'NEW."{column}" IS NOT DISTINCT FROM OLD."{column}"' for column in columns)


def triggers() -> list[Trigger]:
    """Every trigger that must be there."""
    found: list[Trigger] = []
    for table, what in (
        ("issuance_recordstep", "A step of a record"),
        ("issuance_approval", "An approval"),
        ("issuance_revocation", "A revocation"),
        ("issuance_supersession", "A supersession"),
        ("institution_auditentry", "An audit entry"),
        ("institution_erasure", "A note of erasure"),
    ):
        found.append(Trigger(table, "UPDATE", f"{what} never changes."))
        found.append(Trigger(table, "DELETE", f"{what} is never removed."))
    erased = "EXISTS (SELECT 1 FROM institution_erasure e WHERE e.learner_id = {learner})"
    for table, label, column, learner, what in (
        ("issuance_snapshot", "issuance.Snapshot", "content", "OLD.learner_id", "A snapshot"),
        (
            "issuance_issueddocument",
            "issuance.IssuedDocument",
            "content",
            "(SELECT s.learner_id FROM issuance_snapshot s WHERE s.id = OLD.snapshot_id)",
            "An issued document",
        ),
        ("institution_disclosure", "institution.Disclosure", "recipient", "OLD.learner_id", "A disclosure"),
    ):
        allowed = f'NEW."{column}" IS NULL AND {_unchanged(label, column)} AND {erased.format(learner=learner)}'
        needs = ("institution_erasure", "issuance_snapshot")
        found.append(Trigger(table, "UPDATE", f"{what} never changes.", f"NOT ({allowed})", needs))
        found.append(Trigger(table, "DELETE", f"{what} is never removed."))
    return [*found, *_endorsement_triggers(), *_badge_triggers(), *_record_triggers(), *_work_triggers()]


def _endorsement_triggers() -> list[Trigger]:
    """An endorsement is bytes from its first moment; only what became of it is noted beside them, once."""
    beside = ("state", "problem", "checked_at", "seen", "revoked_at", "revoked_by_id", "revocation_reason")
    same = _unchanged("achievements.Endorsement", *beside)
    table = "achievements_endorsement"
    again = "OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at"
    return [
        Trigger(table, "UPDATE", "An endorsement never changes.", f"NOT ({same}) OR ({again})"),
        Trigger(table, "DELETE", "An endorsement is never removed."),
    ]


def _badge_triggers() -> list[Trigger]:
    """A badge keeps its bytes; what becomes of it is noted beside them, and what has ended stays ended.

    The bytes may go on erasure (REL-14).
    """
    beside = ("replaced_at", "revoked_at", "revoked_by_id", "revocation_reason", "is_public", "changed_at")
    same = _unchanged("issuance.Badge", "content", "jws", *beside)
    kept = _unchanged_columns("content", "jws")
    erased = """(NEW."content" IS NULL AND NEW."jws" IS NULL
        AND EXISTS (SELECT 1 FROM institution_erasure e WHERE e.learner_id = OLD.learner_id))"""
    once = " OR ".join(
        f"(OLD.{name} IS NOT NULL AND NEW.{name} IS DISTINCT FROM OLD.{name})" for name in ("replaced_at", "revoked_at")
    )
    table, needs = "issuance_badge", ("institution_erasure",)
    return [
        Trigger(table, "UPDATE", "A badge never changes.", f"NOT ({same} AND (({kept}) OR {erased})) OR {once}", needs),
        Trigger(table, "DELETE", "A badge is never removed."),
    ]


def _record_triggers() -> list[Trigger]:
    """REL-01: which steps a record may take, each only with what proves it."""
    approved = """EXISTS (SELECT 1 FROM issuance_approval a JOIN issuance_snapshot s ON s.id = a.snapshot_id
        WHERE a.snapshot_id = NEW.snapshot_id AND a.digest = s.digest)"""
    steps = f"""
        (OLD.state = 'draft' AND NEW.state = 'draft' AND NEW.snapshot_id IS NOT DISTINCT FROM OLD.snapshot_id)
        OR (OLD.state = 'draft' AND NEW.state = 'in_review' AND EXISTS (
            SELECT 1 FROM issuance_snapshot s WHERE s.id = NEW.snapshot_id AND s.record_id = NEW.id))
        OR (NEW.snapshot_id IS NOT DISTINCT FROM OLD.snapshot_id AND (
            (OLD.state = 'in_review' AND NEW.state = 'approved' AND {approved})
            OR (OLD.state IN ('in_review', 'approved') AND NEW.state = 'draft')
            OR (OLD.state = 'approved' AND NEW.state = 'issued' AND EXISTS (
                SELECT 1 FROM issuance_issueddocument d WHERE d.snapshot_id = NEW.snapshot_id))
            OR (OLD.state = 'issued' AND NEW.state = 'superseded' AND EXISTS (
                SELECT 1 FROM issuance_supersession p WHERE p.old_id = NEW.id))
            OR (OLD.state IN ('issued', 'superseded') AND NEW.state = 'revoked' AND EXISTS (
                SELECT 1 FROM issuance_revocation r WHERE r.record_id = NEW.id))))"""  # noqa: S608  no value from outside
    same = _unchanged("issuance.Record", "state", "version", "snapshot_id")
    needs = (
        "issuance_snapshot",
        "issuance_approval",
        "issuance_issueddocument",
        "issuance_supersession",
        "issuance_revocation",
    )
    ever_approved = """EXISTS (SELECT 1 FROM issuance_approval a JOIN issuance_snapshot s ON s.id = a.snapshot_id
        WHERE s.record_id = OLD.id)"""
    return [
        Trigger(
            "issuance_record",
            "INSERT",
            "A record begins as a draft.",
            "NEW.state <> 'draft' OR NEW.version <> 1 OR NEW.snapshot_id IS NOT NULL",
        ),
        Trigger(
            "issuance_record",
            "UPDATE",
            "A record does not go this step.",
            f"NOT ({same} AND NEW.version = OLD.version + 1 AND ({steps}))",
            needs,
        ),
        Trigger(
            "issuance_record",
            "DELETE",
            "A record that was ever approved is never removed.",
            f"OLD.state NOT IN ('draft', 'in_review') OR {ever_approved}",
            needs,
        ),
    ]


def _work_triggers() -> list[Trigger]:
    """Only what was approved is signed (model, invariant 1), by a second person where policy says so (REL-26)."""
    unapproved = """NOT EXISTS (SELECT 1 FROM issuance_approval a JOIN issuance_snapshot s ON s.id = a.snapshot_id
        WHERE a.snapshot_id = NEW.snapshot_id AND a.digest = s.digest AND s.record_id = NEW.record_id)"""
    needs = ("issuance_approval", "issuance_snapshot")
    return [
        Trigger(
            "issuance_approval",
            "INSERT",
            "A second person must approve, and exactly what was sent to review.",
            """NOT EXISTS (SELECT 1 FROM issuance_snapshot s
                WHERE s.id = NEW.snapshot_id AND s.digest = NEW.digest AND s.content IS NOT NULL)
            OR (EXISTS (SELECT 1 FROM institution_policy p WHERE p.second_person_approves)
                AND EXISTS (SELECT 1 FROM issuance_snapshot s
                    WHERE s.id = NEW.snapshot_id AND s.edited_by_id = NEW.by_id))""",
            ("issuance_snapshot", "institution_policy"),
        ),
        Trigger("issuance_signingwork", "INSERT", "Only an approved snapshot is signed.", unapproved, needs),
        Trigger("issuance_signingwork", "UPDATE", "Signing that is done stays done.", "OLD.state = 'done'"),
        Trigger("issuance_issueddocument", "INSERT", "Only an approved snapshot is issued.", unapproved, needs),
        Trigger(
            "issuance_supersession",
            "INSERT",
            "A record is superseded by one of the same learner.",
            """NOT EXISTS (SELECT 1 FROM issuance_record o JOIN issuance_record n ON n.learner_id = o.learner_id
                WHERE o.id = NEW.old_id AND n.id = NEW.new_id)""",
            ("issuance_record",),
        ),
    ]


# --- Putting them in place --------------------------------------------------------------------


def _sqlite(trigger: Trigger) -> str:
    when = f"WHEN {trigger.when} " if trigger.when else ""
    return (
        f'CREATE TRIGGER "{trigger.name}" BEFORE {trigger.event} ON "{trigger.table}" FOR EACH ROW {when}'
        f"BEGIN SELECT RAISE(ABORT, '{trigger.message}'); END"
    )


def _postgresql_body(trigger: Trigger) -> str:
    row = "OLD" if trigger.event == "DELETE" else "NEW"
    refuse = f"RAISE EXCEPTION '{trigger.message}' USING ERRCODE = '{SQLSTATE}';"
    if trigger.when:
        refuse = f"IF {trigger.when} THEN {refuse} END IF;"
    return f"BEGIN {refuse} RETURN {row}; END"


def _postgresql(trigger: Trigger) -> list[str]:
    name, table = trigger.name, trigger.table
    function = 'CREATE OR REPLACE FUNCTION "{0}"() RETURNS trigger LANGUAGE plpgsql AS $body${1}$body$'
    statements = [
        function.format(name, _postgresql_body(trigger)),
        f'DROP TRIGGER IF EXISTS "{name}" ON "{table}"',
        f'CREATE TRIGGER "{name}" BEFORE {trigger.event} ON "{table}" FOR EACH ROW EXECUTE FUNCTION "{name}"()',
        f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER "{name}"',
    ]
    if trigger.event == "DELETE":
        whole = f"keep_{table}_truncate"
        body = f"BEGIN RAISE EXCEPTION '{trigger.message}' USING ERRCODE = '{SQLSTATE}'; END"
        statements += [
            function.format(whole, body),
            f'DROP TRIGGER IF EXISTS "{whole}" ON "{table}"',
            f'CREATE TRIGGER "{whole}" BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT EXECUTE FUNCTION "{whole}"()',
            f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER "{whole}"',
        ]
    return statements


def _possible(connection: BaseDatabaseWrapper) -> list[Trigger]:
    """The triggers whose tables are all there."""
    tables = set(connection.introspection.table_names())
    return [trigger for trigger in triggers() if {trigger.table, *trigger.needs} <= tables]


def install(connection: BaseDatabaseWrapper) -> None:
    """Puts every trigger in place as it is written here."""
    wanted = _possible(connection)
    _settle(connection)
    with connection.cursor() as cursor:
        for trigger in wanted:
            if connection.vendor == "sqlite":
                cursor.execute(f'DROP TRIGGER IF EXISTS "{trigger.name}"')
                cursor.execute(_sqlite(trigger))
            else:
                for statement in _postgresql(trigger):
                    cursor.execute(statement)


def _settle(connection: BaseDatabaseWrapper) -> None:
    """Makes the checks that wait for the end of a transaction now: PostgreSQL alters no table while some are due."""
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def remove(connection: BaseDatabaseWrapper) -> None:
    """Takes every trigger off; only migrations and tests of what happens then have reason to."""
    _settle(connection)
    with connection.cursor() as cursor:
        for name, table in _names_in(connection):
            if connection.vendor == "sqlite":
                cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"')
            else:
                cursor.execute(f'DROP TRIGGER IF EXISTS "{name}" ON "{table}"')


def _names_in(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 5) = 'keep_'"
            )
        else:
            cursor.execute(
                "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                " WHERE NOT t.tgisinternal AND starts_with(t.tgname, 'keep_')"
            )
        return [(name, table) for name, table in cursor.fetchall()]


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of triggers that are not there, not always on, or not as they are written here."""
    wanted = _possible(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            expected = {trigger.name: _sqlite(trigger) for trigger in wanted}
        else:
            cursor.execute(
                "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
                " WHERE NOT t.tgisinternal AND t.tgenabled = 'A'"
            )
            expected = {trigger.name: _postgresql_body(trigger) for trigger in wanted}
        there = dict(cursor.fetchall())
    return sorted(name for name, text in expected.items() if there.get(name) != text)


# --- Keeping them in place --------------------------------------------------------------------


def before_migrate(using: str, plan: Sequence[Any] = (), **_: Any) -> None:
    """Takes the triggers off on SQLite while tables are rebuilt (REL-15)."""
    if plan and connections[using].vendor == "sqlite":
        remove(connections[using])


def after_migrate(using: str, **_: Any) -> None:
    """Puts the triggers back (REL-15)."""
    install(connections[using])


def check_triggers(app_configs: Any = None, databases: Iterable[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The system check `--database`: every trigger is there (REL-15). `migrate`, which mends it, is let through."""
    if len(sys.argv) > 1 and sys.argv[1] == "migrate":
        return []
    found: list[CheckMessage] = []
    for alias in databases or []:
        absent = missing(connections[alias])
        if absent:
            names = ", ".join(absent)
            found.append(
                Error(f"The database lacks triggers: {names}.", hint="Run manage.py migrate.", id="issuance.E001")
            )
    return found


def is_ready() -> bool:
    """Whether every trigger is in place (REL-29)."""
    return not missing(connections["default"])
