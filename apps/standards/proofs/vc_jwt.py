"""Credentials as JWT (VC-JWT): from the token to the credential, and whether its claims agree with it.

In the data model 2.0 the payload is the credential with the registered claims added; in 1.1 it stands in the
claim ``vc``. Which key it was signed with and whose that is, is decided by ``dids``; the signature by ``jws``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.standards import moments
from apps.standards.errors import DocumentFault, ParseFault
from apps.standards.proofs import jws as jws_format

ALGORITHMS = jws_format.VC_JWT
TYPES = frozenset({"JWT", "vc+jwt", "vc+ld+json+jwt", "vc-ld+jwt", "application/vc+jwt"})

_CLAIMS = ("iss", "jti", "sub", "nbf", "exp", "iat", "aud")
_LATEST = 253_402_300_799  # the last second of the year 9999


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A claim that does not agree with the credential. ``is_missing`` claims are tolerated where samples lack them."""

    claim: str
    sentence: str
    is_missing: bool = False


def credential_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The credential that a payload carries, completed by what only the claims say.

    ``exp``, ``nbf``, ``iss``, ``jti`` and ``sub`` set the property that they stand for when it is absent
    (digest 4.2). Raises ``ParseFault`` if ``vc`` is there and is no object.
    """
    if "vc" in payload:
        inner = payload["vc"]
        if not isinstance(inner, dict):
            raise ParseFault("The claim vc of the token is no credential.", code="PARSE_ERROR")
        credential = dict(inner)
        starts, ends = "issuanceDate", "expirationDate"
    else:
        credential = {name: value for name, value in payload.items() if name not in _CLAIMS}
        starts, ends = "validFrom", "validUntil"
    for claim, name in (("iss", "issuer"), ("jti", "id")):
        if name not in credential and isinstance(payload.get(claim), str):
            credential[name] = payload[claim]
    for claim, name in (("nbf", starts), ("exp", ends)):
        if name not in credential and claim in payload:
            seconds = _seconds(payload[claim])
            if seconds is not None and 0 <= seconds <= _LATEST:
                credential[name] = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return credential


def mismatches(payload: Mapping[str, Any], credential: Mapping[str, Any]) -> list[Mismatch]:
    """Where the claims of a payload do not agree with its credential (digest 4.2).

    ``iss`` and ``jti`` must be there; ``sub`` must agree if it is there and the subject has an id; ``nbf`` and
    ``exp`` must be the same whole second as the properties.
    """
    found: list[Mismatch] = []
    issuer = credential.get("issuer")
    issuer_id = issuer.get("id") if isinstance(issuer, dict) else issuer
    found += _texts("iss", payload, issuer_id, "the issuer")
    found += _texts("jti", payload, credential.get("id"), "the id of the credential")
    subject = credential.get("credentialSubject")
    subject_id = subject.get("id") if isinstance(subject, dict) else None
    if isinstance(subject_id, str):
        if "sub" not in payload:
            found.append(Mismatch("sub", "The token does not name its subject (sub).", is_missing=True))
        elif payload["sub"] != subject_id:
            found.append(Mismatch("sub", "The subject of the token (sub) is not the subject of the credential."))
    elif "sub" in payload and isinstance(subject, dict):
        found.append(Mismatch("sub", "The token names a subject (sub) and the credential none.", is_missing=True))
    found += _times("nbf", payload, credential, ("validFrom", "issuanceDate"), required=True)
    found += _times("exp", payload, credential, ("validUntil", "expirationDate"), required=False)
    return found


def _texts(claim: str, payload: Mapping[str, Any], value: Any, what: str) -> list[Mismatch]:
    if claim not in payload:
        return [Mismatch(claim, f"The token lacks the claim {claim}, which repeats {what}.")]
    if payload[claim] != value:
        return [Mismatch(claim, f"The claim {claim} of the token is not {what}.")]
    return []


def _times(
    claim: str, payload: Mapping[str, Any], credential: Mapping[str, Any], names: tuple[str, ...], *, required: bool
) -> list[Mismatch]:
    name = next((name for name in names if name in credential), None)
    if claim not in payload:
        if name is None and not required:
            return []
        return [Mismatch(claim, f"The token lacks the claim {claim}.")]
    seconds = _seconds(payload[claim])
    if seconds is None:
        return [Mismatch(claim, f"The claim {claim} of the token is no time in seconds.")]
    if name is None:
        return []
    try:
        agreed = isinstance(credential[name], str) and moments.read(credential[name]).seconds // 1 == seconds
    except DocumentFault:
        agreed = False
    return [] if agreed else [Mismatch(claim, f"The claim {claim} of the token is not the same time as {name}.")]


def _seconds(value: Any) -> int | None:
    """A NumericDate, rounded down to whole seconds; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value // 1)


def payload_for(credential: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of a VC-JWT for a credential of the data model 2.0: the credential and its claims.

    Raises ``DocumentFault`` if the credential lacks ``id``, ``issuer`` or ``validFrom``.
    """
    issuer = credential.get("issuer")
    issuer_id = issuer.get("id") if isinstance(issuer, dict) else issuer
    subject = credential.get("credentialSubject")
    payload = dict(credential)
    for claim, value in (("iss", issuer_id), ("jti", credential.get("id"))):
        if not isinstance(value, str):
            raise DocumentFault(f"A credential without an identifier for {claim} cannot become a token.")
        payload[claim] = value
    if isinstance(subject, dict) and isinstance(subject.get("id"), str):
        payload["sub"] = subject["id"]
    for claim, name in (("nbf", "validFrom"), ("exp", "validUntil")):
        if name in credential:
            payload[claim] = int(moments.read(credential[name]).seconds // 1)
        elif claim == "nbf":
            raise DocumentFault("A credential without validFrom cannot become a token.")
    return payload
