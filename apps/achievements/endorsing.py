"""Endorsements: made here, signed with our key or hosted at our address; put on what they endorse; revoked.

Received ones, which others signed or host, come in through `endorsement_imports`.
"""

import hashlib
import re
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.achievements.models import Achievement, Assertion, Endorsement, Endorser
from apps.institution import audit, keys, profiles
from apps.institution.models import Organization, SigningKey
from apps.learners.models import ImportRun
from apps.standards.clr1 import model, read, write
from apps.standards.proofs import jws

KIND_OF: dict[type[Any], tuple[str, str]] = {
    Achievement: ("achievement", "achievements"),
    Assertion: ("assertion", "assertions"),
    Organization: ("organization", "profiles"),
}
"""What can be endorsed: the field that names it, and the kind of its address."""
_ADDRESS = re.compile(r"/ims/clr/v1p0/(achievements|assertions|profiles)/([0-9a-f-]{36})")

Target = Achievement | Assertion | Organization


class EndorsementRefused(Exception):
    """It cannot be endorsed so, or not be revoked; the text tells a person why."""


# --- Addresses and profiles -------------------------------------------------------------------


def address_of(target: Target, base: str) -> str:
    """The id under which records name what is endorsed."""
    return profiles.object_address(base, KIND_OF[type(target)][1], target.public_id)


def target_at(address: str) -> Target | None:
    """What of ours stands at an address; None where nothing does that can be endorsed."""
    for base in {keys.public_base(), settings.BASE_URL}:
        found = _ADDRESS.fullmatch(address[len(base) :]) if address.startswith(f"{base}/") else None
        if found is None:
            continue
        kind = next(kind for kind, names in KIND_OF.items() if names[1] == found[1])
        try:
            public_id = uuid.UUID(found[2])
        except ValueError:
            return None
        target: Target | None = kind.objects.filter(public_id=public_id).first()
        return target
    return None


def is_ours(address: str) -> bool:
    """Whether an id was made by this portal."""
    return any(address.startswith(f"{base}/") for base in {keys.public_base(), settings.BASE_URL})


def profile_of(endorser: Endorser, base: str) -> model.EndorsementProfile:
    """The profile of somebody outside, as far as they are told here; it stands at an address of ours."""
    is_person = endorser.kind == Endorser.Kind.PERSON
    return model.EndorsementProfile(
        id=profiles.object_address(base, "profiles", endorser.public_id),
        type="EndorsementProfile",
        name=endorser.name,
        given_name=(endorser.given_name or None) if is_person else None,
        family_name=(endorser.family_name or None) if is_person else None,
        official=endorser.official or None,
        description=endorser.description or None,
        email=endorser.email or None,
        telephone=endorser.telephone or None,
        url=endorser.url or None,
        verification=_policy(base),
    )


def _profile_of_organization(organization: Organization, base: str) -> model.EndorsementProfile:
    whole = profiles.publisher(organization, base)
    shared = model.describe(model.EndorsementProfile).members.values()
    values = {member.attribute: getattr(whole, member.attribute) for member in shared}
    return model.EndorsementProfile(**{**values, "type": "EndorsementProfile"})


def _policy(base: str) -> model.Verification:
    return write.hosted_policy(origin=base.split("://", 1)[-1], starts_with=f"{base}/")


# --- Making -----------------------------------------------------------------------------------


def endorse(
    target: Target,
    *,
    endorser: Endorser | None = None,
    by_organization: Organization | None = None,
    comment: str = "",
    on: datetime | None = None,
    sign: bool = False,
    by: Any = None,
    import_run: ImportRun | None = None,
) -> Endorsement:
    """An endorsement by somebody outside (`endorser`) or by an organization of ours, made and fixed now.

    With `sign` it carries the institution's own signature, which only the home institution can give; else its address
    here vouches for it. Raises `EndorsementRefused`.
    """
    if (endorser is None) == (by_organization is None):
        raise EndorsementRefused(_("Say who endorses: somebody outside, or an organization of the institution."))
    if by_organization is not None and isinstance(target, Organization) and target.pk == by_organization.pk:
        raise EndorsementRefused(_("Nobody endorses themselves."))
    if sign and (by_organization is None or not by_organization.is_home):
        raise EndorsementRefused(_("Only the institution itself signs with its key. Leave the signature out."))
    moment = (on or timezone.now()).replace(microsecond=0)
    if moment > timezone.now():
        raise EndorsementRefused(_("The day of an endorsement does not lie ahead."))
    base = keys.public_base()
    if by_organization is not None:
        issuer = _profile_of_organization(by_organization, base)
    else:
        assert endorser is not None
        issuer = profile_of(endorser, base)
    made = Endorsement(
        **{KIND_OF[type(target)][0]: target},
        endorser=endorser,
        by_organization=by_organization,
        issuer_name=issuer.name or "",
        comment=comment.strip(),
        issued_on=moment,
        is_signed=sign,
        created_by=by,
        import_run=import_run,
        checked_at=timezone.now(),
    )
    made.document_id = profiles.object_address(base, "endorsements", made.public_id)
    document = model.Endorsement(
        id=made.document_id,
        type="Endorsement",
        issued_on=write.date_time(moment),
        claim=model.EndorsementClaim(
            id=address_of(target, base), type="EndorsementClaim", endorsement_comment=made.comment or None
        ),
        issuer=issuer,
        verification=write.hosted(),
    )
    if sign:
        assert by_organization is not None
        made.key = keys.ensure_active_key(by_organization)
        key = profiles.cryptographic_key(made.key, base)
        issuer.public_key = key
        document.verification = model.Verification(type="Signed", creator=key.id)
        content = keys.signer(made.key).sign(write.canonical(write.standing_alone(document)))
    else:
        content = write.canonical(write.standing_alone(document))
    return store(made, content, by=by)


def store(endorsement: Endorsement, content: bytes, *, by: Any) -> Endorsement:
    """Keeps an endorsement with its bytes, which never change afterwards."""
    endorsement.content = content
    endorsement.digest = hashlib.sha256(content).hexdigest()
    endorsement.size = len(content)
    with transaction.atomic():
        endorsement.save()
        audit.record(
            "endorsement.made", endorsement, by, digest=endorsement.digest, target=str(_public_id(endorsement))
        )
    return endorsement


def _public_id(endorsement: Endorsement) -> uuid.UUID:
    return endorsement.target.public_id


# --- What it says -----------------------------------------------------------------------------


def document_of(endorsement: Endorsement) -> dict[str, Any]:
    """What an endorsement says, out of the stored bytes."""
    content = bytes(endorsement.content)
    body = jws.decode_part(content.split(b".")[1], "content") if endorsement.is_signed else content
    document: dict[str, Any] = orjson.loads(body)
    return document


def payload_of(endorsement: Endorsement) -> bytes:
    """The JSON of an endorsement as it was signed or made, byte for byte."""
    content = bytes(endorsement.content)
    return jws.decode_part(content.split(b".")[1], "content") if endorsement.is_signed else content


def put_on(
    node: model.Profile | model.Achievement | model.Assertion | model.Clr, endorsements: Iterable[Endorsement]
) -> None:
    """Puts endorsements on what they endorse, the signed ones exactly as they are (CLR1-P-04).

    Inside a record they have no `@context` of their own (section 2).
    """
    for each in endorsements:
        if each.is_signed:
            node.signed_endorsements = [*node.signed_endorsements, bytes(each.content).decode("ascii")]
        else:
            document = document_of(each)
            document.pop("@context", None)
            node.endorsements = [*node.endorsements, read.parse(document, model.Endorsement)]


# --- Ending -----------------------------------------------------------------------------------


def revoke(endorsement: Endorsement, *, by: Any, reason: str) -> None:
    """Takes an endorsement back: no new record holds it, its address says so, our list names it (REL-13).

    One that somebody else signed is only left out from now on: revoking it is its endorser's to do.
    """
    if not reason.strip():
        raise EndorsementRefused(_("Say why it is revoked; the reason is shown to whoever looks at it."))
    with transaction.atomic():
        changed = Endorsement.objects.filter(pk=endorsement.pk, revoked_at=None).update(
            revoked_at=timezone.now(), revoked_by=by, revocation_reason=reason.strip()
        )
        if not changed:
            raise EndorsementRefused(_("It was revoked before; nothing was changed."))
        audit.record("endorsement.revoked", endorsement, by, reason=reason.strip())
    endorsement.refresh_from_db()


def revoked_ids() -> list[str]:
    """Ids of our own endorsements that were revoked, for our revocation list (CLR1-P-18)."""
    ours = Endorsement.objects.exclude(revoked_at=None).exclude(endorser=None, by_organization=None)
    return list(ours.order_by("revoked_at", "pk").values_list("document_id", flat=True))


def after_compromise(key: SigningKey, by: Any) -> int:
    """What a compromised key signed does not count any more; it is left out until endorsed anew (SEC-61)."""
    return Endorsement.objects.filter(key=key, state=Endorsement.State.HOLDS).update(
        state=Endorsement.State.FAILS, problem=_("The key that signed it was compromised. Endorse anew.")
    )


def register() -> None:
    """Lets a compromised key act here."""
    keys.ON_COMPROMISE.append(after_compromise)
