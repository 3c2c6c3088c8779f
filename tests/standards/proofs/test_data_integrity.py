"""The published vectors of Data Integrity proofs, byte for byte, and what a proof does not forgive."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1

from apps.standards import dids
from apps.standards.errors import SignatureFault
from apps.standards.jsonld import canonical, contexts, rdfc
from apps.standards.jsonld.active import Processing
from apps.standards.jsonld.faults import UnprotectedContent
from apps.standards.proofs import data_integrity

EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"


def vector_sets() -> list[str]:
    return [
        "1edtech-ob-3.0-eddsa-rdfc-2022",
        "1edtech-clr-2.0-eddsa-rdfc-2022",
        "w3c-eddsa-rdfc-2022-alumni",
        "w3c-eddsa-jcs-2022",
        "w3c-ed25519signature2020",
        "w3c-ecdsa-rdfc-2019-p256",
        "w3c-ecdsa-rdfc-2019-p384",
        "w3c-ecdsa-jcs-2019-p256",
    ]


#: Their context is not part of the collection: tested from the canonical files on.
FROM_CANONICAL = ["w3c-eddsa-rdfc-2022-employ", "w3c-ecdsa-rdfc-2019-p256-employ"]
SELECTIVE = ["w3c-ecdsa-sd-2023-employ", "w3c-ecdsa-sd-2023-prc"]
CHAIN = "w3c-eddsa-proof-set-chain"


@pytest.fixture(scope="module")
def sets(shared: Path) -> dict[str, dict[str, Any]]:
    manifest = json.loads((shared / "vectors/manifest.json").read_text())
    return {
        entry["id"]: {
            **entry,
            "texts": {name: (shared / "vectors" / file).read_text() for name, file in entry["files"].items()},
        }
        for entry in manifest["sets"]
    }


@pytest.fixture(scope="module")
def processing(shared: Path) -> Processing:
    examples = json.loads((shared / "vectors/contexts/credentials-examples-v2.jsonld").read_text())
    return canonical.processing_with({EXAMPLES: examples})


def test_every_set_is_tested(sets: dict[str, Any]) -> None:
    assert {*vector_sets(), *FROM_CANONICAL, *SELECTIVE, CHAIN} == set(sets)


@pytest.mark.parametrize("name", vector_sets())
def test_forms_hashes_and_signature_are_those_published(
    name: str, sets: dict[str, Any], processing: Processing
) -> None:
    vector = sets[name]
    signed = json.loads(vector["texts"]["signed"])
    [proof] = data_integrity.proofs_of(signed)
    key = dids.key_from_multibase(vector["public_key_multibase"])
    data = data_integrity.verify(signed, proof, key, processing=processing)
    assert data is not None
    assert data.document_form == vector["texts"]["document_canonical"]
    assert data.options_form == vector["texts"]["proof_canonical"]
    assert data.document_hash.hex() == vector["document_hash_hex"]
    assert data.options_hash.hex() == vector["proof_hash_hex"]
    assert data.data.hex() == vector["hash_data_hex"]
    assert data_integrity._signature(proof, key).hex() == vector["signature_hex"]
    assert proof["proofValue"] == vector["proof_value"]


@pytest.mark.parametrize("name", vector_sets())
def test_a_changed_vector_does_not_verify(name: str, sets: dict[str, Any], processing: Processing) -> None:
    vector = sets[name]
    signed = json.loads(vector["texts"]["signed"])
    signed["validFrom" if "validFrom" in signed else "issuanceDate"] = "2020-02-02T00:00:00Z"
    [proof] = data_integrity.proofs_of(signed)
    with pytest.raises(SignatureFault) as caught:
        data_integrity.verify(
            signed, proof, dids.key_from_multibase(vector["public_key_multibase"]), processing=processing
        )
    assert caught.value.code == "SIGNATURE_INVALID"


@pytest.mark.parametrize("name", FROM_CANONICAL)
def test_vectors_without_their_context_hold_from_the_canonical_form_on(name: str, sets: dict[str, Any]) -> None:
    vector = sets[name]
    data = data_integrity.SignedData(
        vector["texts"]["document_canonical"],
        vector["texts"]["proof_canonical"],
        data_integrity.hashlib.sha256(vector["texts"]["document_canonical"].encode()).digest(),
        data_integrity.hashlib.sha256(vector["texts"]["proof_canonical"].encode()).digest(),
    )
    assert data.data.hex() == vector["hash_data_hex"]
    key = dids.key_from_multibase(vector["public_key_multibase"])
    data_integrity._check(key, bytes.fromhex(vector["signature_hex"]), data.data)


def test_eddsa_signatures_come_out_as_published_when_made_again(sets: dict[str, Any]) -> None:
    """Ed25519 is deterministic: what we sign equals what we verify, by any key."""
    key = ed25519.Ed25519PrivateKey.generate()
    unsigned = json.loads(sets["1edtech-ob-3.0-eddsa-rdfc-2022"]["texts"]["unsigned"])
    options = {"verification_method": "did:web:a.example#1", "created": "2025-01-01T00:00:00Z"}
    once = data_integrity.sign(unsigned, key, **options)
    assert once == data_integrity.sign(unsigned, key, **options)
    assert data_integrity.verify(once, once["proof"], key.public_key()) is not None


# --- proof sets and chains ------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", ["signedProofSet1", "signedProofSet2", "signedProofChain1", "signedProofChain2"])
def test_every_proof_of_a_set_or_chain_verifies(document: str, sets: dict[str, Any], processing: Processing) -> None:
    signed = json.loads(sets[CHAIN]["texts"][document])
    proofs = data_integrity.proofs_of(signed)
    assert (
        len(proofs)
        == {"signedProofSet1": 1, "signedProofSet2": 2, "signedProofChain1": 3, "signedProofChain2": 4}[document]
    )
    for proof in proofs:
        key = dids.key_from_multibase(proof["verificationMethod"].partition("#")[2])
        assert data_integrity.verify(signed, proof, key, processing=processing) is not None


def test_a_chain_covers_the_proofs_before_it(sets: dict[str, Any], processing: Processing) -> None:
    signed = json.loads(sets[CHAIN]["texts"]["signedProofChain2"])
    proofs = data_integrity.proofs_of(signed)
    proofs[2]["created"] = "2023-02-26T22:06:39Z"
    key = dids.key_from_multibase(proofs[3]["verificationMethod"].partition("#")[2])
    with pytest.raises(SignatureFault):
        data_integrity.verify(signed, proofs[3], key, processing=processing)


# --- selective disclosure -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SELECTIVE)
def test_a_derived_proof_holds_over_the_published_statements(name: str, sets: dict[str, Any]) -> None:
    texts = sets[name]["texts"]
    reveal = json.loads(texts["derivedRevealDocument"])
    derived = data_integrity.read_derived(reveal["proof"]["proofValue"])
    expected = json.loads(texts["verifyDerivedProofValue"])
    assert derived.base_signature.hex() == expected["baseSignature"]
    assert [signature.hex() for signature in derived.signatures] == expected["signatures"]
    assert derived.labels == {f"_:{label}": f"_:{name}" for label, name in expected["labelMap"]}
    assert sorted(derived.mandatory) == expected["mandatoryIndexes"]

    statements = json.loads(texts["verifyNQuads"])
    data = json.loads(texts["verifyCreateVerifyData"])
    others = [one for position, one in enumerate(statements) if position not in derived.mandatory]
    mandatory = [one for position, one in enumerate(statements) if position in derived.mandatory]
    assert others == data["nonMandatory"]
    sha256 = data_integrity.hashlib.sha256
    options = texts["addProofConfigCanon"]
    assert sha256(options.encode()).hexdigest() == data["proofHash"] == json.loads(texts["addHashData"])["proofHash"]
    signed = bytes.fromhex(data["proofHash"]) + derived.public_key + sha256("".join(mandatory).encode()).digest()
    data_integrity._check(dids.key_from_multibase(sets[name]["public_key_multibase"]), derived.base_signature, signed)
    once = ec.EllipticCurvePublicKey.from_encoded_point(SECP256R1(), derived.public_key[2:])
    for statement, signature in zip(others, derived.signatures, strict=True):
        data_integrity._check(once, signature, statement.encode())


@pytest.mark.parametrize("name", SELECTIVE)
def test_statements_are_named_as_the_derived_proof_says(name: str, sets: dict[str, Any]) -> None:
    """From statements with any labels to the published ones, through canonical labels and the label map."""
    texts = sets[name]["texts"]
    derived = data_integrity.read_derived(json.loads(texts["derivedRevealDocument"])["proof"]["proofValue"])
    quads = {quad_of(one) for one in json.loads(texts["verifyNQuads"])}
    issued = rdfc.canonical_labels(quads)
    names = {blank: derived.labels[label] for blank, label in issued.items()}
    assert all(blank == name for blank, name in names.items())


def quad_of(statement: str) -> rdfc.Quad:
    subject, predicate, rest = statement.removesuffix(" .\n").split(" ", 2)
    if rest[0] == '"':
        return subject, predicate, rest, ""
    object_, _, graph = rest.partition(" ")
    return subject, predicate, object_, graph


def test_a_base_proof_is_not_for_verifiers(sets: dict[str, Any]) -> None:
    base = json.loads(sets[SELECTIVE[0]]["texts"]["addSignedSDBase"])
    proof = base["proof"][0] if isinstance(base["proof"], list) else base["proof"]
    with pytest.raises(SignatureFault) as caught:
        data_integrity.read_derived(proof["proofValue"])
    assert caught.value.code == "PROOF_UNSUPPORTED"


@pytest.mark.parametrize("value", [None, 7, "z123", "u", "u!!", "u" + "2V0B", "u2V0BgA", "u2V0B" + "n" * 100])
def test_a_broken_derived_proof_is_refused(value: Any) -> None:
    with pytest.raises(SignatureFault):
        data_integrity.read_derived(value)


def test_a_sample_with_a_derived_proof_forgives_no_change(shared: Path) -> None:
    folder = shared / "samples/ob-3.0"
    signed = json.loads((folder / "cases/up-derivedcredential.json").read_text())
    controller = json.loads((folder / "web.json").read_text())["https://1edtech.edu/issuers/565049"]["file"]
    methods = json.loads((folder / controller).read_text())["verificationMethod"]
    proof = data_integrity.proofs_of(signed)[0]
    key = dids.key_of_method(next(method for method in methods if method["id"] == proof["verificationMethod"]))
    data_integrity.verify(signed, proof, key)
    for change in (
        {"validFrom": "2020-01-01T00:00:00Z"},
        {"validUntil": "2050-01-01T00:00:00Z"},
        {"name": "Another name"},
    ):
        with pytest.raises(SignatureFault):
            data_integrity.verify({**signed, **change}, proof, key)
    raw = bytearray(base64.urlsafe_b64decode(proof["proofValue"][1:] + "=="))
    for position in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[position] ^= 1
        value = "u" + base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()
        with pytest.raises(SignatureFault):
            data_integrity.verify(signed, {**proof, "proofValue": value}, key)


# --- rules ----------------------------------------------------------------------------------------------------


def unsigned() -> dict[str, Any]:
    return {
        "@context": [contexts.CREDENTIALS_V2, contexts.OPEN_BADGES],
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": "did:web:a.example",
        "name": "Badge",
    }


KEYS = {
    "eddsa-rdfc-2022": ed25519.Ed25519PrivateKey.generate(),
    "eddsa-jcs-2022": ed25519.Ed25519PrivateKey.generate(),
    "ecdsa-rdfc-2019": ec.generate_private_key(SECP384R1()),
    "ecdsa-jcs-2019": ec.generate_private_key(SECP256R1()),
}


def signed(suite: str) -> dict[str, Any]:
    return data_integrity.sign(
        unsigned(),
        KEYS[suite],
        verification_method="did:web:a.example#1",
        created="2025-01-01T00:00:00Z",
        cryptosuite=suite,
    )


@pytest.mark.parametrize("suite", KEYS)
def test_what_is_signed_verifies(suite: str) -> None:
    document = signed(suite)
    assert data_integrity.verify(document, document["proof"], KEYS[suite].public_key()) is not None


@pytest.mark.parametrize("suite", KEYS)
def test_a_key_of_another_kind_is_refused(suite: str) -> None:
    document = signed(suite)
    other = KEYS["ecdsa-jcs-2019" if suite.startswith("eddsa") else "eddsa-jcs-2022"].public_key()
    with pytest.raises(SignatureFault) as caught:
        data_integrity.verify(document, document["proof"], other)
    assert caught.value.code == "ALG_NOT_ALLOWED"


def test_what_would_not_be_covered_is_not_signed() -> None:
    """SEC-22"""
    with pytest.raises(UnprotectedContent):
        data_integrity.sign(
            {**unsigned(), "finalGrade": "A"},
            KEYS["eddsa-rdfc-2022"],
            verification_method="did:web:a.example#1",
            created="2025-01-01T00:00:00Z",
        )


def test_a_jcs_proof_covers_words_without_context() -> None:
    document = data_integrity.sign(
        {**unsigned(), "finalGrade": "A"},
        KEYS["eddsa-jcs-2022"],
        verification_method="did:web:a.example#1",
        created="2025-01-01T00:00:00Z",
        cryptosuite="eddsa-jcs-2022",
    )
    key = KEYS["eddsa-jcs-2022"].public_key()
    data_integrity.verify(document, document["proof"], key)
    changed = copy.deepcopy(document)
    changed["finalGrade"] = "B"
    with pytest.raises(SignatureFault):
        data_integrity.verify(changed, changed["proof"], key)


def test_the_context_of_a_jcs_proof_begins_the_documents() -> None:
    document = signed("eddsa-jcs-2022")
    document["@context"] = list(reversed(document["@context"]))
    with pytest.raises(SignatureFault):
        data_integrity.verify(document, document["proof"], KEYS["eddsa-jcs-2022"].public_key())


def test_a_signature_with_an_uncanonical_s_is_refused() -> None:
    """Digest 19.16: S + L is no other signature of the same content."""
    document = signed("eddsa-rdfc-2022")
    key = KEYS["eddsa-rdfc-2022"].public_key()
    raw = data_integrity._signature(document["proof"], key)
    order = 2**252 + 27742317777372353535851937790883648493
    s = (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    document["proof"]["proofValue"] = "z" + data_integrity.base58.b58encode(raw[:32] + s).decode()
    with pytest.raises(SignatureFault):
        data_integrity.verify(document, document["proof"], key)
