"""Organizations in the standard's terms: the profiles that records name and that are served at their ids."""

import re

from apps.institution import keys
from apps.institution.models import Organization, SigningKey
from apps.standards.clr1 import model, write

BASE_PATH = "/ims/clr/v1p0"


def object_address(base: str, kind: str, public_id: object) -> str:
    """The id of one of our CLR 1.0 objects: `kind` is `clrs`, `assertions`, `profiles`, … (contract, *Addresses*)."""
    return f"{base}{BASE_PATH}/{kind}/{public_id}"


def profile_address(organization: Organization, base: str) -> str:
    """The id of an organization's profile; it never changes (CLR 1.0 digest, 8.5)."""
    return object_address(base, "profiles", organization.public_id)


def revocation_list_address(organization: Organization, base: str) -> str:
    """Where the organization's revocation list is served."""
    return object_address(base, "revocations", organization.public_id)


def reference(organization: Organization, base: str) -> model.Profile:
    """The short form of a profile inside a record: id, class and name."""
    return model.Profile(id=profile_address(organization, base), type="Profile", name=organization.name)


def issuer(organization: Organization, base: str) -> model.Profile:
    """An issuer inside a record: with its revocation list, as issuers must (CLR1-P-16)."""
    profile = reference(organization, base)
    profile.url = organization.url or None
    profile.revocation_list = revocation_list_address(organization, base)
    return profile


def publisher(organization: Organization, base: str) -> model.Profile:
    """The whole profile of the publisher without a key; the key comes with the envelope."""
    return model.Profile(
        id=profile_address(organization, base),
        type="Profile",
        name=organization.name,
        official=organization.official or None,
        description=organization.description or None,
        email=organization.email or None,
        telephone=organization.telephone or None,
        url=organization.url or None,
        address=_address(organization),
        sourced_id=organization.source_id or None,
        identifiers=[
            model.SystemIdentifier(
                type="SystemIdentifier",
                identifier=str(each["identifier"]),
                identifier_type=identifier_type(str(each["identifierType"])),
            )
            for each in organization.identifiers
            if isinstance(each, dict) and each.get("identifier") and each.get("identifierType")
        ],
        parent_org=reference(organization.parent, base) if organization.parent else None,
        revocation_list=revocation_list_address(organization, base),
        verification=write.hosted_policy(origin=base.split("://", 1)[-1], starts_with=f"{base}/"),
    )


def cryptographic_key(key: SigningKey, base: str) -> model.CryptographicKey:
    """The key document's content; its owner is the profile that names it (CLR1-P-15)."""
    return write.cryptographic_key(
        id=keys.address(key),
        owner=profile_address(key.organization, base),
        public_key_pem=key.public_pem,
    )


def identifier_type(kind: str) -> str:
    """A kind of identifier as the standard takes it: one of its own, or with the prefix `ext:` (CLR1-P-20)."""
    if model.IDENTIFIER_TYPE.allows(kind):
        return kind
    return "ext:" + (re.sub(r"[^a-zA-Z0-9._-]", "", kind.removeprefix("ext:")) or "Other")


def _address(organization: Organization) -> model.Address | None:
    address = model.Address(
        type="Address",
        street_address=organization.street_address or None,
        address_locality=organization.address_locality or None,
        address_region=organization.address_region or None,
        postal_code=organization.postal_code or None,
        address_country=organization.address_country or None,
    )
    filled = (address.street_address, address.address_locality, address.address_region, address.postal_code)
    return address if any((*filled, address.address_country)) else None
