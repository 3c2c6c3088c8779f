"""Inputs at which the fuzzing once found a fault; each stays here with what must come of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.standards.verify.vc_world import Issuer, codes, judged
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
