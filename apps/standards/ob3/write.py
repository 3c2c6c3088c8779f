"""Credentials of Open Badges 3.0 as JSON, before they are signed.

Every function gives plain JSON objects with the contexts in their order and nothing empty in them: what is not
known is left out, lists are lists. ``proofs.data_integrity.sign`` and ``proofs.vc_jwt.payload_for`` do the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.standards import identities
from apps.standards.jsonld import contexts
from apps.standards.ob3 import model
from apps.standards.status import bitstring, revocation_list

JsonObject = dict[str, Any]

_SERVICE_TYPES = frozenset({model.SCHEMA_VALIDATOR, model.REFRESH_SERVICE, revocation_list.ENTRY_TYPE})


def _without_gaps(members: Mapping[str, Any]) -> JsonObject:
    """The members that say something (section 3: no nulls, no empty lists)."""
    return {name: value for name, value in members.items() if value is not None and value != []}


def profile(id: str, name: str | None = None, **more: Any) -> JsonObject:
    """A Profile; ``more`` are further properties by their wire names."""
    return _without_gaps({"id": id, "type": ["Profile"], "name": name, **more})


def image(address: str, caption: str | None = None) -> JsonObject:
    """An Image: an address or data URI."""
    return _without_gaps({"id": address, "type": "Image", "caption": caption})


def achievement(
    id: str,
    *,
    name: str,
    description: str,
    criteria: str | None = None,
    criteria_address: str | None = None,
    **more: Any,
) -> JsonObject:
    """An Achievement. Raises ``ValueError`` without criteria in text or as address."""
    if not criteria and not criteria_address:
        raise ValueError("an achievement has criteria, as text or as an address")
    return _without_gaps(
        {
            "id": id,
            "type": ["Achievement"],
            "name": name,
            "description": description,
            "criteria": _without_gaps({"id": criteria_address, "narrative": criteria}),
            **more,
        }
    )


def result(*, result_description: str | None, value: str | None = None, **more: Any) -> JsonObject:
    """A Result; its value is text, also for numbers."""
    return _without_gaps({"type": ["Result"], "resultDescription": result_description, "value": value, **more})


def identity(value: str, kind: str = "emailAddress", *, salt: str | None = None) -> JsonObject:
    """An IdentityObject: hashed with SHA-256 when there is a salt, plain otherwise (PRIV-06)."""
    if salt is None:
        return {"type": "IdentityObject", "hashed": False, "identityHash": value, "identityType": kind}
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": identities.hashed(value, salt),
        "identityType": kind,
        "salt": salt,
    }


def subject(
    *, achievement: Mapping[str, Any], id: str | None = None, identifiers: Sequence[Mapping[str, Any]] = (), **more: Any
) -> JsonObject:
    """An AchievementSubject. Raises ``ValueError`` if nobody is named."""
    if id is None and not identifiers:
        raise ValueError("a subject has an id or an identifier")
    return _without_gaps(
        {
            "id": id,
            "type": ["AchievementSubject"],
            "identifier": list(identifiers),
            "achievement": dict(achievement),
            **more,
        }
    )


def badge(
    *, id: str, issuer: Mapping[str, Any], valid_from: str, subject: Mapping[str, Any], name: str | None, **more: Any
) -> JsonObject:
    """An OpenBadgeCredential, unsigned."""
    kinds = ["VerifiableCredential", "OpenBadgeCredential"]
    return credential([contexts.OPEN_BADGES], kinds, id, issuer, valid_from, subject, name=name, **more)


def endorsement(
    *,
    id: str,
    issuer: Mapping[str, Any],
    valid_from: str,
    about: str,
    name: str,
    comment: str | None = None,
    **more: Any,
) -> JsonObject:
    """An EndorsementCredential, unsigned; ``about`` is the id of what it endorses."""
    endorsed = _without_gaps({"id": about, "type": ["EndorsementSubject"], "endorsementComment": comment})
    kinds = ["VerifiableCredential", model.ENDORSEMENT_TYPE]
    return credential([contexts.OPEN_BADGES], kinds, id, issuer, valid_from, endorsed, name=name, **more)


def credential(
    further_contexts: Iterable[str],
    types: Sequence[str],
    id: str,
    issuer: Mapping[str, Any] | str,
    valid_from: str,
    credential_subject: Mapping[str, Any],
    **more: Any,
) -> JsonObject:
    """Any credential of the data model 2.0; the context of the 1EdTech services is added where it is needed."""
    document = _without_gaps(
        {
            "@context": [contexts.CREDENTIALS_V2, *further_contexts],
            "id": id,
            "type": list(types),
            **{name: more.pop(name) for name in ("name", "description") if name in more},
            "issuer": issuer,
            "validFrom": valid_from,
            "credentialSubject": dict(credential_subject),
            **more,
        }
    )
    if _uses_services(document):
        document["@context"] = [*document["@context"], contexts.OPEN_BADGES_SERVICES]
    return document


def _uses_services(value: Any) -> bool:
    if isinstance(value, dict):
        kinds = value.get("type")
        if isinstance(kinds, str) and kinds in _SERVICE_TYPES:
            return True
        return any(_uses_services(item) for item in value.values())
    return isinstance(value, list) and any(_uses_services(item) for item in value)


# --- services -------------------------------------------------------------------------------------------------


def status_entry(list_address: str, index: int, purpose: str = "revocation") -> JsonObject:
    """A BitstringStatusListEntry (8.2); the index is text."""
    return {
        "id": f"{list_address}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": str(index),
        "statusListCredential": list_address,
    }


def revocation_list_entry(list_address: str) -> JsonObject:
    """A 1EdTechRevocationList entry (8.1)."""
    return {"id": list_address, "type": revocation_list.ENTRY_TYPE}


def published_schema(address: str = model.BADGE_SCHEMA) -> JsonObject:
    """A reference to a published 1EdTech schema."""
    return {"id": address, "type": model.SCHEMA_VALIDATOR}


def status_list(
    *, address: str, issuer: str, valid_from: str, revoked: Iterable[int], purpose: str = "revocation", entries: int
) -> JsonObject:
    """A BitstringStatusListCredential, unsigned; ``revoked`` are the indexes whose bit is set."""
    holder = {
        "id": f"{address}#list",
        "type": "BitstringStatusList",
        "statusPurpose": purpose,
        "encodedList": bitstring.encoded_list(revoked, entries=entries),
    }
    kinds = ["VerifiableCredential", "BitstringStatusListCredential"]
    return credential([], kinds, address, issuer, valid_from, holder)
