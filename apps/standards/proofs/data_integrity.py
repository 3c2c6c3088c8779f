"""Data Integrity proofs: made and verified.

Verifying one proof of a document
 1. take the proofs off the document (of a chain: keep those that this proof builds on)
 2. the proof's options are the proof without its value, with the document's context
 3. canonical form of both (RDFC-1.0 or JCS, as the suite says), in safe mode
 4. hash of the options, then hash of the document, in this order
 5. the signature over both

Suites: eddsa-rdfc-2022 (and its draft name eddsa-2022), ecdsa-rdfc-2019, eddsa-jcs-2022, ecdsa-jcs-2019,
Ed25519Signature2020, and derived proofs of ecdsa-sd-2023. Whose key it is and whether the times hold is decided
elsewhere (``dids``, ``verify.checks``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import base58
import cbor2
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from apps.standards.errors import ParseFault, SignatureFault
from apps.standards.jsonld import canonical, jcs, rdfc
from apps.standards.jsonld.active import Processing
from apps.standards.jsonld.canonical import BUILT_IN
from apps.standards.jsonld.rdf import line
from apps.standards.proofs.jws import PublicKey, decode_part, encode_part
from apps.standards.strict_json import shown

PROOF_TYPE = "DataIntegrityProof"
MAX_PROOFS = 20  # SEC-24
_MAX_VALUE = 2_000_000

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Suite:
    """What a proof's type and cryptosuite say about how it was made."""

    name: str
    keys: Literal["Ed25519", "EC", "P-256"]
    form: Literal["rdfc", "jcs", "sd"]
    is_draft: bool = False


_CRYPTOSUITES = {
    suite.name: suite
    for suite in (
        Suite("eddsa-rdfc-2022", "Ed25519", "rdfc"),
        Suite("eddsa-2022", "Ed25519", "rdfc", is_draft=True),
        Suite("ecdsa-rdfc-2019", "EC", "rdfc"),
        Suite("eddsa-jcs-2022", "Ed25519", "jcs"),
        Suite("ecdsa-jcs-2019", "EC", "jcs"),
        Suite("ecdsa-sd-2023", "P-256", "sd"),
    )
}
_ED25519_2020 = Suite("Ed25519Signature2020", "Ed25519", "rdfc")


def suite_of(proof: Mapping[str, Any]) -> Suite:
    """The suite of a proof. Raises ``SignatureFault`` (PROOF_UNSUPPORTED) for one that is not known here."""
    kind, cryptosuite = proof.get("type"), proof.get("cryptosuite")
    if kind == _ED25519_2020.name and cryptosuite is None:
        return _ED25519_2020
    if kind == PROOF_TYPE and isinstance(cryptosuite, str) and cryptosuite in _CRYPTOSUITES:
        return _CRYPTOSUITES[cryptosuite]
    named = f"{kind} {cryptosuite}" if kind == PROOF_TYPE else str(kind)
    raise SignatureFault(
        f"The proof is of a kind that is not known here ({shown(named)}), so it proves nothing.",
        code="PROOF_UNSUPPORTED",
    )


def proofs_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The embedded proofs, in order; empty if there are none.

    Raises ``SignatureFault`` (PROOF_UNSUPPORTED) if ``proof`` holds something else, or too many (SEC-24).
    """
    value = document.get("proof")
    if value is None:
        return []
    proofs = value if isinstance(value, list) else [value]
    if not all(isinstance(proof, dict) for proof in proofs):
        raise SignatureFault("The proof of the record is not an object.", code="PROOF_UNSUPPORTED")
    if len(proofs) > MAX_PROOFS:
        raise SignatureFault(f"The record carries more than {MAX_PROOFS} proofs.", code="PROOF_UNSUPPORTED")
    return proofs


def previous_proofs(proof: Mapping[str, Any], proofs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The proofs that this one builds on (``previousProof``), in the order of the document.

    Raises ``SignatureFault`` (SIGNATURE_INVALID) when one of them is not there.
    """
    named = proof.get("previousProof")
    if named is None:
        return []
    wanted = named if isinstance(named, list) else [named]
    found = [other for other in proofs if other.get("id") in wanted and other is not proof]
    if not wanted or len({other.get("id") for other in found}) != len(wanted) or len(found) != len(wanted):
        raise SignatureFault("The proof builds on another proof that is not there.")
    return found


# --- what is signed -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignedData:
    """The two canonical forms and their hashes; ``data`` is what the signature is made over."""

    document_form: str
    options_form: str
    document_hash: bytes
    options_hash: bytes

    @property
    def data(self) -> bytes:
        """Hash of the options, then hash of the document."""
        return self.options_hash + self.document_hash


@dataclass(slots=True)
class Unsecured:
    """A document without its proofs, and its canonical forms as far as they were asked for."""

    document: Mapping[str, Any]
    processing: Processing = BUILT_IN
    _forms: dict[tuple[str, str], str] = field(default_factory=dict)

    def form(self, kind: str, algorithm: str) -> str:
        """The canonical form of the document. Raises the faults of ``jsonld``."""
        known = self._forms.get((kind, algorithm))
        if known is None:
            known = self._forms[(kind, algorithm)] = _form(self.document, kind, algorithm, self.processing)
        return known


def without_proof(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without any of its proofs."""
    return {name: value for name, value in document.items() if name != "proof"}


def _form(document: Mapping[str, Any], kind: str, algorithm: str, processing: Processing) -> str:
    if kind == "jcs":
        return jcs.canonical(document).decode("utf-8")
    return canonical.canonical_form(document, algorithm=algorithm, processing=processing)


@lru_cache(maxsize=256)
def _options_form(options: bytes, algorithm: str, processing: Processing) -> str:
    """The canonical form of a proof's options; an issuer's proofs of one hour often share them."""
    return _form(orjson.loads(options), "rdfc", algorithm, processing)


def options_of(proof: Mapping[str, Any], document: Mapping[str, Any], form: str) -> dict[str, Any]:
    """The proof's options: the proof without its value, under the document's context.

    For the JCS suites the proof's own context counts. Raises ``SignatureFault`` where it is not the beginning of
    the document's.
    """
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    if form == "jcs":
        if "@context" in options:
            own, outer = _listed(options["@context"]), _listed(document.get("@context"))
            if outer[: len(own)] != own:
                raise SignatureFault("The context of the proof is not the beginning of the record's context.")
    elif "@context" in document:
        options["@context"] = document["@context"]
    return options


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def signed_data(proof: Mapping[str, Any], unsecured: Unsecured, suite: Suite, algorithm: str) -> SignedData:
    """What a signature of this suite is made over; ``algorithm`` is ``sha256`` or ``sha384``.

    Raises ``DocumentFault`` (UNDEFINED_TERM, CONTEXT_…, NOT_DECIDED), ``SignatureFault``.
    """
    kind = "jcs" if suite.form == "jcs" else "rdfc"
    options = options_of(proof, unsecured.document, kind)
    if kind == "jcs" and "@context" in options:
        unsecured = Unsecured({**unsecured.document, "@context": options["@context"]}, unsecured.processing)
    try:
        written = orjson.dumps(options) if kind == "rdfc" else None
    except orjson.JSONEncodeError:  # a number of more than 64 bits; such options are read, but not remembered
        written = None
    if written is not None:
        options_form = _options_form(written, algorithm, unsecured.processing)
    else:
        options_form = _form(options, kind, algorithm, unsecured.processing)
    document_form = unsecured.form(kind, algorithm)
    return SignedData(
        document_form,
        options_form,
        hashlib.new(algorithm, document_form.encode("utf-8")).digest(),
        hashlib.new(algorithm, options_form.encode("utf-8")).digest(),
    )


# --- verifying ------------------------------------------------------------------------------------------------


def verify(
    document: Mapping[str, Any],
    proof: Mapping[str, Any],
    key: PublicKey,
    *,
    unsecured: Unsecured | None = None,
    processing: Processing = BUILT_IN,
) -> SignedData | None:
    """Verify one embedded proof of a document with the key of its method.

    ``unsecured`` may be handed in to share the document's canonical form among several proofs. Gives what was
    signed (None for ecdsa-sd-2023, which signs statement by statement). Raises ``SignatureFault``
    (SIGNATURE_INVALID, PROOF_UNSUPPORTED, ALG_NOT_ALLOWED) and ``DocumentFault`` (UNDEFINED_TERM, CONTEXT_…).
    """
    suite = suite_of(proof)
    algorithm = _algorithm(suite, key)
    base = unsecured if unsecured is not None else Unsecured(without_proof(document), processing)
    earlier = previous_proofs(proof, proofs_of(document))
    if earlier:  # A chain: the earlier proofs are part of what this one signs.
        base = Unsecured({**base.document, "proof": earlier}, base.processing)
    if suite.form == "sd":
        _verify_selective(proof, base, key)
        return None
    signature = _signature(proof, key)
    data = signed_data(proof, base, suite, algorithm)
    try:
        _check(key, signature, data.data)
    except InvalidSignature:
        raise _does_not_fit() from None
    return data


def _does_not_fit() -> SignatureFault:
    return SignatureFault(
        "The signature does not fit the content: it was changed after signing, or signed with another key."
    )


def _algorithm(suite: Suite, key: PublicKey) -> str:
    if suite.keys == "Ed25519" and isinstance(key, ed25519.Ed25519PublicKey):
        return "sha256"
    if suite.keys != "Ed25519" and isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name == "secp256r1":
            return "sha256"
        if suite.keys == "EC":
            return "sha384"
    raise SignatureFault(f"The key is not of the kind that {suite.name} signs with.", code="ALG_NOT_ALLOWED")


def _signature(proof: Mapping[str, Any], key: PublicKey) -> bytes:
    value = proof.get("proofValue")
    if not isinstance(value, str) or not value.startswith("z") or len(value) > 200:
        raise SignatureFault("The value of the proof is not base58 that begins with z.")
    try:
        signature = base58.b58decode(value[1:])
    except ValueError:
        raise SignatureFault("The value of the proof is not readable base58.") from None
    length = 64 if isinstance(key, ed25519.Ed25519PublicKey) or _width(key) == 32 else 96
    if len(signature) != length:
        raise SignatureFault(f"The signature has {len(signature)} bytes; this kind has {length}.")
    return signature


def _width(key: PublicKey) -> int:
    return 48 if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp384r1" else 32


def _check(key: PublicKey, signature: bytes, data: bytes) -> None:
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, data)
        return
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise InvalidSignature
    width = _width(key)
    if len(signature) != 2 * width:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:width], "big"), int.from_bytes(signature[width:], "big")
    digest: hashes.HashAlgorithm = hashes.SHA256() if width == 32 else hashes.SHA384()
    key.verify(encode_dss_signature(r, s), data, ec.ECDSA(digest))


# --- ecdsa-sd-2023: selective disclosure ----------------------------------------------------------------------

_BASE_HEADER = b"\xd9\x5d\x00"
_DERIVED_HEADER = b"\xd9\x5d\x01"


@dataclass(frozen=True, slots=True)
class DerivedProof:
    """What a derived proof of ecdsa-sd-2023 carries."""

    base_signature: bytes
    public_key: bytes
    signatures: tuple[bytes, ...]
    labels: Mapping[str, str]
    mandatory: frozenset[int]


def read_derived(value: Any) -> DerivedProof:
    """The parts of a derived proof's value. Raises ``SignatureFault``."""
    if not isinstance(value, str) or not value.startswith("u") or len(value) > _MAX_VALUE:
        raise SignatureFault("The value of the proof is not base64url that begins with u.")
    try:
        raw = decode_part(value[1:].encode("utf-8"), "proof")
    except ParseFault:
        raise SignatureFault("The value of the proof is not readable base64url.") from None
    if raw.startswith(_BASE_HEADER):
        raise SignatureFault(
            "This is a base proof, which is for the holder alone; a verifier is shown a proof derived from it.",
            code="PROOF_UNSUPPORTED",
        )
    if not raw.startswith(_DERIVED_HEADER):
        raise SignatureFault("The value of the proof is no derived proof.")
    try:
        base_signature, public_key, signatures, labels, mandatory = cbor2.loads(raw[3:])
        derived = DerivedProof(
            _octets(base_signature, 64),
            _octets(public_key, 35),
            tuple(_octets(signature, 64) for signature in signatures),
            {
                f"_:c14n{_index(number)}": f"_:u{encode_part(_octets(label)).decode()}"
                for number, label in labels.items()
            },
            frozenset(_index(number) for number in mandatory),
        )
    except (cbor2.CBORDecodeError, ValueError, TypeError, AttributeError, RecursionError):
        raise SignatureFault("The derived proof cannot be read.") from None
    if len(set(derived.labels.values())) != len(derived.labels):
        raise SignatureFault("The derived proof gives one name to several parts.")
    return derived


def _octets(value: Any, length: int | None = None) -> bytes:
    if not isinstance(value, bytes) or (length is not None and len(value) != length):
        raise ValueError("octets")
    return value


def _index(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("index")
    return value


def disclosed_statements(document: Mapping[str, Any], labels: Mapping[str, str], processing: Processing) -> list[str]:
    """The statements of a disclosed document under the names of the derived proof, sorted.

    Raises ``SignatureFault`` when a part has no name there, and the faults of ``jsonld``.
    """
    statements = set(canonical.statements(document, processing))
    issued = rdfc.canonical_labels(statements)
    try:
        names = {blank: labels[label] for blank, label in issued.items()}
    except KeyError:
        raise SignatureFault("The derived proof does not name every part of the record.") from None
    return sorted(line(rdfc.relabelled(quad, names)) for quad in statements)


def _verify_selective(proof: Mapping[str, Any], unsecured: Unsecured, key: PublicKey) -> None:
    derived = read_derived(proof.get("proofValue"))
    statements = disclosed_statements(unsecured.document, derived.labels, unsecured.processing)
    mandatory = [statement for position, statement in enumerate(statements) if position in derived.mandatory]
    others = [statement for position, statement in enumerate(statements) if position not in derived.mandatory]
    if len(others) != len(derived.signatures) or any(position >= len(statements) for position in derived.mandatory):
        raise SignatureFault("The derived proof does not cover exactly the statements of the record.")
    options = _form(options_of(proof, unsecured.document, "rdfc"), "rdfc", "sha256", unsecured.processing)
    signed = (
        hashlib.sha256(options.encode("utf-8")).digest()
        + derived.public_key
        + hashlib.sha256("".join(mandatory).encode("utf-8")).digest()
    )
    try:
        if derived.public_key[:2] != b"\x80\x24":
            raise InvalidSignature
        once = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), derived.public_key[2:])
        _check(key, derived.base_signature, signed)
        for statement, signature in zip(others, derived.signatures, strict=True):
            _check(once, signature, statement.encode("utf-8"))
    except (InvalidSignature, ValueError):
        raise _does_not_fit() from None


# --- signing --------------------------------------------------------------------------------------------------


def sign(
    document: Mapping[str, Any],
    key: PrivateKey,
    *,
    verification_method: str,
    created: str,
    cryptosuite: str = "eddsa-rdfc-2022",
    proof_purpose: str = "assertionMethod",
    processing: Processing = BUILT_IN,
) -> dict[str, Any]:
    """The document with an embedded proof by this key, in a copy.

    ``cryptosuite`` is one of the RDFC and JCS suites; ``created`` an RFC 3339 date-time. Raises ``DocumentFault``
    when the document says something that the signature would not cover (SEC-22).
    """
    suite = _CRYPTOSUITES[cryptosuite]
    if suite.form == "sd" or suite.is_draft:
        raise ValueError(f"{cryptosuite} is not signed with here")
    proof: dict[str, Any] = {
        "type": PROOF_TYPE,
        "cryptosuite": cryptosuite,
        "created": created,
        "verificationMethod": verification_method,
        "proofPurpose": proof_purpose,
    }
    unsecured = without_proof(document)
    if suite.form == "jcs" and "@context" in document:
        proof["@context"] = document["@context"]
    algorithm = _algorithm(suite, key.public_key())
    data = signed_data(proof, Unsecured(unsecured, processing), suite, algorithm).data
    proof["proofValue"] = "z" + base58.b58encode(_sign(key, data)).decode("ascii")
    return {**unsecured, "proof": proof}


def _sign(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    width = 48 if key.curve.name == "secp384r1" else 32
    digest: hashes.HashAlgorithm = hashes.SHA256() if width == 32 else hashes.SHA384()
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")
