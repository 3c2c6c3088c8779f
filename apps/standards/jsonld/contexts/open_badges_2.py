"""The terms of Open Badges 2.0, from the table that the reader of badges works with, and their datatypes."""

from __future__ import annotations

from typing import Any

from apps.standards.ob2.model import PREFIXES, TERMS

_REFERENCES = frozenset(
    {
        "author",
        "claim",
        "creator",
        "endorsement",
        "image",
        "owner",
        "publicKey",
        "related",
        "url",
        "alignment",
        "badge",
        "criteria",
        "evidence",
        "issuer",
        "recipient",
        "revocationList",
        "verification",
    }
)
_DATATYPES = {
    "created": "dateTime",
    "expires": "dateTime",
    "issuedOn": "dateTime",
    "hashed": "boolean",
    "revoked": "boolean",
}


def terms() -> dict[str, Any]:
    """The Open Badges 2.0 context (without the ``@context`` wrapper)."""
    context: dict[str, Any] = {"id": "@id", "type": "@type", **PREFIXES}
    for term, iri in TERMS.items():
        if term in _REFERENCES:
            context[term] = {"@id": iri, "@type": "@id"}
        elif term in _DATATYPES:
            context[term] = {"@id": iri, "@type": PREFIXES["xsd"] + _DATATYPES[term]}
        else:
            context[term] = iri
    return context
