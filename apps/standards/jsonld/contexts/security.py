"""The terms of the W3C security vocabulary: proof suites, keys, purposes."""

from __future__ import annotations

from typing import Any

from apps.standards.jsonld.contexts.notation import context

_PREFIXES = {
    "sec": "https://w3id.org/security#",
    "dc": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

PURPOSES = """
assertionMethod      sec: @id set
authentication       sec:authenticationMethod @id set
capabilityInvocation sec:capabilityInvocationMethod @id set
capabilityDelegation sec:capabilityDelegationMethod @id set
keyAgreement         sec:keyAgreementMethod @id set
"""


def proof_options(suite: str, *more: str) -> str:
    """The lines of one proof suite: the options that all suites have, and ``more`` of its own."""
    options = [
        "challenge sec:",
        "created dc: xsd:dateTime",
        "domain sec:",
        "expires sec:expiration xsd:dateTime",
        "nonce sec:",
        "verificationMethod sec: @id",
        "proofPurpose sec: @vocab",
        *("  " + purpose for purpose in PURPOSES.split("\n") if purpose),
        *more,
    ]
    if not suite.startswith("Json"):
        options.append("proofValue sec: sec:multibase")
    return "\n".join([f"{suite} sec:", *("  " + option for option in options)])


_PROOF = "@protected\n@ids\nproof sec: @id graph\n"


def data_integrity_first() -> dict[str, Any]:
    """``https://w3id.org/security/data-integrity/v1``"""
    return context(_PROOF + proof_options("DataIntegrityProof", "cryptosuite sec:"), _PREFIXES)


def data_integrity_second() -> dict[str, Any]:
    """``https://w3id.org/security/data-integrity/v2``"""
    more = ("cryptosuite sec: sec:cryptosuiteString", "previousProof sec: @id")
    return context(_PROOF + proof_options("DataIntegrityProof", *more), _PREFIXES)


def ed25519_of_2020() -> dict[str, Any]:
    """``https://w3id.org/security/suites/ed25519-2020/v1``"""
    return context(
        _PROOF
        + proof_options("Ed25519Signature2020")
        + """
Ed25519VerificationKey2020 sec:
  controller         sec: @id
  revoked            sec: xsd:dateTime
  publicKeyMultibase sec: sec:multibase
""",
        _PREFIXES,
    )


def jws_of_2020() -> dict[str, Any]:
    """``https://w3id.org/security/suites/jws-2020/v1``"""
    return context(
        proof_options("JsonWebSignature2020", "jws sec:")
        + """
privateKeyJwk   sec: @json
JsonWebKey2020  sec:
  publicKeyJwk  sec: @json
""",
        _PREFIXES,
    )


def multikey() -> dict[str, Any]:
    """``https://w3id.org/security/multikey/v1``"""
    return context(
        """
@protected
@ids
Multikey             sec:
  controller         sec: @id
  expires            sec:expiration xsd:dateTime
  revoked            sec: xsd:dateTime
  publicKeyMultibase sec: sec:multibase
  secretKeyMultibase sec: sec:multibase
""",
        _PREFIXES,
    )


def _named(names: str, rest: str = "") -> str:
    return "".join(f"{name} sec: {rest}\n" for name in names.split())


def vocabulary_first() -> dict[str, Any]:
    """``https://w3id.org/security/v1``"""
    plain = _named(
        "EcdsaKoblitzSignature2016 Ed25519Signature2018 EncryptedMessage GraphSignature2012 "
        "LinkedDataSignature2015 LinkedDataSignature2016 authenticationTag canonicalizationAlgorithm "
        "cipherAlgorithm cipherData cipherKey digestAlgorithm digestValue domain encryptionKey "
        "initializationVector iterationCount nonce normalizationAlgorithm password privateKeyPem "
        "publicKeyBase58 publicKeyPem publicKeyWif salt signature signatureValue"
    )
    references = _named("owner privateKey publicKey publicKeyService", "@id")
    return context(
        "@ids\n"
        + plain
        + references
        + """
dc                 http://purl.org/dc/terms/
sec                https://w3id.org/security#
xsd                http://www.w3.org/2001/XMLSchema#
CryptographicKey   sec:Key
created            dc: xsd:dateTime
creator            dc: @id
expiration         sec: xsd:dateTime
expires            sec:expiration xsd:dateTime
revoked            sec: xsd:dateTime
signatureAlgorithm sec:signingAlgorithm
""",
        _PREFIXES,
    )


def vocabulary_second() -> list[Any]:
    """``https://w3id.org/security/v2``: the first vocabulary and more."""
    plain = _named(
        "AesKeyWrappingKey2019 DeleteKeyOperation DeriveSecretOperation EcdsaSecp256k1Signature2019 "
        "EcdsaSecp256r1Signature2019 EcdsaSecp256k1VerificationKey2019 EcdsaSecp256r1VerificationKey2019 "
        "Ed25519Signature2018 Ed25519VerificationKey2018 EquihashProof2018 ExportKeyOperation "
        "GenerateKeyOperation KmsOperation RevokeKeyOperation RsaSignature2018 RsaVerificationKey2018 "
        "Sha256HmacKey2019 SignOperation UnwrapKeyOperation VerifyOperation WrapKeyOperation "
        "X25519KeyAgreementKey2019 allowedAction capabilityAction challenge ciphertext jws kmsModule "
        "plaintext proofValue referenceId unwrappedKey verifyData wrappedKey"
    )
    references = _named(
        "capability controller delegator invocationTarget invoker parentCapability verificationMethod", "@id"
    )
    more = context(
        plain
        + references
        + PURPOSES
        + """
capabilityChain    sec: @id list
caveat             sec: @id set
equihashParameterK sec: xsd:integer
equihashParameterN sec: xsd:integer
proof              sec: @id graph
proofPurpose       sec: @vocab
""",
        _PREFIXES,
    )
    return [{"@version": 1.1}, "https://w3id.org/security/v1", more]
