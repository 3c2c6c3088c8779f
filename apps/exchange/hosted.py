"""What stands at the ids of our CLR 1.0 objects, for somebody without a token: status and document.

The verifier answers itself with these for our own addresses (SEC-09); `hosted_views` gives them to everybody else.
Personal things are given as far as their learner made them public; private and absent answer alike (I4).
"""

import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from django.conf import settings

from apps.achievements import endorsing
from apps.achievements.models import Achievement, Assertion, Endorsement, Endorser
from apps.institution import keys
from apps.institution.models import Organization, SigningKey
from apps.issuance import documents, published
from apps.issuance.models import Record, Revocation
from apps.standards.clr1 import write
from apps.standards.verify.sources import Fetched

KINDS = ("clrs", "assertions", "achievements", "endorsements", "profiles", "keys", "revocations")
PERSONAL = frozenset({"clrs", "assertions"})
_PATH = re.compile(r"/ims/clr/v1p0/([a-z]+)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")

Answer = tuple[int, dict[str, Any] | bytes]


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


def answer(kind: str, public_id: UUID) -> Answer:
    """Status and document at an address for somebody without a token; private and absent answer alike (I4)."""
    base = keys.public_base()
    if kind == "profiles" and (organization := _organization(public_id)) is not None:
        return 200, published.profile_document(organization, base)
    if kind == "profiles" and (endorser := Endorser.objects.filter(public_id=public_id).first()) is not None:
        return 200, published.endorser_document(endorser, base)
    if kind == "revocations" and (organization := _organization(public_id)) is not None:
        return 200, published.revocation_document(organization, base)
    if kind == "keys":
        return _key(public_id, base)
    if kind == "achievements":
        achievement = Achievement.objects.filter(public_id=public_id).first()
        return (200, published.achievement_document(achievement)) if achievement else absent(404)
    if kind == "endorsements":
        return _endorsement(public_id)
    if kind == "assertions":
        return _assertion(public_id)
    if kind == "clrs":
        return _record(public_id)
    return absent(404)


def as_object(document: dict[str, Any] | bytes) -> dict[str, Any]:
    """A document as a JSON object."""
    found: dict[str, Any] = orjson.loads(document) if isinstance(document, bytes) else document
    return found


def _organization(public_id: UUID) -> Organization | None:
    return Organization.objects.select_related("parent").filter(public_id=public_id).first()


def _key(public_id: UUID, base: str) -> Answer:
    key = SigningKey.objects.select_related("organization").filter(public_id=public_id).first()
    if key is None:
        return absent(404)
    if key.state == SigningKey.State.COMPROMISED:
        return absent(410, "This key was withdrawn. What was signed with it does not count any more.")
    return 200, published.key_document(key, base)


def public_assertion(public_id: UUID) -> tuple[Record, dict[str, Any], Revocation | None] | None:
    """An assertion that stands in a record its learner made public: that record, the assertion as it stands there,
    and its revocation. None when there is none."""
    assertion = Assertion.objects.filter(public_id=public_id).first()
    if assertion is None:
        return None
    revocation = Revocation.objects.filter(assertion=assertion).first()
    holding = (Record.State.ISSUED, Record.State.SUPERSEDED)
    public = Record.objects.public().filter(learner=assertion.learner_id, state__in=holding)
    for record in public.order_by("-pk"):
        try:
            said = orjson.loads(documents.payload(record))
        except documents.DocumentErased:
            continue
        for each in said.get("assertions", ()):
            if str(each.get("id", "")).endswith(f"/assertions/{public_id}"):
                return record, {"@context": said["@context"], **each}, revocation
    return None


def _assertion(public_id: UUID) -> Answer:
    """An assertion of a public record, standing alone and vouched for by its address (getAssertion)."""
    found = public_assertion(public_id)
    if found is None:
        return absent(404)
    _, document, revocation = found
    if revocation is not None:
        return absent(410, revocation.reason)
    return 200, {**document, "verification": write.to_json(write.hosted())}


def public_endorsement(public_id: UUID) -> Endorsement | None:
    """One of our own endorsements; one of what a learner earned only as far as that is public itself (PRIV-03).

    Raises `documents.DocumentDamaged` when its bytes are not those that were made (REL-16).
    """
    every = Endorsement.objects.select_related("achievement", "assertion", "organization", "endorser")
    found = every.filter(public_id=public_id).first()
    if found is None or not found.is_ours:
        return None
    if found.assertion is not None and public_assertion(found.assertion.public_id) is None:
        return None
    if not found.is_whole:
        raise documents.DocumentDamaged(f"The stored bytes of endorsement {found.pk} are not those that were made.")
    return found


def _endorsement(public_id: UUID) -> Answer:
    """An endorsement that was made here (getEndorsement); others stand where their endorser says."""
    found = public_endorsement(public_id)
    if found is None:
        return absent(404)
    if found.revoked_at is not None:
        return absent(410, found.revocation_reason)
    return 200, endorsing.payload_of(found)


def _record(public_id: UUID) -> Answer:
    """A record that its learner made public; else 401, whether it is there or not."""
    record = Record.objects.public().select_related("revocation").filter(public_id=public_id).first()
    if record is None:
        return absent(401, "This record is only for those whom its learner lets read it.")
    if record.state == Record.State.REVOKED:
        return absent(410, record.revocation.reason)
    try:
        return 200, documents.payload(record)
    except documents.DocumentErased:
        return absent(404)


def absent(status: int, sentence: str = "There is nothing at this address.") -> Answer:
    """The standard's status object for an answer that is no document (digest, 6)."""
    host = urlsplit(settings.BASE_URL).hostname or "portal"
    return status, write.status_info(http_status=status, description=sentence, system=host)
