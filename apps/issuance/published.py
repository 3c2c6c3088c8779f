"""What stands at the ids of our CLR 1.0 objects: profiles, keys, revocation lists, achievements, as JSON objects.

The judge looks at these before anything is released; `exchange.hosted` serves them.
"""

from typing import Any

from apps.achievements.models import Achievement
from apps.institution import keys, profiles
from apps.institution.models import Organization, SigningKey
from apps.issuance import content
from apps.issuance.models import Revocation
from apps.standards.clr1 import write


def profile_document(organization: Organization, base: str) -> dict[str, Any]:
    """A profile as served: with every key that is still honoured, an array only after a rotation (digest, 8.5)."""
    document = write.standing_alone(profiles.publisher(organization, base))
    published = [write.to_json(profiles.cryptographic_key(key, base)) for key in keys.published_keys(organization)]
    if published:
        document["publicKey"] = published[0] if len(published) == 1 else published
    return document


def key_document(key: SigningKey, base: str) -> dict[str, Any]:
    """A key as served (CLR1-P-14, CLR1-P-15)."""
    return write.standing_alone(profiles.cryptographic_key(key, base))


def revocation_document(organization: Organization, base: str) -> dict[str, Any]:
    """The organization's revocation list; the home institution's names everything of ours (CLR1-P-18)."""
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
