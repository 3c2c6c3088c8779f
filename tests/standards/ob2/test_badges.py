"""Open Badges 2.0: what is written here is valid here; names by any context; rules beyond the samples."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.standards.ob2 import model, read, write
from apps.standards.proofs.jws import Signer
from tests.standards.verify.world import World, codes, private_pem, public_pem, warnings

pytestmark = pytest.mark.once

BASE = "https://badges.college.example/ims/ob/v2p0"
PICTURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def world() -> World:
    world = World()
    world.serve(f"{BASE}/profiles/1", profile())
    world.serve(f"{BASE}/badges/1", badge_class())
    world.serve(f"{BASE}/images/1", PICTURE)
    world.serve(
        f"{BASE}/keys/1",
        write.cryptographic_key(id=f"{BASE}/keys/1", owner=f"{BASE}/profiles/1", public_key_pem=public_pem("College")),
    )
    world.serve(f"{BASE}/revocations/1", revocations())
    return world


def revocations(*revoked: tuple[str, str | None]) -> dict[str, Any]:
    return write.revocation_list(id=f"{BASE}/revocations/1", issuer=f"{BASE}/profiles/1", revoked=revoked)


def profile(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": f"{BASE}/profiles/1",
        "name": "College",
        "url": "https://college.example/",
        "email": "badges@college.example",
        "public_key": f"{BASE}/keys/1",
        "revocation_list": f"{BASE}/revocations/1",
        "allowed_origins": ["badges.college.example"],
        "starts_with": [f"{BASE}/"],
    }
    return write.profile(**{**values, **changes})


def badge_class(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": f"{BASE}/badges/1",
        "name": "Robotics",
        "description": "Builds robots.",
        "image": f"{BASE}/images/1",
        "criteria": {"narrative": "Build one."},
        "issuer": f"{BASE}/profiles/1",
        "tags": ["robots"],
    }
    return write.badge_class(**{**values, **changes})


def assertion(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": f"{BASE}/assertions/1",
        "recipient": write.recipient("Ada@Learners.example"),
        "badge": f"{BASE}/badges/1",
        "issued_on": "2026-06-01T00:00:00Z",
    }
    return write.assertion(**{**values, **changes})


def sign(document: dict[str, Any], key: str = "College") -> str:
    return Signer(private_pem(key)).sign(json.dumps(document).encode()).decode()


def hosted(world: World, document: dict[str, Any]) -> dict[str, Any]:
    world.serve(document["id"], document)
    return document


def test_a_hosted_badge_is_valid(world: World) -> None:
    result = world.judge(hosted(world, assertion()), expected=("Ada@learners.example",))
    assert (result.verdict, codes(result), warnings(result)) == ("valid", [], [])
    assert result.issuer is not None and result.issuer.name == "College"


def test_a_signed_badge_is_valid(world: World) -> None:
    result = world.judge(sign(assertion(id="urn:uuid:b0000001-0000-4000-8000-000000000001", creator=f"{BASE}/keys/1")))
    assert (result.verdict, codes(result), warnings(result)) == ("valid", [], [])


def test_a_revoked_signed_badge_says_why(world: World) -> None:
    world.serve(f"{BASE}/revocations/1", revocations(("urn:uuid:b0000001-0000-4000-8000-000000000001", "Given twice")))
    document = assertion(id="urn:uuid:b0000001-0000-4000-8000-000000000001", creator=f"{BASE}/keys/1")
    result = world.judge(sign(document))
    assert codes(result) == ["REVOKED"] and "Given twice" in result.sentence


def test_the_key_of_somebody_else_is_found(world: World) -> None:
    assert "SIGNATURE_INVALID" in codes(world.judge(sign(assertion(creator=f"{BASE}/keys/1"), "Mallory")))


def test_a_badge_that_says_signed_needs_its_signature(world: World) -> None:
    result = world.judge(hosted(world, assertion(creator=f"{BASE}/keys/1")))
    assert result.verdict == "undecided" and codes(result) == ["SIGNATURE_MISSING"]


def test_a_badge_in_the_name_of_another_issuer_is_found(world: World) -> None:
    forged = assertion(id="https://attacker.example/a/1")
    assert codes(world.judge(hosted(world, forged))) == ["HOSTED_SCOPE"]


def test_a_withdrawn_badge_is_revoked(world: World) -> None:
    document = assertion()
    world.serve(document["id"], write.revoked_assertion(id=document["id"]), 410)
    assert codes(world.judge(document)) == ["REVOKED"]


def test_a_hosted_badge_in_its_issuers_revocation_list_is_revoked(world: World) -> None:
    world.serve(f"{BASE}/revocations/1", revocations((assertion()["id"], "Given twice")))
    assert codes(world.judge(hosted(world, assertion()))) == ["REVOKED"]
    del world.answers[f"{BASE}/revocations/1"]
    assert world.judge(hosted(world, assertion())).valid, "its own address decides"


@pytest.mark.parametrize("entry", [{}, {"id": "not an address"}, {"uid": 7}, "not an address", 7])
def test_step_20_a_revocation_list_with_an_entry_that_names_nothing(world: World, entry: Any) -> None:
    world.serve(f"{BASE}/revocations/1", {**revocations(), "revokedAssertions": [entry]})
    document = assertion(id="urn:uuid:b0000001-0000-4000-8000-000000000001", creator=f"{BASE}/keys/1")
    assert codes(world.judge(sign(document))) == ["PROPERTY_INVALID"]


def test_step_14_a_picture_that_does_not_load(world: World) -> None:
    world.serve(f"{BASE}/images/1", b"", 404)
    assert codes(world.judge(hosted(world, assertion()))) == ["IMAGE_INVALID"]
    del world.answers[f"{BASE}/images/1"]
    result = world.judge(hosted(world, assertion()))
    assert (result.verdict, codes(result)) == ("undecided", ["FETCH_FAILED"])


@pytest.mark.parametrize("term", ["badge", "issuer", "recipient", "verification"])
def test_e3_a_context_that_redefines_words_of_the_standard(world: World, term: str) -> None:
    document = {**assertion(), "@context": [model.CONTEXT_URL, {term: "https://mill.example/words#other"}]}
    assert "CONTEXT_INVALID" in codes(world.judge(hosted(world, document)))
    harmless = {**assertion(), "@context": [model.CONTEXT_URL, {"room": "https://mill.example/words#room"}]}
    assert world.judge(hosted(world, harmless)).valid


def test_a_class_on_another_host_than_its_issuers_is_told(world: World) -> None:
    """A7"""
    world.serve("https://cdn.example/badges/1", badge_class(id="https://cdn.example/badges/1"))
    result = world.judge(hosted(world, assertion(badge="https://cdn.example/badges/1")))
    assert result.valid and warnings(result) == ["HOSTED_SCOPE"]


def test_a_signed_badge_that_says_revoked_is_revoked(world: World) -> None:
    document = assertion(id="urn:uuid:b0000001-0000-4000-8000-000000000001", creator=f"{BASE}/keys/1")
    assert codes(world.judge(sign({**document, "revoked": True}))) == ["REVOKED"]


def test_an_endorsement_is_judged_by_its_own_issuer(world: World) -> None:
    board = "https://board.example"
    world.serve(f"{board}/profile", profile(id=f"{board}/profile", name="Board", allowed_origins=[], starts_with=[]))
    world.serve(
        f"{board}/e/1",
        write.endorsement(
            id=f"{board}/e/1",
            endorsed=f"{BASE}/badges/1",
            issuer=f"{board}/profile",
            issued_on="2026-05-01T00:00:00Z",
        ),
    )
    world.serve(f"{BASE}/badges/1", {**badge_class(), "endorsement": f"{board}/e/1"})
    result = world.judge(hosted(world, assertion()))
    assert result.valid
    assert [nested.issuer.name for nested in result.credentials if nested.issuer] == ["Board"]


@pytest.mark.parametrize("name", ["name", "schema:name", "http://schema.org/name"])
def test_one_property_has_many_names(name: str) -> None:
    """A1: a verifier looks at IRIs, not at spellings."""
    node = {"@context": model.CONTEXT_URL, "type": "BadgeClass", name: "Robotics"}
    assert read.normalise(node)["name"] == "Robotics"


def test_inline_contexts_are_understood() -> None:
    context = [{"ob": "https://w3id.org/openbadges#", "wer": "ob:recipient", "A": {"@id": "ob:Assertion"}}]
    node = read.normalise({"@context": context, "@type": "A", "wer": {"x": 1}})
    assert node["type"] == "Assertion" and "recipient" in node


def test_what_no_context_maps_has_no_meaning_and_is_kept() -> None:
    node = read.normalise({"@context": model.CONTEXT_V1, "id": "urn:x", "verification": {"type": "hosted"}})
    assert "verification" not in node and node[read.UNMAPPED] == {"verification": {"type": "hosted"}}


def test_a_recipient_is_hashed_with_a_salt_of_its_own() -> None:
    """PRIV-06"""
    first, second = write.recipient("a@b.example"), write.recipient("a@b.example")
    assert first["salt"] != second["salt"] and len(first["salt"]) == 32
    assert first["identity"] != second["identity"]


def test_the_published_examples_of_a_hash() -> None:
    """A4"""
    from apps.standards import identities

    assert identities.hashed("mayze") == ("sha256$7a1a1b3f7d40552e4299180e346e3add12bf9a751a43d9c4ca4518febc2c60c6")
    assert identities.matches(
        "sha256$ecf5409f3f4b91ab60cc5ef4c02aef7032354375e70cf4d8e43f6a1d29891942",
        ["nobody@example.org"],
        salt="deadsea",
    )
