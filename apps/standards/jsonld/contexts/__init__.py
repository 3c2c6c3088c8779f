"""JSON-LD contexts that are known without a network, by address.

No address is ever fetched: a context that is not here does not exist for us (SEC-22). Each is written as terms
in this package's own notation; ``tests/standards/jsonld/test_contexts.py`` proves that every one means exactly
what the published file of the same address means.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from apps.standards.jsonld.contexts import clr, clr1, credentials, open_badges, open_badges_2, security

CREDENTIALS_V1 = "https://www.w3.org/2018/credentials/v1"
CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
UNDEFINED_TERMS_V2 = "https://www.w3.org/ns/credentials/undefined-terms/v2"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
OPEN_BADGES_SERVICES = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json"
CLR = "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json"
CLR_1 = "https://purl.imsglobal.org/spec/clr/v1p0/context/clr_v1p0.jsonld"
OPEN_BADGES_2 = "https://w3id.org/openbadges/v2"
DATA_INTEGRITY_V2 = "https://w3id.org/security/data-integrity/v2"
ED25519_2020 = "https://w3id.org/security/suites/ed25519-2020/v1"
DID_V1 = "https://www.w3.org/ns/did/v1"
MULTIKEY = "https://w3id.org/security/multikey/v1"

_OB = "https://purl.imsglobal.org/spec/ob/v3p0/"
_CLR = "https://purl.imsglobal.org/spec/clr/v2p0/"

_WRITERS: dict[str, Callable[[], Any]] = {
    CREDENTIALS_V1: credentials.first_model,
    CREDENTIALS_V2: credentials.second_model,
    UNDEFINED_TERMS_V2: credentials.undefined_terms,
    "https://www.w3.org/ns/credentials/status/v1": credentials.status_list,
    "https://w3id.org/vc/status-list/2021/v1": credentials.status_list_2021,
    DID_V1: credentials.did_document,
    _OB + "context.json": lambda: open_badges.terms("3.0.0"),
    _OB + "context/ob_v3p0.jsonld": lambda: open_badges.terms("3.0.0"),
    _OB + "context-3.0.0.json": lambda: open_badges.terms("3.0.0"),
    _OB + "context-3.0.1.json": lambda: open_badges.terms("3.0.1"),
    _OB + "context-3.0.2.json": lambda: open_badges.terms("3.0.2"),
    OPEN_BADGES: lambda: open_badges.terms("3.0.3"),
    OPEN_BADGES_SERVICES: open_badges.service_types,
    _CLR + "context.json": lambda: clr.terms("2.0.0"),
    _CLR + "context-2.0.0.json": lambda: clr.terms("2.0.0"),
    CLR: lambda: clr.terms("2.0.1"),
    CLR_1: clr1.terms,
    OPEN_BADGES_2: open_badges_2.terms,
    "https://openbadgespec.org/v2/context.json": open_badges_2.terms,
    "https://w3id.org/security/v1": security.vocabulary_first,
    "https://w3id.org/security/v2": security.vocabulary_second,
    "https://w3id.org/security/data-integrity/v1": security.data_integrity_first,
    DATA_INTEGRITY_V2: security.data_integrity_second,
    ED25519_2020: security.ed25519_of_2020,
    "https://w3id.org/security/suites/jws-2020/v1": security.jws_of_2020,
    MULTIKEY: security.multikey,
    **{
        f"https://openbadgespec.org/extensions/{name}/context-3.0.0.json": (
            lambda name=name: open_badges.extension(name)  # type: ignore[misc]
        )
        for name in (
            "accessibilityExtension",
            "applyLinkExtension",
            "geoCoordinatesExtension",
            "licenseExtension",
        )
    },
}


def known() -> tuple[str, ...]:
    """The addresses of all built-in contexts."""
    return tuple(_WRITERS)


@cache
def document_for(url: str) -> dict[str, Any] | None:
    """The context document ``{"@context": …}`` behind an address; None for an address that is not built in.

    The value is shared: do not change it.
    """
    writer = _WRITERS.get(url)
    return None if writer is None else {"@context": writer()}
