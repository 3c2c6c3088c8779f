"""What stands at the ids of our CLR 1.0 objects: profiles, keys, revocation lists, achievements, as JSON objects.

The judge looks at these before anything is released; `exchange.hosted` serves them.
"""

from typing import Any
from uuid import UUID

from apps.achievements import endorsing
from apps.achievements.models import Achievement, Endorsement, Endorser
from apps.institution import keys, profiles
from apps.institution.models import Organization, SigningKey
from apps.issuance import content
from apps.issuance.models import Revocation
from apps.standards.clr1 import write
from apps.standards.errors import RefusedByPolicy
from apps.standards.verify.sources import Fetched


def profile_document(organization: Organization, base: str) -> dict[str, Any]:
    """A profile as served: with every key that is still honoured, an array only after a rotation (digest, 8.5)."""
    profile = profiles.publisher(organization, base)
    endorsing.put_on(profile, Endorsement.objects.standing().filter(organization=organization))
    document = write.standing_alone(profile)
    published = [write.to_json(profiles.cryptographic_key(key, base)) for key in keys.published_keys(organization)]
    if published:
        document["publicKey"] = published[0] if len(published) == 1 else published
    return document


def endorser_document(endorser: Endorser, base: str) -> dict[str, Any]:
    """The profile of somebody outside who endorsed something, as far as they are told here."""
    return write.standing_alone(endorsing.profile_of(endorser, base))


def key_document(key: SigningKey, base: str) -> dict[str, Any]:
    """A key as served (CLR1-P-14, CLR1-P-15)."""
    return write.standing_alone(profiles.cryptographic_key(key, base))


def revocation_document(organization: Organization, base: str) -> dict[str, Any]:
    """The organization's revocation list; the home institution's names everything of ours (CLR1-P-18)."""
    revoked: list[str] = []
    if organization.is_home:
        revoked = [*Revocation.objects.order_by("pk").values_list("document_id", flat=True), *endorsing.revoked_ids()]
    return write.revocation_list(
        id=profiles.revocation_list_address(organization, base),
        issuer=profiles.profile_address(organization, base),
        revoked=revoked,
    )


def endorsement_payload(address: str) -> bytes | None:
    """The JSON of one of our own endorsements by its id; None when there is none, or it was revoked."""
    found = Endorsement.objects.filter(document_id=address, revoked_at=None).first()
    return endorsing.payload_of(found) if found is not None and found.is_ours and found.is_whole else None


def endorser_at(address: str, base: str) -> dict[str, Any] | None:
    """The profile of an endorser by its address; None when there is none."""
    before = profiles.object_address(base, "profiles", "")
    if not address.startswith(before):
        return None
    try:
        public_id = UUID(address.removeprefix(before))
    except ValueError:
        return None
    endorser = Endorser.objects.filter(public_id=public_id).first()
    return None if endorser is None else endorser_document(endorser, base)


class Remembered:
    """What the addresses of endorsers elsewhere answered when their endorsements were last checked, and nothing else.

    Fits `standards.verify.sources.Fetcher`: what is issued is judged without the network (REL-05).
    """

    def __init__(self) -> None:
        self._seen: dict[str, Fetched] | None = None

    def fetch(self, url: str, *, kind: str) -> Fetched:
        """The remembered answer. Raises `RefusedByPolicy`."""
        if self._seen is None:
            rows = Endorsement.objects.standing().exclude(seen=[]).values_list("seen", flat=True)
            self._seen = {
                each["url"]: Fetched(each["status"], each["content_type"], each["body"].encode(), each["url"])
                for row in rows
                for each in row
            }
        if url not in self._seen:
            raise RefusedByPolicy("Nothing is fetched while a record is issued.")
        return self._seen[url]


def achievement_document(achievement: Achievement) -> dict[str, Any]:
    """An achievement at its own address, equal to what records hold."""
    material = content.empty_material()
    content.load_achievements(material, {achievement.pk})
    return write.standing_alone(material.achievement_of(material.achievements[achievement.pk]))
