"""VC-JWT: the credential in a token, and claims that agree with it (digest 4.2)."""

from __future__ import annotations

from typing import Any

import pytest

from apps.standards.errors import DocumentFault, ParseFault
from apps.standards.proofs import vc_jwt

CREDENTIAL: dict[str, Any] = {
    "id": "urn:uuid:1",
    "issuer": {"id": "did:web:a.example"},
    "validFrom": "2025-02-01T09:00:00Z",
    "validUntil": "2030-02-01T09:00:00Z",
    "credentialSubject": {"id": "did:example:ada"},
}


def test_a_payload_of_ours_agrees_with_its_credential() -> None:
    """OB3-I-06"""
    payload = vc_jwt.payload_for(CREDENTIAL)
    assert payload["nbf"] == 1738400400
    assert payload["iss"] == "did:web:a.example"
    assert payload["sub"] == "did:example:ada"
    assert vc_jwt.credential_of(payload) == CREDENTIAL
    assert vc_jwt.mismatches(payload, CREDENTIAL) == []


def test_the_first_data_model_keeps_the_credential_in_vc() -> None:
    inner = {"id": "urn:uuid:1", "issuer": "did:web:a.example"}
    payload = {"vc": inner, "iss": "did:web:a.example", "nbf": 1738400400, "exp": 1896166800.5}
    credential = vc_jwt.credential_of(payload)
    assert credential["issuanceDate"] == "2025-02-01T09:00:00Z"
    assert credential["expirationDate"] == "2030-02-01T09:00:00Z"
    assert inner == {"id": "urn:uuid:1", "issuer": "did:web:a.example"}, "the payload is not changed"


def test_vc_must_be_an_object() -> None:
    with pytest.raises(ParseFault):
        vc_jwt.credential_of({"vc": "text"})


@pytest.mark.parametrize(
    ("change", "claim", "missing"),
    [
        ({"iss": "did:web:b.example"}, "iss", False),
        ({"jti": "urn:uuid:2"}, "jti", False),
        ({"sub": "did:example:bob"}, "sub", False),
        ({"sub": None}, "sub", True),
        ({"nbf": 1738400401}, "nbf", False),
        ({"nbf": "1738400400"}, "nbf", False),
        ({"exp": 1}, "exp", False),
        ({"exp": None}, "exp", False),
        ({"iss": None}, "iss", False),
    ],
)
def test_each_claim_is_compared(change: dict[str, Any], claim: str, missing: bool) -> None:
    payload = {**vc_jwt.payload_for(CREDENTIAL), **change}
    payload = {name: value for name, value in payload.items() if value is not None}
    [found] = vc_jwt.mismatches(payload, CREDENTIAL)
    assert (found.claim, found.is_missing) == (claim, missing)


def test_fractions_of_seconds_are_rounded_down() -> None:
    payload = {**vc_jwt.payload_for(CREDENTIAL), "nbf": 1738400400.9}
    assert vc_jwt.mismatches(payload, CREDENTIAL) == []


@pytest.mark.parametrize("gap", ["id", "issuer", "validFrom"])
def test_a_credential_with_a_gap_becomes_no_token(gap: str) -> None:
    with pytest.raises(DocumentFault):
        vc_jwt.payload_for({name: value for name, value in CREDENTIAL.items() if name != gap})
