"""Who vouches for a credential: VC-JWT (section 4 of the digest) and embedded proofs (sections 5 and 6).

VC-JWT                                                       checks
 1. header and method are allowed                            ``algorithm``
 2. the key, and that it is the issuer's                     ``key``
 3. the signature                                            ``signature``
 4. the claims agree with the credential                     ``claims``

Embedded proofs, one by one; any one good proof of the issuer suffices
 1. kind, purpose and times                                  ``proof``
 2. the key, and that it is the issuer's
 3. the signature over everything that the document says, and over the proofs it builds on
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.standards import dids, moments
from apps.standards.dids import VerificationMethod
from apps.standards.errors import DocumentFault, KeyFault, ParseFault, SignatureFault, StandardsError
from apps.standards.jsonld import canonical
from apps.standards.proofs import data_integrity, vc_jwt
from apps.standards.proofs import jws as jws_format
from apps.standards.proofs.data_integrity import Unsecured
from apps.standards.proofs.jws import Jws
from apps.standards.strict_json import shown
from apps.standards.verify.sources import Run
from apps.standards.verify.verdict import Result

GRACE_NANOSECONDS = 120 * 1_000_000_000  # REL-24
_PURPOSE = "assertionMethod"
_FOREIGN_HEADERS = ("jku", "x5u", "x5c", "x5t")


def issuer_of(document: Mapping[str, Any]) -> str | None:
    """The identifier of the issuer."""
    issuer = document.get("issuer")
    found = issuer.get("id") if isinstance(issuer, dict) else issuer
    return found if isinstance(found, str) else None


def _fingerprint(method: VerificationMethod) -> str:
    return "sha256:" + dids.fingerprint(method.key)


def _key_evidence(method: VerificationMethod) -> dict[str, Any]:
    evidence = {"key": method.id, "controller": method.controller, "fingerprint": _fingerprint(method)}
    return {**evidence, "published_at": method.published_at} if method.published_at else evidence


def _moment(text: Any) -> moments.Moment | None:
    try:
        return moments.read(text) if isinstance(text, str) else None
    except DocumentFault:
        return None


def _ended(method: VerificationMethod, signed_at: moments.Moment) -> str | None:
    """Why a key had ended when it signed; None if it had not. An unreadable end counts as past."""
    for what, text in (("revoked", method.revoked), ("expired", method.expires)):
        if text is not None:
            end = _moment(text)
            if end is None or end.nanoseconds <= signed_at.nanoseconds:
                return what
    return None


# --- VC-JWT ---------------------------------------------------------------------------------------------------


def check_token(result: Result, jws: Jws, payload: Mapping[str, Any], credential: Mapping[str, Any], run: Run) -> bool:
    """Steps 1 to 4 of a VC-JWT; gives whether the token vouches for the credential."""
    try:
        jws_format.require(jws, vc_jwt.ALGORITHMS)
    except SignatureFault as fault:
        result.failed("algorithm", fault.code, fault.sentence)
        return False
    except ParseFault as fault:
        result.failed("algorithm", "PARSE_ERROR", fault.sentence)
        return False
    named = [name for name in _FOREIGN_HEADERS if name in jws.header]
    if named:
        result.warned(
            "algorithm", "ALG_NOT_ALLOWED", f"The token names a key in its header ({named[0]}); it is not used."
        )
    else:
        result.passed("algorithm", f"It is signed by the method {jws.algorithm}.", algorithm=jws.algorithm)
    issuer = issuer_of(credential)
    if issuer is None:
        result.failed("key", "KEY_UNAVAILABLE", "The credential names no issuer whose key could be looked up.")
        return False
    try:
        method = _method_of_token(jws, issuer, run)
        now = moments.of(run.now)
        if (ended := _ended(method, now)) is not None:
            raise KeyFault(f"The key of the signature has been {ended}.", code="KEY_REVOKED")
        result.passed("key", "The key is one that the issuer publishes.", **_key_evidence(method))
    except KeyFault as fault:
        pinned = _fitting_pin(jws, issuer, fault, run)
        if pinned is None:
            result.failed("key", fault.code, fault.sentence)
            return False
        method = pinned
        result.warned("key", *_PINNED, **_key_evidence(method), pinned=True)
    if not jws_format.fits(jws.algorithm, method.key):  # 4.3, step 4
        sentence = f"The issuer's key is not of the kind that {jws.algorithm} signs with."
        result.failed("algorithm", "ALG_NOT_ALLOWED", sentence, algorithm=jws.algorithm)
    try:
        jws_format.verify(jws, method.key)
    except SignatureFault as fault:
        result.failed("signature", fault.code, fault.sentence)
        return False
    digest = "sha256:" + hashlib.sha256(jws.payload).hexdigest()
    result.passed("signature", "The signature fits the content.", payload_digest=digest)
    _tell_undefined(result, "signature", credential, run)
    return _check_claims(result, payload, credential)


_PINNED = (
    "KEY_UNAVAILABLE",
    "The issuer's own keys cannot be looked up; it was checked with a key that this verifier trusts by hand.",
)


def _pinned(issuer: str, fault: KeyFault, named: str, run: Run) -> list[VerificationMethod]:
    """Keys pinned for an issuer whose own cannot be looked up (6.3, rule 5); none where the issuer can say itself."""
    if fault.code != "KEY_UNAVAILABLE" and (fault.code != "KEY_NOT_OF_ISSUER" or dids.can_be_looked_up(issuer)):
        return []
    return [VerificationMethod(named, issuer, key) for key in run.policy.pinned(issuer)]


def _fitting_pin(jws: Jws, issuer: str, fault: KeyFault, run: Run) -> VerificationMethod | None:
    for method in _pinned(issuer, fault, str(jws.header.get("kid", "")), run):
        try:
            jws_format.verify(jws, method.key)
        except SignatureFault:
            continue
        return method
    return None


def _tell_undefined(result: Result, name: str, document: Mapping[str, Any], run: Run) -> None:
    """Words that no context defines: signed where every byte is (tokens, JCS), yet without a meaning (section 16)."""
    try:
        canonical.statements(document, run.policy.processing)
    except DocumentFault as fault:
        result.warned(name, fault.code, f"All of it is signed, but not all has a meaning. {fault.sentence}")


def _method_of_token(jws: Jws, issuer: str, run: Run) -> VerificationMethod:
    kid, jwk = jws.header.get("kid"), jws.header.get("jwk")
    if isinstance(kid, str):
        return dids.method_of_issuer(kid, issuer, run.get_document, key_documents=True)
    if isinstance(jwk, dict):
        return dids.method_of_header_key(dids.key_from_jwk(jwk), issuer, run.get_document)
    raise KeyFault("The token does not say which key it is signed with (kid or jwk).")


def _check_claims(result: Result, payload: Mapping[str, Any], credential: Mapping[str, Any]) -> bool:
    found = vc_jwt.mismatches(payload, credential)
    wrong = [mismatch for mismatch in found if not mismatch.is_missing]
    if wrong:
        result.failed("claims", "JWT_CLAIM_MISMATCH", wrong[0].sentence, claims=[one.claim for one in wrong])
        return False
    if found:
        result.warned("claims", "JWT_CLAIM_MISMATCH", found[0].sentence, claims=[one.claim for one in found])
    else:
        result.passed("claims", "What the token says besides the credential agrees with it.")
    return True


# --- embedded proofs ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Proven:
    """A proof that held, and what to tell of it."""

    method: VerificationMethod
    suite: data_integrity.Suite
    digest: str | None
    skew_used: bool
    reservation: tuple[str, str] | None = None


def check_embedded(result: Result, document: Mapping[str, Any], run: Run) -> bool:
    """All embedded proofs of a credential; gives whether one of them is good and the issuer's."""
    try:
        proofs = data_integrity.proofs_of(document)
    except SignatureFault as fault:
        result.failed("proof", fault.code, fault.sentence)
        return False
    if not proofs:
        result.failed("proof", "PROOF_MISSING", "Nobody has signed it: it carries no proof.")
        return False
    unsecured = Unsecured(data_integrity.without_proof(document), run.policy.processing)
    issuer = issuer_of(document)
    faults: list[StandardsError] = []
    proven: _Proven | None = None
    for proof in proofs:
        try:
            proven = _prove(document, proof, proofs, unsecured, issuer, run)
            break
        except StandardsError as fault:
            faults.append(fault)
            if fault.code == "NOT_DECIDED":
                break  # another proof would cost the same work, or ask beyond the same budget
    if proven is None:
        first = faults[0]
        result.failed("proof", first.code, first.sentence, proofs=len(proofs), at=first.at)
        return False
    evidence: dict[str, Any] = {**_key_evidence(proven.method), "suite": proven.suite.name}
    if proven.digest is not None:
        evidence["document_digest"] = proven.digest
    sentence = "The signature fits the content, and the key is the issuer's."
    if proven.reservation is _PINNED:
        evidence["pinned"] = True
        sentence = "The signature fits the content, by a key that this verifier trusts by hand for this issuer."
    if proven.skew_used:  # REL-24
        evidence["skew_used"] = True
        sentence += " It was made within two minutes from now; clocks differ, so it counts."
    result.passed("proof", sentence, **evidence)
    if proven.suite.form == "jcs":
        _tell_undefined(result, "proof", unsecured.document, run)
    if proven.reservation is not None:
        result.warned("proof", *proven.reservation)
    for useless in faults:
        result.warned("proof", useless.code, f"It carries a further proof that says nothing here: {useless.sentence}")
    return True


def _prove(
    document: Mapping[str, Any],
    proof: Mapping[str, Any],
    proofs: list[Mapping[str, Any]],
    unsecured: Unsecured,
    issuer: str | None,
    run: Run,
) -> _Proven:
    """One proof of the issuer. Raises ``StandardsError`` with the reason why it does not count."""
    suite = data_integrity.suite_of(proof)
    created = _check_options(proof, run)
    if issuer is None:
        raise KeyFault("The credential names no issuer whose key could be looked up.")
    reservation = None
    try:
        method = _usable_method(proof, issuer, created, run)
        signed = data_integrity.verify(document, proof, method.key, unsecured=unsecured)
    except KeyFault as fault:
        method, signed = _proven_by_pin(document, proof, unsecured, issuer, fault, run)
        reservation = _PINNED
    for earlier in data_integrity.previous_proofs(proof, proofs):
        _prove_earlier(document, earlier, proofs, unsecured, run, depth=1)
    if _ended(method, moments.of(run.now)) is not None:
        reservation = ("KEY_REVOKED", "The key has ended since; it is said to have signed before that.")
    if suite.is_draft and reservation is None:
        reservation = ("PROOF_UNSUPPORTED", f"It is signed by {suite.name}, a draft of today's method.")
    digest = f"sha256:{hashlib.sha256(signed.document_form.encode()).hexdigest()}" if signed is not None else None
    skew_used = created is not None and created.nanoseconds > moments.of(run.now).nanoseconds
    return _Proven(method, suite, digest, skew_used, reservation)


def _proven_by_pin(
    document: Mapping[str, Any],
    proof: Mapping[str, Any],
    unsecured: Unsecured,
    issuer: str,
    fault: KeyFault,
    run: Run,
) -> tuple[VerificationMethod, data_integrity.SignedData | None]:
    """The pinned key that made a proof. Raises the fault of the look-up where none did."""
    for method in _pinned(issuer, fault, str(proof.get("verificationMethod")), run):
        try:
            return method, data_integrity.verify(document, proof, method.key, unsecured=unsecured)
        except SignatureFault:
            continue
    raise fault


def _usable_method(
    proof: Mapping[str, Any], issuer: str, created: moments.Moment | None, run: Run
) -> VerificationMethod:
    named = proof.get("verificationMethod")
    if not isinstance(named, str):
        raise KeyFault("The proof does not say which key it was made with.")
    method = dids.method_of_issuer(named, issuer, run.get_document)
    if (ended := _ended(method, created or moments.of(run.now))) is not None:
        raise KeyFault(f"The key {shown(named)} had been {ended} when it signed.", code="KEY_REVOKED")
    return method


def _prove_earlier(
    document: Mapping[str, Any],
    proof: Mapping[str, Any],
    proofs: list[Mapping[str, Any]],
    unsecured: Unsecured,
    run: Run,
    depth: int,
) -> None:
    """A proof that a later one of the issuer builds on: anybody's, but it must hold (5.5)."""
    if depth > len(proofs):
        raise SignatureFault("The proofs build on each other in a circle.")
    data_integrity.suite_of(proof)
    created = _check_options(proof, run)
    named = proof.get("verificationMethod")
    owner = named.partition("#")[0] if isinstance(named, str) else ""
    method = _usable_method(proof, owner, created, run)
    data_integrity.verify(document, proof, method.key, unsecured=unsecured)
    for earlier in data_integrity.previous_proofs(proof, proofs):
        _prove_earlier(document, earlier, proofs, unsecured, run, depth + 1)


def _check_options(proof: Mapping[str, Any], run: Run) -> moments.Moment | None:
    """Purpose and times of a proof (SEC-24); gives the moment of signing. Raises ``SignatureFault``."""
    if proof.get("proofPurpose") != _PURPOSE:
        raise SignatureFault(
            f"The proof was made for another purpose ({shown(str(proof.get('proofPurpose')))}), not to vouch.",
            code="PROOF_PURPOSE_INVALID",
        )
    now = moments.of(run.now).nanoseconds
    created, expires = _moment(proof.get("created")), _moment(proof.get("expires"))
    if "created" in proof and (created is None or created.nanoseconds > now + GRACE_NANOSECONDS):
        raise SignatureFault(
            "The time at which the proof was made lies in the future, or is no time.", code="PROOF_TIME_INVALID"
        )
    if "expires" in proof and (expires is None or now > expires.nanoseconds):
        raise SignatureFault("The proof has expired, or its end is no time.", code="PROOF_TIME_INVALID")
    return created
