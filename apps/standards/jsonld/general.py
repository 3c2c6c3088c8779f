"""The general way from a document to its statements: PyLD expands, and nothing it drops goes unnoticed.

For documents that the compiled way does not cover: value objects, languages, index and language maps, reverse
properties, included blocks, JSON literals. Safe mode (SEC-22): keys without meaning, relative references and
types, nulls, indexes and text directions would not be part of what is signed; each is refused.
"""

from __future__ import annotations

from typing import Any

from pyld.jsonld import JsonLdError, JsonLdProcessor

from apps.standards import strict_json
from apps.standards.jsonld import jcs, rdf
from apps.standards.jsonld.active import NOWHERE, Processing, context_fault
from apps.standards.jsonld.faults import ContextInvalid, UnprotectedContent
from apps.standards.jsonld.rdf import Quad

_UNSIGNED = {"@index": "an index", "@direction": "a text direction"}


def statements(document: dict[str, Any], processing: Processing) -> list[Quad]:
    """The statements that a document makes, with blank nodes labelled at will; a statement may occur twice.

    Raises ``UnprotectedContent``, ``ContextUnavailable``, ``ContextInvalid``.
    """
    _refuse_what_expansion_drops(document, processing)
    dropped: list[str] = []
    processing.initial()
    processor = JsonLdProcessor(on_property_dropped=lambda name: dropped.append(str(name)))
    try:
        expanded = processor.expand(document, {**processing.options, "keepFreeFloatingNodes": True})
    except (JsonLdError, KeyError, TypeError, AttributeError, ValueError) as fault:
        raise context_fault(fault) from None
    if dropped:
        raise UnprotectedContent(
            f"No context defines the property {strict_json.shown(dropped[0])}, so the signature does not cover it."
        )
    walk = _Walk()
    for item in expanded:
        walk.node(item, "")
    if not walk.quads:
        raise UnprotectedContent("The record says nothing that a signature could cover.")
    return walk.quads


def _refuse_what_expansion_drops(value: Any, processing: Processing) -> None:
    if isinstance(value, list):
        for item in value:
            if item is None:
                raise UnprotectedContent("A list of the record holds null, which no signature covers.")
            _refuse_what_expansion_drops(item, processing)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "@context":
                processing.check_inline(item)
            elif item is None:
                raise UnprotectedContent(f"The value of {strict_json.shown(name)} is null, which no signature covers.")
            elif name == "@included" and item in ([], {}):
                raise UnprotectedContent("The record holds an empty part, which no signature covers.")
            else:
                _refuse_what_expansion_drops(item, processing)
        if "@language" in value and "@value" not in value:
            raise UnprotectedContent("A language without a text is covered by no signature.")


class _Walk:
    """From PyLD's expanded form to statements."""

    def __init__(self) -> None:
        self.quads: list[Quad] = []
        self.blanks = 0
        self.labels: dict[str, str] = {}

    def blank(self) -> str:
        self.blanks += 1
        return f"_:n{self.blanks}"

    def node(self, item: Any, graph: str) -> str:
        """Writes the statements of one expanded node object; gives its name."""
        if not isinstance(item, dict) or "@value" in item or "@list" in item:
            raise UnprotectedContent("A value outside any object is covered by no signature.")
        before = len(self.quads)
        reference = item.get("@id")
        subject = self.blank() if reference is None else self._reference(reference)
        for name, values in item.items():
            if name in _UNSIGNED:
                raise UnprotectedContent(f"The record carries {_UNSIGNED[name]}, which no signature covers.")
            if name == "@id":
                continue
            if name == "@type":
                for iri in values:
                    self.quads.append((subject, rdf.TYPE, self._reference(iri), graph))
            elif name == "@graph":
                if not values:
                    raise UnprotectedContent("The record holds an empty part, which no signature covers.")
                for inner in values:
                    start = len(self.quads)
                    self.node(inner, subject)
                    if len(self.quads) == start:
                        raise UnprotectedContent("A part of the record says nothing that a signature could cover.")
            elif name == "@included":
                for inner in values:
                    self.node(inner, graph)
            elif name == "@reverse":
                for property_, others in values.items():
                    for other in others:
                        self.quads.append((self.node(other, graph), self._predicate(property_), subject, graph))
            elif name.startswith("@"):
                raise UnprotectedContent(f"The keyword {name} stands where no signature covers it.")
            else:
                predicate = self._predicate(name)
                for value in values:
                    self.quads.append((subject, predicate, self._object(value, graph), graph))
        if len(self.quads) == before and reference is None and len(item) > 0 and set(item) <= {"@graph"}:
            raise UnprotectedContent("A part of the record says nothing that a signature could cover.")
        return subject

    def _object(self, value: Any, graph: str) -> str:
        if "@value" in value:
            return _literal(value)
        if "@list" in value:
            if "@index" in value:
                raise UnprotectedContent("The record carries an index, which no signature covers.")
            return self._list(value["@list"], graph)
        return self.node(value, graph)

    def _list(self, items: list[Any], graph: str) -> str:
        cells = [self.blank() for _ in items]
        for position, item in enumerate(items):
            following = cells[position + 1] if position + 1 < len(cells) else rdf.NIL
            self.quads.append((cells[position], rdf.FIRST, self._object(item, graph), graph))
            self.quads.append((cells[position], rdf.REST, following, graph))
        return cells[0] if cells else rdf.NIL

    def _reference(self, iri: Any) -> str:
        if isinstance(iri, str) and iri.startswith("_:"):
            label = self.labels.get(iri)
            if label is None:
                label = self.labels[iri] = self.blank()
            return label
        if not isinstance(iri, str) or not rdf.is_absolute(iri) or iri.startswith(NOWHERE):
            raise UnprotectedContent(
                f"The reference or type {strict_json.shown(str(iri).removeprefix(NOWHERE))} is not a whole address, "
                "so the signature does not cover it."
            )
        return f"<{iri}>"

    def _predicate(self, iri: str) -> str:
        if not rdf.is_absolute(iri) or iri.startswith(NOWHERE):
            raise UnprotectedContent(
                f"The property {strict_json.shown(iri)} has no whole address, so the signature does not cover it."
            )
        return f"<{iri}>"


def _literal(value: dict[str, Any]) -> str:
    for keyword, what in _UNSIGNED.items():
        if keyword in value:
            raise UnprotectedContent(f"The record carries {what}, which no signature covers.")
    content, datatype = value["@value"], value.get("@type")
    if datatype == "@json":
        return f'"{rdf.escaped(jcs.canonical(content).decode("utf-8"))}"^^<{rdf.JSON}>'
    if not rdf.scalar(content):
        raise ContextInvalid("A value object holds something that is no value.")
    if "@language" in value:
        return rdf.language_text(content, value["@language"])
    if datatype is not None and not rdf.is_absolute(datatype):
        raise UnprotectedContent(f"The datatype {strict_json.shown(datatype)} is not a whole address.")
    return rdf.literal(content, datatype)
