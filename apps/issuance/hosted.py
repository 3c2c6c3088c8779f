"""What stands at the ids of our CLR 1.0 objects: profiles, keys, revocation lists, achievements, and what was issued.

The documents here are what `verification` answers itself with for our own addresses (SEC-09), and what the judge looks
at before anything is released.
"""

import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from django.conf import settings

from apps.achievements.models import Achievement, Assertion
from apps.institution import keys, profiles
from apps.institution.models import Organization, SigningKey
from apps.issuance import content, documents
from apps.issuance.models import Record, Revocation
from apps.standards.clr1 import write
from apps.standards.verify.sources import Fetched

KINDS = ("clrs", "assertions", "achievements", "endorsements", "profiles", "keys", "revocations")
_PATH = re.compile(r"/ims/clr/v1p0/([a-z]+)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")


# --- documents --------------------------------------------------------------------------------


def profile_document(organization: Organization, base: str) -> dict[str, Any]:
    """A profile as served: with every key that is still honoured, an array only after a rotation (digest, 8.5)."""
    profile = profiles.publisher(organization, base)
    document = write.standing_alone(profile)
    published = [write.to_json(profiles.cryptographic_key(key, base)) for key in keys.published_keys(organization)]
    if published:
        document["publicKey"] = published[0] if len(published) == 1 else published
    return document


def key_document(key: SigningKey, base: str) -> dict[str, Any]:
    """A key as served (CLR1-P-14, CLR1-P-15)."""
    return write.standing_alone(profiles.cryptographic_key(key, base))


def revocation_document(organization: Organization, base: str) -> dict[str, Any]:
    """The organization's revocation list; the home institution's names every revoked record (CLR1-P-18)."""
    revoked = Revocation.objects.order_by("pk").values_list("document_id", flat=True) if organization.is_home else []
    return write.revocation_list(
        id=profiles.revocation_list_address(organization, base),
        issuer=profiles.profile_address(organization, base),
        revoked=revoked,
    )


def achievement_document(achievement: Achievement) -> dict[str, Any]:
    """An achievement at its own address, equal to what records hold."""
    material = content.empty_material()
    content.load_achievements(material, {achievement.pk})
    return write.standing_alone(material.achievement_of(material.achievements[achievement.pk]))


# --- looking up -------------------------------------------------------------------------------


def parse(address: str) -> tuple[str, UUID] | None:
    """Kind and id of one of our addresses; None for any other.

    An address is ours by the base it was made with, or by the present one (contract, *Settings*).
    """
    for base in {keys.public_base(), settings.BASE_URL}:
        if address.startswith(base + "/") and (match := _PATH.fullmatch(address[len(base) :])):
            return match[1], UUID(match[2])
    return None


def served(address: str) -> Fetched | None:
    """What a stranger gets at one of our own addresses; None when the address is not ours."""
    found = parse(address)
    if found is None:
        return None
    status, document = answer(*found)
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return Fetched(status, "application/json", body, address)


def answer(kind: str, public_id: UUID) -> tuple[int, dict[str, Any] | bytes]:
    """Status and document at an address for somebody without a token; private and absent answer alike (I4)."""
    base = keys.public_base()
    if kind == "profiles" and (organization := _organization(public_id)) is not None:
        return 200, profile_document(organization, base)
    if kind == "revocations" and (organization := _organization(public_id)) is not None:
        return 200, revocation_document(organization, base)
    if kind == "keys":
        return _key(public_id, base)
    if kind == "achievements":
        achievement = Achievement.objects.filter(public_id=public_id).first()
        return (200, achievement_document(achievement)) if achievement else absent(404)
    if kind == "assertions":
        return _assertion(public_id)
    if kind == "clrs":
        return _record(public_id)
    return absent(404)


def _organization(public_id: UUID) -> Organization | None:
    return Organization.objects.select_related("parent").filter(public_id=public_id).first()


def _key(public_id: UUID, base: str) -> tuple[int, dict[str, Any] | bytes]:
    key = SigningKey.objects.select_related("organization").filter(public_id=public_id).first()
    if key is None:
        return absent(404)
    if key.state == SigningKey.State.COMPROMISED:
        return absent(410, "This key was withdrawn. What was signed with it does not count any more.")
    return 200, key_document(key, base)


def _assertion(public_id: UUID) -> tuple[int, dict[str, Any] | bytes]:
    """An assertion that stands in a public record, as it stands there (getAssertion)."""
    assertion = Assertion.objects.filter(public_id=public_id).first()
    if assertion is None:
        return absent(404)
    revocation = Revocation.objects.filter(assertion=assertion).first()
    public = Record.objects.filter(
        learner=assertion.learner_id, state=Record.State.ISSUED, publicity__is_public=True
    ).order_by("-pk")
    for record in public:
        said = orjson.loads(documents.payload(record))
        for each in said.get("assertions", ()):
            if str(each.get("id", "")).endswith(str(public_id)):
                if revocation is not None:
                    return absent(410, revocation.reason)
                return 200, {"@context": said["@context"], **each}
    return absent(404)


def _record(public_id: UUID) -> tuple[int, dict[str, Any] | bytes]:
    """A record that its learner made public; else 401, whether it is there or not."""
    record = (
        Record.objects.published()
        .select_related("revocation", "publicity")
        .filter(public_id=public_id, publicity__is_public=True)
        .first()
    )
    if record is None:
        return absent(401, "This record is only for those whom its learner lets read it.")
    if record.state == Record.State.REVOKED:
        return absent(410, record.revocation.reason)
    try:
        return 200, documents.payload(record)
    except documents.DocumentErased:
        return absent(404)


def absent(status: int, sentence: str = "There is nothing at this address.") -> tuple[int, dict[str, Any]]:
    """The standard's status object for an answer that is no document (digest, 6)."""
    host = urlsplit(settings.BASE_URL).hostname or "portal"
    return status, write.status_info(http_status=status, description=sentence, system=host)
