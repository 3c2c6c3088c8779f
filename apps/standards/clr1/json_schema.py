"""The information model as JSON Schema, derived from the model itself: for descriptions of interfaces (OpenAPI)."""

from __future__ import annotations

from typing import Any

from apps.standards.clr1 import model
from apps.standards.clr1.model import Kind

_TEXT: dict[str, Any] = {"type": "string"}
_URI: dict[str, Any] = {"type": "string", "format": "uri"}
_CONTEXT: dict[str, Any] = {"oneOf": [_URI, {"type": "array", "items": _URI}]}
_CLOSED = (model.ClrSet, model.ClrPayload, model.DiscoveryDocument)
_SCALARS: dict[Kind, dict[str, Any]] = {
    Kind.URI: _URI,
    Kind.DATE_TIME: {"type": "string", "format": "date-time"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.NUMBER: {"type": "number"},
    Kind.JWS: {"type": "string", "pattern": f"^{model.COMPACT_JWS.pattern}$"},
    Kind.CONTEXT: _CONTEXT,
}

#: The status object of section 6.
STATUS_INFO: dict[str, Any] = {
    "type": "object",
    "required": ["imsx_codeMajor", "imsx_severity"],
    "properties": {
        "@context": _URI,
        "imsx_codeMajor": {"type": "string", "enum": ["success", "failure", "processing", "unsupported"]},
        "imsx_severity": {"type": "string", "enum": ["status", "warning", "error"]},
        "imsx_description": _TEXT,
        "imsx_codeMinor": {"type": "object"},
    },
}


def schema_of(cls: type[model.Node], depth: int = 1) -> dict[str, Any]:
    """The schema of a class; objects more than ``depth`` levels below it are only said to be objects.

    Classes are open for further properties (section 2), but for those that carry records.
    """
    properties: dict[str, Any] = {}
    required: list[str] = []
    for wire, member in model.describe(cls).members.items():
        described = member.described
        if member.of is not None:
            one = schema_of(member.of, depth - 1) if depth > 0 else {"type": "object"}
        elif described.vocabulary is not None and not described.vocabulary.extensible:
            one = {"type": "string", "enum": list(described.vocabulary.values)}
        else:
            one = dict(_SCALARS.get(described.kind, _TEXT))
        properties[wire] = {"type": "array", "items": one} if described.many else one
        if described.required:
            required.append(wire)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": cls not in _CLOSED,
    }
    if required:
        schema["required"] = sorted(required)
    if cls is model.ClrPayload:
        schema["oneOf"] = [{"required": ["clr"]}, {"required": ["signedClr"]}]
    return schema
