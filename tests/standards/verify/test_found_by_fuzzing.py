"""Inputs at which the fuzzing once found a fault; each stays here with what must come of it."""

from __future__ import annotations

from typing import Any

import pytest

from apps.standards import dids
from apps.standards.proofs import data_integrity
from tests.standards.verify.vc_world import Issuer, codes, judged, signing_key
from tests.standards.verify.world import World

pytestmark = pytest.mark.once


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def signed(world: World) -> dict[str, Any]:
    issuer = Issuer(world, "college.example")
    return issuer.sign(issuer.badge())


def test_a_number_of_more_than_64_bits_in_a_proof(world: World, signed: dict[str, Any]) -> None:
    signed["proof"]["nonce"] = 10**30
    assert codes(judged(world, signed)) == ["SCHEMA_INVALID", "SIGNATURE_INVALID"]


def test_a_number_of_more_than_64_bits_in_a_context(world: World, signed: dict[str, Any]) -> None:
    signed["@context"].append({"zz": {"@id": "urn:x:zz", "@context": {"@version": 10**30}}})
    assert codes(judged(world, signed)) == ["CONTEXT_INVALID"]


def test_a_context_that_is_none_where_no_suite_reads_it(world: World) -> None:
    """A JCS proof leaves out the contexts that were added after those it names, so only the form is there to check."""
    key = signing_key("found")
    did = dids.did_key_of(key.public_key())
    badge = Issuer(world, "college.example").badge()
    badge["issuer"]["id"] = did
    method = f"{did}#{did.removeprefix('did:key:')}"
    signed = data_integrity.sign(
        badge, key, verification_method=method, created="2025-07-01T00:00:00Z", cryptosuite="eddsa-jcs-2022"
    )
    assert judged(world, signed).valid
    signed["@context"] = [*signed["@context"], None]
    assert codes(judged(world, signed)) == ["CONTEXT_INVALID"]


@pytest.mark.parametrize("added", [{"@graph": [None]}, {"@graph": []}, {"@included": [None]}, {"@included": []}])
def test_a_part_that_adds_no_statement(world: World, signed: dict[str, Any], added: dict[str, Any]) -> None:
    assert judged(world, signed).valid
    assert codes(judged(world, {**signed, **added})) == ["UNDEFINED_TERM"]


@pytest.mark.parametrize("name", ["type", "@context"])
def test_a_null_in_a_list(world: World, signed: dict[str, Any], name: str) -> None:
    assert not judged(world, {**signed, name: [*signed[name], None]}).valid
