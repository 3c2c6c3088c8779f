"""What stands at the ids of our Open Badges 2.0 objects, for somebody without a token: status, document, media type.

An assertion is there while its learner shows the badge; private and absent answer alike (I4). The verifier answers
itself with these for our own addresses (SEC-09).
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import orjson

from apps.achievements.models import Achievement, Endorsement
from apps.institution import files, keys
from apps.institution.models import Organization, SigningKey
from apps.issuance import badge_documents
from apps.issuance.badge_documents import JSON_LD, PNG, SVG
from apps.issuance.documents import DocumentDamaged
from apps.issuance.models import Badge
from apps.standards.ob2 import write
from apps.standards.verify.sources import Fetched

KINDS = ("assertions", "badges", "endorsements", "profiles", "keys", "revocations", "images")
PERSONAL = frozenset({"assertions"})


@dataclass(frozen=True, slots=True)
class Hosted:
    """An answer. `location`: it is found there instead; `signed`: the other form of the same thing."""

    status: int
    body: bytes = b""
    media_type: str = JSON_LD
    location: str = ""
    signed: bytes = b""
    is_personal: bool = False


NOTHING = Hosted(404)


def served(address: str) -> Fetched | None:
    """What a stranger gets at one of our own addresses; None when the address is not ours."""
    found = badge_documents.parse(address)
    if found is None:
        return None
    kind, public_id, suffix = found
    here = answer(kind, public_id, suffix)
    if here.location:
        return served(here.location)
    return Fetched(here.status, here.media_type, here.body, address)


def answer(kind: str, public_id: UUID, suffix: str = "") -> Hosted:
    """What is at an address. `suffix` is `.png` or `.svg` and is for images alone.

    Raises `DocumentDamaged` when stored bytes are not those that were issued (REL-16).
    """
    if kind == "images":
        return _image(public_id, SVG if suffix == ".svg" else PNG)
    if suffix or kind not in _ANSWERS:
        return NOTHING
    return _ANSWERS[kind](public_id, keys.public_base())


def public_badge(public_id: UUID) -> Badge | None:
    """A badge that its learner shows, whatever became of it; whole, or `DocumentDamaged` is raised (REL-16)."""
    everything = Badge.objects.public().select_related("assertion__achievement", "assertion__learner", "replaced_by")
    badge = everything.filter(public_id=public_id).first()
    if badge is None or badge.content is None:
        return None
    if not badge.is_whole:
        raise DocumentDamaged(f"The stored bytes of badge {badge.pk} are not those that were issued.")
    return badge


def _as_document(document: object) -> Hosted:
    return Hosted(200, orjson.dumps(document))


def _assertion(public_id: UUID, base: str) -> Hosted:
    """The stored bytes; 410 with the reason when it does not hold any more (OB20-I-06, OB20-I-07).

    By the number of the assertion in a record, the way to the badge that stands for it (bridge).
    """
    badge = public_badge(public_id)
    if badge is None:
        return _current(public_id, base)
    if not badge.is_standing:
        successor = getattr(badge, "replaced_by", None)
        reason = badge.revocation_reason or "It was issued anew."
        if successor is not None and successor.is_public and successor.is_standing:
            reason = f"It was issued anew: {badge_documents.address(base, 'assertions', successor.public_id)}"
        body = write.revoked_assertion(id=badge_documents.address(base, "assertions", public_id), reason=reason)
        return Hosted(410, orjson.dumps(body), is_personal=True)
    return Hosted(200, bytes(badge.content or b""), signed=bytes(badge.jws or b""), is_personal=True)


def _current(assertion_id: UUID, base: str) -> Hosted:
    standing = Badge.objects.public().standing().filter(assertion__public_id=assertion_id).first()
    if standing is None:
        return NOTHING
    return Hosted(302, location=badge_documents.address(base, "assertions", standing.public_id), is_personal=True)


def _class(public_id: UUID, base: str) -> Hosted:
    achievement = Achievement.objects.select_related("issuer").filter(public_id=public_id).first()
    return NOTHING if achievement is None else _as_document(badge_documents.class_document(achievement, base))


def _endorsement(public_id: UUID, base: str) -> Hosted:
    found = Endorsement.objects.select_related("achievement", "organization").filter(public_id=public_id).first()
    document = badge_documents.endorsement_document(found, base) if found is not None and found.is_whole else None
    if found is None or document is None:
        return NOTHING
    if found.revoked_at is not None:
        gone = {**document, "revoked": True, "revocationReason": found.revocation_reason}
        return Hosted(410, orjson.dumps(gone))
    return _as_document(document)


def _profile(public_id: UUID, base: str) -> Hosted:
    organization = Organization.objects.filter(public_id=public_id).first()
    return NOTHING if organization is None else _as_document(badge_documents.profile_document(organization, base))


def _key(public_id: UUID, base: str) -> Hosted:
    found = badge_documents.key_at(public_id)
    if found is None:
        return NOTHING
    key, organization = found
    if key.state == SigningKey.State.COMPROMISED:
        return Hosted(410)
    return _as_document(badge_documents.key_document(key, organization, base))


def _revocations(public_id: UUID, base: str) -> Hosted:
    organization = Organization.objects.filter(public_id=public_id).first()
    return NOTHING if organization is None else _as_document(badge_documents.revocation_document(organization, base))


def _image(public_id: UUID, media_type: str) -> Hosted:
    """The picture of an achievement's badge; or of a badge that is shown, with the badge in it."""
    try:
        achievement = Achievement.objects.select_related("issuer").filter(public_id=public_id).first()
        if achievement is not None:
            return Hosted(200, badge_documents.class_picture(achievement, media_type), media_type)
        badge = public_badge(public_id)
        if badge is None:
            return NOTHING
        if not badge.is_standing:
            return Hosted(410, is_personal=True)
        picture = badge_documents.baked(badge, media_type, signed=False)
        return Hosted(200, picture, media_type, is_personal=True)
    except (files.FileMissing, files.FileDamaged) as fault:
        raise DocumentDamaged(f"A picture of a badge is not what was stored: {fault}") from fault


_ANSWERS: dict[str, Callable[[UUID, str], Hosted]] = {
    "assertions": _assertion,
    "badges": _class,
    "endorsements": _endorsement,
    "profiles": _profile,
    "keys": _key,
    "revocations": _revocations,
}
