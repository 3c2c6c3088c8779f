"""With openvc-core (PyPI): an issuer and verifier of W3C credentials that shares no code with ours but PyLD."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from openvc import VerificationPolicy, verify_credential
from openvc.keys import Ed25519SigningKey
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.proof.errors import ProofError, SignatureInvalid
from openvc.proof.vc_jwt import VcJwtProofSuite

from apps.standards.jsonld import contexts
from apps.standards.proofs import data_integrity, vc_jwt
from apps.standards.proofs.jws import Signer
from tests.interop.test_node import badge, did_key, first_model_badge, judged
from tests.standards.verify.world import World

pytestmark = pytest.mark.once

KEY = ed25519.Ed25519PrivateKey.generate()
DID, METHOD = did_key(KEY)
OURS = {url: contexts.document_for(url) for url in contexts.known()}


def theirs(document: Any) -> Any:
    return verify_credential(document, policy=VerificationPolicy(), extra_contexts=OURS)


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_what_we_sign_verifies_there(suite: str) -> None:
    document = data_integrity.sign(
        badge(DID), KEY, verification_method=METHOD, created="2025-07-01T00:00:00Z", cryptosuite=suite
    )
    assert theirs(document).issuer == DID
    with pytest.raises(SignatureInvalid):
        theirs({**document, "name": "Calculus III"})


def test_what_they_sign_verifies_here() -> None:
    key = Ed25519SigningKey(KEY, kid=METHOD)
    document = DataIntegrityProofSuite().add_proof(
        badge(DID), signing_key=key, verification_method=METHOD, extra_contexts=OURS, created=datetime.now(UTC)
    )
    assert judged(World(), document).verdict == "valid"
    assert judged(World(), {**document, "name": "Calculus III"}).verdict == "invalid"


def test_their_tokens_verify_here_and_ours_there() -> None:
    """They keep to the form of the data model 1.1, with the credential in the claim vc."""
    credential = first_model_badge()
    credential["issuer"]["id"] = DID
    token = VcJwtProofSuite().sign(credential, signing_key=Ed25519SigningKey(KEY, kid=METHOD))
    result = judged(World(), token.encode())
    # Their nbf is the moment of signing; 1EdTech wants that of issuanceDate, and nothing else is wrong.
    assert [check.code for check in result.failures()] == ["JWT_CLAIM_MISMATCH"]
    assert "signature" in [check.name for check in result.checks if check.status == "passed"]
    pem = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    claims = vc_jwt.payload_for({**badge(DID)})
    payload = {name: claims[name] for name in ("iss", "jti", "nbf")} | {"vc": credential}
    ours = Signer(pem, METHOD, typ="JWT").sign(json.dumps(payload).encode()).decode()
    assert theirs(ours).issuer == DID
    with pytest.raises(ProofError):
        theirs(ours[:-4] + ("AAAA" if not ours.endswith("AAAA") else "BBBB"))
