"""The quick way from a document to its statements: one walk along the compiled keys of its contexts.

It covers what credentials use: references, typed and plain values, sets, lists, graphs (proofs), scoped and
inline contexts. Everything else raises ``NotCovered`` and goes the general way. It follows the expansion and RDF
conversion of JSON-LD 1.1 step by step, and refuses (safe mode, SEC-22) whatever those would drop in silence:
undefined keys and types, relative references, nulls, parts that make no statement.
"""

from __future__ import annotations

from typing import Any

from apps.standards.jsonld import rdf
from apps.standards.jsonld.active import ActiveContext, Container, Key, Kind, NotCovered, Processing
from apps.standards.jsonld.faults import ContextInvalid, UnprotectedContent
from apps.standards.jsonld.rdf import Quad


def statements(document: dict[str, Any], processing: Processing) -> list[Quad]:
    """The statements that a document makes, with blank nodes labelled at will; a statement may occur twice.

    Raises ``UnprotectedContent``, ``ContextUnavailable``, ``ContextInvalid``, ``NotCovered``.
    """
    walk = _Walk()
    walk.node(processing.initial(), document, "")
    if not walk.quads:
        raise UnprotectedContent("The record says nothing that a signature could cover.")
    return walk.quads


class _Walk:
    def __init__(self) -> None:
        self.quads: list[Quad] = []
        self.blanks = 0
        self.labels: dict[str, str] = {}

    def blank(self) -> str:
        self.blanks += 1
        return f"_:n{self.blanks}"

    def named(self, reference: str) -> str:
        """A reference, with a label of ours for a blank node that the document names itself."""
        if reference[0] != "_":
            return reference
        label = self.labels.get(reference)
        if label is None:
            label = self.labels[reference] = self.blank()
        return label

    def node(self, context: ActiveContext, element: dict[str, Any], graph: str) -> str:
        """Writes the statements of one object, whose surrounding context is settled; gives its name."""
        local = element.get("@context", self)
        if local is not self:
            if isinstance(local, dict) and len(local) == 1 and "@context" in local:
                raise ContextInvalid("A context defines the word @context.")
            context = context.with_local(local)
        outer = context
        reference, types, rest = _taken_apart(outer, element)
        if types:
            context = outer.with_types(types)
        subject = self.blank() if reference is None else self.named(context.reference(reference))
        for name in types:
            self.quads.append((subject, rdf.TYPE, outer.type_iri(name), graph))
        for name in rest:
            key = context.key(name)
            if key.kind is not Kind.PROPERTY:
                raise NotCovered(name)
            if key.container is Container.PLAIN:
                self._values(subject, key, element[name], graph, name)
            elif key.container is Container.LIST:
                self._list(subject, key, element[name], graph, name)
            else:
                self._graphs(subject, key, element[name], graph, name)
        return subject

    def _values(self, subject: str, key: Key, value: Any, graph: str, name: str) -> None:
        if isinstance(value, list):
            for item in value:
                self._values(subject, key, item, graph, name)
        else:
            self.quads.append((subject, key.predicate, self._object(key, value, graph, name), graph))

    def _object(self, key: Key, value: Any, graph: str, name: str) -> str:
        values = key.values
        assert values is not None
        if isinstance(value, str):
            coercion = key.coercion
            if coercion is None:
                return f'"{rdf.escaped(value)}"'
            if coercion == "@id":
                return self.named(values.reference(value))
            if coercion == "@vocab":
                return self.named(values.vocabulary_reference(value))
            return rdf.literal(value, coercion)
        if isinstance(value, dict):
            return self._nested(key, values, value, graph)
        if value is None:
            raise UnprotectedContent(f"A value of {name} is null, which no signature covers.")
        return rdf.literal(value, None if key.coercion in ("@id", "@vocab") else key.coercion)

    def _nested(self, key: Key, values: ActiveContext, element: dict[str, Any], graph: str) -> str:
        context = values.previous
        # A bare reference keeps the type-scoped context (as a value object would, which is not covered here).
        if context is not values and len(element) == 1 and values.keyword(next(iter(element))) is Kind.ID:
            context = values
        if key.scoped is not None:
            context = context.processed(key.scoped, key.scoped_key, override_protected=True, propagate=True)
        return self.node(context, element, graph)

    def _list(self, subject: str, key: Key, value: Any, graph: str, name: str) -> None:
        items = value if isinstance(value, list) else [value]
        if any(isinstance(item, list) for item in items):
            raise NotCovered(name)
        cells = [self.blank() for _ in items]
        self.quads.append((subject, key.predicate, cells[0] if cells else rdf.NIL, graph))
        for position, item in enumerate(items):
            following = cells[position + 1] if position + 1 < len(cells) else rdf.NIL
            self.quads.append((cells[position], rdf.FIRST, self._object(key, item, graph, name), graph))
            self.quads.append((cells[position], rdf.REST, following, graph))

    def _graphs(self, subject: str, key: Key, value: Any, graph: str, name: str) -> None:
        if isinstance(value, list):
            for item in value:
                self._graphs(subject, key, item, graph, name)
            return
        inside = self.blank()
        self.quads.append((subject, key.predicate, inside, graph))
        before = len(self.quads)
        if not isinstance(value, dict):
            raise UnprotectedContent(f"The value of {name} is no object, so the signature does not cover it.")
        assert key.values is not None
        self._nested(key, key.values, value, inside)
        if len(self.quads) == before:
            raise UnprotectedContent(f"The object in {name} says nothing that a signature could cover.")


def _taken_apart(context: ActiveContext, element: dict[str, Any]) -> tuple[str | None, list[str], list[str]]:
    """An object's own reference if it has one, its types, and the names of its other members."""
    reference: str | None = None
    types: list[str] | None = None
    rest: list[str] = []
    for name, value in element.items():
        if name == "@context":
            continue
        if value is None:
            raise UnprotectedContent(f"The value of {name} is null, which no signature covers.")
        kind = context.keyword(name)
        if kind is None:
            rest.append(name)
        elif kind is Kind.ID:
            if reference is not None or not isinstance(value, str):
                raise NotCovered(name)
            reference = value
        else:
            if types is not None:
                raise NotCovered(name)
            types = [value] if isinstance(value, str) else value
            if not isinstance(types, list) or not all(isinstance(item, str) for item in types):
                raise NotCovered(name)
    return reference, types or [], rest
