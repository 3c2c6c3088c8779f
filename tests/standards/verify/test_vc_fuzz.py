"""SEC-21, I6: whatever is done to valid credentials, there is an answer, and no changed one is accepted."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.standards.errors import ParseFault
from apps.standards.proofs import jws as jws_format
from apps.standards.verify.engine import verify
from tests.standards.jsonld.test_canonical import by_pyld
from tests.standards.verify.manifest import NOW, Case, cases

pytestmark = pytest.mark.once

SMALL = 1500
SOAK_SECONDS = 3600
ODD = [
    None,
    True,
    0,
    -1,
    1e308,
    "",
    "x",
    "urn:uuid:1",
    "https://a.example/",
    [],
    {},
    [[]],
    {"@value": "x"},
    {"id": "#"},
]
ODD_BYTES = [b"", b"\x00", b"\xff", b'"', b"{", b"}", b"[", b"\\u0000", b"\\ud800", b"@context", b"1e999", b",", b":"]


def valid_cases(shared: Path) -> list[Case]:
    found = [case for name in ("ob-3.0", "clr-2.0") for case in cases(shared, name)]
    kept = [
        case
        for case in found
        if case.entry["expected_valid"] and not case.entry.get("contested") and "now" not in case.entry
    ]
    return [case for case in kept if case.entry.get("input") in ("json", "jws")]


def changed_json(chance: random.Random, document: Any) -> Any:
    """A copy with one place replaced, removed, doubled or renamed."""
    copy = json.loads(json.dumps(document))
    places: list[tuple[Any, Any]] = []
    waiting = [copy]
    while waiting:
        container = waiting.pop()
        steps = list(container) if isinstance(container, dict) else list(range(len(container)))
        for step in steps:
            places.append((container, step))
            if isinstance(container[step], dict | list):
                waiting.append(container[step])
    container, step = chance.choice(places)
    match chance.randrange(4):
        case 0:
            container[step] = chance.choice(ODD)
        case 1:
            del container[step]
        case 2 if isinstance(container, list):
            container.insert(step, container[step])
        case 3 if isinstance(container, dict):
            container[chance.choice(["id", "type", "@context", "name", "zz", "@graph"])] = container.pop(step)
        case _:
            container[step] = [container[step]]
    return copy


def changed_bytes(chance: random.Random, source: bytes) -> bytes:
    position = chance.randrange(len(source))
    length = chance.choice([0, 1, 1, 1, 8, 64])
    middle = chance.choice([*ODD_BYTES, bytes([chance.randrange(32, 127)])])
    return source[:position] + middle + source[position + length :]


def content(source: bytes) -> Any:
    """What a source says: of a JSON credential every value outside contexts and proofs, of a token what is signed.

    Order, repetition and place are not compared: in RDF they may change without changing what is said.
    """
    try:
        value = json.loads(source)
    except ValueError:
        try:
            return jws_format.split(source.strip()).signing_input
        except ParseFault:
            return source
    return {json.dumps(scalar) for scalar in _scalars(value)}


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in ("@context", "proof"):
                yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    else:
        yield value


def same_statements(one: bytes, other: bytes) -> bool:
    """Whether PyLD, which knows nothing of ours, finds the same statements in both."""
    return by_pyld(_unsecured(one)) == by_pyld(_unsecured(other))


def _unsecured(source: bytes) -> Any:
    return {name: item for name, item in json.loads(source).items() if name != "proof"}


def try_one(chance: random.Random, case: Case) -> None:
    source = case.source
    if chance.random() < 0.7 and case.entry["input"] == "json":
        changed = json.dumps(changed_json(chance, json.loads(source))).encode()
    else:
        changed = changed_bytes(chance, source)
    result = verify(changed, fetcher=case.fetcher(), now=NOW, expected_recipients=case.expected_recipients)
    result.as_json()
    if result.valid:
        said, before = content(changed), content(source)
        if isinstance(said, set):
            assert said <= before, (case.id, changed)
            assert same_statements(changed, source), (case.id, changed)
        else:
            assert said == before, (case.id, changed)


def test_changed_credentials_are_answered_and_not_accepted(shared: Path) -> None:
    chance = random.Random(20261120)
    samples = valid_cases(shared)
    assert len(samples) > 50
    for _ in range(SMALL):
        try_one(chance, chance.choice(samples))


@pytest.mark.soak
def test_changed_credentials_for_an_hour(shared: Path) -> None:
    chance = random.Random()
    samples = valid_cases(shared)
    end = time.monotonic() + SOAK_SECONDS
    while time.monotonic() < end:
        try_one(chance, chance.choice(samples))
