"""Every single-character change of the signed part of a valid record that alters what it says is found.

One small record of each format. The plain run tries some five hundred places; ``--soak`` tries them all, each with
several others in its place. What is changed is the text that was signed: of a token its decoded content, put back
under the old signature, and its own letters; of a document with an embedded proof the JSON, proof included.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.standards.clr1 import model
from apps.standards.proofs.jws import encode_part
from tests.standards.ob2.test_badges import BASE, assertion, sign
from tests.standards.ob2.test_badges import world as badge_world
from tests.standards.verify.manifest import NOW as SAMPLES_NOW
from tests.standards.verify.manifest import by_id
from tests.standards.verify.vc_world import Issuer, judged, p256_key
from tests.standards.verify.world import Institution, World

pytestmark = pytest.mark.once

Judge = Callable[[bytes], bool]
#: About so many places of each record are tried in the plain run.
TRIED_AT_LEAST = 500
OTHERS = 'x1" ,}é'


def _clr1() -> tuple[str, Judge]:
    world = World()
    college = Institution(world, "records.college.example", "College")
    record = {**college.record(), "assertions": [college.assertion(1)]}
    return college.sign(record), lambda source: world.judge(source).valid


def _clr1_assertion() -> tuple[str, Judge]:
    world = World()
    college = Institution(world, "records.college.example", "College")
    return college.signed_assertion(1), lambda source: world.judge(source).valid


def _badge_2() -> tuple[str, Judge]:
    world = badge_world.__wrapped__() if hasattr(badge_world, "__wrapped__") else badge_world()
    document = assertion(id="urn:uuid:b0000001-0000-4000-8000-000000000001", creator=f"{BASE}/keys/1")
    return sign(document), lambda source: world.judge(source).valid


def _token() -> tuple[str, Judge]:
    world = World()
    college = Issuer(world, "college.example")
    return college.token(college.badge()).decode(), lambda source: judged(world, source).valid


TOKENS = {
    "clr-1.0": _clr1,
    "clr-1.0 assertion": _clr1_assertion,
    "ob-2.0": _badge_2,
    "ob-3.0 as VC-JWT": _token,
}


def _embedded(suite: str, *, record: bool = False) -> tuple[str, Judge]:
    world = World()
    college = Issuer(world, "college.example")
    ecdsa = {"key": p256_key(college.base), "verification_method": f"{college.id}#key-2"}
    document = college.record([college.sign(college.badge())]) if record else college.badge()
    signed = college.sign(document, cryptosuite=suite, **(ecdsa if suite.startswith("ecdsa") else {}))
    return json.dumps(signed, ensure_ascii=False), lambda source: judged(world, source).valid


DOCUMENTS: dict[str, Callable[[], tuple[str, Judge]]] = {
    "ob-3.0 eddsa-rdfc-2022": lambda: _embedded("eddsa-rdfc-2022"),
    "ob-3.0 ecdsa-rdfc-2019": lambda: _embedded("ecdsa-rdfc-2019"),
    "ob-3.0 eddsa-jcs-2022": lambda: _embedded("eddsa-jcs-2022"),
    "clr-2.0 eddsa-rdfc-2022": lambda: _embedded("eddsa-rdfc-2022", record=True),
}


def changes(text: str, soak: bool) -> Iterator[str]:
    """The text with one character changed, spread evenly over all places."""
    step = 1 if soak else max(1, len(text) // TRIED_AT_LEAST)
    for number, position in enumerate(range(0, len(text), step)):
        others = [other for other in OTHERS if other != text[position]]
        for other in others if soak else [others[number % len(others)]]:
            yield text[:position] + other + text[position + 1 :]


def _differs(changed: str, original: Any) -> bool:
    """Whether a changed text is still JSON, and says something else."""
    try:
        return bool(json.loads(changed) != original)
    except ValueError:
        return False


@pytest.mark.parametrize("name", list(TOKENS))
def test_no_changed_content_of_a_token_is_valid(name: str, soak: bool) -> None:
    """CLR1-V-02, OB20-V-06, SEC-23"""
    token, is_valid = TOKENS[name]()
    assert is_valid(token.encode())
    header, body, signature = token.split(".")
    content = base64.urlsafe_b64decode(body + "==").decode()
    original = json.loads(content)
    tried, accepted = 0, []
    for changed in changes(content, soak):
        if _differs(changed, original):
            tried += 1
            forged = f"{header}.{encode_part(changed.encode()).decode()}.{signature}"
            if is_valid(forged.encode()):
                accepted.append(changed)
    assert accepted == []
    assert tried > TRIED_AT_LEAST // 4


@pytest.mark.parametrize("name", list(TOKENS))
def test_no_changed_letter_of_a_token_is_valid(name: str, soak: bool) -> None:
    """CLR1-V-02: header, content and signature alike."""
    token, is_valid = TOKENS[name]()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    step = 1 if soak else 23
    accepted = []
    for position in range(0, len(token), step):
        for other in alphabet if soak and position % 16 == 0 else (alphabet[position % 64], "."):
            changed = token[:position] + other + token[position + 1 :]
            if changed != token and is_valid(changed.encode()):
                accepted.append((position, other))
    assert accepted == []


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_no_changed_document_with_a_proof_inside_is_valid(name: str, soak: bool) -> None:
    """SEC-22, SEC-24: content, contexts and proof options alike."""
    text, is_valid = DOCUMENTS[name]()
    assert is_valid(text.encode())
    _none_is_accepted(text, is_valid, soak)


def test_no_changed_derived_document_is_valid(shared: Path, soak: bool) -> None:
    """A derived proof of ecdsa-sd-2023 covers each statement that it discloses."""
    from apps.standards.verify.engine import verify

    case = by_id(shared, "ob-3.0")["up-derivedcredential"]
    document = json.loads(case.source)

    def is_valid(source: bytes) -> bool:
        return verify(source, fetcher=case.fetcher(), now=SAMPLES_NOW).valid

    assert is_valid(json.dumps(document).encode())
    _none_is_accepted(json.dumps(document, ensure_ascii=False), is_valid, soak)


def _none_is_accepted(text: str, is_valid: Judge, soak: bool) -> None:
    original = json.loads(text)
    tried, accepted = 0, []
    for changed in changes(text, soak):
        if _differs(changed, original):
            tried += 1
            if is_valid(changed.encode()):
                accepted.append(_where(changed, text))
    assert accepted == []
    assert tried > TRIED_AT_LEAST // 4


def _where(changed: str, text: str) -> str:
    place = next(position for position, (one, other) in enumerate(zip(changed, text, strict=True)) if one != other)
    return changed[max(0, place - 25) : place + 25]


def test_what_is_tried_is_a_change(soak: bool) -> None:
    """The harness itself: every text it makes differs from the original in one place."""
    text = json.dumps({"@context": model.CONTEXT_URL, "type": "Clr"})
    made = list(changes(text, soak))
    assert made
    assert all(sum(one != other for one, other in zip(changed, text, strict=True)) == 1 for changed in made)
