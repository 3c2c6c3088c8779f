"""The short notation in which this package writes JSON-LD contexts down.

One line is one term: its name, its IRI, then what is said of its values.

    Achievement    ob:                     a class; the deeper lines are its type-scoped context
      criteria     ob:Criteria   @id       values are references (also ``@vocab``, ``@json``, ``@none``)
      creditsMax   ob:           xsd:float values are literals of that datatype
      tag          schema:keywords set     container (``set``, ``list``, ``graph``)
      image        ob:Image      @id  {3.0.1-3.0.2}   only in these versions

An IRI is a prefix of the table and a local name (left out where it is the term's own name), a whole IRI, or
``=text`` for text that stands in the context just so. ``text`` after the IRI is the datatype for which the
caller says what it means. A line that begins with ``@`` speaks of the context it stands in: ``@protected``,
``@ids`` (the aliases id and type), ``@version``, ``@vocab IRI``. A scoped context begins with the directives
given as ``scoped`` unless its term carries ``bare``; ``empty`` makes a scoped context with nothing else in it,
``null`` one that forgets all terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_CONTAINERS = {"set": "@set", "list": "@list", "graph": "@graph"}
_KEYWORD_TYPES = {"@id", "@vocab", "@json", "@none"}


def context(
    table: str,
    prefixes: Mapping[str, str],
    *,
    scoped: Sequence[str] = ("@protected", "@ids"),
    version: str | None = None,
    text: str | None = None,
) -> dict[str, Any]:
    """The JSON-LD context that a table describes (without the ``@context`` wrapper).

    ``version`` picks the lines for one version, written as three numbers with dots; ``text`` is the datatype
    that the word ``text`` stands for (None: no datatype). Raises ``ValueError`` for a line it cannot read.
    """
    root: dict[str, Any] = {}
    stack: list[dict[str, Any]] = [root]
    parents: list[tuple[dict[str, Any], str, bool]] = []
    for line in table.splitlines():
        words = line.split()
        if not words:
            continue
        if words[-1].startswith("{"):
            if version is None or not _covers(words[-1][1:-1], version):
                continue
            words = words[:-1]
        level = (len(line) - len(line.lstrip())) // 2
        if level > len(stack) - 1:
            owner, name, bare = parents[-1]
            stack.append(_scoped_context(owner, name, () if bare else scoped))
        del stack[level + 1 :]
        target = stack[level]
        if words[0].startswith("@"):
            _direct(target, words)
            continue
        name, flags = words[0], words[2:]
        target[name] = _term(name, words[1], flags, prefixes, text)
        parents.append((target, name, "bare" in flags))
        if "null" in flags:
            target[name]["@context"] = None
        elif "empty" in flags:
            _scoped_context(target, name, scoped)
    return root


def _covers(versions: str, version: str) -> bool:
    first, dash, last = versions.partition("-")
    return first <= version and version <= (last or "9") if dash else version == first


def _direct(target: dict[str, Any], words: Sequence[str]) -> None:
    match words[0]:
        case "@protected":
            target["@protected"] = True
        case "@ids":
            target.update({"id": "@id", "type": "@type"})
        case "@version":
            target["@version"] = 1.1
        case "@vocab":
            target["@vocab"] = words[1]
        case other:
            raise ValueError(f"{other} is no directive of the context notation")


def _scoped_context(owner: dict[str, Any], name: str, directives: Sequence[str]) -> dict[str, Any]:
    definition = owner[name]
    if isinstance(definition, str):
        definition = owner[name] = {"@id": definition}
    scoped: dict[str, Any] = definition.setdefault("@context", {})
    for directive in directives:
        _direct(scoped, [directive])
    return scoped


def _term(
    name: str, iri: str, flags: Sequence[str], prefixes: Mapping[str, str], text: str | None
) -> str | dict[str, Any]:
    definition: dict[str, Any] = {"@id": _iri(iri, name, prefixes)}
    for flag in flags:
        if flag in _CONTAINERS:
            definition["@container"] = _CONTAINERS[flag]
        elif flag in _KEYWORD_TYPES:
            definition["@type"] = flag
        elif flag == "text":
            if text is not None:
                definition["@type"] = text
        elif flag not in ("bare", "empty", "null"):
            definition["@type"] = _iri(flag, name, prefixes)
    return definition["@id"] if len(definition) == 1 and "null" not in flags else definition


def _iri(written: str, name: str, prefixes: Mapping[str, str]) -> str:
    if written.startswith("="):
        return written[1:]
    prefix, colon, local = written.partition(":")
    if not colon:
        raise ValueError(f"{written} is neither an IRI nor a prefix of the table")
    return prefixes[prefix] + (local or name) if prefix in prefixes else written
