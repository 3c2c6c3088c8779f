"""Records as schema.org says them: what search engines, mail programs and wallets read from a page.

A page says with this what it shows, no more. The terms are those of schema.org's EducationalOccupationalCredential
and Course.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

CONTEXT = "https://schema.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Achieved:
    """One achievement of a record. `kind` is the standard's own word (Course, Degree …)."""

    id: str
    name: str
    kind: str
    code: str = ""
    description: str = ""
    date: str = ""
    competencies: tuple[str, ...] = ()


def achieved(item: Achieved) -> dict[str, Any]:
    """An achievement as a part of a credential."""
    node: dict[str, Any] = {
        "@type": "EducationalOccupationalCredential",
        "@id": item.id,
        "name": item.name,
        "credentialCategory": item.kind,
    }
    for name, value in (("identifier", item.code), ("description", item.description), ("dateCreated", item.date)):
        if value:
            node[name] = value
    if item.competencies:
        node["competencyRequired"] = list(item.competencies)
    return node


def offered(item: Achieved, *, url: str, issuer_id: str, issuer: str) -> dict[str, Any]:
    """An achievement that stands on a page of its own, earned by nobody in particular."""
    recognized = {"@type": "EducationalOrganization", "@id": issuer_id, "name": issuer}
    return {"@context": CONTEXT, **achieved(item), "url": url, "recognizedBy": recognized}


def credential(
    *,
    id: str,
    name: str,
    url: str,
    learner: str,
    issuer_id: str,
    issuer: str,
    date: str,
    code: str,
    parts: Iterable[Achieved],
    encodings: Iterable[tuple[str, str]] = (),
    is_valid: bool = True,
) -> dict[str, Any]:
    """A whole record as JSON-LD. `date` is ISO 8601; `encodings` are (address, media type) of its other forms."""
    node: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "EducationalOccupationalCredential",
        "@id": id,
        "name": name,
        "url": url,
        "identifier": code,
        "credentialCategory": "Comprehensive Learner Record",
        "dateCreated": date,
        "creativeWorkStatus": "Published" if is_valid else "Revoked",
        "about": {"@type": "Person", "name": learner},
        "recognizedBy": {"@type": "EducationalOrganization", "@id": issuer_id, "name": issuer},
        "hasPart": [achieved(part) for part in parts],
    }
    encoding = [
        {"@type": "MediaObject", "contentUrl": address, "encodingFormat": media_type}
        for address, media_type in encodings
    ]
    if encoding:
        node["encoding"] = encoding
    return node
