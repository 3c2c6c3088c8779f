"""Which table of the student system goes into which of ours, column by column. The SQL follows from it.

A `Target` lists, for each column of a model, the cell that fills it and how the text of the cell becomes a value of
the database. Columns that no cell fills keep the model's default when a row is added, and are left alone when it
is changed: what people edited here stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import models

from apps.institution.models import Organization
from apps.learners.models import (
    AcademicSession,
    Course,
    CourseResult,
    CourseSection,
    Enrollment,
    GradeScale,
    Learner,
    LearningObjective,
    LineItem,
    LineItemCategory,
    Program,
    RosterPerson,
    SourceRow,
)
from apps.standards.oneroster.model import Table


@dataclass(frozen=True)
class From:
    """Where a column's value comes from: `kind` says how the cell's text is read."""

    kind: str
    cell: str
    model: type[models.Model] | None = None


def text(cell: str) -> From:
    """The cell as it is."""
    return From("text", cell)


def day(cell: str) -> From:
    """A calendar day or nothing."""
    return From("date", cell)


def moment(cell: str) -> From:
    """A moment in UTC or nothing."""
    return From("moment", cell)


def number(cell: str) -> From:
    """A decimal number or nothing."""
    return From("number", cell)


def integer(cell: str) -> From:
    """A whole number."""
    return From("integer", cell)


def bit(cell: str) -> From:
    """Yes, no, or nothing."""
    return From("bit", cell)


def listed(cell: str) -> From:
    """A list, kept as JSON."""
    return From("json", cell)


def to(model: type[models.Model], cell: str) -> From:
    """A row of another table of the same source."""
    return From("reference", cell, model)


def learner(cell: str) -> From:
    """The learner of that key, also under an alias or after a merge."""
    return From("learner", cell)


def other_person(cell: str) -> From:
    """The person without a record of that key, unless it is a learner's."""
    return From("other person", cell)


@dataclass(frozen=True)
class Target:
    """One table of the student system and the model that keeps its rows."""

    table: Table
    model: type[models.Model]
    columns: dict[str, From] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    """Columns with one value for all rows; together with the source key they tell the rows of this table apart."""
    apart: str = ""
    """SQL condition on the stored row `t` that tells this table's rows from others of the model."""
    only: str = ""
    """SQL condition on the staged row `s`."""
    parent: bool = False
    """Whether rows hang below each other by the cell `parent`."""

    @property
    def is_plain(self) -> bool:
        """Whether the row is merely kept, as JSON."""
        return self.model is SourceRow


T = Table

LEARNERS = Target(
    T.USERS,
    Learner,
    {
        "given_name": text("given_name"),
        "additional_name": text("middle_name"),
        "family_name": text("family_name"),
        "preferred_given_name": text("preferred_given_name"),
        "preferred_middle_name": text("preferred_middle_name"),
        "preferred_family_name": text("preferred_family_name"),
        "pronouns": text("pronouns"),
        "student_id": text("identifier"),
        "master_identifier": text("user_master_identifier"),
        "email": text("email"),
        "telephone": text("telephone"),
        "program": to(Program, "program"),
        "search_text": text("search_text"),
        "sort_name": text("sort_name"),
    },
    only="s.is_learner = 1",
)
OTHER_PEOPLE = Target(
    T.USERS,
    RosterPerson,
    {
        "given_name": text("given_name"),
        "additional_name": text("middle_name"),
        "family_name": text("family_name"),
        "email": text("email"),
        "role": text("role"),
    },
    only="s.is_learner = 0",
)

TARGETS: tuple[Target, ...] = (
    Target(
        T.ORGS,
        Organization,
        {"name": text("name"), "kind": text("type"), "identifiers": listed("identifiers")},
        parent=True,
    ),
    Target(
        T.ACADEMIC_SESSIONS,
        AcademicSession,
        {
            "title": text("title"),
            "type": text("type"),
            "start_date": day("start_date"),
            "end_date": day("end_date"),
            "school_year": integer("school_year"),
        },
        parent=True,
    ),
    Target(
        T.COURSES,
        Course,
        {
            "title": text("title"),
            "code": text("course_code"),
            "organization": to(Organization, "org"),
            "school_year": to(AcademicSession, "school_year"),
            "subjects": listed("subjects"),
            "subject_codes": listed("subject_codes"),
            "grades": listed("grades"),
            "level": text("level"),
            "credits": number("credits"),
            "credit_unit": text("credit_unit"),
        },
    ),
    Target(
        T.CLASSES,
        CourseSection,
        {
            "title": text("title"),
            "code": text("class_code"),
            "type": text("class_type"),
            "location": text("location"),
            "course": to(Course, "course"),
            "organization": to(Organization, "school"),
            "subjects": listed("subjects"),
            "grades": listed("grades"),
            "periods": listed("periods"),
        },
    ),
    LEARNERS,
    OTHER_PEOPLE,
    Target(T.USER_PROFILES, SourceRow, fixed={"table": T.USER_PROFILES}),
    Target(T.ROLES, SourceRow, fixed={"table": T.ROLES}),
    Target(T.DEMOGRAPHICS, SourceRow, fixed={"table": T.DEMOGRAPHICS}),
    Target(
        T.ENROLLMENTS,
        Enrollment,
        {
            "section": to(CourseSection, "class"),
            "organization": to(Organization, "school"),
            "learner": learner("user"),
            "person": other_person("user"),
            "role": text("role"),
            "primary": bit("primary"),
            "begin_date": day("begin_date"),
            "end_date": day("end_date"),
        },
    ),
    Target(T.CATEGORIES, LineItemCategory, {"title": text("title"), "weight": number("weight")}),
    Target(
        T.SCORE_SCALES,
        GradeScale,
        {
            "title": text("title"),
            "type": text("type"),
            "organization": to(Organization, "org"),
            "course": to(Course, "course"),
            "section": to(CourseSection, "class"),
            "values": listed("score_scale_value"),
        },
    ),
    Target(
        T.LINE_ITEMS,
        LineItem,
        {
            "title": text("title"),
            "description": text("description"),
            "section": to(CourseSection, "class"),
            "category": to(LineItemCategory, "category"),
            "session": to(AcademicSession, "academic_session"),
            "assign_date": moment("assign_date"),
            "due_date": moment("due_date"),
            "value_min": number("result_value_min"),
            "value_max": number("result_value_max"),
        },
    ),
    Target(
        T.RESULTS,
        CourseResult,
        {
            "line_item": to(LineItem, "line_item"),
            "learner": learner("student"),
            "score_status": text("score_status"),
            "score": number("score"),
            "text_score": text("letter"),
            "score_date": day("score_date"),
            "comment": text("comment"),
            "in_progress": bit("in_progress"),
            "incomplete": bit("incomplete"),
            "late": bit("late"),
            "missing": bit("missing"),
        },
    ),
    Target(T.LINE_ITEM_SCORE_SCALES, SourceRow, fixed={"table": T.LINE_ITEM_SCORE_SCALES}),
    Target(T.RESULT_SCORE_SCALES, SourceRow, fixed={"table": T.RESULT_SCORE_SCALES}),
    Target(
        T.LINE_ITEM_OBJECTIVES,
        LearningObjective,
        {
            "line_item": to(LineItem, "line_item"),
            "objective_source": text("source"),
            "objective_id": text("learning_objective_id"),
        },
        apart="t.line_item_id IS NOT NULL",
    ),
    Target(
        T.RESULT_OBJECTIVES,
        LearningObjective,
        {
            "result": to(CourseResult, "result"),
            "objective_source": text("source"),
            "objective_id": text("learning_objective_id"),
            "score": number("score"),
            "text_score": text("text_score"),
        },
        apart="t.result_id IS NOT NULL",
    ),
    Target(T.RESOURCES, SourceRow, fixed={"table": T.RESOURCES}),
    Target(T.CLASS_RESOURCES, SourceRow, fixed={"table": T.CLASS_RESOURCES}),
    Target(T.COURSE_RESOURCES, SourceRow, fixed={"table": T.COURSE_RESOURCES}),
    Target(T.USER_RESOURCES, SourceRow, fixed={"table": T.USER_RESOURCES}),
)
"""In the order in which rows can be added: what is referred to comes first."""

EXTENSIONS: dict[Table, dict[str, tuple[str, str]]] = {
    T.COURSES: {
        "credits": ("credits", "number"),
        "credit_unit": ("credit_unit", "short"),
        "level": ("level", "text"),
    },
    T.USERS: {"program": ("program", "text")},
    T.RESULTS: {
        "letter_grade": ("letter", "text"),
        "grade_points": ("", "number"),
        "credits_attempted": ("", "number"),
        "credits_earned": ("", "number"),
    },
}
"""Table → meaning in the policy's `metadata_names` → the cell it fills (empty: kept with the row) and its rule (B2)."""


def targets_of(table: Table) -> list[Target]:
    """The models that keep this table's rows."""
    return [target for target in TARGETS if target.table is table]
