"""Writing Open Badges 2.0: each function gives the JSON object of one class, standing alone with its context.

Absent values are left out. What is embedded in another object goes through ``embedded``, which takes the
context off again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from apps.standards import identities
from apps.standards.ob2 import model


def _alone(type_: str, **members: Any) -> dict[str, Any]:
    document: dict[str, Any] = {"@context": model.CONTEXT_URL, "type": type_}
    document.update((name, value) for name, value in members.items() if value is not None and value != [])
    return document


def embedded(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same object as it stands inside another one: without its context."""
    return {name: value for name, value in document.items() if name != "@context"}


def recipient(identity: str, *, type_: str = "email", salt: str | None = None, hashed: bool = True) -> dict[str, Any]:
    """An IdentityObject; hashed with SHA-256 and a salt of its own unless told otherwise (A4, PRIV-06).

    An e-mail address is trimmed and its host written in lower case before it is hashed.
    """
    value = identity.strip()
    if type_ == "email" and "@" in value:
        local, _, host = value.rpartition("@")
        value = f"{local}@{host.lower()}"
    if not hashed:
        return {"type": type_, "hashed": False, "identity": value}
    salt = secrets.token_hex(16) if salt is None else salt
    return {"type": type_, "hashed": True, "salt": salt, "identity": identities.hashed(value, salt)}


def assertion(
    *,
    id: str,
    recipient: Mapping[str, Any],
    badge: str | Mapping[str, Any],
    issued_on: str,
    creator: str | None = None,
    expires: str | None = None,
    image: str | None = None,
    narrative: str | None = None,
    evidence: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """An Assertion: to be signed when ``creator`` (the id of the key) is given, hosted at its id otherwise."""
    verification = {"type": "SignedBadge", "creator": creator} if creator else {"type": "HostedBadge"}
    return _alone(
        "Assertion",
        id=id,
        recipient=dict(recipient),
        badge=badge if isinstance(badge, str) else embedded(badge),
        verification=verification,
        issuedOn=issued_on,
        expires=expires,
        image=image,
        narrative=narrative,
        evidence=[dict(each) for each in evidence],
    )


def revoked_assertion(*, id: str, reason: str | None = None) -> dict[str, Any]:
    """What is served, with 410, in the place of a revoked assertion (A6)."""
    return _alone("Assertion", id=id, revoked=True, revocationReason=reason)


def badge_class(
    *,
    id: str,
    name: str,
    description: str,
    image: str,
    criteria: str | Mapping[str, Any],
    issuer: str | Mapping[str, Any],
    alignment: Iterable[Mapping[str, Any]] = (),
    tags: Iterable[str] = (),
) -> dict[str, Any]:
    """A BadgeClass; ``criteria`` is the address of a page, or an object with ``id`` or ``narrative``."""
    return _alone(
        "BadgeClass",
        id=id,
        name=name,
        description=description,
        image=image,
        criteria=criteria if isinstance(criteria, str) else dict(criteria),
        issuer=issuer if isinstance(issuer, str) else embedded(issuer),
        alignment=[{"type": "AlignmentObject", **each} for each in alignment],
        tags=list(tags),
    )


def profile(
    *,
    id: str,
    name: str,
    url: str,
    email: str,
    public_key: str | list[str] | None = None,
    revocation_list: str | None = None,
    description: str | None = None,
    telephone: str | None = None,
    image: str | None = None,
    allowed_origins: Iterable[str] = (),
    starts_with: Iterable[str] = (),
) -> dict[str, Any]:
    """An issuer's Profile, with the policy of where its badges are hosted (A7)."""
    origins, beginnings = list(allowed_origins), list(starts_with)
    policy: dict[str, Any] | None = None
    if origins or beginnings:
        policy = {"type": "VerificationObject", "verificationProperty": "id"}
        policy |= {"allowedOrigins": origins} if origins else {}
        policy |= {"startsWith": beginnings} if beginnings else {}
    return _alone(
        "Issuer",
        id=id,
        name=name,
        url=url,
        email=email,
        telephone=telephone,
        description=description,
        image=image,
        publicKey=public_key,
        revocationList=revocation_list,
        verification=policy,
    )


def cryptographic_key(*, id: str, owner: str, public_key_pem: str) -> dict[str, Any]:
    """A CryptographicKey; ``owner`` is the profile that lists it (A8)."""
    return _alone("CryptographicKey", id=id, owner=owner, publicKeyPem=public_key_pem)


def revocation_list(*, id: str, issuer: str, revoked: Iterable[tuple[str, str | None]]) -> dict[str, Any]:
    """A RevocationList of assertion ids, each with its reason or None."""
    entries = [{"id": each, "revocationReason": reason} if reason else each for each, reason in revoked]
    document = _alone("RevocationList", id=id, issuer=issuer)
    document["revokedAssertions"] = entries
    return document


def endorsement(
    *,
    id: str,
    endorsed: str,
    issuer: str | Mapping[str, Any],
    issued_on: str,
    comment: str | None = None,
    creator: str | None = None,
) -> dict[str, Any]:
    """An Endorsement of the object with the id ``endorsed``; signed when ``creator`` is given, else hosted."""
    claim: dict[str, Any] = {"id": endorsed}
    if comment is not None:
        claim["endorsementComment"] = comment
    return _alone(
        "Endorsement",
        id=id,
        claim=claim,
        issuer=issuer if isinstance(issuer, str) else embedded(issuer),
        issuedOn=issued_on,
        verification={"type": "SignedBadge", "creator": creator} if creator else {"type": "HostedBadge"},
    )
