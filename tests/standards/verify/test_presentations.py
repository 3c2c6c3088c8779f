"""Presentations, envelopes and selectively disclosed credentials: what they carry is judged, or said to be open."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from apps.standards.proofs.jws import encode_part
from tests.standards.verify.vc_world import Issuer, codes, judged
from tests.standards.verify.world import World

pytestmark = pytest.mark.once

CONTEXT = ["https://www.w3.org/ns/credentials/v2"]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def college(world: World) -> Issuer:
    return Issuer(world, "college.example")


def presentation(*credentials: Any, **more: Any) -> dict[str, Any]:
    return {
        "@context": CONTEXT,
        "type": ["VerifiablePresentation"],
        "verifiableCredential": list(credentials),
        **more,
    }


def envelope(content: str, media_type: str = "application/vc+jwt") -> dict[str, Any]:
    return {"@context": CONTEXT, "id": f"data:{media_type},{content}", "type": "EnvelopedVerifiableCredential"}


def test_each_credential_of_a_presentation_is_judged(world: World, college: Issuer) -> None:
    token = college.token(college.badge(2)).decode()
    result = judged(world, presentation(college.sign(college.badge(1)), envelope(token), token))
    assert (result.verdict, result.format) == ("valid", "ob-3.0")
    assert [inner.verdict for inner in result.credentials] == ["valid", "valid", "valid"]
    assert "not looked at" in result.sentence, "I6: who shows it was not judged, and the first sentence says so"


def test_one_bad_credential_spoils_a_presentation(world: World, college: Issuer) -> None:
    altered = {**college.sign(college.badge(1)), "name": "Altered"}
    result = judged(world, presentation(college.sign(college.badge(2)), altered))
    assert (result.verdict, codes(result)) == ("invalid", ["SIGNATURE_INVALID"])


def test_a_presentation_of_nothing_is_never_valid(world: World) -> None:
    assert judged(world, presentation()).verdict == "undecided"
    assert judged(world, presentation("a.b.c")).verdict == "invalid"
    assert judged(world, presentation(7)).verdict == "invalid"


def test_a_presentation_as_token_is_taken_apart(world: World, college: Issuer) -> None:
    payload = {"iss": "did:example:ada", "vp": presentation(college.token(college.badge()).decode())}
    parts = [encode_part(json.dumps(part).encode()).decode() for part in ({"alg": "EdDSA"}, payload)]
    result = judged(world, ".".join([*parts, "AAAA"]).encode())
    assert [inner.verdict for inner in result.credentials] == ["valid"]


@pytest.mark.parametrize("media_type", ["application/vc+jwt", "application/vc-ld+jwt"])
def test_an_envelope_stands_for_its_token(world: World, college: Issuer, media_type: str) -> None:
    token = college.token(college.badge())
    assert judged(world, envelope(token.decode(), media_type)).verdict == "valid"
    packed = envelope(base64.b64encode(token).decode(), f"{media_type};base64")
    assert judged(world, packed).verdict == "valid"
    altered = token[:-8] + b"AAAAAAAA"
    assert codes(judged(world, envelope(altered.decode(), media_type))) == ["SIGNATURE_INVALID"]


@pytest.mark.parametrize("id", ["https://college.example/1", "data:text/html,x", "data:application/vc+jwt", None, 7])
def test_an_envelope_of_something_else_cannot_be_read(world: World, id: Any) -> None:
    document = {"@context": CONTEXT, "id": id, "type": ["EnvelopedVerifiableCredential"]}
    result = judged(world, document)
    assert (result.readable, codes(result)) == (False, ["PARSE_ERROR"])


def test_an_envelope_in_an_envelope_comes_to_an_end(world: World, college: Issuer) -> None:
    """SEC-07"""
    document: dict[str, Any] = presentation(college.sign(college.badge()))
    for _ in range(12):
        document = presentation(document)
    result = judged(world, document)
    assert (result.verdict, codes(result)) == ("undecided", ["NOT_DECIDED"])


@pytest.mark.parametrize(
    "text", ["eyJhbGciOiJFUzI1NiJ9.e30.AAAA~WyJzYWx0IiwiYSIsMV0~", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA~"]
)
def test_sd_jwt_is_recognised_and_left_open(world: World, text: str) -> None:
    result = judged(world, text.encode())
    assert (result.verdict, codes(result)) == ("undecided", ["NOT_DECIDED"])
    assert "SD-JWT" in result.sentence
    inside = judged(world, envelope(text, "application/vc+sd-jwt"))
    assert (inside.verdict, codes(inside)) == ("undecided", ["NOT_DECIDED"])


def test_terms_of_use_are_told_where_they_are_and_need_a_type(world: World, college: Issuer) -> None:
    good = college.badge(
        termsOfUse=[{"type": "https://college.example/terms#Policy", "id": "https://college.example/t"}]
    )
    assert judged(world, college.sign(good)).verdict == "valid"
    bare = college.badge(termsOfUse=[{"id": "https://college.example/t"}])
    assert "SCHEMA_INVALID" in codes(judged(world, college.token(bare)))
