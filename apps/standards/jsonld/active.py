"""Active contexts: PyLD's context processing, remembered, and asked key by key.

PyLD decides what a context means (protection, scoping, propagation, prefixes); this module keeps each result,
so that the few context sets in use are processed once per process, and compiles for each key of a document
what there is to do about it (``Key``). Both ways to the canonical form start here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson
from pyld.context_resolver import ContextResolver
from pyld.jsonld import JsonLdError, JsonLdProcessor

from apps.standards import strict_json
from apps.standards.jsonld import contexts, rdf
from apps.standards.jsonld.faults import ContextInvalid, ContextUnavailable, TooMuchWork, UnprotectedContent

DocumentFor = Callable[[str], Mapping[str, Any] | None]

#: Where relative references would end up if they were resolved; it can occur in no real document.
NOWHERE = "https://undefined.invalid/"
MAX_INLINE_SIZE = 32 * 1024
MAX_INLINE_DEPTH = 8
_REMEMBERED = 400
_CONTEXTS_PER_DOCUMENT = 2000

_LOOKS_LIKE_KEYWORD = re.compile(r"@[a-zA-Z]+")


class NotCovered(Exception):
    """The document uses something that the compiled way leaves to the general one."""


class Kind(Enum):
    """What a key of an object stands for."""

    ID = 1
    TYPE = 2
    PROPERTY = 3


class Container(Enum):
    """How the values of a property are held."""

    PLAIN = 1
    LIST = 2
    GRAPH = 3


@dataclass(frozen=True, slots=True)
class Key:
    """What is to be done about one key under one active context."""

    kind: Kind
    predicate: str = ""
    container: Container = Container.PLAIN
    coercion: str | None = None
    values: ActiveContext | None = None
    """The context in which the values are read."""
    scoped: Any = None
    """The property-scoped context, applied again to objects among the values."""
    scoped_key: bytes = b""


class ActiveContext:
    """One processed context. Immutable to its users; it remembers what it was asked."""

    __slots__ = ("_children", "_keys", "_keywords", "_previous", "_typed", "_types", "processing", "raw")

    def __init__(self, processing: Processing, raw: Mapping[str, Any]) -> None:
        self.processing = processing
        self.raw = raw
        self._keys: dict[str, Key] = {}
        self._types: dict[str, str] = {}
        self._keywords: dict[str, Kind | None] = {}
        self._children: dict[tuple[bytes, bool, bool], ActiveContext] = {}
        self._typed: dict[tuple[str, ...], ActiveContext] = {}
        self._previous: ActiveContext | None = None

    @property
    def previous(self) -> ActiveContext:
        """The context that counts again when the next object begins; itself without a type-scoped context."""
        if self._previous is None:
            raw = self.raw.get("previousContext")
            self._previous = self if raw is None else self.processing.wrapped(raw)
        return self._previous

    def with_local(self, local: Any) -> ActiveContext:
        """The context after an ``@context`` of the document itself."""
        self.processing.check_inline(local)
        return self.processed(local, orjson.dumps(local), override_protected=False, propagate=True)

    def processed(self, local: Any, key: bytes, *, override_protected: bool, propagate: bool) -> ActiveContext:
        """The context after a local or scoped one; ``key`` tells local contexts apart."""
        known = (key, override_protected, propagate)
        child = self._children.get(known)
        if child is None:
            child = self._children[known] = self.processing.process(self, local, override_protected, propagate)
        return child

    def with_types(self, types: list[str]) -> ActiveContext:
        """The context after the type-scoped contexts of an object's types."""
        known = tuple(sorted(types))
        child = self._typed.get(known)
        if child is None:
            child = self
            for name in known:
                scoped = self._scoped_of(name)
                if scoped is not None and scoped is not False:
                    child = child.processed(scoped, orjson.dumps(scoped), override_protected=False, propagate=False)
            if len(self._typed) < _REMEMBERED:
                self._typed[known] = child
        return child

    def _scoped_of(self, term: str) -> Any:
        mapping = self.raw["mappings"].get(term)
        return mapping.get("@context") if mapping else None

    def keyword(self, name: str) -> Kind | None:
        """Whether a key is an alias of ``@id`` or ``@type``; None for every other key."""
        if name in self._keywords:
            return self._keywords[name]
        meaning = self.expanded(name)
        kind = Kind.ID if meaning == "@id" else Kind.TYPE if meaning == "@type" else None
        if len(self._keywords) < _REMEMBERED:
            self._keywords[name] = kind
        return kind

    def key(self, name: str) -> Key:
        """What a key stands for. Raises ``UnprotectedContent`` for an undefined one, ``NotCovered``."""
        known = self._keys.get(name)
        if known is None:
            known = self._compiled(name)
            if len(self._keys) < _REMEMBERED:
                self._keys[name] = known
        return known

    def expanded(self, name: str) -> str | None:
        """The IRI or keyword that a term, compact or whole IRI stands for; None or a relative text if nothing."""
        found: str | None = self.processing.processor._expand_iri(self.raw, name, vocab=True)
        return found

    def _compiled(self, name: str) -> Key:
        iri = self.expanded(name)
        if iri == "@id":
            return Key(Kind.ID)
        if iri == "@type":
            return Key(Kind.TYPE)
        if iri is not None and iri.startswith("@"):
            raise NotCovered(iri)
        if iri is None or not rdf.is_absolute(iri):
            raise UnprotectedContent(
                f"No context defines the property {strict_json.shown(name)}, so the signature does not cover it."
            )
        mapping = self.raw["mappings"].get(name) or {}
        if mapping.get("reverse") or "@language" in self.raw or "@language" in mapping or "@direction" in mapping:
            raise NotCovered(name)
        container = _container(mapping.get("@container"))
        values, scoped = self, mapping.get("@context")
        if scoped is not None:
            values = self.processed(scoped, orjson.dumps(scoped), override_protected=True, propagate=True)
        inner = values.raw["mappings"].get(name) or {}
        coercion = inner.get("@type")
        if coercion in ("@json", rdf.XSD_DOUBLE) or "@language" in values.raw or "@language" in inner:
            raise NotCovered(name)
        scoped_again = inner.get("@context")
        return Key(
            Kind.PROPERTY,
            f"<{iri}>",
            container,
            None if coercion == "@none" else coercion,
            values,
            scoped_again,
            orjson.dumps(scoped_again),
        )

    def type_iri(self, name: str) -> str:
        """The IRI of a type, in angle brackets. Raises ``UnprotectedContent`` for an undefined one."""
        known = self._types.get(name)
        if known is None:
            iri = self.expanded(name)
            if iri is not None and iri.startswith(("@", "_:")):
                raise NotCovered(iri)
            if iri is None or not rdf.is_absolute(iri):
                raise UnprotectedContent(
                    f"No context defines the type {strict_json.shown(name)}, so the signature does not cover it."
                )
            known = f"<{iri}>"
            if len(self._types) < _REMEMBERED:
                self._types[name] = known
        return known

    def reference(self, value: str) -> str:
        """A reference as N-Quads writes it; a blank node keeps its own label.

        Raises ``UnprotectedContent`` for a relative reference.
        """
        prefix, colon, suffix = value.partition(":")
        if not colon or not prefix:
            if _LOOKS_LIKE_KEYWORD.fullmatch(value):
                raise NotCovered(value)
            raise _relative(value)
        if prefix == "_":
            return value
        if not suffix.startswith("//"):
            mapping = self.raw["mappings"].get(prefix)
            if mapping and mapping.get("_prefix"):
                value = mapping["@id"] + suffix
        if not rdf.is_absolute(value):
            raise _relative(value)
        return f"<{value}>"

    def vocabulary_reference(self, value: str) -> str:
        """A reference that may be a term, as N-Quads writes it."""
        if value.startswith("_:"):
            return value
        return self.type_iri(value)


def _relative(value: str) -> UnprotectedContent:
    return UnprotectedContent(
        f"The reference {strict_json.shown(value)} is not a whole address, so the signature does not cover it."
    )


def _container(written: Any) -> Container:
    held = frozenset(written or ())
    if held <= {"@set"}:
        return Container.PLAIN
    if held == {"@list"}:
        return Container.LIST
    if held <= {"@graph", "@set"}:
        return Container.GRAPH
    raise NotCovered(str(written))


class Processing:
    """A set of known contexts, and what was worked out of them.

    ``document_for`` gives a context document by address or None; the default knows the built-in ones. What is
    remembered of contexts inside documents is thrown away when it becomes much, so strangers cannot fill it.
    """

    def __init__(self, document_for: DocumentFor = contexts.document_for) -> None:
        self.document_for = document_for
        self.processor = JsonLdProcessor()
        self._begin()

    def _begin(self) -> None:
        self._remembered = 0
        self._processed = 0
        self._by_uuid: dict[str, ActiveContext] = {}
        self.options: dict[str, Any] = {
            "base": NOWHERE,
            "documentLoader": self._load,
            "contextResolver": ContextResolver({}, self._load),
            "processingMode": "json-ld-1.1",
            "isFrame": False,
        }
        self._initial = ActiveContext(self, self.processor._get_initial_context(self.options))

    def initial(self) -> ActiveContext:
        """The context in which a document begins."""
        if self._remembered > _REMEMBERED:
            self._begin()
        self._processed = 0
        return self._initial

    def wrapped(self, raw: Mapping[str, Any]) -> ActiveContext:
        """The one ``ActiveContext`` around a processed context of PyLD's."""
        known = self._by_uuid.get(raw.get("_uuid", ""))
        return known if known is not None and known.raw is raw else self._remember(raw)

    def _remember(self, raw: Mapping[str, Any]) -> ActiveContext:
        self._remembered += 1
        active = ActiveContext(self, raw)
        if "_uuid" in raw:
            self._by_uuid[raw["_uuid"]] = active
        return active

    def process(self, active: ActiveContext, local: Any, override: bool, propagate: bool) -> ActiveContext:
        """Processes a local context. Raises ``ContextUnavailable``, ``ContextInvalid``."""
        self._processed += 1
        if self._processed > _CONTEXTS_PER_DOCUMENT:
            raise TooMuchWork("The record carries too many contexts of its own to be processed in reasonable time.")
        try:
            raw = self.processor._process_context(
                active.raw, local, self.options, override_protected=override, propagate=propagate
            )
        except (JsonLdError, KeyError, TypeError, AttributeError, ValueError, RecursionError) as fault:
            raise context_fault(fault) from None
        return self.wrapped(raw)

    def _load(self, url: str, options: Any) -> dict[str, Any]:
        document = self.document_for(url)
        if document is None:
            raise _Unknown(url)
        return {"contextUrl": None, "documentUrl": url, "contentType": "application/ld+json", "document": document}

    def check_inline(self, local: Any) -> None:
        """Raises ``ContextInvalid`` for a context inside a document that SEC-22 does not allow."""
        if isinstance(local, str) or (isinstance(local, list) and all(isinstance(item, str) for item in local)):
            return
        try:
            size = len(orjson.dumps(local))
        except orjson.JSONEncodeError:
            raise ContextInvalid("A context inside the record holds a number of more than 64 bits.") from None
        if size > MAX_INLINE_SIZE:
            raise ContextInvalid("A context inside the record is longer than 32 KB.")
        _check_inline(local, 0)


class _Unknown(LookupError):
    """An address that is not among the known contexts."""


def context_fault(fault: BaseException) -> ContextUnavailable | ContextInvalid:
    """What to tell of a failure inside PyLD."""
    reasons: list[BaseException] = []
    cause: BaseException | None = fault
    while cause is not None and len(reasons) < 20:
        if isinstance(cause, _Unknown):
            return ContextUnavailable(
                f"The context {strict_json.shown(str(cause.args[0]), 120)} is not one of the built-in contexts, "
                "and contexts are never fetched."
            )
        reasons.append(cause)
        cause = cause.__cause__
    codes = [code for reason in reasons if (code := getattr(reason, "code", None))]
    return ContextInvalid(f"A context of the record cannot be used ({codes[-1] if codes else 'not understood'}).")


def _check_inline(local: Any, depth: int) -> None:
    if depth > MAX_INLINE_DEPTH:
        raise ContextInvalid("A context inside the record is nested more than eight levels deep.")
    if isinstance(local, dict):
        if "@import" in local:
            raise ContextInvalid("A context inside the record imports another one, which is not accepted.")
        for value in local.values():
            _check_inline(value, depth + 1)
    elif isinstance(local, list):
        for value in local:
            _check_inline(value, depth if depth == 0 else depth + 1)
