"""From objects to JSON, and from an approved snapshot to the payload that is signed.

A record is approved before it has an id, a date of issue or a key. What is approved is the *snapshot*: the
canonical JSON bytes of the Clr without its envelope. The *envelope* is ``id``, ``issuedOn``,
``verification`` and the publisher's ``publicKey``. ``build_payload`` puts the two together, and
``snapshot_of`` takes the envelope off again and gives the approved bytes back, so that anyone can show that
what was signed is what was approved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import orjson

from apps.standards.clr1 import model
from apps.standards.errors import DocumentFault

_ENVELOPE_MEMBERS = ("id", "issuedOn", "verification")


def to_json(node: model.Node) -> dict[str, Any]:
    """The JSON object of a typed object: described members in the order of the model, then ``extra``.

    Absent values and empty lists are left out; ``null`` is never written (section 2). A member of ``extra``
    that has the name of a described member is written only where that member has no value.
    """
    document: dict[str, Any] = {}
    for wire, member in model.describe(type(node)).members.items():
        value = getattr(node, member.attribute)
        if value is None or value == []:
            if member.described.many and member.described.required and wire not in node.extra:
                document[wire] = []
            continue
        if member.of is None:
            document[wire] = list(value) if isinstance(value, list) else value
        elif member.described.many:
            document[wire] = [to_json(item) for item in value]
        else:
            document[wire] = to_json(value)
    for name, value in node.extra.items():
        document.setdefault(name, value)
    return document


def canonical(document: Any) -> bytes:
    """Canonical JSON bytes: UTF-8, no blanks, members sorted by code point, numbers in shortest form."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def date_time(moment: datetime) -> str:
    """A DateTime of the standard in UTC, to the second (``2026-06-30T15:00:00Z``).

    Raises ``ValueError`` for a moment without a zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a DateTime needs a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def start_of_day(day: date) -> str:
    """The DateTime that stands for a calendar day where the standard knows no plain date."""
    return f"{day.isoformat()}T00:00:00Z"


# --- snapshot and envelope --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a record receives only when it is issued: its id, the moment, and the key that signs it."""

    id: str
    issued_on: datetime
    key: model.CryptographicKey


def snapshot_bytes(clr: model.Clr | Mapping[str, Any]) -> bytes:
    """The canonical bytes of a record without its envelope: what is approved, and what is digested.

    ``@context`` and ``type`` are set here if they are missing. Raises ``DocumentFault`` if the record
    already carries a part of the envelope, or has no publisher to whom a key could be given.
    """
    document = to_json(clr) if isinstance(clr, model.Clr) else dict(clr)
    for name in _ENVELOPE_MEMBERS:
        if document.get(name) is not None:
            raise DocumentFault(f"A snapshot has no {name}; it is given when the record is issued.", at=f"/{name}")
    publisher = document.get("publisher")
    if not isinstance(publisher, Mapping):
        raise DocumentFault("A record needs a publisher.", code="PROPERTY_MISSING", at="/publisher")
    if publisher.get("publicKey") is not None:
        raise DocumentFault("A snapshot has no key; it is given when the record is issued.", at="/publisher/publicKey")
    document.setdefault("@context", model.CONTEXT_URL)
    document.setdefault("type", "Clr")
    return canonical(document)


def build_payload(snapshot: bytes, envelope: Envelope) -> bytes:
    """The payload to be signed: the snapshot with its envelope. A pure function of its arguments.

    Raises ``DocumentFault`` if the bytes are not a snapshot.
    """
    document = _snapshot_object(snapshot)
    document["id"] = envelope.id
    document["issuedOn"] = date_time(envelope.issued_on)
    document["verification"] = {"creator": envelope.key.id, "type": "Signed"}
    document["publisher"]["publicKey"] = to_json(envelope.key)
    return canonical(document)


def snapshot_of(payload: bytes) -> bytes:
    """The snapshot that a payload of ``build_payload`` was made from, byte for byte."""
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError as fault:
        raise DocumentFault("The payload is not JSON.") from fault
    if not isinstance(document, dict) or not isinstance(document.get("publisher"), dict):
        raise DocumentFault("The payload is not a record.")
    for name in _ENVELOPE_MEMBERS:
        document.pop(name, None)
    document["publisher"].pop("publicKey", None)
    return canonical(document)


def _snapshot_object(snapshot: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(snapshot)
    except orjson.JSONDecodeError as fault:
        raise DocumentFault("The snapshot is not JSON.") from fault
    if not isinstance(document, dict) or not isinstance(document.get("publisher"), dict):
        raise DocumentFault("The snapshot is not a record with a publisher.")
    present = [name for name in _ENVELOPE_MEMBERS if name in document]
    if present or "publicKey" in document["publisher"]:
        raise DocumentFault("The snapshot already carries a part of an envelope.")
    return document


# --- small documents --------------------------------------------------------------------------------------


def standing_alone(node: model.Node) -> dict[str, Any]:
    """The JSON object of a document served at its own address: the same with ``@context`` first."""
    document = to_json(node)
    document.pop("@context", None)
    return {"@context": model.CONTEXT_URL, **document}


def cryptographic_key(*, id: str, owner: str, public_key_pem: str) -> model.CryptographicKey:
    """A key document; ``owner`` is the id of the profile whose ``publicKey`` it is (CLR1-P-15)."""
    return model.CryptographicKey(id=id, type="CryptographicKey", owner=owner, public_key_pem=public_key_pem)


def revocation_list(*, id: str, issuer: str, revoked: Iterable[str]) -> dict[str, Any]:
    """The served revocation list: ids of revoked records, assertions, endorsements (CLR1-P-18)."""
    return {
        "@context": model.CONTEXT_URL,
        "id": id,
        "type": "RevocationList",
        "issuer": issuer,
        "revokedAssertions": list(revoked),
    }


def hosted() -> model.Verification:
    """The ``verification`` of an object that its own address vouches for (section 8.3)."""
    return model.Verification(type="Hosted")


def hosted_policy(*, origin: str, starts_with: str) -> model.Verification:
    """The ``verification`` of an issuer's profile: where its hosted objects live (CLR1-P-16)."""
    return model.Verification(
        type="Verification",
        verification_property="id",
        allowed_origins=[origin],
        starts_with=[starts_with],
    )


def discovery_document(
    *,
    name: str,
    authorization_url: str,
    registration_url: str,
    token_url: str,
    privacy_policy_url: str,
    terms_of_service_url: str,
    scopes_offered: Iterable[str],
    image: str | None = None,
) -> dict[str, Any]:
    """The answer of getDiscoveryDocument (section 5.2): these properties and no other (CLR1-P-01)."""
    return standing_alone(
        model.DiscoveryDocument(
            name=name,
            image=image,
            authorization_url=authorization_url,
            registration_url=registration_url,
            token_url=token_url,
            privacy_policy_url=privacy_policy_url,
            terms_of_service_url=terms_of_service_url,
            scopes_offered=list(scopes_offered),
        )
    )


def clr_set(*, clrs: Iterable[Mapping[str, Any]] = (), signed_clrs: Iterable[str] = ()) -> dict[str, Any]:
    """The answer of getClrs; both arrays are always written, also when empty (section 5.3)."""
    return {
        "@context": model.CONTEXT_URL,
        "type": "ClrSet",
        "clrs": [dict(clr) for clr in clrs],
        "signedClrs": list(signed_clrs),
    }


def clr_payload(*, clr: Mapping[str, Any] | None = None, signed_clr: str | None = None) -> dict[str, Any]:
    """The body of postClr and of its answer. Raises ``ValueError`` unless exactly one form is given."""
    if (clr is None) == (signed_clr is None):
        raise ValueError("a ClrPayload carries either clr or signedClr")
    body: dict[str, Any] = {"@context": model.CONTEXT_URL}
    if clr is not None:
        body["clr"] = dict(clr)
    else:
        body["signedClr"] = signed_clr
    return body


_STATUS_BY_HTTP: dict[int, tuple[str, str, str]] = {
    200: ("success", "status", "fullsuccess"),
    201: ("success", "status", "fullsuccess"),
    304: ("success", "status", "not_modified"),
    400: ("failure", "error", "invalid_data"),
    401: ("failure", "error", "unauthorizedrequest"),
    403: ("failure", "error", "forbidden"),
    404: ("failure", "error", "unknown"),
    405: ("unsupported", "error", "not_allowed"),
    406: ("failure", "error", "not_acceptable"),
    410: ("failure", "error", "unknown"),
    413: ("failure", "error", "invalid_data"),
    415: ("failure", "error", "invalid_data"),
    421: ("failure", "error", "misdirected_request"),
    429: ("failure", "error", "server_busy"),
    500: ("failure", "error", "internal_server_error"),
    503: ("failure", "error", "server_busy"),
}


def status_info(*, http_status: int, description: str, system: str, code_minor: str | None = None) -> dict[str, Any]:
    """The imsx_StatusInfo body for an HTTP status (section 6, CLR1-P-08).

    ``system`` names the reporting system (its host); ``code_minor`` replaces the usual minor code of the
    status, for example ``invalid_query_parameter`` for a bad query.
    """
    major, severity, minor = _STATUS_BY_HTTP.get(http_status, ("failure", "error", "unknown"))
    return {
        "@context": model.CONTEXT_URL,
        "imsx_codeMajor": major,
        "imsx_severity": severity,
        "imsx_description": description,
        "imsx_codeMinor": {
            "imsx_codeMinorField": [
                {"imsx_codeMinorFieldName": system, "imsx_codeMinorFieldValue": code_minor or minor}
            ]
        },
    }
