"""From staged rows to the tables, by statements over whole sets, in the caller's one transaction (REL-27).

What a row was before it is changed is kept with the import, so that the import can be undone.
"""

# ruff: noqa: S608  every name in a statement is one of our own tables and columns, every value a parameter

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.db import connection, models

from apps.institution.models import Organization
from apps.learners.importing.comparing import missing
from apps.learners.importing.staging import IDENTIFIER, LINKS, ORGANIZATIONS, TERMS, Stage, name_of
from apps.learners.importing.statements import (
    ALIAS,
    cast,
    cell,
    column_of,
    columns_of,
    execute,
    key_is,
    learner_of,
    remember,
    remember_links,
    select,
    table_of,
    value_of,
)
from apps.learners.importing.tables import LEARNERS, Target, targets_of
from apps.learners.models import (
    AcademicSession,
    CourseSection,
    Enrollment,
    GradeScale,
    ImportChange,
    ImportRun,
    Learner,
    LearnerIdentifier,
    LineItem,
    Program,
    RosterPerson,
)
from apps.standards.oneroster.model import Table

WITH_HISTORY: tuple[type[models.Model], ...] = (Organization, Learner)


def apply(stage: Stage, source: str, run: ImportRun, now: datetime, note: Callable[[Table], None]) -> None:
    """Does what `comparing.compare` found."""
    work = _Applying(stage, source, run, now)
    for table in stage.tables:
        note(table)
        work.apply(table)
    work.finish()


class _Applying:
    def __init__(self, stage: Stage, source: str, run: ImportRun, now: datetime) -> None:
        self.stage = stage
        self.source = source
        self.run = run
        self.now = now

    def apply(self, table: Table) -> None:
        """One table of the bundle."""
        staged = name_of(table)
        if table is Table.USERS:
            self._add_programs()
        for target in targets_of(table):
            remember(
                self.run,
                target.model,
                f"t.id IN (SELECT s.target_id FROM \"{staged}\" s WHERE s.action IN ('change', 'end', 'link')"
                f"{self._only(target)})",
            )
            if target is LEARNERS:
                self._link_people()
            self._change(target)
            self._add(target)
            self._end(target)
        if table is Table.ORGS:
            self._hang(Organization, table, self._find_home())
        elif table is Table.ACADEMIC_SESSIONS:
            self._hang(AcademicSession, table, None)
        elif table is Table.CLASSES:
            self._sync_terms()
        elif table is Table.USERS:
            self._move_promoted()
            self._sync_identifiers()
        elif table is Table.DEMOGRAPHICS:
            self._set_birth_dates()
        elif table is Table.LINE_ITEM_SCORE_SCALES:
            self._set_scales()

    def finish(self) -> None:
        """What needs several tables."""
        if Table.USERS in self.stage.tables or Table.ROLES in self.stage.tables:
            self._sync_organizations()
        for model in WITH_HISTORY:
            self._write_history(model)

    @staticmethod
    def _only(target: Target) -> str:
        return f" AND {target.only}" if target.only else ""

    def _prepared(self, field: Any, value: Any) -> Any:
        return field.get_db_prep_save(value, connection)

    def _values(self, target: Target, *, new: bool) -> Iterable[tuple[str, str, list[Any]]]:
        """Column, SQL and parameters, for rows that are added or only for what an import changes."""
        for field in target.model._meta.local_concrete_fields:
            if field.primary_key:
                continue
            name, column = field.name, column_of(field)
            match name:
                case "source_line":
                    yield column, "s.line", []
                case "source_digest":
                    yield column, "s.digest", []
                case "source_modified":
                    yield column, cast("moment", "s.modified"), []
                case "metadata":
                    yield column, cast("object", "s.metadata"), []
                case "data" if target.is_plain:
                    yield column, cast("object", cell("data")), []
                case "import_run":
                    yield column, "%s", [self.run.pk]
                case "import_id":
                    yield column, "%s", [self._prepared(field, self.run.public_id)]
                case "ended_at":
                    yield column, "NULL", []
                case _ if name in target.columns:
                    yield column, *value_of(target.columns[name], self.source)
                case _ if not new:
                    continue
                case "source":
                    yield column, "%s", [self.source]
                case "source_id":
                    yield column, "s.source_id", []
                case "public_id":
                    yield column, cast("uuid", "s.public_id"), []
                case _ if name in target.fixed:
                    yield column, "%s", [str(target.fixed[name])]
                case _ if getattr(field, "auto_now_add", False):
                    yield column, "%s", [self._prepared(field, self.now)]
                case _:
                    yield column, "%s", [self._prepared(field, field.get_default())]

    def _change(self, target: Target) -> None:
        values = list(self._values(target, new=False))
        settings = ", ".join(f'"{column}" = {expression}' for column, expression, _ in values)
        execute(
            f'UPDATE {table_of(target.model)} AS t SET {settings} FROM "{name_of(target.table)}" AS s '
            f"WHERE s.target_id = t.id AND s.action = 'change'{self._only(target)}",
            *(parameter for _, _, parameters in values for parameter in parameters),
        )

    def _add(self, target: Target) -> None:
        values = list(self._values(target, new=True))
        columns = ", ".join(f'"{column}"' for column, _, _ in values)
        expressions = ", ".join(expression for _, expression, _ in values)
        execute(
            f"INSERT INTO {table_of(target.model)} ({columns}) SELECT {expressions} "
            f"FROM \"{name_of(target.table)}\" AS s WHERE s.action = 'add'{self._only(target)} ORDER BY s.line",
            *(parameter for _, _, parameters in values for parameter in parameters),
        )

    def _end(self, target: Target) -> None:
        """Marks what is gone; nothing is deleted (ROST-27)."""
        table, staged = table_of(target.model), name_of(target.table)
        field = target.model._meta.get_field("ended_at")
        now = self._prepared(field, self.now)
        if self.stage.tables[target.table]:
            execute(
                f"UPDATE {table} AS t SET ended_at = %s, source_modified = {cast('moment', 's.modified')} "
                f"FROM \"{staged}\" AS s WHERE s.target_id = t.id AND s.action = 'end'{self._only(target)}",
                now,
            )
            return
        where, parameters = missing(target, self.source)
        remember(self.run, target.model, where, *parameters)
        execute(f"UPDATE {table} AS t SET ended_at = %s WHERE {where}", now, *parameters)

    # -- Organizations and sessions --------------------------------------------------------------

    def _find_home(self) -> int | None:
        """The home institution; on an empty database the first import's top org becomes it (contract, *Addresses*).

        Gives the organization below which other top orgs hang; None where the home itself hangs below another.
        """
        staged = name_of(Table.ORGS)
        parent = cell("parent")
        home = Organization.objects.filter(is_home=True).first()
        if home is None:
            top = select(
                f'SELECT t.id FROM {table_of(Organization)} t JOIN "{staged}" s ON {key_is("t", "s.source_id")} '
                f"WHERE {parent} = '' AND s.gone = 0 ORDER BY s.line LIMIT 1",
                self.source,
            )
            if not top:
                return None
            Organization.objects.filter(pk=top[0][0]).update(is_home=True)
            return int(top[0][0])
        above = select(f"SELECT 1 FROM \"{staged}\" s WHERE s.source_id = %s AND {parent} <> ''", home.source_id)
        return None if above and home.source == self.source else home.pk

    def _hang(self, model: type[models.Model], table: Table, top: int | None) -> None:
        parent = f"(SELECT r.id FROM {table_of(model)} r WHERE {key_is('r', cell('parent'))})"
        parameters: list[Any] = [self.source]
        if top is not None:
            parent = f"COALESCE({parent}, CASE WHEN t.id <> %s THEN %s END)"
            parameters += [top, top]
        execute(
            f'UPDATE {table_of(model)} AS t SET parent_id = {parent} FROM "{name_of(table)}" AS s '
            f"WHERE {key_is('t', 's.source_id')} AND s.action IN ('add', 'change')",
            *parameters,
            self.source,
        )

    def _sync_terms(self) -> None:
        scope = f"SELECT s.source_id FROM \"{name_of(Table.CLASSES)}\" s WHERE s.action IN ('add', 'change')"
        through = CourseSection.sessions.through
        self._sync(through, "coursesection_id", "academicsession_id", CourseSection, AcademicSession, TERMS, scope)

    def _sync(
        self,
        through: type[models.Model],
        owner: str,
        target: str,
        owners: type[models.Model],
        targets: type[models.Model],
        kind: str,
        scope: str,
        *,
        remove: bool = True,
    ) -> None:
        """Makes the links of the owners in scope what the file says; keeps what they were."""
        link, who, what = table_of(through), table_of(owners), table_of(targets)
        mine = f"SELECT o.id FROM {who} o WHERE o.source = %s AND NOT (o.source_id = '') AND o.source_id IN ({scope})"
        remember_links(self.run, through, owner, owners, mine, self.source)
        wanted = (
            f'SELECT 1 FROM "{LINKS}" k JOIN {who} o ON {key_is("o", "k.owner")} '
            f"JOIN {what} r ON {key_is('r', 'k.target')} WHERE k.kind = %s"
        )
        if remove:
            execute(
                f"DELETE FROM {link} AS t WHERE t.{owner} IN ({mine}) AND NOT EXISTS ({wanted} "
                f"AND o.id = t.{owner} AND r.id = t.{target})",
                self.source,
                self.source,
                self.source,
                kind,
            )
        execute(
            f'INSERT INTO {link} ({owner}, {target}) SELECT DISTINCT o.id, r.id FROM "{LINKS}" k '
            f"JOIN {who} o ON {key_is('o', 'k.owner')} JOIN {what} r ON {key_is('r', 'k.target')} "
            f"WHERE k.kind = %s AND k.owner IN ({scope}) AND NOT EXISTS "
            f"(SELECT 1 FROM {link} x WHERE x.{owner} = o.id AND x.{target} = r.id)",
            self.source,
            self.source,
            kind,
        )

    # -- People --------------------------------------------------------------------------------

    def _add_programs(self) -> None:
        """Programs are named by the people's extension column alone (B2)."""
        program = cell("program")
        new = select(
            f'SELECT {program}, MIN(s.line) FROM "{name_of(Table.USERS)}" s WHERE s.is_learner = 1 '
            f"AND s.action IN ('add', 'change') AND {program} <> '' AND NOT EXISTS "
            f"(SELECT 1 FROM {table_of(Program)} t WHERE {key_is('t', program)}) GROUP BY {program}",
            self.source,
        )
        Program.objects.bulk_create(
            Program(title=title, source=self.source, source_id=title, source_line=line, import_run=self.run)
            for title, line in new
        )

    def _link_people(self) -> None:
        """A8: a learner found by the master identifier takes the new key; another source's keeps its own."""
        users, learners = name_of(Table.USERS), table_of(Learner)
        identifiers = table_of(LearnerIdentifier)
        renamed = (
            f"(SELECT 1 FROM {learners} t WHERE t.id = s.target_id AND t.source = %s AND NOT EXISTS "
            f'(SELECT 1 FROM "{users}" o WHERE o.source_id = t.source_id))'
        )
        touched = f"SELECT s.target_id FROM \"{users}\" s WHERE s.action IN ('change', 'link') AND s.is_learner = 1"
        remember_links(self.run, LearnerIdentifier, "learner_id", Learner, touched)
        execute(
            f"INSERT INTO {identifiers} (learner_id, type, value, source) SELECT t.id, %s, t.source_id, %s "
            f"FROM {learners} t JOIN \"{users}\" s ON s.target_id = t.id WHERE s.action = 'link' AND EXISTS {renamed} "
            "ON CONFLICT DO NOTHING",
            ALIAS,
            self.source,
            self.source,
        )
        execute(
            f"INSERT INTO {identifiers} (learner_id, type, value, source) SELECT s.target_id, %s, s.source_id, %s "
            f"FROM \"{users}\" s WHERE s.action = 'link' AND NOT EXISTS {renamed} ON CONFLICT DO NOTHING",
            ALIAS,
            self.source,
            self.source,
        )
        execute(
            f"UPDATE \"{users}\" AS s SET action = 'change', modified = s.modified WHERE s.action = 'link' "
            f"AND EXISTS {renamed}",
            self.source,
        )
        execute(
            f'UPDATE {learners} AS t SET source_id = s.source_id FROM "{users}" AS s '
            "WHERE s.target_id = t.id AND s.action = 'change' AND t.source_id <> s.source_id AND t.source = %s",
            self.source,
        )

    def _move_promoted(self) -> None:
        """Somebody who was stored without a record and is a learner now: enrollments go along."""
        users, people = name_of(Table.USERS), table_of(RosterPerson)
        promoted = (
            f"SELECT p.id FROM {people} p WHERE p.source = %s AND p.ended_at IS NULL AND p.source_id IN "
            f'(SELECT u.source_id FROM "{users}" u WHERE u.is_learner = 1 AND u.gone = 0)'
        )
        if not select(f"{promoted} LIMIT 1", self.source):
            return
        remember(self.run, Enrollment, f"t.person_id IN ({promoted})", self.source)
        remember(self.run, RosterPerson, f"t.id IN ({promoted})", self.source)
        learner, parameters = learner_of("p.source_id", self.source)
        execute(
            f"UPDATE {table_of(Enrollment)} AS t SET learner_id = {learner}, person_id = NULL FROM {people} AS p "
            f"WHERE t.person_id = p.id AND p.id IN ({promoted})",
            *parameters,
            self.source,
        )
        now = self._prepared(RosterPerson._meta.get_field("ended_at"), self.now)
        execute(f"UPDATE {people} AS t SET ended_at = %s WHERE t.id IN ({promoted})", now, self.source)

    def _sync_identifiers(self) -> None:
        users, identifiers = name_of(Table.USERS), table_of(LearnerIdentifier)
        changed = f"SELECT s.target_id FROM \"{users}\" s WHERE s.action = 'change' AND s.is_learner = 1"
        mine = f"t.source = %s AND t.type <> %s AND t.learner_id IN ({changed})"
        execute(
            f'DELETE FROM {identifiers} AS t WHERE {mine} AND NOT EXISTS (SELECT 1 FROM "{LINKS}" k '
            f'JOIN "{users}" s ON s.source_id = k.owner WHERE k.kind = %s AND s.target_id = t.learner_id '
            "AND k.type = t.type AND k.target = t.value)",
            self.source,
            ALIAS,
            IDENTIFIER,
        )
        learner, parameters = learner_of("k.owner", self.source)
        execute(
            f"INSERT INTO {identifiers} (learner_id, type, value, source) SELECT {learner}, k.type, k.target, %s "
            f'FROM "{LINKS}" k JOIN "{users}" s ON s.source_id = k.owner WHERE k.kind = %s AND s.is_learner = 1 '
            "AND s.action IN ('add', 'change') ON CONFLICT DO NOTHING",
            *parameters,
            self.source,
            IDENTIFIER,
        )

    def _sync_organizations(self) -> None:
        scopes = []
        if Table.USERS in self.stage.tables:
            users = name_of(Table.USERS)
            scopes.append(
                f"SELECT s.source_id FROM \"{users}\" s WHERE s.is_learner = 1 AND s.action IN ('add', 'change')"
            )
        roles = Table.ROLES in self.stage.tables
        if roles:
            user = cell("user", "q")
            changed = f"SELECT {user} FROM \"{name_of(Table.ROLES)}\" q WHERE q.action IN ('add', 'change')"
            remember(
                self.run,
                Learner,
                f"t.source = %s AND NOT (t.source_id = '') AND t.source_id IN ({changed})",
                self.source,
            )
            scopes.append(changed)
        self._sync(
            Learner.organizations.through,
            "learner_id",
            "organization_id",
            Learner,
            Organization,
            ORGANIZATIONS,
            " UNION ".join(scopes),
            remove=self.stage.version == "1.1" or (roles and not self.stage.tables[Table.ROLES]),
        )

    def _set_birth_dates(self) -> None:
        """The one thing that is taken from demographics by default (ROST-28)."""
        staged = name_of(Table.DEMOGRAPHICS)
        birth = cast("date", cell("birth_date"))
        differs = f"{key_is('t', 's.source_id')} AND s.gone = 0 AND t.birth_date IS DISTINCT FROM {birth}"
        remember(self.run, Learner, f'EXISTS (SELECT 1 FROM "{staged}" s WHERE {differs})', self.source)
        execute(
            f'UPDATE {table_of(Learner)} AS t SET birth_date = {birth} FROM "{staged}" AS s WHERE {differs}',
            self.source,
        )

    def _set_scales(self) -> None:
        staged = name_of(Table.LINE_ITEM_SCORE_SCALES)
        scale = f"(SELECT r.id FROM {table_of(GradeScale)} r WHERE {key_is('r', cell('score_scale'))})"
        which = f"{key_is('t', cell('line_item'))} AND s.action IN ('add', 'change')"
        remember(self.run, LineItem, f'EXISTS (SELECT 1 FROM "{staged}" s WHERE {which})', self.source)
        execute(
            f'UPDATE {table_of(LineItem)} AS t SET grade_scale_id = {scale} FROM "{staged}" AS s WHERE {which}',
            self.source,
            self.source,
        )

    # -- History -------------------------------------------------------------------------------

    def _write_history(self, model: type[models.Model]) -> None:
        """Former names and the like stay readable (A8): one line of history for each row added or changed."""
        history = model.history.model  # type: ignore[attr-defined]
        tracked = {field.column for field in history._meta.local_concrete_fields}
        columns = ", ".join(f'"{name}"' for name in columns_of(model) if name in tracked)
        values = ", ".join(f't."{name}"' for name in columns_of(model) if name in tracked)
        changes, label = table_of(ImportChange), model._meta.label_lower
        before = f'(SELECT 1 FROM {changes} c WHERE c.run_id = %s AND c.model = %s AND c."row" = t.id)'
        if model is Organization:
            mine, key = "t.import_id = %s", self._prepared(model._meta.get_field("import_id"), self.run.public_id)
        else:
            mine, key = "t.import_run_id = %s", self.run.pk
        execute(
            f"INSERT INTO {table_of(history)} ({columns}, history_date, history_change_reason, history_type, "
            f"history_user_id) SELECT {values}, %s, %s, CASE WHEN EXISTS {before} THEN '~' ELSE '+' END, %s "
            f"FROM {table_of(model)} AS t WHERE {mine} OR t.id IN "
            f'(SELECT c."row" FROM {changes} c WHERE c.run_id = %s AND c.model = %s)',
            self._prepared(history._meta.get_field("history_date"), self.now),
            f"import {self.run.public_id}",
            self.run.pk,
            label,
            self.run.created_by_id,
            key,
            self.run.pk,
            label,
        )
