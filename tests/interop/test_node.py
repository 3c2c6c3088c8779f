"""With @digitalbazaar/vc and its cryptosuites, @digitalcredentials/verifier-core and jose (npm).

Digital Bazaar's libraries are the most used for Data Integrity, verifier-core is what the Digital Credentials
Consortium's wallets and VerifierPlus use, jose is the most used for JWTs. All run without a network.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from apps.standards import dids
from apps.standards.clr2 import write as clr2
from apps.standards.jsonld import contexts
from apps.standards.ob3 import write as ob3
from apps.standards.proofs import data_integrity, vc_jwt
from apps.standards.proofs.jws import Signer
from apps.standards.verify.verdict import Result
from tests.interop.conftest import RunNode
from tests.standards.verify import vc_world
from tests.standards.verify.vc_world import codes
from tests.standards.verify.world import World

pytestmark = [pytest.mark.server, pytest.mark.once]

SUITES = [
    "eddsa-rdfc-2022",
    "ecdsa-rdfc-2019",
    "ecdsa-rdfc-2019 P-384",
    "eddsa-jcs-2022",
    "ecdsa-jcs-2019",
    "Ed25519Signature2020",
]


def judged(world: World, document: dict[str, Any] | bytes) -> Result:
    """Judged at this moment: the libraries sign with the clock of the machine."""
    return vc_world.judged(world, document, now=datetime.now(UTC))


def badge(
    issuer: str = "did:example:to-be-replaced", *, text: str = "Series\tand “integrals” – 漢字 🎓"
) -> dict[str, Any]:
    course = ob3.achievement(
        "https://college.example/achievements/1",
        name="Calculus II",
        description=text,
        criteria="Final grade of C or better.\nAttendance.",
        creditsAvailable=4.5,
        resultDescription=[
            {
                "id": "urn:uuid:grade",
                "type": ["ResultDescription"],
                "name": "Grade",
                "resultType": "LetterGrade",
                "allowedValue": ["C", "B", "A"],
            }
        ],
    )
    return ob3.badge(
        id="urn:uuid:badge-1",
        issuer=ob3.profile(issuer, "Riverbend College"),
        valid_from="2025-02-01T09:00:00Z",
        subject=ob3.subject(
            achievement=course,
            identifiers=[ob3.identity("ada@learners.example", salt="0123456789abcdef")],
            creditsEarned=4.5,
            result=[ob3.result(result_description="urn:uuid:grade", value="A")],
        ),
        name="Calculus II",
    )


def first_model_badge() -> dict[str, Any]:
    document = badge()
    document["@context"] = [contexts.CREDENTIALS_V1, contexts.OPEN_BADGES, contexts.ED25519_2020]
    document["issuanceDate"] = document.pop("validFrom")
    return document


def record(issuer: str, key: data_integrity.PrivateKey, options: dict[str, str]) -> dict[str, Any]:
    inner = data_integrity.sign(badge(issuer), key, **options)
    learner = [ob3.identity("ada@learners.example", salt="0123456789abcdef")]
    return clr2.record(
        id="urn:uuid:record-1",
        issuer=ob3.profile(issuer, "Riverbend College"),
        valid_from="2025-06-30T12:00:00Z",
        name="Academic record",
        subject=clr2.subject(credentials=[inner], identifiers=learner),
        partial=True,
    )


def did_key(key: data_integrity.PrivateKey) -> tuple[str, str]:
    did = dids.did_key_of(key.public_key())
    return did, f"{did}#{did.removeprefix('did:key:')}"


# --- theirs, here ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", SUITES)
def test_what_they_sign_verifies_here(node: RunNode, suite: str) -> None:
    unsigned = first_model_badge() if suite == "Ed25519Signature2020" else badge()
    [answer] = node([{"do": "issue", "suite": suite, "credential": unsigned}])
    assert "signed" in answer, answer
    result = judged(World(), answer["signed"])
    assert result.verdict == "valid", codes(result)
    changed = {**answer["signed"], "name": "Calculus III"}
    assert judged(World(), changed).verdict == "invalid"


def test_what_they_disclose_of_a_credential_verifies_here(node: RunNode) -> None:
    unsigned = badge()
    del unsigned["credentialSubject"]["achievement"]["resultDescription"]  # the library cannot name parts of lists
    [base] = node([{"do": "issue", "suite": "ecdsa-sd-2023", "credential": unsigned}])
    assert "signed" in base, base
    pointers = ["/id", "/name", "/credentialSubject/identifier", "/credentialSubject/achievement"]
    [derived] = node([{"do": "disclose", "credential": base["signed"], "pointers": pointers}])
    assert "signed" in derived, derived
    result = judged(World(), derived["signed"])
    assert result.verdict == "valid", [check.detail for check in result.failures()]
    assert "result" not in derived["signed"]["credentialSubject"]
    derived["signed"]["credentialSubject"]["achievement"]["name"] = "Calculus III"
    assert codes(judged(World(), derived["signed"])) == ["SIGNATURE_INVALID"]
    assert codes(judged(World(), base["signed"])) == ["PROOF_UNSUPPORTED"]


def test_tokens_of_jose_verify_here(node: RunNode) -> None:
    payload = vc_jwt.payload_for(badge())
    [es256] = node([{"do": "sign-jwt", "alg": "ES256", "payload": payload}])
    assert judged(World(), es256["token"].encode()).verdict == "valid"
    issuer = "did:web:college.example"
    for alg in ("RS256", "PS256", "ES384", "EdDSA"):
        [signed] = node([{"do": "sign-jwt", "alg": alg, "payload": vc_jwt.payload_for(badge(issuer))}])
        world = World()
        method = dids.verification_method(f"{issuer}#1", issuer, dids.key_from_jwk(signed["jwk"]))
        world.serve("https://college.example/.well-known/did.json", dids.controller_document(issuer, [method]))
        assert judged(world, signed["token"].encode()).verdict == "valid", alg
        stranger = dids.verification_method(f"{issuer}#1", issuer, ed25519.Ed25519PrivateKey.generate().public_key())
        world.serve("https://college.example/.well-known/did.json", dids.controller_document(issuer, [stranger]))
        assert "KEY_NOT_OF_ISSUER" in codes(judged(world, signed["token"].encode())), alg


# --- ours, there ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", SUITES[:-1])
def test_what_we_sign_verifies_there(node: RunNode, suite: str) -> None:
    key: data_integrity.PrivateKey
    if suite.startswith("eddsa"):
        key = ed25519.Ed25519PrivateKey.generate()
    else:
        key = ec.generate_private_key(ec.SECP384R1() if "P-384" in suite else ec.SECP256R1())
    did, method = did_key(key)
    options = {"verification_method": method, "created": "2025-07-01T00:00:00Z", "cryptosuite": suite.split()[0]}
    single = data_integrity.sign(badge(did), key, **options)
    documents = [single, {**single, "name": "Calculus III"}]
    if "rdfc" in suite:
        documents.append(data_integrity.sign(record(did, key, options), key, **options))
    answers = node([{"do": "verify", "suite": suite, "credential": one} for one in documents])
    assert [answer["verified"] for answer in answers] == [True, False, True][: len(documents)], answers


def test_what_we_sign_is_verified_by_verifier_core(node: RunNode) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    did, method = did_key(key)
    options = {"verification_method": method, "created": "2025-07-01T00:00:00Z"}
    single = data_integrity.sign(badge(did), key, **options)
    answers = node([{"do": "verifier-core", "credential": one} for one in (single, {**single, "name": "Calculus III"})])
    assert [answer["verified"] for answer in answers] == [True, False], answers


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_our_tokens_are_verified_by_jose(node: RunNode, alg: str) -> None:
    key: Any = {
        "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }[alg]()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    payload = vc_jwt.payload_for(badge("did:web:college.example"))
    token = Signer(pem, "did:web:college.example#1", typ="JWT").sign(json.dumps(payload).encode()).decode()
    jwk = dids.jwk_of(key.public_key())
    [answer] = node([{"do": "verify-jwt", "alg": alg, "token": token, "jwk": jwk}])
    assert answer["verified"], answer
    assert answer["payload"] == payload
