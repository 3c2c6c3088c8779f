"""Quads in their N-Quads spelling, and how JSON values become literals.

A quad is a tuple (subject, predicate, object, graph) of terms as N-Quads writes them: ``<iri>``, ``_:label`` or
``"text"^^<datatype>``; the graph is an empty string for the default graph. Two quads are the same statement
exactly when their tuples are equal.
"""

from __future__ import annotations

import re
from typing import Any

Quad = tuple[str, str, str, str]

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XSD = "http://www.w3.org/2001/XMLSchema#"
XSD_DOUBLE = XSD + "double"
TYPE = f"<{RDF}type>"
FIRST = f"<{RDF}first>"
REST = f"<{RDF}rest>"
NIL = f"<{RDF}nil>"
JSON = RDF + "JSON"

# An absolute IRI that N-Quads can carry as it stands: no blank, no character that would end or break it.
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s\x00-\x20<>\"{}|^`\\]*")
_TO_ESCAPE = re.compile(r'[\x00-\x1f"\\\x7f]')
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def is_absolute(iri: str) -> bool:
    """Whether a text is an absolute IRI that can be written into N-Quads."""
    return _ABSOLUTE.fullmatch(iri) is not None


def escaped(text: str) -> str:
    """Text between the quotation marks of a canonical N-Quads literal (RDFC-1.0)."""
    if _TO_ESCAPE.search(text) is None:
        return text
    return _TO_ESCAPE.sub(lambda found: _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04X}", text)


def literal(value: str | bool | int | float, datatype: str | None) -> str:
    """A JSON scalar as a literal: the datatype given, or the one that JSON-LD takes for such a value."""
    if isinstance(value, str):
        if datatype == XSD_DOUBLE:
            return _double_from_text(value)
        return _written(value, datatype)
    if isinstance(value, bool):
        return _written("true" if value else "false", datatype or XSD + "boolean")
    if datatype == XSD_DOUBLE or not float(value).is_integer() or abs(value) >= 1e21:
        return _written(double(float(value)), datatype or XSD_DOUBLE)
    return _written(str(int(value)), datatype or XSD + "integer")


def language_text(value: str, language: str) -> str:
    """A text with its language."""
    return f'"{escaped(value)}"@{language}'


def _written(text: str, datatype: str | None) -> str:
    if datatype is None or datatype == XSD + "string":
        return f'"{escaped(text)}"'
    return f'"{escaped(text)}"^^<{datatype}>'


def _double_from_text(value: str) -> str:
    try:
        return _written(double(float(value)), XSD_DOUBLE)
    except ValueError:
        return _written(value, XSD_DOUBLE)


def double(value: float) -> str:
    """The canonical xsd:double of JSON-LD: up to sixteen digits, an E, no superfluous zeros."""
    mantissa, _, exponent = f"{value:.15E}".partition("E")
    whole, _, fraction = mantissa.partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}E{int(exponent)}"


def line(quad: Quad) -> str:
    """One line of an N-Quads document, with its line break."""
    subject, predicate, object_, graph = quad
    return f"{subject} {predicate} {object_} {graph} .\n" if graph else f"{subject} {predicate} {object_} .\n"


def scalar(value: Any) -> bool:
    """Whether a JSON value is a text, number or truth value."""
    return isinstance(value, (str, bool, int, float))
