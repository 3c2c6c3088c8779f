"""With jsonld.js and rdf-canonize (npm): the same canonical form, and the same refusals in safe mode (SEC-22)."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from apps.standards.errors import DocumentFault
from apps.standards.jsonld import canonical, contexts
from tests.interop.conftest import RunNode

pytestmark = [pytest.mark.server, pytest.mark.once]

BADGE_CONTEXT = [contexts.CREDENTIALS_V2, contexts.OPEN_BADGES, contexts.OPEN_BADGES_SERVICES]


def ours(document: Any) -> str | None:
    try:
        return canonical.canonical_form(document)
    except DocumentFault:
        return None


def test_samples_have_the_same_form_and_the_same_refusals(node: RunNode, shared: Path) -> None:
    documents = {}
    for folder in ("ob-3.0", "clr-2.0"):
        for path in sorted((shared / "samples" / folder).glob("*/*.json")):
            try:
                document = json.loads(path.read_text())
            except ValueError:
                continue
            if "@context" in document:
                documents[path.name] = document
    answers = node([{"do": "canonize", "document": document} for document in documents.values()])
    different = [
        name
        for (name, document), answer in zip(documents.items(), answers, strict=True)
        if ours(document) != answer.get("form")
    ]
    assert different == []
    assert sum("form" in answer for answer in answers) > 100
    assert sum("error" in answer for answer in answers) > 20


def test_generated_documents_have_the_same_form_and_the_same_refusals(node: RunNode) -> None:
    chance = random.Random(20261120)
    documents = [{"@context": BADGE_CONTEXT, **_object(chance, 3)} for _ in range(1500)]
    answers = node([{"do": "canonize", "document": document} for document in documents])
    agreed = 0
    for document, answer in zip(documents, answers, strict=True):
        form, theirs = ours(document), answer.get("form")
        if theirs is None:
            assert form is None, document
        elif form is None:
            assert _states_nothing(document), document
        else:
            assert form == theirs, document
            agreed += 1
    assert agreed > 500


def _states_nothing(value: Any, *, top: bool = True) -> bool:
    """What jsonld.js passes over and we refuse: nulls, empty references, documents without a statement."""
    if isinstance(value, dict):
        return any(_states_nothing(item, top=False) for item in value.values()) or (
            top and not set(value) - {"@context", "id"}
        )
    if isinstance(value, list):
        return any(_states_nothing(item, top=False) for item in value)
    return value is None or value == ""


def _classes() -> dict[str, list[str]]:
    terms = contexts.document_for(contexts.OPEN_BADGES)["@context"]  # type: ignore[index]
    anywhere = [name for name in terms if name[0].islower()]
    return {
        name: [term for term in definition.get("@context", {}) if term[0].islower()] + anywhere
        for name, definition in terms.items()
        if name[0].isupper() and isinstance(definition, dict)
    }


CLASSES = _classes()
# Not among them: numbers such as 1e-7, which jsonld.js 9 takes for the integer 0 (no point in
# their spelling), and whole numbers beyond 2^53, which JavaScript cannot hold.
VALUES: list[Any] = [
    "A",
    "",
    "two words",
    'quote " and \\ slash',
    "tab\tline\nreturn\rdelete\x7fbell\x07",
    "漢字 🎓 é",
    "urn:uuid:1",
    "https://a.example/x?y=1#z",
    "did:key:z6Mk",
    "_:b0",
    "relative.png",
    "a:b",
    "/x",
    "#f",
    "Achievement",
    0,
    1,
    -7,
    7.0,
    7.5,
    1e21,
    1234567890123456,
    0.1,
    3.3333333333333335,
    True,
    False,
    None,
    [],
    {},
    {"id": "urn:uuid:2"},
    {"id": "relative"},
    {"@value": "x"},
    {"@value": "x", "@language": "EN"},
    {"@value": 5, "@type": "http://www.w3.org/2001/XMLSchema#integer"},
    {"@id": "urn:uuid:3", "id": "urn:uuid:4"},
]


def _object(chance: random.Random, depth: int) -> dict[str, Any]:
    kind = chance.choice(sorted(CLASSES))
    element: dict[str, Any] = {"type": chance.choice([kind, [kind], [kind, "Profile"], [kind] * 2])}
    if chance.random() < 0.6:
        element["id"] = chance.choice(["urn:uuid:1", "urn:uuid:9", "https://a.example/", "_:b0", "_:b1"])
    for _ in range(chance.randint(0, 4)):
        name = chance.choice([*CLASSES[kind], "undefined"] if chance.random() < 0.1 else CLASSES[kind] or ["name"])
        element[name] = _value(chance, depth)
    return element


def _value(chance: random.Random, depth: int) -> Any:
    roll = chance.random()
    if depth and roll < 0.35:
        return _object(chance, depth - 1)
    if roll < 0.5:
        return [_value(chance, max(0, depth - 1)) for _ in range(chance.randint(0, 3))]
    return chance.choice(VALUES[:27] if roll < 0.9 else VALUES)
