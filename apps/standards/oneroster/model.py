"""The tables of OneRoster 1.1 and 1.2: one description of each column, from which reading and checking follow.

Wire names stand here alone; everybody else says `Column.field`, the same name in our own spelling
(`parentSourcedId` → `parent`, `termSourcedIds` → `terms`, `givenName` → `given_name`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

VERSIONS = ("1.1", "1.2")
MODES = ("absent", "bulk", "delta")
MANIFEST = "manifest.csv"
EXTENSION_PREFIX = "metadata."

SHORT_TEXT = 255
TEXT = 1_024
LONG_TEXT = 8_192
CELL = 65_536  # SEC-29


class Table(StrEnum):
    """The tables, by the name of their file without `.csv`, in the order in which references can be checked."""

    ORGS = "orgs"
    ACADEMIC_SESSIONS = "academicSessions"
    COURSES = "courses"
    CLASSES = "classes"
    USERS = "users"
    USER_PROFILES = "userProfiles"
    ROLES = "roles"
    DEMOGRAPHICS = "demographics"
    ENROLLMENTS = "enrollments"
    CATEGORIES = "categories"
    SCORE_SCALES = "scoreScales"
    LINE_ITEMS = "lineItems"
    RESULTS = "results"
    LINE_ITEM_SCORE_SCALES = "lineItemScoreScales"
    RESULT_SCORE_SCALES = "resultScoreScales"
    LINE_ITEM_OBJECTIVES = "lineItemLearningObjectiveIds"
    RESULT_OBJECTIVES = "resultLearningObjectiveIds"
    RESOURCES = "resources"
    CLASS_RESOURCES = "classResources"
    COURSE_RESOURCES = "courseResources"
    USER_RESOURCES = "userResources"

    @property
    def file_name(self) -> str:
        """Name of its file in a bundle."""
        return f"{self.value}.csv"


class Kind(StrEnum):
    """What a cell may hold (digest, A3)."""

    GUID = "guid"
    GUIDS = "guids"
    NAME = "name"
    TEXT = "text"
    TEXTS = "texts"
    TYPED_IDS = "typed ids"
    SCALE = "scale"
    DATE = "date"
    DATE_OR_TIME = "date or time"
    DATETIME = "datetime"
    YEAR = "year"
    BOOLEAN = "boolean"
    NUMBER = "number"
    WORD = "word"
    CASE_ITEM = "case item"
    UNREAD = "unread"


@dataclass(frozen=True)
class Column:
    """One column: its wire name, what it may hold, and whether a value is demanded."""

    wire: str
    kind: Kind
    required: bool = False
    target: Table | None = None
    allowed: tuple[str, ...] = ()
    own_values: bool = False
    limit: int = TEXT
    sensitive: bool = False

    @cached_property
    def field(self) -> str:
        """The column's name in our own spelling."""
        if self.wire == "sourcedId":
            return "source_id"
        if self.wire == "gradingPeriodSourcedId":  # the 1.1 name of the same thing
            return "academic_session"
        name = re.sub(r"SourcedId(s?)$", r"\1", self.wire)
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@dataclass(frozen=True)
class Order:
    """Two columns of which the second may not be less than the first."""

    low: str
    high: str
    code: str


@dataclass(frozen=True)
class TableForm:
    """One table in one version."""

    table: Table
    columns: tuple[Column, ...]
    orders: tuple[Order, ...] = ()
    id_target: Table | None = None
    """Where the row's own identifier is at the same time that of a row of another table."""
    parent: str = ""
    """Wire name of the column whose references may form no ring."""
    graded_needs: tuple[str, ...] = ()
    """Wire names of which one must have a value where the result is fully graded."""
    paired_lists: tuple[str, str] | None = None
    former_names: dict[str, str] = field(default_factory=dict)
    """Wire name → its name in OneRoster 1.0, for the hint."""

    @cached_property
    def by_wire(self) -> dict[str, Column]:
        """The columns after the common three, by wire name."""
        return {column.wire: column for column in self.columns}


SOURCED_ID = Column("sourcedId", Kind.GUID, required=True)
STATUS = Column("status", Kind.WORD, allowed=("active", "tobedeleted"))
MODIFIED = Column("dateLastModified", Kind.DATETIME)
COMMON = (SOURCED_ID, STATUS, MODIFIED)
ENDED = "tobedeleted"
STUDENT = "student"
PRIMARY = "primary"
GRADED = "fully graded"
CASE_SOURCE = "case"


# How a line below reads: `_guid("orgSourcedId", Table.ORGS, "!")` is a demanded reference to orgs.


def _guid(wire: str, target: Table | None = None, mark: str = "") -> Column:
    return Column(wire, Kind.GUID, required=mark == "!", target=target, limit=SHORT_TEXT)


def _guids(wire: str, target: Table, mark: str = "") -> Column:
    return Column(wire, Kind.GUIDS, required=mark == "!", target=target, limit=CELL)


def _name(wire: str, mark: str = "", limit: int = SHORT_TEXT) -> Column:
    return Column(wire, Kind.NAME, required=mark == "!", limit=limit)


def _text(wire: str, mark: str = "", limit: int = TEXT) -> Column:
    return Column(wire, Kind.TEXT, required=mark == "!", limit=limit)


def _short(wire: str, mark: str = "") -> Column:
    return _text(wire, mark, SHORT_TEXT)


def _texts(wire: str) -> Column:
    return Column(wire, Kind.TEXTS, limit=CELL)


def _of(wire: str, kind: Kind, mark: str = "", *, sensitive: bool = False) -> Column:
    return Column(wire, kind, required=mark == "!", sensitive=sensitive)


def _word(wire: str, allowed: str, mark: str = "", *, own: bool = False, sensitive: bool = False) -> Column:
    words = tuple(word.strip() for word in allowed.split("|"))
    return Column(wire, Kind.WORD, required=mark == "!", allowed=words, own_values=own, sensitive=sensitive, limit=64)


def _forms(version: str) -> dict[Table, TableForm]:
    """All tables of a version (digest, A5); columns in the standard's order."""
    new = version == "1.2"
    T = Table
    dates = Order("beginDate", "endDate", "row.date_order")

    def form(table: Table, *columns: Column | None, **more: object) -> TableForm:
        return TableForm(table, tuple(column for column in columns if column), **more)  # type: ignore[arg-type]

    def since_12(column: Column) -> Column | None:
        return column if new else None

    if new:
        users = form(
            T.USERS,
            _of("enabledUser", Kind.BOOLEAN, "!"),
            _name("username", "!"),
            Column("userIds", Kind.TYPED_IDS, limit=CELL),
            _name("givenName", "!"),
            _name("familyName", "!"),
            _name("middleName"),
            _short("identifier"),
            _short("email"),
            _short("sms"),
            _short("phone"),
            _guids("agentSourcedIds", T.USERS),
            _texts("grades"),
            _of("password", Kind.UNREAD),
            _short("userMasterIdentifier"),
            _name("preferredGivenName"),
            _name("preferredMiddleName"),
            _name("preferredFamilyName"),
            _guid("primaryOrgSourcedId", T.ORGS),
            _short("pronouns"),
        )
    else:
        users = form(
            T.USERS,
            _of("enabledUser", Kind.BOOLEAN, "!"),
            _guids("orgSourcedIds", T.ORGS, "!"),
            _word("role", "administrator|aide|guardian|parent|proctor|relative|student|teacher", "!"),
            _name("username", "!"),
            Column("userIds", Kind.TYPED_IDS, limit=CELL),
            _name("givenName", "!"),
            _name("familyName", "!"),
            _name("middleName"),
            _short("identifier"),
            _short("email"),
            _short("sms"),
            _short("phone"),
            _guids("agentSourcedIds", T.USERS),
            _texts("grades"),
            _of("password", Kind.UNREAD),
        )

    races = [
        "americanIndianOrAlaskaNative",
        "asian",
        "blackOrAfricanAmerican",
        "nativeHawaiianOrOtherPacificIslander",
        "white",
        "demographicRaceTwoOrMoreRaces",
        "hispanicOrLatinoEthnicity",
    ]
    births = ["countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth", "publicSchoolResidenceStatus"]
    statuses = "exempt|fully graded|not submitted|partially graded|submitted"
    forms = [
        form(
            T.ORGS,
            _name("name", "!", TEXT),
            _word("type", "department|school|district|local|state|national", "!", own=new),
            _short("identifier"),
            _guid("parentSourcedId", T.ORGS),
            parent="parentSourcedId",
        ),
        form(
            T.ACADEMIC_SESSIONS,
            _text("title", "!"),
            _word("type", "gradingPeriod|semester|schoolYear|term", "!", own=new),
            _of("startDate", Kind.DATE, "!"),
            _of("endDate", Kind.DATE, "!"),
            _guid("parentSourcedId", T.ACADEMIC_SESSIONS),
            _of("schoolYear", Kind.YEAR, "!"),
            orders=(Order("startDate", "endDate", "row.date_order"),),
            parent="parentSourcedId",
        ),
        form(
            T.COURSES,
            _guid("schoolYearSourcedId", T.ACADEMIC_SESSIONS),
            _text("title", "!"),
            _short("courseCode"),
            _texts("grades"),
            _guid("orgSourcedId", T.ORGS, "!"),
            _texts("subjects"),
            _texts("subjectCodes"),
            paired_lists=("subjects", "subjectCodes"),
        ),
        form(
            T.CLASSES,
            _text("title", "!"),
            _texts("grades"),
            _guid("courseSourcedId", T.COURSES, "!"),
            _short("classCode"),
            _word("classType", "homeroom|scheduled", "!", own=new),
            _text("location"),
            _guid("schoolSourcedId", T.ORGS, "!"),
            _guids("termSourcedIds", T.ACADEMIC_SESSIONS, "!"),
            _texts("subjects"),
            _texts("subjectCodes"),
            _texts("periods"),
            paired_lists=("subjects", "subjectCodes"),
        ),
        users,
        form(
            T.DEMOGRAPHICS,
            _of("birthDate", Kind.DATE),
            _word("sex", "male|female|unspecified|other" if new else "male|female", own=new, sensitive=True),
            *(_of(wire, Kind.BOOLEAN, sensitive=True) for wire in races),
            *(Column(wire, Kind.TEXT, sensitive=True, limit=SHORT_TEXT) for wire in births),
            id_target=T.USERS,
            former_names={"sourcedId": "userSourcedId"},
        ),
        form(
            T.ENROLLMENTS,
            _guid("classSourcedId", T.CLASSES, "!"),
            _guid("schoolSourcedId", T.ORGS, "!"),
            _guid("userSourcedId", T.USERS, "!"),
            _word("role", "administrator|proctor|student|teacher", "!", own=new),
            _of("primary", Kind.BOOLEAN),
            _of("beginDate", Kind.DATE),
            _of("endDate", Kind.DATE),
            orders=(dates,),
        ),
        form(T.CATEGORIES, _text("title", "!"), since_12(_of("weight", Kind.NUMBER))),
        form(
            T.LINE_ITEMS,
            _text("title", "!"),
            _text("description", "", LONG_TEXT),
            _of("assignDate", Kind.DATE_OR_TIME, "!"),
            _of("dueDate", Kind.DATE_OR_TIME, "!"),
            _guid("classSourcedId", T.CLASSES, "!"),
            _guid("categorySourcedId", T.CATEGORIES, "!"),
            _guid("academicSessionSourcedId" if new else "gradingPeriodSourcedId", T.ACADEMIC_SESSIONS, "!"),
            _of("resultValueMin", Kind.NUMBER, "" if new else "!"),
            _of("resultValueMax", Kind.NUMBER, "" if new else "!"),
            since_12(_guid("schoolSourcedId", T.ORGS, "!")),
            orders=(Order("resultValueMin", "resultValueMax", "row.range"),),
        ),
        form(
            T.RESULTS,
            _guid("lineItemSourcedId", T.LINE_ITEMS, "!"),
            _guid("studentSourcedId", T.USERS, "!"),
            _word("scoreStatus", statuses, "!", own=new),
            _of("score", Kind.NUMBER),
            _of("scoreDate", Kind.DATE, "!"),
            _text("comment", "", LONG_TEXT),
            since_12(_short("textScore")),
            since_12(_guid("classSourcedId", T.CLASSES)),
            *(since_12(_of(wire, Kind.BOOLEAN)) for wire in ("inProgress", "incomplete", "late", "missing")),
            graded_needs=("score", "textScore") if new else ("score",),
        ),
        form(
            T.RESOURCES,
            _short("vendorResourceId", "!"),
            _text("title"),
            _texts("roles"),
            _word("importance", "primary|secondary"),
            _short("vendorId"),
            _short("applicationId"),
        ),
        form(
            T.CLASS_RESOURCES,
            _text("title"),
            _guid("classSourcedId", T.CLASSES, "!"),
            _guid("resourceSourcedId", T.RESOURCES, "!"),
        ),
        form(
            T.COURSE_RESOURCES,
            _text("title"),
            _guid("courseSourcedId", T.COURSES, "!"),
            _guid("resourceSourcedId", T.RESOURCES, "!"),
        ),
    ]
    if new:
        roles = (
            "aide|counselor|districtAdministrator|guardian|parent|principal|proctor|relative|siteAdministrator|"
            "student|systemAdministrator|teacher"
        )
        forms += [
            form(
                T.USER_PROFILES,
                _guid("userSourcedId", T.USERS, "!"),
                _text("profileType", "!"),
                _short("vendorId", "!"),
                _short("applicationId"),
                _text("description", "", LONG_TEXT),
                _text("credentialType", "!"),
                _name("username", "!"),
                _of("password", Kind.UNREAD),
            ),
            form(
                T.ROLES,
                _guid("userSourcedId", T.USERS, "!"),
                _word("roleType", "primary|secondary", "!"),
                _word("role", roles, "!", own=True),
                _of("beginDate", Kind.DATE),
                _of("endDate", Kind.DATE),
                _guid("orgSourcedId", T.ORGS, "!"),
                _guid("userProfileSourcedId", T.USER_PROFILES),
                orders=(dates,),
            ),
            form(
                T.SCORE_SCALES,
                _text("title", "!"),
                _short("type", "!"),
                _guid("orgSourcedId", T.ORGS, "!"),
                _guid("courseSourcedId", T.COURSES, "!"),
                _guid("classSourcedId", T.CLASSES, "!"),
                Column("scoreScaleValue", Kind.SCALE, required=True, limit=CELL),
            ),
            form(
                T.LINE_ITEM_SCORE_SCALES,
                _text("title"),
                _guid("lineItemSourcedId", T.LINE_ITEMS, "!"),
                _guid("scoreScaleSourcedId", T.SCORE_SCALES, "!"),
            ),
            form(
                T.RESULT_SCORE_SCALES,
                _text("title"),
                _guid("resultSourcedId", T.RESULTS, "!"),
                _guid("scoreScaleSourcedId", T.SCORE_SCALES, "!"),
            ),
            form(
                T.LINE_ITEM_OBJECTIVES,
                _guid("lineItemSourcedId", T.LINE_ITEMS, "!"),
                _word("source", "case|unknown", "!", own=True),
                Column("learningObjectiveId", Kind.CASE_ITEM, required=True, limit=SHORT_TEXT),
            ),
            form(
                T.RESULT_OBJECTIVES,
                _guid("resultSourcedId", T.RESULTS, "!"),
                _word("source", "case|unknown", "!", own=True),
                Column("learningObjectiveId", Kind.CASE_ITEM, required=True, limit=SHORT_TEXT),
                _of("score", Kind.NUMBER),
                _short("textScore"),
            ),
            form(
                T.USER_RESOURCES,
                _guid("userSourcedId", T.USERS, "!"),
                _guid("orgSourcedId", T.ORGS),
                _guid("classSourcedId", T.CLASSES),
                _guid("resourceSourcedId", T.RESOURCES, "!"),
            ),
        ]
    found = {item.table: item for item in forms}
    return {table: found[table] for table in Table if table in found}


FORMS: dict[str, dict[Table, TableForm]] = {version: _forms(version) for version in VERSIONS}
"""Version → table → its form, tables in the order in which references can be checked."""
