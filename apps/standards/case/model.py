"""The classes of a CASE package as they travel (CASE 1.1; 1.0 is a subset), frozen, unknown properties kept.

Each class has a table ``PROPERTIES`` that ties the wire name to the Python name and to the kind of value.
``read`` and ``write`` walk these tables, so that a property is spelt in this file alone. Values are kept code
point for code point; dates and times stay text (see ``moment``). ``rest`` holds what the tables do not name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, ClassVar

#: Tokens of associationType that CASE defines (C3); ``isTranslationOf`` came with 1.1.
ASSOCIATION_TYPES = (
    "isChildOf",
    "isPartOf",
    "isPeerOf",
    "precedes",
    "exactMatchOf",
    "isRelatedTo",
    "replacedBy",
    "exemplar",
    "hasSkillLevel",
    "isTranslationOf",
)
OWN_TOKEN = re.compile(r"ext:[A-Za-z0-9._-]+\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))\Z"
)

NO_PROPERTIES: Mapping[str, Any] = {}


class Kind(Enum):
    """What the value of a property must be."""

    TEXT = "a text"
    STATEMENT = "a text of at most 64 KiB"
    IDENTIFIER = "a UUID"
    ANY_IDENTIFIER = "a text that identifies"
    URI = "an address beginning with http:, https: or urn:"
    END_URI = "an absolute URI"
    DATE = "a date as YYYY-MM-DD"
    MOMENT = "a date and time with offset, as 2026-03-01T09:00:00+00:00"
    INTEGER = "a whole number"
    NUMBER = "a number"
    TEXTS = "a list of texts"
    LINK = "an object with title, identifier and uri"
    LINKS = "a list of objects with title, identifier and uri"
    END = "an object with title, identifier and uri "
    ASSOCIATION_TYPE = "one of the association types"
    TARGET_TYPE = "CASE or ext: and a token"
    VERSION = "1.1"
    OBJECT = "an object"


@dataclass(frozen=True, slots=True)
class Property:
    """One property: its name on the wire, its name here, its kind; ``since`` 1.1 for the newer ones."""

    wire: str
    name: str
    kind: Kind
    required: bool = False
    since: str = "1.0"


def _required(*entries: tuple[str, str, Kind]) -> tuple[Property, ...]:
    return tuple(Property(wire, name, kind, required=True) for wire, name, kind in entries)


def _optional(*entries: tuple[str, str, Kind]) -> tuple[Property, ...]:
    return tuple(Property(wire, name, kind) for wire, name, kind in entries)


def _newer(*entries: tuple[str, str, Kind]) -> tuple[Property, ...]:
    return tuple(Property(wire, name, kind, since="1.1") for wire, name, kind in entries)


_IDENTITY = _required(
    ("identifier", "identifier", Kind.IDENTIFIER),
    ("uri", "uri", Kind.URI),
    ("lastChangeDateTime", "last_change", Kind.MOMENT),
)
_STATUS_DATES = _optional(
    ("statusStartDate", "status_start", Kind.DATE),
    ("statusEndDate", "status_end", Kind.DATE),
)


@dataclass(frozen=True, slots=True)
class LinkURI:
    """A reference to another thing; at the ends of an association the identifier is any text (LinkGenURI)."""

    PROPERTIES: ClassVar[tuple[Property, ...]] = _required(
        ("title", "title", Kind.TEXT),
        ("identifier", "identifier", Kind.IDENTIFIER),
        ("uri", "uri", Kind.URI),
    )
    END_PROPERTIES: ClassVar[tuple[Property, ...]] = _required(
        ("title", "title", Kind.TEXT),
        ("identifier", "identifier", Kind.ANY_IDENTIFIER),
        ("uri", "uri", Kind.END_URI),
    ) + _newer(("targetType", "target_type", Kind.TARGET_TYPE))

    title: str
    identifier: str
    uri: str
    target_type: str | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CFDocument:
    """The framework itself: who made it, which version, under which licence."""

    PROPERTIES: ClassVar[tuple[Property, ...]] = (
        _IDENTITY
        + _required(("creator", "creator", Kind.TEXT), ("title", "title", Kind.TEXT))
        + _optional(
            ("officialSourceURL", "official_source", Kind.URI),
            ("publisher", "publisher", Kind.TEXT),
            ("description", "description", Kind.TEXT),
            ("subject", "subject", Kind.TEXTS),
            ("subjectURI", "subject_links", Kind.LINKS),
            ("language", "language", Kind.TEXT),
            ("version", "version", Kind.TEXT),
            ("adoptionStatus", "adoption_status", Kind.TEXT),
            ("licenseURI", "licence", Kind.LINK),
            ("notes", "notes", Kind.TEXT),
        )
        + _STATUS_DATES
        + _newer(
            ("frameworkType", "framework_type", Kind.TEXT),
            ("caseVersion", "case_version", Kind.VERSION),
            ("extensions", "extensions", Kind.OBJECT),
        )
    )

    identifier: str
    uri: str
    last_change: str
    creator: str
    title: str
    official_source: str | None = None
    publisher: str | None = None
    description: str | None = None
    subject: tuple[str, ...] | None = None
    subject_links: tuple[LinkURI, ...] | None = None
    language: str | None = None
    version: str | None = None
    adoption_status: str | None = None
    licence: LinkURI | None = None
    notes: str | None = None
    status_start: str | None = None
    status_end: str | None = None
    framework_type: str | None = None
    case_version: str | None = None
    extensions: Any = None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CFItem:
    """One statement of the framework: an area, a competency, a standard, an indicator."""

    PROPERTIES: ClassVar[tuple[Property, ...]] = (
        _IDENTITY
        + _required(("fullStatement", "full_statement", Kind.STATEMENT))
        + _optional(
            ("alternativeLabel", "alternative_label", Kind.TEXT),
            ("CFItemType", "item_type", Kind.TEXT),
            ("CFItemTypeURI", "item_type_link", Kind.LINK),
            ("humanCodingScheme", "human_coding_scheme", Kind.TEXT),
            ("listEnumeration", "list_enumeration", Kind.TEXT),
            ("abbreviatedStatement", "abbreviated_statement", Kind.TEXT),
            ("conceptKeywords", "concept_keywords", Kind.TEXTS),
            ("conceptKeywordsURI", "concept_keywords_link", Kind.LINK),
            ("notes", "notes", Kind.TEXT),
            ("language", "language", Kind.TEXT),
            ("educationLevel", "education_level", Kind.TEXTS),
            ("licenseURI", "licence", Kind.LINK),
        )
        + _STATUS_DATES
        + _newer(
            ("subject", "subject", Kind.TEXTS),
            ("subjectURI", "subject_links", Kind.LINKS),
            ("extensions", "extensions", Kind.OBJECT),
        )
    )

    identifier: str
    uri: str
    last_change: str
    full_statement: str
    alternative_label: str | None = None
    item_type: str | None = None
    item_type_link: LinkURI | None = None
    human_coding_scheme: str | None = None
    list_enumeration: str | None = None
    abbreviated_statement: str | None = None
    concept_keywords: tuple[str, ...] | None = None
    concept_keywords_link: LinkURI | None = None
    notes: str | None = None
    language: str | None = None
    education_level: tuple[str, ...] | None = None
    licence: LinkURI | None = None
    status_start: str | None = None
    status_end: str | None = None
    subject: tuple[str, ...] | None = None
    subject_links: tuple[LinkURI, ...] | None = None
    extensions: Any = None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CFAssociation:
    """``origin`` *type* ``destination``, read in this direction (C3)."""

    PROPERTIES: ClassVar[tuple[Property, ...]] = (
        _IDENTITY
        + _required(
            ("associationType", "association_type", Kind.ASSOCIATION_TYPE),
            ("originNodeURI", "origin", Kind.END),
            ("destinationNodeURI", "destination", Kind.END),
        )
        + _optional(
            ("sequenceNumber", "sequence_number", Kind.INTEGER),
            ("CFAssociationGroupingURI", "grouping", Kind.LINK),
        )
        + _newer(("notes", "notes", Kind.TEXT), ("extensions", "extensions", Kind.OBJECT))
    )

    identifier: str
    uri: str
    last_change: str
    association_type: str
    origin: LinkURI
    destination: LinkURI
    sequence_number: int | None = None
    grouping: LinkURI | None = None
    notes: str | None = None
    extensions: Any = None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CFRubricCriterionLevel:
    """One column of a rubric's row."""

    PROPERTIES: ClassVar[tuple[Property, ...]] = (
        _IDENTITY
        + _optional(
            ("description", "description", Kind.TEXT),
            ("quality", "quality", Kind.TEXT),
            ("score", "score", Kind.NUMBER),
            ("feedback", "feedback", Kind.TEXT),
            ("position", "position", Kind.INTEGER),
            ("rubricCriterionId", "criterion_identifier", Kind.IDENTIFIER),
        )
        + _newer(("extensions", "extensions", Kind.OBJECT))
    )

    identifier: str
    uri: str
    last_change: str
    description: str | None = None
    quality: str | None = None
    score: float | int | None = None
    feedback: str | None = None
    position: int | None = None
    criterion_identifier: str | None = None
    extensions: Any = None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CFRubricCriterion:
    """One row of a rubric, tied to an item of the framework or not."""

    PROPERTIES: ClassVar[tuple[Property, ...]] = (
        _IDENTITY
        + _optional(
            ("category", "category", Kind.TEXT),
            ("description", "description", Kind.TEXT),
            ("CFItemURI", "item", Kind.LINK),
            ("weight", "weight", Kind.NUMBER),
            ("position", "position", Kind.INTEGER),
            ("rubricId", "rubric_identifier", Kind.IDENTIFIER),
        )
        + _newer(("extensions", "extensions", Kind.OBJECT))
    )
    PARTS: ClassVar[tuple[str, str]] = ("CFRubricCriterionLevels", "levels")

    identifier: str
    uri: str
    last_change: str
    category: str | None = None
    description: str | None = None
    item: LinkURI | None = None
    weight: float | int | None = None
    position: int | None = None
    rubric_identifier: str | None = None
    levels: tuple[CFRubricCriterionLevel, ...] = ()
    extensions: Any = None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CFRubric:
    """A rubric: criteria, each with levels."""

    PROPERTIES: ClassVar[tuple[Property, ...]] = (
        _IDENTITY
        + _optional(("title", "title", Kind.TEXT), ("description", "description", Kind.TEXT))
        + _newer(("extensions", "extensions", Kind.OBJECT))
    )
    PARTS: ClassVar[tuple[str, str]] = ("CFRubricCriteria", "criteria")

    identifier: str
    uri: str
    last_change: str
    title: str | None = None
    description: str | None = None
    criteria: tuple[CFRubricCriterion, ...] = ()
    extensions: Any = None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CFPackage:
    """A whole framework: one document with its items, associations, definitions and rubrics.

    ``definitions`` stays as it came: real exports leave much of it out, so nothing depends on it.
    """

    document: CFDocument
    items: tuple[CFItem, ...] = ()
    associations: tuple[CFAssociation, ...] = ()
    definitions: Mapping[str, Any] | None = None
    rubrics: tuple[CFRubric, ...] = ()
    rest: Mapping[str, Any] = field(default_factory=dict)
    version: str = "1.1"

    @property
    def format(self) -> str:
        """``case-1.0`` or ``case-1.1``."""
        return f"case-{self.version}"


#: Lists of CFDefinitions with the properties that the standard requires of their entries (C2).
DEFINITION_LISTS: Mapping[str, tuple[str, ...]] = {
    "CFConcepts": ("identifier", "uri", "title", "lastChangeDateTime", "hierarchyCode"),
    "CFSubjects": ("identifier", "uri", "title", "lastChangeDateTime", "hierarchyCode"),
    "CFLicenses": ("identifier", "uri", "title", "lastChangeDateTime", "licenseText"),
    "CFItemTypes": ("identifier", "uri", "title", "lastChangeDateTime", "description", "hierarchyCode"),
    "CFAssociationGroupings": ("identifier", "uri", "title", "lastChangeDateTime"),
}


def key(identifier: str) -> str:
    """The form of an identifier that comparisons use: the letter case of a UUID does not count (C1)."""
    return identifier.lower()


def is_uuid(text: str) -> bool:
    """Whether the text has the shape of a UUID of any version (C1)."""
    return _UUID.match(text) is not None


def calendar_day(text: str) -> date | None:
    """The day that ``YYYY-MM-DD`` names, None when there is no such day."""
    found = _DATE.match(text)
    if not found:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def moment(text: str) -> tuple[int, str] | None:
    """A point in time that can be compared: whole seconds on a fixed scale and the fraction's digits.

    None when the text is not an RFC 3339 date and time with offset. A leap second counts as the second before
    it; no year overflows, since the scale is a plain integer (SEC-33).
    """
    found = _MOMENT.match(text)
    if not found:
        return None
    day = calendar_day(found[1])
    hour, minute, second = int(found[2]), int(found[3]), int(found[4])
    if day is None or hour > 23 or minute > 59 or second > 60:
        return None
    offset = 0
    if found[6]:
        if int(found[7]) > 23 or int(found[8]) > 59:
            return None
        offset = (int(found[7]) * 60 + int(found[8])) * 60
        if found[6] == "-":
            offset = -offset
    seconds = day.toordinal() * 86_400 + hour * 3_600 + minute * 60 + min(second, 59) - offset
    return seconds, (found[5] or "").rstrip("0")
