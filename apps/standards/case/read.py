"""From bytes to a CASE package, or to everything that is wrong with it (D2 to D5, codes of part I).

``read_package`` works in the order of the digest: text, JSON, top level, properties of each record,
identifiers, references, rings. Every error found is listed, each with a JSON pointer (CASE-17); a fault is
reported once, at the place where somebody can mend it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.standards import strict_json
from apps.standards.case import tree
from apps.standards.case.model import (
    ASSOCIATION_TYPES,
    DEFINITION_LISTS,
    OWN_TOKEN,
    CFAssociation,
    CFDocument,
    CFItem,
    CFPackage,
    CFRubric,
    CFRubricCriterion,
    CFRubricCriterionLevel,
    Kind,
    LinkURI,
    Property,
    calendar_day,
    is_uuid,
    key,
    moment,
)
from apps.standards.errors import LimitExceeded, ParseFault

MAX_BYTES = 50 * 1024 * 1024
MAX_ITEMS = 100_000
MAX_ASSOCIATIONS = 400_000
MAX_STATEMENT_BYTES = 64 * 1024
MAX_ADDRESS = 2_048
MAX_END_IDENTIFIER = 512
MAX_TOKEN = 255
MAX_NODES = 10_000_000

_INTEGER_BITS = 63
_ADDRESS = re.compile(r"(?:https?://[^\s/?#\\]+[^\s\\]*|urn:[^\s\\]+)\Z", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):[^\s]+\Z")
_NEVER_FOLLOWED = frozenset({"javascript", "data", "vbscript", "file", "blob"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One error or warning: code of part I, JSON pointer, identifier of the record, a sentence."""

    code: str
    path: str
    message: str
    identifier: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """The form in which ``import_case --json`` prints it."""
        return {
            "code": self.code,
            "path": self.path,
            "identifier": self.identifier,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading gave: the package (None when anything is wrong), its counts, errors and warnings.

    ``format``: ``case-1.0``, ``case-1.1``, or ``unknown`` when there was no document to tell it by. ``base`` leads
    to the package in the document (``/CFPackage`` in an envelope).
    """

    package: CFPackage | None
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    format: str = "unknown"
    base: str = ""


def read_package(data: bytes) -> Reading:
    """Read and judge one CFPackage, flat or inside ``{"CFPackage": …}``; never raises for bad input.

    Rules: parts C1 to C3 and D2 to D5 of the CASE digest, CASE-01 to CASE-12.
    """
    if len(data) > MAX_BYTES:  # CASE-02
        return _refused("case.too_large", "The file is larger than 50 MiB.")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as fault:
        return _refused(
            "case.encoding",
            f"The file is not UTF-8 (byte {fault.start}). Save or export it as UTF-8 and try again.",
        )
    try:
        value = strict_json.loads(data, max_nodes=MAX_NODES)
    except LimitExceeded as fault:
        return _refused("case.too_large", fault.sentence)
    except ParseFault as fault:
        place = f" ({fault.at})" if fault.at else ""
        return _refused("case.json", f"{fault.sentence.rstrip('.')}{place}. The file may be cut off or damaged.")
    return read_value(value)


def read_value(value: Any) -> Reading:
    """Judge a package that has been read as JSON already (by the strict reader)."""
    if not isinstance(value, dict):
        return _refused("case.type", f"A CASE package is a JSON object; this is {_kind_of(value)}.")
    base = ""
    if "CFDocument" not in value and isinstance(value.get("CFPackage"), dict):
        value, base = value["CFPackage"], "/CFPackage"
    return _Reader(base).read(value)


def _refused(code: str, message: str, path: str = "") -> Reading:
    return Reading(None, (Finding(code, path, message),))


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if value is None:
        return "null"
    names: tuple[tuple[type, str], ...] = (
        (dict, "an object"),
        (list, "a list"),
        (str, "a text"),
        (int, "a number"),
        (float, "a number"),
    )
    return next(name for kind, name in names if isinstance(value, kind))


def _is_missing(value: Any) -> bool:
    """Empty counts as missing (CASE-03)."""
    return value is None or value == {} or (isinstance(value, str) and not value.strip())


class _Reader:
    """Collects findings while it walks the package once, in the order of the document."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.newer_used = False
        self.record: str | None = None
        self.read_kind = {
            Kind.TEXT: self._text,
            Kind.STATEMENT: self._statement,
            Kind.IDENTIFIER: self._identifier,
            Kind.ANY_IDENTIFIER: self._any_identifier,
            Kind.URI: self._address,
            Kind.END_URI: self._end_address,
            Kind.DATE: self._date,
            Kind.MOMENT: self._moment,
            Kind.INTEGER: self._integer,
            Kind.NUMBER: self._number,
            Kind.TEXTS: self._texts,
            Kind.LINK: self._link,
            Kind.LINKS: self._links,
            Kind.END: self._end,
            Kind.ASSOCIATION_TYPE: self._association_type,
            Kind.TARGET_TYPE: self._target_type,
            Kind.VERSION: self._version,
            Kind.OBJECT: self._object,
        }

    def error(self, code: str, path: str, message: str, identifier: str | None = None) -> None:
        self.errors.append(Finding(code, path, message, identifier or self.record))

    def warn(self, code: str, path: str, message: str, identifier: str | None = None) -> None:
        self.warnings.append(Finding(code, path, message, identifier or self.record))

    # -- the whole package --------------------------------------------------------------------------

    def read(self, value: dict[str, Any]) -> Reading:
        document = self._document(value)
        items, item_keys = self._items(value)
        associations = self._associations(value)
        rubrics = self._rubrics(value)
        definitions = self._definitions(value)
        self._known_types(definitions, items)
        self.record = None
        shape = None
        if document is not None and item_keys is not None and associations is not None:
            shape = self._references(document, item_keys, associations)
        counts = _counts(items, associations, rubrics, shape)
        version = _version_of(value["CFDocument"]) if isinstance(value.get("CFDocument"), dict) else ""
        form = f"case-{version}" if version else "unknown"
        if self.errors or document is None or shape is None:
            return Reading(None, tuple(self.errors), tuple(self.warnings), counts, form, self.base)
        known = {"CFDocument", "CFItems", "CFAssociations", "CFDefinitions", "CFRubrics"}
        package = CFPackage(
            document=document,
            items=tuple(item for item in items if item is not None),
            associations=tuple(link for link in associations or () if link is not None),
            definitions=definitions,
            rubrics=tuple(rubric for rubric in rubrics if rubric is not None),
            rest={name: part for name, part in value.items() if name not in known},
            version=version,
        )
        if package.version == "1.0" and self.newer_used:
            self.warn(
                "case.version",
                f"{self.base}/CFDocument",
                "The package uses properties of CASE 1.1 but does not say that it is 1.1. They are kept.",
            )
        return Reading(package, (), tuple(self.warnings), counts, form, self.base)

    def _document(self, value: dict[str, Any]) -> CFDocument | None:
        path = f"{self.base}/CFDocument"
        raw = value.get("CFDocument")
        if raw is None:
            self.error(
                "case.no_document",
                path,
                "The package has no CFDocument, so it does not say which framework it is.",
            )
            return None
        values = self._record(CFDocument.PROPERTIES, raw, path)
        if values is None:
            return None
        self._date_order(values, path)
        return CFDocument(**values)

    def _items(self, value: dict[str, Any]) -> tuple[list[CFItem | None], dict[str, int] | None]:
        """The items, and the place of each identifier (None when the list cannot be relied on)."""
        path = f"{self.base}/CFItems"
        raws = self._list(value, "CFItems", MAX_ITEMS)
        if raws is None:
            return [], None
        document = value.get("CFDocument")
        document_key = key(str(document.get("identifier"))) if isinstance(document, dict) else ""
        items: list[CFItem | None] = []
        places: dict[str, int] = {}
        whole = True
        for index, raw in enumerate(raws):
            at = f"{path}/{index}"
            values = self._record(CFItem.PROPERTIES, raw, at)
            identifier = raw.get("identifier") if isinstance(raw, dict) else None
            if not isinstance(identifier, str):
                whole = False
            elif key(identifier) == document_key:  # D3
                self.error(
                    "case.duplicate",
                    f"{at}/identifier",
                    "This item has the identifier of the document itself; each needs its own.",
                )
            elif key(identifier) in places:  # CASE-05
                self.error(
                    "case.duplicate",
                    f"{at}/identifier",
                    f"The identifier occurs twice: item {places[key(identifier)]} has it already.",
                )
            if isinstance(identifier, str):
                places.setdefault(key(identifier), index)
            if values is None:
                items.append(None)
                continue
            self._date_order(values, at)
            items.append(CFItem(**values))
        return items, places if whole else None

    def _associations(self, value: dict[str, Any]) -> list[CFAssociation | None] | None:
        path = f"{self.base}/CFAssociations"
        raws = self._list(value, "CFAssociations", MAX_ASSOCIATIONS)
        if raws is None:
            return None
        read: list[CFAssociation | None] = []
        places: dict[str, int] = {}
        for index, raw in enumerate(raws):
            at = f"{path}/{index}"
            values = self._record(CFAssociation.PROPERTIES, raw, at)
            self._once(places, raw, at, index, "association")
            read.append(CFAssociation(**values) if values is not None else None)
        return read

    def _rubrics(self, value: dict[str, Any]) -> list[CFRubric | None]:
        rubrics: list[CFRubric | None] = []
        seen: tuple[dict[str, int], dict[str, int], dict[str, int]] = ({}, {}, {})
        for index, raw in enumerate(self._list(value, "CFRubrics", MAX_ITEMS) or ()):
            at = f"{self.base}/CFRubrics/{index}"
            values = self._record(CFRubric.PROPERTIES, raw, at, parts=CFRubric.PARTS[0])
            self._once(seen[0], raw, at, index, "rubric")
            criteria = [self._criterion(part, place, seen) for part, place in self._parts(raw, at, CFRubric.PARTS[0])]
            if values is None or any(criterion is None for criterion in criteria):
                rubrics.append(None)
                continue
            rubrics.append(CFRubric(**values, criteria=tuple(part for part in criteria if part)))
        return rubrics

    def _criterion(
        self, raw: Any, at: str, seen: tuple[dict[str, int], dict[str, int], dict[str, int]]
    ) -> CFRubricCriterion | None:
        values = self._record(CFRubricCriterion.PROPERTIES, raw, at, parts=CFRubricCriterion.PARTS[0])
        self._once(seen[1], raw, at, len(seen[1]), "criterion")
        levels: list[CFRubricCriterionLevel] = []
        whole = values is not None
        for part, place in self._parts(raw, at, CFRubricCriterion.PARTS[0]):
            level = self._record(CFRubricCriterionLevel.PROPERTIES, part, place)
            self._once(seen[2], part, place, len(seen[2]), "level")
            if level is None:
                whole = False
            else:
                levels.append(CFRubricCriterionLevel(**level))
        return CFRubricCriterion(**values, levels=tuple(levels)) if whole and values else None

    def _definitions(self, value: dict[str, Any]) -> Mapping[str, Any] | None:
        """CFDefinitions are kept as they are; what is missing in them is a warning only (C2)."""
        raw = value.get("CFDefinitions")
        path = f"{self.base}/CFDefinitions"
        self.record = None
        if raw is None:
            return None
        if not isinstance(raw, dict):
            self.error("case.type", path, f"CFDefinitions must be an object; this is {_kind_of(raw)}.")
            return None
        for name, required in DEFINITION_LISTS.items():
            entries = raw.get(name)
            if entries is None:
                continue
            if not isinstance(entries, list):
                self.error("case.type", f"{path}/{name}", f"{name} must be a list; this is {_kind_of(entries)}.")
                continue
            for index, entry in enumerate(entries):
                at = f"{path}/{name}/{index}"
                if not isinstance(entry, dict):
                    self.error("case.type", at, f"An entry must be an object; this is {_kind_of(entry)}.")
                    continue
                missing = [wire for wire in required if _is_missing(entry.get(wire))]
                if missing:
                    identifier = entry.get("identifier")
                    self.warn(
                        "case.definition",
                        at,
                        f"The definition lacks {', '.join(missing)}. It is kept as it is.",
                        identifier if isinstance(identifier, str) else None,
                    )
        return raw

    def _known_types(self, definitions: Mapping[str, Any] | None, items: list[CFItem | None]) -> None:
        """An item type that the package refers to and does not define: one warning each (CASE-12)."""
        listed = (definitions or {}).get("CFItemTypes")
        known = {
            key(entry["identifier"])
            for entry in (listed if isinstance(listed, list) else ())
            if isinstance(entry, dict) and isinstance(entry.get("identifier"), str)
        }
        for index, item in enumerate(items):
            if item is None or item.item_type_link is None:
                continue
            if key(item.item_type_link.identifier) not in known:
                known.add(key(item.item_type_link.identifier))
                self.warn(
                    "case.definition",
                    f"{self.base}/CFItems/{index}/CFItemTypeURI",
                    "The item type is not among the package's CFDefinitions; its name is used as it stands.",
                    item.identifier,
                )

    # -- references (D4, D5) ------------------------------------------------------------------------

    def _references(
        self,
        document: CFDocument,
        places: dict[str, int],
        associations: list[CFAssociation | None],
    ) -> tree.Shape:
        """Dangling ends, associations with oneself, rings, parents; gives the shape for the counts."""
        path = f"{self.base}/CFAssociations"
        top = key(document.identifier)
        parents: dict[int, list[tuple[int, int]]] = {}
        wholes: dict[int, list[tuple[int, int]]] = {}
        sequence: dict[int, list[tuple[int, int]]] = {}
        placed: set[int] = set()
        for index, link in enumerate(associations):
            if link is None:
                continue
            origin, destination = key(link.origin.identifier), key(link.destination.identifier)
            kind = link.association_type
            at = f"{path}/{index}"
            if origin == destination:  # CASE-11
                self.error(
                    "case.self",
                    at,
                    f"The association ties “{link.origin.title}” to itself. Remove it or correct one end.",
                    link.identifier,
                )
                continue
            child, parent = places.get(origin), places.get(destination)
            if kind == "isChildOf":
                if child is None:  # CASE-10
                    self.error(
                        "case.dangling",
                        f"{at}/originNodeURI",
                        f"The child “{link.origin.title}” is not an item of this package.",
                        link.identifier,
                    )
                if parent is None and destination != top:
                    self.error(
                        "case.dangling",
                        f"{at}/destinationNodeURI",
                        f"The parent “{link.destination.title}” is neither an item of this package nor its document.",
                        link.identifier,
                    )
                if child is not None:
                    placed.add(child)
                    if parent is not None:
                        parents.setdefault(child, []).append((parent, index))
            elif child is None and parent is None and top not in (origin, destination):
                self.warn(
                    "case.crosswalk",
                    at,
                    "Both ends lie outside this package. The association is kept as a crosswalk.",
                    link.identifier,
                )
            elif child is not None and parent is not None:
                if kind == "isPartOf":
                    wholes.setdefault(child, []).append((parent, index))
                elif kind == "precedes":
                    sequence.setdefault(child, []).append((parent, index))
        for edges, name in ((parents, "isChildOf"), (wholes, "isPartOf")):
            for index in tree.rings(edges):
                found = associations[index]
                self.error(
                    "case.cycle",
                    f"{path}/{index}",
                    f"Items lie under one another in a ring by {name}; this association is one of the ring."
                    " Remove one of them.",
                    found.identifier if found else None,
                )
        for index in tree.rings(sequence):
            self.warn(
                "case.order_ring",
                f"{path}/{index}",
                "Items precede one another in a ring. The order by “precedes” is not used.",
            )
        self._parents_warnings(places, parents, placed)
        return tree.Shape(len(places), {child: [up for up, _ in ups] for child, ups in parents.items()})

    def _parents_warnings(
        self, places: dict[str, int], parents: dict[int, list[tuple[int, int]]], placed: set[int]
    ) -> None:
        for identifier, index in places.items():
            at = f"{self.base}/CFItems/{index}"
            if index not in placed:
                self.warn(
                    "case.orphan",
                    at,
                    "The item has no parent. It is shown below the framework itself.",
                    identifier,
                )
            elif len({up for up, _ in parents.get(index, ())}) > 1:
                self.warn(
                    "case.parents",
                    at,
                    "The item has several parents. All are kept; the first in order is shown as its place.",
                    identifier,
                )

    # -- records and values -------------------------------------------------------------------------

    def _list(self, value: dict[str, Any], name: str, limit: int) -> list[Any] | None:
        path = f"{self.base}/{name}"
        raw = value.get(name)
        self.record = None
        if raw is None:
            return []
        if not isinstance(raw, list):
            self.error("case.type", path, f"{name} must be a list; this is {_kind_of(raw)}.")
            return None
        if len(raw) > limit:
            self.error("case.too_large", path, f"{name} has more than {limit:,} entries.")
            return None
        return raw

    def _parts(self, raw: Any, at: str, name: str) -> Iterator[tuple[Any, str]]:
        parts = raw.get(name) if isinstance(raw, dict) else None
        if parts is None:
            return
        if not isinstance(parts, list):
            self.error("case.type", f"{at}/{name}", f"{name} must be a list; this is {_kind_of(parts)}.")
            return
        for index, part in enumerate(parts):
            yield part, f"{at}/{name}/{index}"

    def _once(self, places: dict[str, int], raw: Any, at: str, index: int, what: str) -> None:
        identifier = raw.get("identifier") if isinstance(raw, dict) else None
        if not isinstance(identifier, str):
            return
        if key(identifier) in places:  # CASE-05
            self.error(
                "case.duplicate",
                f"{at}/identifier",
                f"The identifier occurs twice: {what} {places[key(identifier)]} has it already.",
                identifier,
            )
        places.setdefault(key(identifier), index)

    def _record(self, properties: tuple[Property, ...], raw: Any, at: str, parts: str = "") -> dict[str, Any] | None:
        """The values by Python name with ``rest``; None when anything in the record is wrong."""
        self.record = None
        if not isinstance(raw, dict):
            self.error("case.type", at, f"An object is expected here; this is {_kind_of(raw)}.")
            return None
        identifier = raw.get("identifier")
        self.record = identifier if isinstance(identifier, str) else None
        return self._values(properties, raw, at, parts)

    def _values(
        self, properties: tuple[Property, ...], raw: dict[str, Any], at: str, parts: str = ""
    ) -> dict[str, Any] | None:
        before = len(self.errors)
        values: dict[str, Any] = {}
        rest = {name: part for name, part in raw.items() if name != parts}
        for entry in properties:
            wire = entry.wire
            found = rest.get(wire)
            if entry.required and _is_missing(found):
                self._lacking(wire, at)
            elif found is not None and (entry.kind is Kind.TEXT or not _is_missing(found)):
                if entry.since == "1.1":
                    self.newer_used = True
                values[entry.name] = self.read_kind[entry.kind](found, f"{at}/{wire}")
                del rest[wire]
        values["rest"] = rest
        return None if len(self.errors) > before else values

    def _lacking(self, wire: str, at: str) -> None:
        self.error("case.required", f"{at}/{wire}", f"{wire} is required and is missing or empty.")

    def _date_order(self, values: dict[str, Any], at: str) -> None:
        start, end = values.get("status_start"), values.get("status_end")
        if start and end and end < start:  # CASE-07; both are YYYY-MM-DD here
            self.error(
                "case.date",
                f"{at}/statusEndDate",
                f"statusEndDate {end} lies before statusStartDate {start}.",
            )

    def _wrong_type(self, value: Any, at: str, expected: str) -> None:
        self.error("case.type", at, f"{expected.capitalize()} is expected here; this is {_kind_of(value)}.")

    def _text(self, value: Any, at: str) -> Any:
        if not isinstance(value, str):
            self._wrong_type(value, at, "a text")
        return value

    def _statement(self, value: Any, at: str) -> Any:
        if not isinstance(value, str):
            self._wrong_type(value, at, "a text")
        elif len(value) > MAX_STATEMENT_BYTES // 4 and len(value.encode()) > MAX_STATEMENT_BYTES:
            self.error("case.too_large", at, "The statement is longer than 64 KiB.")
        return value

    def _identifier(self, value: Any, at: str) -> Any:
        if not isinstance(value, str):
            self._wrong_type(value, at, "a text")
        elif not is_uuid(value):  # CASE-04
            self.error("case.identifier", at, f"{strict_json.shown(value)} is not a UUID.")
        return value

    def _any_identifier(self, value: Any, at: str) -> Any:
        if not isinstance(value, str):
            self._wrong_type(value, at, "a text")
        elif len(value) > MAX_END_IDENTIFIER:
            self.error("case.too_large", at, f"The identifier is longer than {MAX_END_IDENTIFIER} characters.")
        return value

    def _address(self, value: Any, at: str) -> Any:
        if not isinstance(value, str):
            self._wrong_type(value, at, "a text")
        elif len(value) > MAX_ADDRESS or not _ADDRESS.match(value):  # CASE-09
            self.error(
                "case.uri",
                at,
                f"{strict_json.shown(value)} is not an address beginning with http, https or urn.",
            )
        return value

    def _end_address(self, value: Any, at: str) -> Any:
        """Ends may lie in systems of any kind (``local:…`` in real exports); none is ever followed."""
        if not isinstance(value, str):
            self._wrong_type(value, at, "a text")
            return value
        found = _SCHEME.match(value)
        if len(value) > MAX_ADDRESS or not found or found[1].lower() in _NEVER_FOLLOWED:
            self.error("case.uri", at, f"{strict_json.shown(value)} is not an absolute URI.")
        return value

    def _date(self, value: Any, at: str) -> Any:
        if not isinstance(value, str):
            self._wrong_type(value, at, "a text")
        elif calendar_day(value) is None:  # CASE-07
            self.error("case.date", at, f"{strict_json.shown(value)} is not a day written as YYYY-MM-DD.")
        return value

    def _moment(self, value: Any, at: str) -> Any:
        if not isinstance(value, str):
            self._wrong_type(value, at, "a text")
        elif moment(value) is None:  # CASE-07
            self.error(
                "case.date",
                at,
                f"{strict_json.shown(value)} is not a date and time with offset, such as 2026-03-01T09:00:00+00:00.",
            )
        elif value[17:19] == "60":  # SEC-33
            self.warn("case.date", at, "A leap second is read as the second before it.")
        return value

    def _integer(self, value: Any, at: str) -> Any:
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong_type(value, at, "a whole number")
        elif value.bit_length() > _INTEGER_BITS:
            self.error("case.type", at, "The number is too large to be a position.")
        return value

    def _number(self, value: Any, at: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self._wrong_type(value, at, "a number")
        return value

    def _texts(self, value: Any, at: str) -> Any:
        if isinstance(value, str):  # CASE-08
            self.warn("case.type", at, "A list of texts is due here; the one text is taken as such a list.")
            return (value,) if value.strip() else ()
        if not isinstance(value, list) or any(not isinstance(part, str) for part in value):
            self.error("case.type", at, "A list of texts is expected here.")
            return ()
        return tuple(value)

    def _object(self, value: Any, at: str) -> Any:
        if not isinstance(value, (dict, list)):
            self._wrong_type(value, at, "an object")
        return value

    def _version(self, value: Any, at: str) -> Any:
        if value != "1.1":
            self.error("case.version", at, "caseVersion must be 1.1 (a package of CASE 1.0 has none).")
        return value

    def _association_type(self, value: Any, at: str) -> Any:
        if not isinstance(value, str):
            self._wrong_type(value, at, "a text")
        elif value not in ASSOCIATION_TYPES:  # CASE-06
            if len(value) > MAX_TOKEN or not OWN_TOKEN.match(value):
                self.error(
                    "case.enum",
                    at,
                    f"{strict_json.shown(value)} is not an association type. Allowed are "
                    f"{', '.join(ASSOCIATION_TYPES)}, and ext: with letters, digits, dots, - and _.",
                )
            self.newer_used = True
        elif value == "isTranslationOf":
            self.newer_used = True
        return value

    def _target_type(self, value: Any, at: str) -> Any:
        if not isinstance(value, str):
            self._wrong_type(value, at, "a text")
        elif value != "CASE" and not OWN_TOKEN.match(value):
            self.error("case.enum", at, f"{strict_json.shown(value)} is neither CASE nor ext: and a token.")
        return value

    def _link(self, value: Any, at: str) -> LinkURI | None:
        return self._reference(LinkURI.PROPERTIES, value, at)

    def _end(self, value: Any, at: str) -> LinkURI | None:
        return self._reference(LinkURI.END_PROPERTIES, value, at)

    def _reference(self, properties: tuple[Property, ...], value: Any, at: str) -> LinkURI | None:
        if _is_missing(value):
            return None
        if not isinstance(value, dict):
            self._wrong_type(value, at, "an object")
            return None
        values = self._values(properties, value, at)
        return LinkURI(**values) if values is not None else None

    def _links(self, value: Any, at: str) -> Any:
        if not isinstance(value, list):
            self.error("case.type", at, f"A list of references is expected here; this is {_kind_of(value)}.")
            return ()
        links = [self._link(part, f"{at}/{index}") for index, part in enumerate(value)]
        return tuple(link for link in links if link is not None)


def _version_of(document: dict[str, Any]) -> str:
    """Version by caseVersion, else by ``/v1p1/`` in the URI, else 1.0 (C5)."""
    return "1.1" if document.get("caseVersion") or "/v1p1/" in str(document.get("uri")) else "1.0"


def _counts(
    items: list[CFItem | None],
    associations: list[CFAssociation | None] | None,
    rubrics: list[CFRubric | None],
    shape: tree.Shape | None,
) -> dict[str, int]:
    whole = [rubric for rubric in rubrics if rubric is not None]
    criteria = [criterion for rubric in whole for criterion in rubric.criteria]
    return {
        "items": len(items),
        "associations": len(associations or ()),
        "isChildOf": sum(1 for link in associations or () if link and link.association_type == "isChildOf"),
        "rubrics": len(rubrics),
        "criteria": len(criteria),
        "levels": sum(len(criterion.levels) for criterion in criteria),
        "roots": shape.roots if shape else 0,
        "depth": shape.depth if shape else 0,
    }


def read_rubric(value: dict[str, Any]) -> CFRubric | None:
    """One rubric from its wire form, as it was stored; None when it is not whole."""
    rubrics = _Reader("")._rubrics({"CFRubrics": [value]})
    return rubrics[0] if rubrics else None
