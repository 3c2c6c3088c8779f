"""Reading Open Badges 2.0: one name for each property, and what is wrong with an object (parts A1 to A3).

The standard looks at names only after JSON-LD compaction into its own context: ``schema:name``,
``http://schema.org/name`` and ``name`` are one property. ``normalise`` does what that comes to for the few
names of this standard, without fetching anything: names are resolved by the document's own context (the v2
address, inline definitions, prefixes) to IRIs, and known IRIs get their v2 name back. What no context maps has
no meaning for a verifier and is kept beside, under ``UNMAPPED``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from apps.standards import moments
from apps.standards.clr1.read import Finding
from apps.standards.errors import DocumentFault
from apps.standards.ob2 import model
from apps.standards.ob2.model import Kind
from apps.standards.strict_json import shown

UNMAPPED = "@unmapped"

_URL = re.compile(r"https?://[^\s/?#\x00-\x1f<>\"{}|\\^`]+[^\s\x00-\x1f<>\"{}|\\^`]*", re.IGNORECASE)
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_OTHER_IRI = re.compile(r"(?:_:|did:|urn:)[^\s]+")
_DATA_IMAGE = re.compile(r"data:image/(?:png|svg\+xml)[;,]", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_TELEPHONE = re.compile(r"\+?[1-9]\d{1,14}(?:;ext=\d+)?")
_AUTHORITY = re.compile(r"(?=.{4,253}\Z)(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,63}")
_HASHED = re.compile(r"md5\$[0-9a-fA-F]{32}|sha256\$[0-9a-fA-F]{64}")

_KEYWORDS = {"id": "id", "@id": "id", "type": "type", "@type": "type"}


# --- names (A1) --------------------------------------------------------------------------------------------


class Names:
    """The names that are in force at one place of a document: term -> IRI."""

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[str, str] | None = None) -> None:
        self.terms = dict(terms or {})

    def within(self, context: Any, inherited: bool = True) -> Names:
        """The names in force below a ``@context``; members that are not known change nothing."""
        terms = dict(self.terms) if inherited else {}
        for member in context if isinstance(context, list) else [context]:
            if isinstance(member, str):
                if member == model.CONTEXT_URL or member in model.CONTEXT_ALIASES | model.CONTEXT_2P1:
                    terms.update(_VERSION_2)
                elif member == model.CONTEXT_V1:
                    terms.update(_VERSION_1)
            elif isinstance(member, dict):
                terms.update(_inline(member, terms))
        return Names(terms)

    def iri(self, name: str) -> str | None:
        """The IRI of a name, or None if no context maps it."""
        found = self.terms.get(name)
        if found is not None:
            return found
        prefix, colon, local = name.partition(":")
        if not colon:
            return None
        if local.startswith("//"):
            return name
        space = self.terms.get(prefix)
        return space + local if space is not None else name


_VERSION_2 = {**model.PREFIXES, **model.TERMS}
_VERSION_1 = {term: iri for term, iri in _VERSION_2.items() if term not in model.NOT_IN_VERSION_1}


def _inline(context: Mapping[str, Any], outer: Mapping[str, str]) -> dict[str, str]:
    """Term -> IRI of an inline context; prefixes and other terms are followed a few steps."""
    raw: dict[str, str] = {}
    for term, definition in context.items():
        target = definition.get("@id") if isinstance(definition, dict) else definition
        if isinstance(target, str):
            raw[term] = target
    resolved: dict[str, str] = {}
    for term, target in raw.items():
        for _ in range(5):
            if target in raw and target != term:
                target = raw[target]
                continue
            prefix, colon, local = target.partition(":")
            if colon and not local.startswith("//") and prefix in raw:
                target = raw[prefix] + local
                continue
            if colon and not local.startswith("//") and prefix in outer:
                target = outer[prefix] + local
            elif not colon and target in outer:
                target = outer[target]
            break
        resolved[term] = target
    return resolved


def normalise(document: Any, names: Names | None = None) -> Any:
    """The same document with every mapped property and type under its v2 name."""
    if not isinstance(document, dict):
        return document
    if "@context" in document:
        names = (names or Names()).within(document["@context"])
    elif names is None:  # versions 0.5 and 1.0 had no context (A11)
        names = Names(_VERSION_1)
    node: dict[str, Any] = {}
    unmapped: dict[str, Any] = {}
    for name, value in document.items():
        keyword = _KEYWORDS.get(name)
        if keyword is not None or name == "@context" or name == "@language":
            node[keyword or name] = value
            continue
        iri = names.iri(name)
        if iri is None:
            unmapped[name] = value
            continue
        known = iri in model.TERM_FOR
        term = name if model.TERMS.get(name) == iri and name not in ("verify",) else model.TERM_FOR.get(iri, iri)
        below = _normalise_value(value, names)
        if known:
            node.setdefault(term, below)
        else:
            node[iri] = below
    if "type" in node:
        node["type"] = _types(node["type"], names)
    if unmapped:
        node[UNMAPPED] = unmapped
    return node


def _normalise_value(value: Any, names: Names) -> Any:
    if isinstance(value, list):
        return [_normalise_value(item, names) for item in value]
    return normalise(value, names)


def _types(value: Any, names: Names) -> Any:
    """Types by their v2 names where they have one; a type that expands to no IRI stays as it is."""
    if isinstance(value, list):
        return [_type(item, names) for item in value]
    return _type(value, names)


def _type(value: Any, names: Names) -> Any:
    if not isinstance(value, str):
        return value
    iri = names.iri(value)
    return value if iri is None else model.TERM_FOR.get(iri, iri)


def types_of(node: Mapping[str, Any]) -> list[str]:
    """The ``type`` values of a normalised node that are strings."""
    value = node.get("type")
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def one(value: Any) -> Any:
    """The value itself, or the only member of a list: to JSON-LD these are the same."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def each(value: Any) -> list[Any]:
    """All values: the members of a list, the value alone, or nothing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def node_id(value: Any) -> str | None:
    """The id of an embedded object or of a reference."""
    value = one(value)
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else None


# --- context and class (A12, steps 6 and 8) ------------------------------------------------------------------


def check_context(document: Mapping[str, Any]) -> list[Finding]:
    """The context names the vocabulary of Open Badges, or maps its terms itself."""
    context = document.get("@context")
    members = context if isinstance(context, list) else [context]
    known = {model.CONTEXT_URL, model.CONTEXT_V1, *model.CONTEXT_ALIASES, *model.CONTEXT_2P1}
    if any(isinstance(member, str) and member in known for member in members):
        changed = _redefined(members)
        if changed is None:
            return []
        sentence = f"A context inside the badge gives the word {shown(changed)} another meaning."
        return [Finding("CONTEXT_INVALID", "/@context", sentence)]
    mapped = Names().within(context).terms
    if sum(mapped.get(term) == iri for term, iri in model.TERMS.items()) >= 10:
        return []
    return [Finding("CONTEXT_INVALID", "/@context", "The context is not that of Open Badges 2.0.")]


def _redefined(members: list[Any]) -> str | None:
    """A term of the standard that an inline context gives another meaning (part E, E3)."""
    for member in members:
        if isinstance(member, dict):
            for term, iri in _inline(member, _VERSION_2).items():
                if term in model.TERMS and iri != model.TERMS[term]:
                    return term
    return None


def check_type(node: Mapping[str, Any], at: str = "") -> list[Finding]:
    """``type`` is there, and each of its values is a term of the context or an IRI."""
    given = node.get("type")
    values = types_of(node)
    if not values or len(values) != len(each(given)):
        return [Finding("TYPE_INVALID", f"{at}/type", "The object does not say of which class it is.")]
    for value in values:
        if value not in model.TERMS and ":" not in value:
            sentence = f"The class {shown(value)} is not known to the context."
            return [Finding("TYPE_INVALID", f"{at}/type", sentence)]
    return []


def class_of(node: Mapping[str, Any]) -> str | None:
    """The name of the class of the standard that a normalised node belongs to."""
    for value in types_of(node):
        for described in model.CLASSES.values():
            if value in described.type_names and described.name not in ("IdentityObject", "VerificationObject"):
                return described.name
    return None


# --- properties (A12, steps 10 to 14) ------------------------------------------------------------------------


def check(node: Mapping[str, Any], class_name: str, at: str = "") -> list[Finding]:
    """What is wrong with a normalised node as an instance of a class, and with what is embedded in it."""
    findings: list[Finding] = []
    _check(node, model.CLASSES[class_name], at, findings, depth=0)
    return findings


def _check(node: Mapping[str, Any], described: model.Class, at: str, findings: list[Finding], depth: int) -> None:
    revoked = node.get("revoked") is True and described.name in ("Assertion", "Endorsement")
    for name, rule in described.properties.items():
        value = node.get(name)
        if value is None or value == []:
            if rule.required and not (revoked and name != "id"):
                findings.append(Finding("PROPERTY_MISSING", f"{at}/{name}", f"The {described.name} has no {name}."))
            continue
        values = value if isinstance(value, list) else [value]
        if len(values) > 1 and not rule.many:
            findings.append(
                Finding("PROPERTY_INVALID", f"{at}/{name}", f"{name} has several values; only one is allowed.")
            )
            continue
        for item in values:
            _check_value(name, item, rule, described, f"{at}/{name}", findings, depth)
    if described.name == "IdentityObject":
        _check_identity(node, at, findings)
    if described.name == "Criteria" and not node.get("id") and not node.get("narrative"):
        findings.append(Finding("CRITERIA_EMPTY", at, "The criteria say nothing: neither an address nor a text."))


def _check_value(
    name: str,
    value: Any,
    rule: model.Property,
    described: model.Class,
    at: str,
    findings: list[Finding],
    depth: int,
) -> None:
    kind = rule.kind
    if kind is Kind.VALUE:
        return
    if kind is Kind.NODE:
        _check_node(name, value, rule, at, findings, depth)
    elif kind is Kind.IMAGE:
        _check_image(value, described.name, at, findings)
    elif not _fits(value, kind):
        findings.append(Finding("PROPERTY_INVALID", at, f"{name} is not {kind.value}."))


def _fits(value: Any, kind: Kind) -> bool:
    if kind is Kind.BOOLEAN:
        return isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if kind is Kind.TEXT:
        return True
    if kind is Kind.DATE_TIME:
        try:
            return moments.read(value).has_zone
        except DocumentFault:
            return False
    if kind is Kind.IRI:
        return is_iri(value)
    if kind is Kind.NAME:
        return bool(value) and (":" in value or value in model.TERMS or value == "id" or value.isidentifier())
    pattern = {
        Kind.URL: _URL,
        Kind.EMAIL: _EMAIL,
        Kind.TELEPHONE: _TELEPHONE,
        Kind.AUTHORITY: _AUTHORITY,
    }[kind]
    return pattern.fullmatch(value) is not None


def is_iri(value: str) -> bool:
    """A web address, a UUID as URN, a blank node, or another URN or DID."""
    return bool(_URL.fullmatch(value) or _UUID.fullmatch(value) or _OTHER_IRI.fullmatch(value))


def _check_node(name: str, value: Any, rule: model.Property, at: str, findings: list[Finding], depth: int) -> None:
    if isinstance(value, str):
        if not rule.by_reference or not is_iri(value):
            findings.append(Finding("PROPERTY_INVALID", at, f"{name} is not an object of its class."))
        return
    if not isinstance(value, dict):
        findings.append(Finding("PROPERTY_INVALID", at, f"{name} is neither an object nor an IRI."))
        return
    if set(value) <= {"id"} and rule.by_reference:
        return
    described = model.CLASSES[rule.of]
    if name == "issuer" or rule.of in ("Endorsement", "BadgeClass"):
        return  # loaded and checked as an object of its own
    types = types_of(value)
    if types and rule.of not in ("IdentityObject", "EndorsementClaim") and not set(types) & described.type_names:
        named = [each for each in types if each in model.CLASSES]
        if named:
            findings.append(Finding("PROPERTY_INVALID", at, f"{name} is of the class {named[0]}."))
    if depth < 10:
        _check(value, described, at, findings, depth + 1)


def _check_image(value: Any, owner: str, at: str, findings: list[Finding]) -> None:
    address = value.get("id") if isinstance(value, dict) else value
    if not isinstance(address, str):
        findings.append(Finding("IMAGE_INVALID", at, "The image has no address."))
    elif address[:5].lower() == "data:":
        if owner == "Assertion":
            findings.append(Finding("IMAGE_INVALID", at, "The image of an assertion may not be a data URI."))
        elif not _DATA_IMAGE.match(address):
            findings.append(Finding("IMAGE_INVALID", at, "The image is neither PNG nor SVG."))
    elif not is_iri(address):
        findings.append(Finding("IMAGE_INVALID", at, "The image has no usable address."))


def _check_identity(node: Mapping[str, Any], at: str, findings: list[Finding]) -> None:
    identity, hashed = node.get("identity"), node.get("hashed")
    if not isinstance(identity, str) or not isinstance(hashed, bool):
        return
    if hashed != (_HASHED.fullmatch(identity) is not None):
        findings.append(
            Finding("IDENTITY_INVALID", f"{at}/identity", "Whether the recipient is hashed is said wrongly.")
        )
    elif not hashed and one(node.get("type")) == "email" and not _EMAIL.fullmatch(identity):
        findings.append(Finding("IDENTITY_INVALID", f"{at}/identity", "The recipient is no e-mail address."))


# --- extensions (A10) ----------------------------------------------------------------------------------------


def check_extensions(node: Mapping[str, Any]) -> list[Finding]:
    """Extension nodes against what the published schema of their type asks; unknown types are let be."""
    findings: list[Finding] = []
    for at, extension in _extension_nodes(node):
        for type_ in types_of(extension):
            described = model.EXTENSIONS.get(_extension_name(type_))
            if described is not None:
                _check_extension(extension, described, at, findings)
        if not any(_extension_name(type_) in model.EXTENSIONS for type_ in types_of(extension)):
            sentence = "The extension is of a kind whose schema is not known here, so it was not held against it."
            findings.append(Finding("EXTENSION_INVALID", at, sentence, "warning"))
    return findings


def _extension_name(type_: str) -> str:
    return re.split(r"[#/:]", type_)[-1].lower()


def _extension_nodes(node: Mapping[str, Any], at: str = "", depth: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    if depth > 10:
        return
    for name, value in node.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and name not in (UNMAPPED, "@context"):
                place = f"{at}/{name}"
                if "Extension" in types_of(item):
                    yield place, item
                yield from _extension_nodes(item, place, depth + 1)


def _check_extension(
    extension: Mapping[str, Any], described: model.Extension, at: str, findings: list[Finding]
) -> None:
    unmapped = extension.get(UNMAPPED)
    for name, (iri, kind, required) in described.properties.items():
        value = extension.get(name, extension.get(iri))
        if value is None and isinstance(unmapped, dict):
            value = unmapped.get(name)
        if value is None:
            if required:
                findings.append(Finding("EXTENSION_INVALID", f"{at}/{name}", f"The extension has no {name}."))
        elif not _extension_value_fits(value, kind):
            findings.append(
                Finding("EXTENSION_INVALID", f"{at}/{name}", f"{name} of the extension is not of the right kind.")
            )


def _extension_value_fits(value: Any, kind: str) -> bool:
    if kind == "object":
        return isinstance(value, dict)
    return isinstance(value, str) and (kind != "address" or ":" in value)
