"""What stands at the ids of our Open Badges 2.0 objects, as JSON objects and pictures (contract, *Addresses*).

`badges` makes badges that name these; `exchange.badge_objects` serves them.
"""

import re
from email.utils import parseaddr
from typing import Any
from uuid import UUID, uuid5

import orjson
from django.conf import settings
from django.db.models import Q

from apps.achievements import designing, endorsing
from apps.achievements.models import Achievement, Endorsement
from apps.institution import files, keys, profiles
from apps.institution.models import Organization, SigningKey
from apps.issuance import content
from apps.issuance.models import Badge
from apps.standards.baking import png, svg
from apps.standards.clr1 import model as clr1
from apps.standards.clr1 import read as clr1_read
from apps.standards.convert import clr1_ob2
from apps.standards.errors import RefusedByPolicy
from apps.standards.ob2 import write
from apps.standards.verify.sources import Fetched, OwnRecord

BASE_PATH = "/ims/ob/v2p0"
PNG, SVG, JSON_LD = "image/png", "image/svg+xml", "application/ld+json"
_PATH = re.compile(
    r"/ims/ob/v2p0/([a-z]+)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(\.png|\.svg)?"
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OF_THE_CLASS = frozenset({"resultDescriptions", "associations"})
"""What an achievement says in records and a badge class does not: it tells how results are told."""
OF_THE_RECORD = frozenset(
    {"results", "creditsEarned", "licenseNumber", "source", "ext:group", "endorsements", "signedEndorsements"}
)
"""What an assertion says in the record alone: a badge is shown around, a grade need not be (PRIV-06)."""


def address(base: str, kind: str, public_id: object) -> str:
    """The id of one of our Open Badges objects: `kind` is `assertions`, `badges`, `profiles`, …"""
    return f"{base}{BASE_PATH}/{kind}/{public_id}"


def parse(url: str) -> tuple[str, UUID, str] | None:
    """Kind, id and suffix of one of our addresses; None for any other."""
    for base in {keys.public_base(), settings.BASE_URL}:
        if url.startswith(base + "/") and (match := _PATH.fullmatch(url[len(base) :])):
            return match[1], UUID(match[2]), match[3] or ""
    return None


def issuer_of(achievement: Achievement) -> Organization:
    """Who issues its badges: its organization where that issues in its own name, else the home institution."""
    organization = achievement.issuer
    if organization.is_home or organization.issues_in_own_name:
        return organization
    return Organization.objects.get(is_home=True)


# --- profiles, keys, lists --------------------------------------------------------------------


def key_id(key: SigningKey, organization: Organization) -> UUID:
    """The id of a key as a key of this organization: those of departments are the institution's own."""
    return key.public_id if organization.is_home else uuid5(organization.public_id, str(key.public_id))


def key_document(key: SigningKey, organization: Organization, base: str) -> dict[str, Any]:
    """A key whose owner is the profile that lists it (OB20-I-09, OB20-I-10)."""
    return write.cryptographic_key(
        id=address(base, "keys", key_id(key, organization)),
        owner=address(base, "profiles", organization.public_id),
        public_key_pem=key.public_pem,
    )


def key_at(public_id: UUID) -> tuple[SigningKey, Organization] | None:
    """The key of this id, and whose it is there."""
    key = SigningKey.objects.select_related("organization").filter(public_id=public_id).first()
    if key is not None:
        return key, key.organization
    found = SigningKey.objects.filter(algorithm=SigningKey.Algorithm.RS256)
    for organization in Organization.objects.filter(is_home=False, issues_in_own_name=True):
        for key in found:
            if key_id(key, organization) == public_id:
                return key, organization
    return None


def _reference(organization: Organization, base: str) -> dict[str, Any]:
    """The issuer inside a badge class: what the standard requires of it (OB20-I-01)."""
    return write.profile(
        id=address(base, "profiles", organization.public_id),
        name=organization.name,
        url=organization.url or base,
        email=_email_of(organization),
    )


def _email_of(organization: Organization) -> str:
    """An address that answers: its own, else that of the institution, else the portal's sender."""
    home = Organization.objects.filter(is_home=True).values_list("email", flat=True).first()
    return organization.email or home or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def profile_document(organization: Organization, base: str) -> dict[str, Any]:
    """An issuer's Profile as served: keys that are honoured, revocation list, where its badges are hosted (A7)."""
    home = Organization.objects.filter(is_home=True).first() or organization
    published = [address(base, "keys", key_id(key, organization)) for key in keys.published_keys(home)]
    document = write.profile(
        id=address(base, "profiles", organization.public_id),
        name=organization.name,
        url=organization.url or base,
        email=_email_of(organization),
        telephone=re.sub(r"[^\d+]", "", organization.telephone) or None,
        description=organization.description or None,
        public_key=published[0] if len(published) == 1 else published,
        revocation_list=address(base, "revocations", organization.public_id),
        starts_with=[f"{base}{BASE_PATH}/"],  # also of what is endorsed (A9)
    )
    found = Endorsement.objects.standing().filter(organization=organization)
    return _endorsed(document, found, base)


def revocation_document(organization: Organization, base: str) -> dict[str, Any]:
    """The list of signed badges that do not hold any more, each with its reason (OB20-I-11)."""
    ended = Badge.objects.filter(Q(revoked_at__isnull=False) | Q(replaced_at__isnull=False)).order_by("pk")
    rows = ended.values_list("public_id", "revocation_reason", "replaced_at")
    return write.revocation_list(
        id=address(base, "revocations", organization.public_id),
        issuer=address(base, "profiles", organization.public_id),
        revoked=[(f"urn:uuid:{each}", reason or "It was issued anew.") for each, reason, _replaced in rows],
    )


# --- badge classes, endorsements --------------------------------------------------------------


def class_document(achievement: Achievement, base: str) -> dict[str, Any]:
    """An achievement as a BadgeClass at its own address; with a whole issuer, so that it can be read alone."""
    material = content.empty_material()
    content.load_achievements(material, {achievement.pk})
    said = material.achievement_of(material.achievements[achievement.pk])
    document = class_of(said, achievement, base)
    return _endorsed(document, Endorsement.objects.standing().filter(achievement=achievement), base)


def class_of(said: clr1.Achievement, achievement: Achievement, base: str) -> dict[str, Any]:
    """The BadgeClass of an achievement as a record says it."""
    return clr1_ob2.badge_class_of(
        said,
        id=address(base, "badges", achievement.public_id),
        image=f"{address(base, 'images', achievement.public_id)}.png",
        issuer=_reference(issuer_of(achievement), base),
        criteria=f"{base}/achievements/{achievement.public_id}",
        leave_out=OF_THE_CLASS,
    )


def _endorsed(document: dict[str, Any], endorsements: Any, base: str) -> dict[str, Any]:
    """With the addresses of what stands of our own endorsements: others vouch for the CLR form alone."""
    own = [each for each in endorsements if each.is_whole and endorsement_document(each, base) is not None]
    if own:
        document["endorsement"] = [address(base, "endorsements", each.public_id) for each in own]
    return document


def endorsement_document(endorsement: Endorsement, base: str) -> dict[str, Any] | None:
    """An endorsement by an organization of ours of an achievement or an organization, told of the badge class or the
    profile (A9). None for any other: those vouch for the CLR form alone."""
    target = endorsement.achievement or endorsement.organization
    if target is None or not endorsement.is_ours:
        return None
    said = clr1_read.parse(orjson.loads(endorsing.payload_of(endorsement)), clr1.Endorsement)
    before = profiles.object_address(base, "profiles", "")
    by = (said.issuer.id or "").removeprefix(before) if said.issuer is not None else ""
    endorser = Organization.objects.filter(public_id=by).first() if _UUID.fullmatch(by) else None
    if endorser is None:
        return None
    kind = "badges" if endorsement.achievement is not None else "profiles"
    return clr1_ob2.endorsement_of(
        said,
        id=address(base, "endorsements", endorsement.public_id),
        endorsed=address(base, kind, target.public_id),
        issuer=_reference(endorser, base),
    )


# --- pictures ---------------------------------------------------------------------------------


def class_picture(achievement: Achievement, media_type: str) -> bytes:
    """The badge of an achievement as it is designed now."""
    drawing, picture = designing.drawn(achievement)
    return drawing.encode() if media_type == SVG else picture


def picture_of(badge: Badge, media_type: str) -> bytes:
    """The picture that a badge was issued with. Raises `files.FileMissing`, `files.FileDamaged`."""
    return files.get(badge.svg_digest if media_type == SVG else badge.png_digest)


def baked(badge: Badge, media_type: str, *, signed: bool) -> bytes:
    """The picture with the badge in it, signed or hosted (OB20-I-13 to OB20-I-15).

    Raises `files.FileMissing`, `files.FileDamaged`.
    """
    picture = picture_of(badge, media_type)
    text = bytes((badge.jws if signed else badge.content) or b"").decode()
    if media_type == PNG:
        return png.bake(picture, text)
    if signed:
        return svg.bake(picture, verify=text)
    return svg.bake(picture, verify=orjson.loads(text)["id"], body=text)


# --- as the judge sees it ---------------------------------------------------------------------


class Own:
    """What strangers will find at our addresses when a badge is out; fits `standards.verify.sources`.

    Nothing is fetched: a badge is judged before anybody else can see it.
    """

    def __init__(self, served: dict[str, bytes]) -> None:
        self._served = served

    def issued(self, id: str) -> OwnRecord | None:
        """Nothing: what is judged here is not out yet."""
        return None

    def served(self, url: str) -> Fetched | None:
        """Profile, key, list, badge class and pictures; and the badge itself."""
        body = self._served.get(url)
        if body is None:
            return None
        return Fetched(200, PNG if url.endswith(".png") else JSON_LD, body, url)

    def fetch(self, url: str, *, kind: str) -> Fetched:
        """Raises `RefusedByPolicy`."""
        raise RefusedByPolicy("Nothing is fetched while a badge is issued.")


def around(achievement: Achievement, key: SigningKey, picture: bytes, base: str) -> dict[str, bytes]:
    """Address → what stands there, of everything that a badge of this achievement names."""
    organization = issuer_of(achievement)
    home = Organization.objects.filter(is_home=True).first() or organization
    documents: dict[str, Any] = {
        address(base, "profiles", organization.public_id): profile_document(organization, base),
        address(base, "revocations", organization.public_id): revocation_document(organization, base),
        address(base, "badges", achievement.public_id): class_document(achievement, base),
    }
    for each in {key, *keys.published_keys(home)}:
        documents[address(base, "keys", key_id(each, organization))] = key_document(each, organization, base)
    for endorsed in Endorsement.objects.standing().filter(
        Q(achievement=achievement) | Q(organization__in=[organization, home])
    ):
        if (document := endorsement_document(endorsed, base)) is not None:
            documents[address(base, "endorsements", endorsed.public_id)] = document
    served = {url: orjson.dumps(document) for url, document in documents.items()}
    return {**served, f"{address(base, 'images', achievement.public_id)}.png": picture}


__all__ = [
    "BASE_PATH",
    "OF_THE_RECORD",
    "Own",
    "address",
    "around",
    "baked",
    "class_document",
    "class_of",
    "class_picture",
    "endorsement_document",
    "issuer_of",
    "key_at",
    "key_document",
    "parse",
    "picture_of",
    "profile_document",
    "revocation_document",
]
