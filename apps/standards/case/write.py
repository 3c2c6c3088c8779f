"""A CASE package back on the wire: the same names and values as were read, unknown properties included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.standards.case.model import (
    CFAssociation,
    CFDocument,
    CFItem,
    CFPackage,
    CFRubric,
    CFRubricCriterion,
    CFRubricCriterionLevel,
    LinkURI,
    Property,
)

Record = CFDocument | CFItem | CFAssociation | CFRubric | CFRubricCriterion | CFRubricCriterionLevel


def package_to_wire(package: CFPackage) -> dict[str, Any]:
    """The flat form of a package (C1): ``read_package`` of its JSON gives an equal package."""
    wire: dict[str, Any] = {
        "CFDocument": to_wire(package.document),
        "CFItems": [to_wire(item) for item in package.items],
        "CFAssociations": [to_wire(link) for link in package.associations],
    }
    if package.definitions is not None:
        wire["CFDefinitions"] = package.definitions
    if package.rubrics:
        wire["CFRubrics"] = [to_wire(rubric) for rubric in package.rubrics]
    return {**wire, **package.rest}


def to_wire(record: Record) -> dict[str, Any]:
    """One record as a JSON object; absent properties are left out."""
    wire = _properties(record, record.PROPERTIES)
    if isinstance(record, CFRubric):
        wire[CFRubric.PARTS[0]] = [to_wire(criterion) for criterion in record.criteria]
    elif isinstance(record, CFRubricCriterion):
        wire[CFRubricCriterion.PARTS[0]] = [to_wire(level) for level in record.levels]
    return {**wire, **record.rest}


def link_to_wire(link: LinkURI) -> dict[str, Any]:
    """A reference; ``targetType`` only where it was given."""
    return {**_properties(link, LinkURI.END_PROPERTIES), **link.rest}


def _properties(record: object, properties: tuple[Property, ...]) -> dict[str, Any]:
    wire: dict[str, Any] = {}
    for entry in properties:
        value = getattr(record, entry.name)
        if value is not None:
            wire[entry.wire] = _value(value)
    return wire


def _value(value: Any) -> Any:
    if isinstance(value, LinkURI):
        return link_to_wire(value)
    if isinstance(value, tuple):
        return [_value(part) for part in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value
